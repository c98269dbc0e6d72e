//! The string type of documents.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::bridge::FromText;
use super::{Decode, DecodeError, Reader};

/// A string in a document.
///
/// Use it like a `&str`: it dereferences to one and compares with one. Short texts (up to 24 bytes, which is
/// most names and words of the services) lie in it directly, without an allocation.
///
/// ```
/// use globus_core::decode::Text;
///
/// let name = Text::from("data.csv");
/// assert_eq!(name, "data.csv");
/// assert!(name.ends_with(".csv"));
/// let owned: String = name.into();
/// # assert_eq!(owned, "data.csv");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(CompactString);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

// `Hash`, `Eq` and `Ord` are those of the string, so that a map with `Text` keys can be asked with a `&str`.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(CompactString::new(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(CompactString::from(text))
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        Self(CompactString::from(text))
    }
}

impl From<&Self> for Text {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into_string()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        *self == **other
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl PartialEq<Text> for String {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl Decode for Text {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.plain_string() {
            Some(text) => Ok(Self::from(text)),
            None => reader.string().map(Self::from),
        }
    }

    fn decode_into(place: &mut Self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        *place = match reader.plain_string() {
            Some(text) => Self::from(text),
            None => reader.string().map(Self::from)?,
        };
        Ok(())
    }

    fn decode_some(place: &mut Option<Self>, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        *place = Some(match reader.plain_string() {
            Some(text) => Self::from(text),
            None => reader.string().map(Self::from)?,
        });
        Ok(())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FromText::deserialize("a string", deserializer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[test]
    fn short_texts_are_inline() {
        assert_eq!(size_of::<Text>(), 24);
        assert!(!Text::from("exactly-24-bytes-of-text").0.is_heap_allocated());
        assert!(Text::from("one byte more than fit in").0.is_heap_allocated());
    }

    #[test]
    fn maps_are_asked_with_a_str() {
        let hashed = HashMap::from([(Text::from("a"), 1)]);
        let sorted = BTreeMap::from([(Text::from("a"), 1), (Text::from("b"), 2)]);
        assert_eq!((hashed.get("a"), sorted.get("b")), (Some(&1), Some(&2)));
    }

    #[test]
    fn reads_like_a_str() {
        let text = Text::from("é\n");
        assert_eq!((format!("{text}"), format!("{text:?}")), ("é\n".to_owned(), r#""é\n""#.to_owned()));
        assert_eq!(format!("{:>4}|{:<3}|", Text::from("ab"), Text::from("c")), "  ab|c  |");
        let string = String::from("é\n");
        assert_eq!((&text, &text), (&Text::from("é\n"), &Text::from(string.as_str())));
        assert_eq!(text, "é\n");
        assert_eq!("é\n", text);
        assert_eq!(text, string);
        assert_eq!(string, text);
        assert_eq!(text, *string.as_str());
        assert_eq!(*string.as_str(), text);
        assert_ne!(text, "e\n");
    }

    #[test]
    fn serde_round_trip() {
        let text: Text = serde_json::from_str(r#""a\u00e9""#).unwrap();
        assert_eq!(text, "aé");
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""aé""#);
        assert!(serde_json::from_str::<Text>("1").is_err());
    }
}
