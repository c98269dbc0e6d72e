//! The place in a list that a service names.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decode::{Decode, DecodeError, Kind, Reader, Text};

/// The place in a list that a service names: a text or a number, to be sent back as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker(Text);

impl Marker {
    /// The marker as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Marker {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Marker {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<u64> for Marker {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl Decode for Marker {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.peek() {
            Kind::Number => reader.integer::<u64>("a marker").map(Self::from),
            _ => Text::decode(reader).map(Self),
        }
    }
}

impl Serialize for Marker {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Marker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(Text),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Number(number) => number.into(),
            Either::Text(text) => Self(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::from_slice;

    #[test]
    fn texts_and_numbers_are_sent_back_as_they_came() {
        for (json, sent) in [("\"mark-1\"", "mark-1"), ("300", "300"), ("0", "0"), ("\"\"", "")] {
            let marker: Marker = from_slice(json.as_bytes()).unwrap();
            assert_eq!(marker.as_str(), sent);
            assert_eq!(serde_json::from_str::<Marker>(json).unwrap(), marker);
            let written = serde_json::to_string(&marker).unwrap();
            assert_eq!(from_slice::<Marker>(written.as_bytes()).unwrap(), marker);
        }
        assert!(from_slice::<Marker>(b"[]").is_err() && from_slice::<Marker>(b"1.5").is_err());
    }
}
