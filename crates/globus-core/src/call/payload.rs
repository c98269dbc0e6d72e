//! The body of a request, before it is written.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// What a call sends.
#[derive(Clone)]
pub(super) enum Payload {
    /// Bytes that are sent as they are; none of them where there is no body.
    Written(Bytes),
    /// The members of a JSON object, to which more may come.
    Members(Map<String, Value>),
}

impl Payload {
    pub(super) const fn none() -> Self {
        Self::Written(Bytes::new())
    }

    /// Sets a member of the object; a body that was written already gives way.
    pub(super) fn set(&mut self, name: String, value: Value) {
        match self {
            Self::Members(members) => drop(members.insert(name, value)),
            Self::Written(_) => *self = Self::Members(Map::from_iter([(name, value)])),
        }
    }

    /// Sets a member of an object inside the object; what else stood there gives way.
    pub(super) fn set_in(&mut self, envelope: String, name: String, value: Value) {
        if let Self::Members(members) = self
            && let Some(Value::Object(inner)) = members.get_mut(&envelope)
        {
            inner.insert(name, value);
            return;
        }
        self.set(envelope, Map::from_iter([(name, value)]).into());
    }

    /// The bytes that are sent.
    pub(super) fn into_bytes(self) -> Result<Bytes> {
        match self {
            Self::Written(bytes) => Ok(bytes),
            Self::Members(members) => serde_json::to_vec(&members)
                .map(Bytes::from)
                .map_err(|_| Error::usage("the body cannot be written as JSON")),
        }
    }
}
