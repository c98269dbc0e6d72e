//! One record of a large file, read or replaced without making a tree of the rest.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::VERSION_KEY;
use super::document::{FORMAT_KEY, VERSION_2};

/// What a look into a file has come to. Like what is in it, it can hold secrets, and so it is not to be shown.
pub(super) enum Lookup<'a> {
    /// The record, and the member that tells who wrote the file, as they stand in it.
    Found(Found<'a>),
    /// There is no such record.
    Absent,
    /// Something is not quite as it should be: the slower way finds out what it is.
    Odd,
}

pub(super) struct Found<'a> {
    content: &'a str,
    record: &'a RawValue,
    version: &'a RawValue,
}

impl Found<'_> {
    /// The text of the record.
    pub(super) fn record(&self) -> &str {
        self.record.get()
    }

    /// The file with another record in the place of this one, and another writer's name. Nothing else changes.
    pub(super) fn replace(&self, record: &str, version: &str) -> Zeroizing<String> {
        let mut changes = [(self.place(self.record), record), (self.place(self.version), version)];
        changes.sort_by_key(|(place, _)| place.start);
        let mut new = String::with_capacity(self.content.len() + record.len() + version.len());
        let mut end = 0;
        for (place, text) in changes {
            new.push_str(&self.content[end..place.start]);
            new.push_str(text);
            end = place.end;
        }
        new.push_str(&self.content[end..]);
        new.into()
    }

    /// Where a value stands that was borrowed from the content.
    fn place(&self, value: &RawValue) -> Range<usize> {
        let start = value.get().as_ptr().addr() - self.content.as_ptr().addr();
        start..start + value.get().len()
    }
}

/// Looks for the record under these names in a file of format 2.0. The whole text is read as JSON all the same.
pub(super) fn record<'a>(content: &'a [u8], namespace: &str, resource_server: &str) -> Lookup<'a> {
    let Ok(content) = std::str::from_utf8(content) else { return Lookup::Odd };
    let mut deserializer = serde_json::Deserializer::from_str(content);
    let names = Names { namespace, resource_server };
    let Ok(root) = Members(Root::new(names)).deserialize(&mut deserializer) else { return Lookup::Odd };
    match root {
        Root {
            format: Some(VERSION_2),
            version: Some(version),
            has_data: true,
            is_odd: false,
            record,
            ..
        } if deserializer.end().is_ok() => {
            record.map_or(Lookup::Absent, |record| Lookup::Found(Found { content, record, version }))
        }
        _ => Lookup::Odd,
    }
}

/// Something that takes the members of an object that it knows, and leaves the others.
trait Taking<'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<(), A::Error>;
}

/// The name of a member, borrowed unless it has an escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads an object into a [`Taking`].
struct Members<T>(T);

impl<'de, T: Taking<'de>> DeserializeSeed<'de> for Members<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Taking<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<T, A::Error> {
        while let Some(Key(key)) = members.next_key()? {
            self.0.take(&key, &mut members)?;
        }
        Ok(self.0)
    }
}

#[derive(Clone, Copy)]
struct Names<'a> {
    namespace: &'a str,
    resource_server: &'a str,
}

/// The members of the file that count. One that comes twice makes it odd.
struct Root<'n, 'de> {
    names: Names<'n>,
    format: Option<&'de str>,
    version: Option<&'de RawValue>,
    has_data: bool,
    /// In the namespace in the data.
    record: Option<&'de RawValue>,
    is_odd: bool,
}

impl<'n> Root<'n, '_> {
    fn new(names: Names<'n>) -> Self {
        Self { names, format: None, version: None, has_data: false, record: None, is_odd: false }
    }
}

