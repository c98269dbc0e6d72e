//! What an operation came to, compared with what was recorded.

use globus_core::storage::{StorageError, StorageErrorKind};
use globus_core::token::Grant;
use globus_core::{RefreshToken, TokenData};
use serde_json::{Map, Value, json};

pub(crate) type Outcome = Result<Value, StorageError>;

/// Why the outcome is not the recorded one; `None` if it is.
pub(crate) fn difference(expected: &Value, actual: &Outcome) -> Option<String> {
    let same = match actual {
        Ok(value) => {
            expected.get("ok").is_some_and(|ok| same_value(&without_nulls(ok), &without_nulls(value)))
        }
        Err(error) => expected.get("error").is_some() && is_recorded_error(expected, error.kind()),
    };
    (!same).then(|| format!("expected {expected}, got {actual:?}"))
}

/// Compared as JSON: the order of members does not matter, nor how a number is written.
pub(crate) fn same_value(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(text), Value::String(version)) if text == "$SDK_VERSION" => !version.is_empty(),
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .all(|(key, value)| actual.get(key).is_some_and(|other| same_value(value, other)))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(a, b)| same_value(a, b))
        }
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => expected == actual,
    }
}

/// A member of a token that is null is one that is absent, once it has been read. In files it makes a
/// difference.
fn without_nulls(value: &Value) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    let kept = members.iter().filter(|(_, value)| !value.is_null());
    Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
}

fn is_recorded_error(expected: &Value, kind: &StorageErrorKind) -> bool {
    use StorageErrorKind as Kind;
    let names = |field: Option<&str>| expected.get("field").is_none_or(|name| name.as_str() == field);
    let detail = expected["kind"].as_str().unwrap_or_default();
    match (expected["error"].as_str().unwrap_or_default(), kind) {
        ("not_a_flat_file", Kind::MissingField { field, .. }) => field == "access_token",
        ("FileNotFoundError", Kind::NotFound)
        | ("IsADirectoryError", Kind::Io { .. })
        | ("JSONDecodeError" | "UnicodeDecodeError", Kind::NotJson { .. })
        | ("KeyError", Kind::NoSuchToken)
        | ("resource_server_mismatch", Kind::ResourceServerMismatch { .. })
        | ("foreign_file", Kind::ForeignFile)
        | ("ExpiredTokenError", Kind::ExpiredToken { .. })
        | ("MissingIdentityError", Kind::MissingIdentity)
        | ("IdentityMismatchError", Kind::IdentityMismatch { .. })
        | ("not_a_flat_file", Kind::NotAnObject | Kind::UnknownFormat { .. }) => true,
        ("ValidationError" | "invalid_record", Kind::InvalidRecord { field, .. }) => names(field.as_deref()),
        ("invalid_field", Kind::InvalidField { field, .. }) => names(Some(field)),
        ("MissingTokenError", Kind::MissingToken { resource_server, .. }) => {
            expected["resource_server"] == resource_server.as_str()
        }
        ("ValueError", kind) => match detail {
            "several_identities" => matches!(kind, Kind::SeveralIdentities),
            "not_an_object" => matches!(kind, Kind::NotAnObject),
            "unknown_format" => matches!(kind, Kind::UnknownFormat { .. }),
            "missing_by_rs" | "missing_keys" => matches!(kind, Kind::MissingField { .. }),
            "malformed" => matches!(kind, Kind::MissingField { .. } | Kind::InvalidField { .. }),
            "invalid_version" => matches!(kind, Kind::InvalidField { .. }),
            "bad_path" => matches!(kind, Kind::Io { .. }),
            _ => false,
        },
        _ => false,
    }
}

/// The members of a token that a response and the older formats have.
pub(crate) fn response_shape(token: &TokenData) -> Map<String, Value> {
    let Value::Object(shape) = json!({
        "scope": token.scope,
        "access_token": token.access_token.expose(),
        "refresh_token": token.refresh_token.as_ref().map(RefreshToken::expose),
        "token_type": token.token_type,
        "expires_at_seconds": token.expires_at_seconds,
        "resource_server": token.resource_server.as_str(),
    }) else {
        unreachable!("the literal is an object")
    };
    shape
}

/// The same with what else a file of an older format has.
pub(crate) fn response_shape_with_extra(token: &TokenData) -> Value {
    let mut shape = response_shape(token);
    shape.extend(token.extra.clone());
    Value::Object(shape)
}

/// The seven members of a record, and the unknown ones under `extra`.
pub(crate) fn record_shape(token: &TokenData) -> Value {
    let mut shape = response_shape(token);
    shape.insert("identity_id".into(), json!(token.identity_id));
    if !token.extra.is_empty() {
        shape.insert("extra".into(), Value::Object(token.extra.clone()));
    }
    Value::Object(shape)
}

pub(crate) fn grant(name: &str) -> Grant {
    match name {
        "code" => Grant::AuthorizationCode,
        "refresh" => Grant::RefreshToken,
        "client_credentials" => Grant::ClientCredentials,
        "dependent" => Grant::DependentToken,
        other => panic!("an unknown grant {other}"),
    }
}

/// A recorded clock, to the microsecond.
pub(crate) fn timestamp(seconds: &Value) -> globus_core::Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "a time in this century")]
    let microseconds = (seconds.as_f64().expect("a number of seconds") * 1e6).round() as i64;
    globus_core::Timestamp::from_microsecond(microseconds).expect("a time")
}
