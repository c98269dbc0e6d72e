//! What an error asks of the person: a consent, or a login of a certain kind.

use serde_json::{Map, Value};

/// What an error asks for, beyond saying that something failed. Both parts may be absent.
#[doc(alias = "ErrorInfoContainer")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// Consent is missing for these scopes.
    pub consent_required: Option<ConsentRequired>,
    /// A login with these parameters would help.
    pub authorization_parameters: Option<AuthorizationParameters>,
}

/// A consent that is missing: log in again and ask for these scopes.
#[doc(alias = "ConsentRequiredInfo")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ConsentRequired {
    /// The scopes to ask for, at least one, as the service wrote them.
    pub required_scopes: Vec<String>,
}

/// The kind of login that an error asks for. All texts are the service's own; nothing is checked.
#[doc(alias = "AuthorizationParameterInfo")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AuthorizationParameters {
    /// A message to the person who logs in.
    pub session_message: Option<String>,
    /// Identities, any of which must be in the session.
    pub session_required_identities: Option<Vec<String>>,
    /// Domains, an identity of any of which must be in the session.
    pub session_required_single_domain: Option<Vec<String>>,
    /// Ids of the policies that the session must meet.
    pub session_required_policies: Option<Vec<String>>,
    /// Whether the session needs a second factor.
    pub session_required_mfa: Option<bool>,
}

impl ErrorInfo {
    pub(super) fn read(body: &Map<String, Value>) -> Self {
        Self {
            consent_required: consent_required(body),
            authorization_parameters: body
                .get("authorization_parameters")
                .and_then(Value::as_object)
                .map(AuthorizationParameters::read),
        }
    }
}

fn consent_required(body: &Map<String, Value>) -> Option<ConsentRequired> {
    if body.get("code").and_then(Value::as_str) != Some("ConsentRequired") {
        return None;
    }
    // A list, even an empty one, hides the single scope.
    let listed = body.get("required_scopes").and_then(texts);
    let single = || body.get("required_scope")?.as_str().map(|scope| vec![scope.to_owned()]);
    let required_scopes = listed.or_else(single).filter(|scopes| !scopes.is_empty())?;
    Some(ConsentRequired { required_scopes })
}

impl AuthorizationParameters {
    fn read(parameters: &Map<String, Value>) -> Self {
        let field = |name| Field { name, value: parameters.get(name) };
        Self {
            session_message: field("session_message").read(|value| value.as_str().map(str::to_owned)),
            session_required_identities: field("session_required_identities").read(texts),
            session_required_single_domain: field("session_required_single_domain").read(texts),
            session_required_policies: field("session_required_policies").read(policies),
            session_required_mfa: field("session_required_mfa").read(Value::as_bool),
        }
    }
}

struct Field<'a> {
    name: &'static str,
    value: Option<&'a Value>,
}

impl<'a> Field<'a> {
    /// The value, or nothing and a warning where it is of another type than it should be.
    fn read<T>(self, convert: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value?;
        let converted = convert(value);
        if converted.is_none() && !value.is_null() {
            tracing::warn!(
                field = self.name,
                "ignored a member of authorization_parameters that is of a wrong type"
            );
        }
        converted
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A list of texts, or one text with commas between the ids.
fn policies(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(joined) => Some(joined.split(',').map(str::to_owned).collect()),
        other => texts(other),
    }
}
