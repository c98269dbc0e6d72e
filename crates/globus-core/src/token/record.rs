//! The stored forms of one token. The *record* form (format 2.0 and SQLite of the Python SDK) leaves out what
//! is not there; the *response* form (flat file, format 1.0) always has six members and writes null.

use serde_json::Map;
use zeroize::Zeroizing;

use super::json::{Json, Object};
use super::{ResourceServer, TokenData};
use crate::secret::RefreshToken;

/// The version key of the flat file. It belongs to the file, not to the token.
pub(crate) const FLAT_VERSION_KEY: &str = "globus-sdk-tokenstorage.version";

const FIELDS: [&str; 7] = [
    "resource_server",
    "identity_id",
    "scope",
    "access_token",
    "refresh_token",
    "expires_at_seconds",
    "token_type",
];

/// A stored record is not one: a member is missing or of the wrong type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", match .field {
    Some(field) => format!("the stored record's member `{field}` is missing or of the wrong type"),
    None => "the stored record is not a JSON object".to_owned(),
})]
pub struct InvalidRecord {
    field: Option<&'static str>,
}

impl InvalidRecord {
    /// The member at fault; `None` where the whole is no JSON object.
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }
}

impl TokenData {
    /// Reads a record as storages keep it: the JSON object of format 2.0, or the older form with nulls.
    ///
    /// # Errors
    ///
    /// [`InvalidRecord`] names the member that is missing or of the wrong type; it quotes nothing. An empty
    /// access token is refused.
    pub fn from_record(json: &[u8]) -> Result<Self, InvalidRecord> {
        Json::parse(json)
            .ok()
            .as_ref()
            .and_then(Json::as_object)
            .ok_or(InvalidRecord { field: None })
            .and_then(Self::from_object)
    }

    /// The record as storages keep it: the JSON object of format 2.0 in the text form of Python's `json`.
    pub fn to_record(&self) -> Zeroizing<String> {
        Json::Object(self.to_record_object()).to_text()
    }

    /// The record in the older form, of format 1.0 and of the databases of older programs: six members, of which
    /// those that are not there are null. There is no place for the identity.
    pub fn to_legacy_record(&self) -> Zeroizing<String> {
        Json::Object(self.to_response_object()).to_text()
    }

    /// The record in the older form with the identity as a seventh member, where it is known. Programs that know the
    /// six members leave the seventh alone.
    pub fn to_legacy_record_with_identity(&self) -> Zeroizing<String> {
        let mut object = self.to_response_object();
        if let Some(identity_id) = &self.identity_id {
            object.set("identity_id", Json::text(identity_id));
        }
        Json::Object(object).to_text()
    }

    pub(crate) fn from_json(json: &Json) -> Result<Self, InvalidRecord> {
        json.as_object().ok_or(InvalidRecord { field: None }).and_then(Self::from_object)
    }

    fn from_object(object: &Object) -> Result<Self, InvalidRecord> {
        Ok(Self {
            resource_server: required_text(object, "resource_server")?.into(),
            identity_id: optional_text(object, "identity_id")?.map(str::to_owned),
            scope: required_text(object, "scope")?.to_owned(),
            access_token: access_token(object)?.into(),
            refresh_token: optional_text(object, "refresh_token")?.map(Into::into),
            expires_at_seconds: optional_integer(object, "expires_at_seconds")?
                .ok_or(InvalidRecord { field: Some("expires_at_seconds") })?,
            token_type: optional_text(object, "token_type")?.map(str::to_owned),
            extra: unknown_members(object),
        })
    }

    /// Reads a flat file, of which only the access token is required.
    pub(crate) fn from_flat(object: &Object, server: Option<&ResourceServer>) -> Result<Self, InvalidRecord> {
        let access_token = access_token(object)?;
        let resource_server = match (optional_text(object, "resource_server")?, server) {
            (Some(named), _) => named.into(),
            (None, Some(server)) => server.clone(),
            (None, None) => "".into(),
        };
        let expires_at_seconds = match optional_integer(object, "expires_at_seconds")? {
            Some(seconds) => seconds,
            // Written by nobody we know, but read back in published examples.
            None => optional_integer(object, "access_token_expires")?.unwrap_or(0),
        };
        Ok(Self {
            resource_server,
            identity_id: optional_text(object, "identity_id")?.map(str::to_owned),
            scope: optional_text(object, "scope")?.unwrap_or_default().to_owned(),
            access_token: access_token.into(),
            refresh_token: optional_text(object, "refresh_token")?.map(Into::into),
            expires_at_seconds,
            token_type: optional_text(object, "token_type")?.map(str::to_owned),
            extra: unknown_members(object),
        })
    }

    pub(crate) fn to_record_object(&self) -> Object {
        let mut object = Object::default();
        object.set("resource_server", Json::text(self.resource_server.as_str()));
        if let Some(identity_id) = &self.identity_id {
            object.set("identity_id", Json::text(identity_id));
        }
        object.set("scope", Json::text(&self.scope));
        object.set("access_token", Json::text(self.access_token.expose()));
        if let Some(token) = &self.refresh_token {
            object.set("refresh_token", Json::text(token.expose()));
        }
        object.set("expires_at_seconds", self.expires_at_seconds.into());
        if let Some(token_type) = &self.token_type {
            object.set("token_type", Json::text(token_type));
        }
        self.add_unknown_members(&mut object);
        object
    }

