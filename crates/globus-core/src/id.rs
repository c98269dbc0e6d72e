//! Ids of things, each kind a type of its own: an id of a task does not pass for one of a collection.
//!
//! All are UUIDs. Methods take `impl Into<TaskId>` and so on, so that a bare [`Uuid`] does as well:
//!
//! ```
//! use globus_core::TaskId;
//! use uuid::Uuid;
//!
//! fn look(task: impl Into<TaskId>) -> String {
//!     format!("/task/{}", task.into())
//! }
//!
//! let id: TaskId = "0ea78fd1-3192-43de-b550-d78b789576cc".parse()?;
//! assert_eq!(look(id), look(Uuid::from(id)));
//! # Ok::<(), uuid::Error>(())
//! ```
//!
//! An id of another kind does not:
//!
//! ```compile_fail,E0277
//! # use globus_core::{EndpointId, TaskId};
//! fn look(task: impl Into<TaskId>) {}
//!
//! look(EndpointId::default());
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::decode::{Decode, DecodeError, Reader};

macro_rules! ids {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Whether this is no id at all: what a document has where the service named none.
            pub const fn is_nil(self) -> bool {
                self.0.is_nil()
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<&Self> for $name {
            fn from(id: &Self) -> Self {
                *id
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<$name> for Value {
            fn from(id: $name) -> Self {
                id.to_string().into()
            }
        }

        impl PartialEq<Uuid> for $name {
            fn eq(&self, other: &Uuid) -> bool {
                self.0 == *other
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Decode for $name {
            #[inline]
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Uuid::decode(reader).map(Self)
            }
        }
    )*};
}

ids! {
    /// The id of a client: an app or a service that is registered with Globus Auth.
    ClientId,
    /// The id of a credential of a client. It is no secret.
    CredentialId,
    /// The id of a collection or endpoint. The services call both an endpoint.
    #[doc(alias = "CollectionId")]
    EndpointId,
    /// The id of a group of people.
    GroupId,
    /// The id of an identity: one login that a person or a client has.
    IdentityId,
    /// The id of an identity provider: an organization whose logins Globus Auth takes.
    IdentityProviderId,
    /// The id of an authentication policy.
    PolicyId,
    /// The id of a project: what holds clients and policies, and has people who administer them.
    ProjectId,
    /// The id of a scope, which is not the text that is asked for.
    ScopeId,
    /// The id of a task of Globus Transfer.
    TaskId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read_as_uuids() {
        let text = "0ea78fd1-3192-43de-b550-d78b789576cc";
        let id: TaskId = text.parse().unwrap();
        assert_eq!((id.to_string(), format!("{id:?}")), (text.to_owned(), format!("TaskId({text})")));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<TaskId>(&json).unwrap(), id);
        assert_eq!(crate::decode::from_slice::<TaskId>(json.as_bytes()).unwrap(), id);
        assert!(crate::decode::from_slice::<TaskId>(b"\"no-uuid\"").is_err());
        assert!(TaskId::default().is_nil() && !id.is_nil());
        assert_eq!(id, Uuid::from(id));
        assert_eq!(Value::from(id), text);
    }
}