impl<'de> Taking<'de> for Root<'_, 'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<(), A::Error> {
        match key {
            FORMAT_KEY => self.is_odd |= self.format.replace(members.next_value()?).is_some(),
            VERSION_KEY => {
                let version: &RawValue = members.next_value()?;
                self.is_odd |= self.version.replace(version).is_some() || !version.get().starts_with('"');
            }
            "data" => {
                let data = Data { names: self.names, has_namespace: false, record: None, is_odd: false };
                let data = members.next_value_seed(Members(data))?;
                self.is_odd |= data.is_odd || std::mem::replace(&mut self.has_data, true);
                self.record = data.record;
            }
            _ => drop(members.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

struct Data<'n, 'de> {
    names: Names<'n>,
    has_namespace: bool,
    record: Option<&'de RawValue>,
    is_odd: bool,
}

impl<'de> Taking<'de> for Data<'_, 'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<(), A::Error> {
        if key == self.names.namespace {
            let records = Records { names: self.names, record: None, is_odd: false };
            let records = members.next_value_seed(Members(records))?;
            self.is_odd |= records.is_odd || std::mem::replace(&mut self.has_namespace, true);
            self.record = records.record;
        } else {
            let records: &RawValue = members.next_value()?;
            self.is_odd |= !records.get().starts_with('{');
        }
        Ok(())
    }
}

struct Records<'n, 'de> {
    names: Names<'n>,
    record: Option<&'de RawValue>,
    is_odd: bool,
}

impl<'de> Taking<'de> for Records<'_, 'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<(), A::Error> {
        if key == self.names.resource_server {
            self.is_odd |= self.record.replace(members.next_value()?).is_some();
        } else {
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"x": [1, {"data": 2}], "data": {"other": {"rs": 1}, "mine": {"a": {}, "rs": {"k": "v"}}},
        "format_version": "2.0", "globus-sdk.version": "rs-1"}"#;

    fn found<'a>(file: &'a str, namespace: &str, server: &str) -> &'a str {
        match record(file.as_bytes(), namespace, server) {
            Lookup::Found(found) => found.record.get(),
            Lookup::Absent => "absent",
            Lookup::Odd => "odd",
        }
    }

    #[test]
    fn it_finds_the_record_or_that_there_is_none() {
        assert_eq!(found(FILE, "mine", "rs"), r#"{"k": "v"}"#);
        assert_eq!(found(FILE, "other", "rs"), "1");
        assert_eq!(found(FILE, "mine", "none"), "absent");
        assert_eq!(found(FILE, "none", "rs"), "absent");
        let escaped = FILE.replace("\"rs\": {", r#""\u0072s": {"#);
        assert_ne!(escaped, FILE);
        assert_eq!(found(&escaped, "mine", "rs"), r#"{"k": "v"}"#);
    }

    #[test]
    fn the_record_is_replaced_and_nothing_else() {
        let version_first = r#"{"globus-sdk.version": "rs-1", "format_version": "2.0",
            "data": {"mine": {"rs": {"k": "v"}, "é": {}}}}"#;
        for file in [FILE, version_first] {
            let Lookup::Found(found) = record(file.as_bytes(), "mine", "rs") else { panic!("it is there") };
            let new = found.replace(r#"{"new": [1, 2]}"#, "\"me\"");
            let expected = file.replace(r#"{"k": "v"}"#, r#"{"new": [1, 2]}"#).replace("\"rs-1\"", "\"me\"");
            assert_eq!(*new, expected);
        }
    }

    #[test]
    fn whatever_is_odd_is_left_to_the_slower_way() {
        for (from, to) in [
            ("\"2.0\"", "\"1.0\""),
            ("\"2.0\"", "2"),
            ("\"rs-1\"", "1"),
            (r#", "globus-sdk.version": "rs-1""#, ""),
            ("\"data\": {\"other\"", "\"by_rs\": {\"other\""),
            ("{\"a\": {}, \"rs\": {\"k\": \"v\"}}", "[]"),
            ("{\"rs\": 1}", "[]"),
            ("[1,", "[1,,"),
            ("\"rs-1\"}", "\"rs-1\"} x"),
            // Of members that come twice the last one counts, which the slower way knows.
            (r#""data": {"other""#, r#""data": {"mine": {"rs": 5}}, "data": {"other""#),
            ("\"rs\": {", r#""rs": 1, "\u0072s": {"#),
            ("\"mine\": {", r#""mine": {}, "mine": {"#),
        ] {
            let odd = FILE.replace(from, to);
            assert_ne!(odd, FILE, "{from}");
            assert_eq!(found(&odd, "mine", "rs"), "odd", "{odd}");
        }
    }
}
