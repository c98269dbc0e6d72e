//! One record out of a large file, without making a tree of the rest.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::VERSION_KEY;
use super::document::{FORMAT_KEY, VERSION_2};
use crate::token::json::Json;

/// What a look into a file has come to.
#[derive(Default)]
pub(super) enum Lookup {
    /// The record.
    Found(Json),
    /// There is no such record.
    Absent,
    /// Something is not quite as it should be: the slower way finds out what it is.
    #[default]
    Odd,
}

/// Looks for the record under these names in a file of format 2.0. The whole text is read as JSON all the same.
pub(super) fn record(content: &[u8], namespace: &str, resource_server: &str) -> Lookup {
    let mut deserializer = serde_json::Deserializer::from_slice(content);
    let root = Members(Root { namespace, resource_server, ..Root::default() });
    match root.deserialize(&mut deserializer) {
        Ok(root) if deserializer.end().is_ok() && root.is_whole() => root.data,
        _ => Lookup::Odd,
    }
}

/// Something that takes the members of an object that it knows, and leaves the others.
trait Taking<'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<bool, A::Error>;
}

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
        // A key with an escape cannot be borrowed; it is as well.
        while let Some(key) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            if !self.0.take(&key, &mut members)? {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(self.0)
    }
}

/// Of members that come twice the last one counts, here as elsewhere.
#[derive(Default)]
struct Root<'a> {
    namespace: &'a str,
    resource_server: &'a str,
    format: Option<Json>,
    version: Option<Json>,
    data: Lookup,
}

impl Root<'_> {
    fn is_whole(&self) -> bool {
        let text = |member: &Option<Json>| member.as_ref().and_then(Json::as_text).map(str::to_owned);
        text(&self.format).as_deref() == Some(VERSION_2) && text(&self.version).is_some()
    }
}

impl<'de> Taking<'de> for Root<'_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<bool, A::Error> {
        match key {
            FORMAT_KEY => self.format = Some(members.next_value()?),
            VERSION_KEY => self.version = Some(members.next_value()?),
            "data" => {
                let (namespace, resource_server) = (self.namespace, self.resource_server);
                let data = Members(Data { namespace, resource_server, found: None });
                self.data = members.next_value_seed(data)?.found.map_or(Lookup::Absent, Lookup::Found);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

struct Data<'a> {
    namespace: &'a str,
    resource_server: &'a str,
    found: Option<Json>,
}

impl<'de> Taking<'de> for Data<'_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<bool, A::Error> {
        if key == self.namespace {
            let records = Records { resource_server: self.resource_server, found: None };
            self.found = members.next_value_seed(Members(records))?.found;
            return Ok(true);
        }
        Ok(false)
    }
}

struct Records<'a> {
    resource_server: &'a str,
    found: Option<Json>,
}

impl<'de> Taking<'de> for Records<'_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, members: &mut A) -> Result<bool, A::Error> {
        if key == self.resource_server {
            self.found = Some(members.next_value()?);
            return Ok(true);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"x": [1, {"data": 2}], "data": {"other": {"rs": 1}, "mine": {"a": {}, "rs": {"k": "v"}}},
        "format_version": "2.0", "globus-sdk.version": "rs-1"}"#;

    fn found(file: &str, namespace: &str, server: &str) -> String {
        match record(file.as_bytes(), namespace, server) {
            Lookup::Found(json) => json.to_text().to_string(),
            Lookup::Absent => "absent".into(),
            Lookup::Odd => "odd".into(),
        }
    }

    #[test]
    fn it_finds_the_record_or_that_there_is_none() {
        assert_eq!(found(FILE, "mine", "rs"), r#"{"k": "v"}"#);
        assert_eq!(found(FILE, "other", "rs"), "1");
        assert_eq!(found(FILE, "mine", "none"), "absent");
        assert_eq!(found(FILE, "none", "rs"), "absent");
    }

    #[test]
    fn the_last_of_members_that_come_twice_counts() {
        let twice = FILE.replace(r#""data": {"other""#, r#""data": {"mine": {"rs": 5}}, "data": {"other""#);
        assert_eq!(found(&twice, "mine", "rs"), r#"{"k": "v"}"#);
        let escaped = FILE.replace("\"rs\": {", r#""rs": 1, "\u0072s": {"#);
        assert_eq!(found(&escaped, "mine", "rs"), r#"{"k": "v"}"#);
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
            ("[1,", "[1,,"),
            ("\"rs-1\"}", "\"rs-1\"} x"),
        ] {
            let odd = FILE.replace(from, to);
            assert_ne!(odd, FILE);
            assert_eq!(found(&odd, "mine", "rs"), "odd", "{odd}");
        }
    }
}
