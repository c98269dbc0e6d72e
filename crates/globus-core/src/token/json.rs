//! JSON with tokens in it: keys stay in order, texts are wiped when dropped, and the written form is the
//! one of Python's `json.dumps`, so that files shared with the Python SDK differ only where the data does.

use std::collections::HashMap;
use std::fmt;
use std::io;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};
use zeroize::{Zeroize, Zeroizing};

/// Up to this many members an object is searched from its beginning.
const SMALL: usize = 32;

/// Any JSON value.
#[derive(Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(Zeroizing<String>),
    List(Vec<Self>),
    Object(Object),
}

/// A JSON object whose keys keep their order. Of a key that comes twice, the last value counts.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Object(Vec<(String, Json)>);

/// Where a text stops being JSON. Nothing of the text itself is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotJson {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Json {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, NotJson> {
        serde_json::from_slice(text).map_err(|error| NotJson { line: error.line(), column: error.column() })
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Zeroizing::new(text.to_owned()))
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.to_string()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(object) => {
                Value::Object(object.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect())
            }
        }
    }

    /// The text in Python's form: ASCII only, `", "` and `": "`, no newline.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut buffer = Wiped(Vec::with_capacity(4096));
        self.write(&mut buffer);
        // The formatter writes ASCII only.
        Zeroizing::new(String::from_utf8(buffer.0).unwrap_or_default())
    }

    #[expect(clippy::expect_used, reason = "no writer here fails, and every key is a string")]
    fn write(&self, writer: impl io::Write) {
        let mut serializer = serde_json::Serializer::with_formatter(writer, PythonText);
        self.serialize(&mut serializer).expect("a tree of plain values is written to memory");
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(members) => {
                let mut object = Object::default();
                for (key, value) in members {
                    object.set(key, value.into());
                }
                Self::Object(object)
            }
        }
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl Object {
    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text under the key, unless it is absent or of another type.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Json::as_text)
    }

    /// Sets the value; a key that is there keeps its place.
    pub(crate) fn set(&mut self, key: &str, value: Json) {
        match self.get_mut(key) {
            Some(place) => *place = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Renames the key in its place and sets its value.
    pub(crate) fn replace(&mut self, key: &str, new_key: &str, value: Json) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some(place) => *place = (new_key.to_owned(), value),
            None => self.set(new_key, value),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Json> {
        let place = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(place).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
                Ok(Json::Bool(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
                Ok(number.into())
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
                Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
                let mut object = Object::default();
                // Looking each key up in the object itself would take minutes for a document made for that, and
                // an index takes longer than everything else for a record.
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((key, value)) = members.next_entry::<String, Json>()? {
                    if object.0.len() < SMALL {
                        match object.get_mut(&key) {
                            Some(place) => *place = value,
                            None => object.0.push((key, value)),
                        }
                        continue;
                    }
                    if places.is_empty() {
                        places.extend(
                            object.0.iter().enumerate().map(|(place, (key, _))| (key.clone(), place)),
                        );
                    }
                    if let Some(&place) = places.get(&key) {
                        object.0[place] = (key, value);
                    } else {
                        places.insert(key.clone(), object.0.len());
                        object.0.push((key, value));
                    }
                }
                Ok(Json::Object(object))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(Object(members)) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// The layout of Python's `json.dumps` with its defaults.
struct PythonText;

impl serde_json::ser::Formatter for PythonText {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// A buffer that leaves no copy of its content behind when it grows.
struct Wiped(Vec<u8>);

impl io::Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Vec::with_capacity(2 * self.0.capacity() + bytes.len());
            larger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        Json::parse(text.as_bytes()).unwrap().to_text().to_string()
    }

    #[test]
    fn order_is_kept_and_the_last_of_equal_keys_counts() {
        assert_eq!(rewritten(r#"{"z":1,"a":[true,null,{}],"z":2}"#), r#"{"z": 2, "a": [true, null, {}]}"#);
    }

    #[test]
    fn text_is_written_as_python_writes_it() {
        // json.dumps({"naïve ☃": "𝄞\n\x7f\"", "n": 1.5, "i": -7})
        let python = "{\"na\\u00efve \\u2603\": \"\\ud834\\udd1e\\n\u{7f}\\\"\", \"n\": 1.5, \"i\": -7}";
        assert_eq!(rewritten("{\"naïve ☃\":\"𝄞\\n\u{7f}\\\"\",\"n\":1.5,\"i\":-7}"), python);
    }

    #[test]
    fn a_text_that_is_no_json_is_told_by_its_place() {
        for text in ["", " ", "{", "{}}", "\u{feff}{}", "{'a': 1}", "NaN", "1e999"] {
            assert!(Json::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        let error = Json::parse(b"{\"a\": 1,\n x").err().unwrap();
        assert_eq!((error.line, error.column), (2, 2));
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        assert!(Json::parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_key_is_renamed_in_its_place() {
        let Ok(Json::Object(mut object)) = Json::parse(br#"{"by_rs": {}, "x": 1}"#) else { panic!() };
        object.replace("by_rs", "data", Json::Null);
        assert_eq!(*Json::Object(object).to_text(), r#"{"data": null, "x": 1}"#);
    }
}
