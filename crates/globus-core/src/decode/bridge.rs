//! Between documents and serde: how they are written, and how a foreign deserializer's value becomes one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::{Decode, Extra, from_slice};

/// Writes the members of a document.
///
/// A name that is in `extra` is one whose value did not fit its field: that value is written, not the field.
#[expect(missing_debug_implementations, reason = "lives for one call, inside generated code")]
pub struct Members<'e, S: Serializer> {
    map: S::SerializeMap,
    extra: &'e Extra,
}

impl<'e, S: Serializer> Members<'e, S> {
    /// Starts a document.
    ///
    /// # Errors
    ///
    /// As the serializer has.
    pub fn of(serializer: S, extra: &'e Extra) -> Result<Self, S::Error> {
        Ok(Self { map: serializer.serialize_map(None)?, extra })
    }

    /// Writes a declared member.
    ///
    /// # Errors
    ///
    /// As the serializer has.
    pub fn known<T: Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), S::Error> {
        if self.extra.contains_key(name) {
            return Ok(());
        }
        self.map.serialize_entry(name, value)
    }

    /// Writes what is in `extra`, and ends the document.
    ///
    /// # Errors
    ///
    /// As the serializer has.
    pub fn end(mut self) -> Result<S::Ok, S::Error> {
        for (name, value) in self.extra.iter() {
            self.map.serialize_entry(name, value)?;
        }
        self.map.end()
    }
}

/// Makes a value from any deserializer by writing what it holds as JSON and decoding that.
///
/// That way there is one set of rules and one error text, which quotes nothing; a visitor's own errors would
/// quote the values they refuse.
///
/// # Errors
///
/// When the deserializer's value is not of this type.
pub fn deserialize<'de, T: Decode, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let body = serde_json::to_vec(&Value::deserialize(deserializer)?).map_err(de::Error::custom)?;
    from_slice(&body).map_err(|error| de::Error::custom(error.without_offset()))
}

/// A visitor that takes a string, for types that any string can become.
#[expect(missing_debug_implementations, reason = "lives for one call, inside generated code")]
pub struct FromText<T>(&'static str, PhantomData<T>);

impl<T: for<'t> From<&'t str>> FromText<T> {
    /// Deserializes a string. `expected` says what it is, in an error.
    ///
    /// # Errors
    ///
    /// When the deserializer holds something else.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        expected: &'static str,
        deserializer: D,
    ) -> Result<T, D::Error> {
        deserializer.deserialize_str(Self(expected, PhantomData))
    }
}

impl<T: for<'t> From<&'t str>> de::Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from(text))
    }
}