    pub(crate) fn to_response_object(&self) -> Object {
        let or_null = |text: Option<&str>| text.map_or(Json::Null, Json::text);
        let mut object = Object::default();
        object.set("scope", Json::text(&self.scope));
        object.set("access_token", Json::text(self.access_token.expose()));
        object.set("refresh_token", or_null(self.refresh_token.as_ref().map(RefreshToken::expose)));
        object.set("token_type", or_null(self.token_type.as_deref()));
        object.set("expires_at_seconds", self.expires_at_seconds.into());
        object.set("resource_server", Json::text(self.resource_server.as_str()));
        self.add_unknown_members(&mut object);
        object
    }

    fn add_unknown_members(&self, object: &mut Object) {
        for (key, value) in &self.extra {
            if !FIELDS.contains(&key.as_str()) && key != FLAT_VERSION_KEY {
                object.set(key, value.into());
            }
        }
    }
}

fn unknown_members(object: &Object) -> Map<String, serde_json::Value> {
    object
        .iter()
        .filter(|(key, _)| !FIELDS.contains(key))
        .map(|(key, value)| (key.to_owned(), value.to_value()))
        .collect()
}

fn required_text<'a>(object: &'a Object, field: &'static str) -> Result<&'a str, InvalidRecord> {
    object.text(field).ok_or(InvalidRecord { field: Some(field) })
}

fn access_token(object: &Object) -> Result<&str, InvalidRecord> {
    required_text(object, "access_token").and_then(|token| {
        if token.is_empty() { Err(InvalidRecord { field: Some("access_token") }) } else { Ok(token) }
    })
}

fn optional_text<'a>(object: &'a Object, field: &'static str) -> Result<Option<&'a str>, InvalidRecord> {
    match object.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidRecord { field: Some(field) }),
    }
}

fn optional_integer(object: &Object, field: &'static str) -> Result<Option<i64>, InvalidRecord> {
    match object.get(field) {
        None => Ok(None),
        Some(Json::Number(number)) => number.as_i64().map(Some).ok_or(InvalidRecord { field: Some(field) }),
        Some(_) => Err(InvalidRecord { field: Some(field) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = concat!(
        r#"{"resource_server": "rs", "identity_id": "id", "scope": "a b", "access_token": "at", "#,
        r#""refresh_token": "rt", "expires_at_seconds": 5, "token_type": "Bearer", "x": {"a": [1]}}"#
    );

    #[test]
    fn a_record_comes_back_as_it_was() {
        let token = TokenData::from_record(RECORD.as_bytes()).unwrap();
        assert_eq!(token.extra["x"], serde_json::json!({"a": [1]}));
        assert_eq!(*token.to_record(), RECORD);
    }

    #[test]
    fn what_is_absent_is_left_out_or_null() {
        let token = TokenData::new("rs", "s", "at", 5);
        assert_eq!(
            *token.to_record(),
            r#"{"resource_server": "rs", "scope": "s", "access_token": "at", "expires_at_seconds": 5}"#
        );
        let response = Json::Object(token.to_response_object());
        assert_eq!(
            *response.to_text(),
            concat!(
                r#"{"scope": "s", "access_token": "at", "refresh_token": null, "token_type": null, "#,
                r#""expires_at_seconds": 5, "resource_server": "rs"}"#
            )
        );
        assert_eq!(TokenData::from_json(&response).unwrap(), token);
    }

    #[test]
    fn the_older_form_keeps_the_identity_where_it_is_asked_to() {
        let token = TokenData::new("rs", "s", "at", 5);
        assert_eq!(*token.to_legacy_record_with_identity(), *token.to_legacy_record());
        let token = token.with_identity_id("id");
        assert!(!token.to_legacy_record().contains("identity_id"));
        let kept = token.to_legacy_record_with_identity();
        assert_eq!(TokenData::from_record(kept.as_bytes()).unwrap(), token);
    }

    #[test]
    fn an_unknown_member_never_shadows_a_field() {
        let mut token = TokenData::new("rs", "s", "at", 5);
        token.extra.insert("access_token".into(), "other".into());
        assert_eq!(TokenData::from_record(token.to_record().as_bytes()).unwrap().access_token.expose(), "at");
    }

    #[test]
    fn the_member_at_fault_is_named() {
        for (from, to, field) in [
            (r#""rs""#, "null", "resource_server"),
            (r#""id""#, "7", "identity_id"),
            (r#""a b""#, "[]", "scope"),
            (r#""at""#, r#""""#, "access_token"),
            (r#""rt""#, "{}", "refresh_token"),
            ("5", "5.0", "expires_at_seconds"),
            ("5", "true", "expires_at_seconds"),
            (r#""Bearer""#, "1", "token_type"),
        ] {
            let error = TokenData::from_record(RECORD.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert_eq!(error.field(), Some(field));
        }
        assert_eq!(TokenData::from_record(b"[]").unwrap_err().field(), None);
        assert_eq!(TokenData::from_record(b"{").unwrap_err().field(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_record_comes_back(
            texts in proptest::array::uniform4(".*"),
            refresh_token in proptest::option::of(".*"),
            expires_at_seconds: i64,
            key in "x.*",
        ) {
            let [server, scope, access, value] = texts;
            let mut token = TokenData::new(server, scope, format!("A{access}"), expires_at_seconds);
            token.refresh_token = refresh_token.map(Into::into);
            token.extra.insert(key, value.into());
            let record = token.to_record();
            proptest::prop_assert!(record.is_ascii());
            proptest::prop_assert_eq!(TokenData::from_record(record.as_bytes()), Ok(token.clone()));
            proptest::prop_assert_eq!(TokenData::from_json(&Json::Object(token.to_response_object())), Ok(token));
        }
    }
}
