//! The members of a document that its type does not know.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// What a document held beyond its declared members: a `serde_json` map, reached by dereferencing.
///
/// Two things are in it: members that the type does not declare, and values of declared members that did not
/// fit their field (which then has its default). `Debug` shows the names only.
///
/// ```
/// use globus_core::decode::Extra;
///
/// let mut extra = Extra::default();
/// assert!(extra.is_empty());
/// extra.insert("colour".to_owned(), "red".into());
/// assert_eq!(extra.get("colour"), Some(&"red".into()));
/// assert_eq!(format!("{extra:?}"), r#"{"colour"}"#);
/// ```
// Most documents have none: one word that is empty, and no allocation.
#[derive(Clone, Default)]
pub struct Extra(Option<Box<Map<String, Value>>>);

static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

impl Extra {
    /// The map itself.
    pub fn into_map(self) -> Map<String, Value> {
        self.0.map_or_else(Map::new, |map| *map)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|map| map.is_empty())
    }

    /// Whether a member of this name is in it.
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|map| map.contains_key(name))
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let map = self.0.as_mut()?;
        let value = map.remove(name);
        if map.is_empty() {
            self.0 = None;
        }
        value
    }
}

impl Deref for Extra {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Map<String, Value> {
        self.0.as_deref().unwrap_or_else(|| &NONE)
    }
}

impl DerefMut for Extra {
    fn deref_mut(&mut self) -> &mut Map<String, Value> {
        self.0.get_or_insert_default()
    }
}

impl From<Map<String, Value>> for Extra {
    fn from(map: Map<String, Value>) -> Self {
        Self((!map.is_empty()).then(|| Box::new(map)))
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Extra {}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_word_and_nothing_allocated_while_empty() {
        assert_eq!(size_of::<Extra>(), size_of::<usize>());
        let mut extra = Extra::default();
        assert!(extra.0.is_none());
        extra.insert("a".to_owned(), Value::Null);
        assert_eq!(extra.remove("a"), Some(Value::Null));
        assert!(extra.0.is_none());
        assert!(Extra::from(Map::new()).0.is_none());
    }

    #[test]
    fn an_emptied_map_equals_none() {
        let mut extra = Extra::default();
        extra.insert("a".to_owned(), Value::Null);
        extra.clear();
        assert_eq!(extra, Extra::default());
        assert!(extra.is_empty());
        assert_eq!(extra.into_map(), Map::new());
    }

    #[test]
    fn debug_shows_names_and_no_values() {
        let extra: Extra = serde_json::from_value(json!({"a": "s3cr3t", "b": {"c": "s3cr3t"}})).unwrap();
        assert_eq!(format!("{extra:?}"), r#"{"a", "b"}"#);
        assert_eq!(serde_json::to_value(&extra).unwrap(), json!({"a": "s3cr3t", "b": {"c": "s3cr3t"}}));
    }
}
