//! Reading whatever services have written over the years. The ways are tried in a fixed order, and the first that
//! fits counts.

use serde_json::Value;

use super::members::{Document, Members, texts};
use super::{Gare, GlobusAuthorizationParameters};

pub(super) fn gare(document: &Document) -> Option<Gare> {
    Gare::strict(document)
        .ok()
        .or_else(|| legacy_parameters(document))
        .or_else(|| transfer_consent(document))
        .or_else(|| action_provider_consent(document))
        .or_else(|| dependent_consent(document))
}

/// Documents without a code, and with commas in place of lists. `required_scopes` was no member of theirs, so it is
/// in the `extra` of the parameters whatever it is.
fn legacy_parameters(document: &Document) -> Option<Gare> {
    let mut members = Members::of(document);
    let parameters = members.take("authorization_parameters")?;
    let authorization_parameters = legacy(parameters.as_object()?)?;
    let code = match members.take("code") {
        Some(Value::String(code)) if !code.is_empty() => code,
        None => Gare::AUTHORIZATION_REQUIRED.to_owned(),
        Some(code) if is_nothing(&code) => Gare::AUTHORIZATION_REQUIRED.to_owned(),
        Some(_) => return None,
    };
    Some(Gare { code, authorization_parameters, extra: members.rest().into() })
}

fn legacy(document: &Document) -> Option<GlobusAuthorizationParameters> {
    let mut members = Members::of(document);
    Some(GlobusAuthorizationParameters {
        session_message: members.text("session_message").ok()?,
        session_required_identities: members.texts("session_required_identities").ok()?,
        session_required_policies: members.comma_texts("session_required_policies").ok()?,
        session_required_single_domain: members.comma_texts("session_required_single_domain").ok()?,
        session_required_mfa: members.boolean("session_required_mfa").ok()?,
        required_scopes: None,
        prompt: match members.text("prompt").ok()? {
            Some(other) if other != "login" => return None,
            prompt => prompt,
        },
        extra: members.rest().into(),
    })
}

/// What Python takes for false.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(boolean) => !boolean,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Transfer: `required_scopes` beside the code, and a `message`.
fn transfer_consent(document: &Document) -> Option<Gare> {
    let mut members = consent(document)?;
    let scopes = members.texts("required_scopes").ok()??;
    let message = optional_text(document, "message")?;
    Some(consent_gare(scopes, message, members.rest()))
}

/// Action providers: one `required_scope`, and a `description`.
fn action_provider_consent(document: &Document) -> Option<Gare> {
    let mut members = consent(document)?;
    let scope = members.text("required_scope").ok()??;
    let description = optional_text(document, "description")?;
    let parameters = members.take("authorization_parameters");
    let mut gare = consent_gare(vec![scope], description, members.rest());
    match parameters {
        Some(Value::Object(parameters)) => gare.authorization_parameters.extra = parameters.into(),
        Some(other) => drop(gare.extra.insert("authorization_parameters".to_owned(), other)),
        None => {}
    }
    Some(gare)
}

/// Globus Auth, when dependent tokens are asked for. Only the first of the errors is looked at.
fn dependent_consent(document: &Document) -> Option<Gare> {
    let first = dependent_errors(document)?.first()?.as_object()?;
    Some(consent_gare(unapproved_scopes(first)?, None, Document::new()))
}

/// The scopes that no one has consented to in all of the errors of such a document.
pub(super) fn all_unapproved_scopes(document: &Document) -> impl Iterator<Item = String> {
    let errors = dependent_errors(document).into_iter().flatten();
    errors.filter_map(Value::as_object).filter_map(unapproved_scopes).flatten()
}

fn dependent_errors(document: &Document) -> Option<&Vec<Value>> {
    (document.get("error")? == "dependent_consent_required").then_some(())?;
    document.get("errors")?.as_array()
}

fn unapproved_scopes(error: &Document) -> Option<Vec<String>> {
    error.get("unapproved_scopes").map_or_else(|| Some(Vec::new()), texts)
}

/// The members of a document whose code says that a consent is missing.
fn consent(document: &Document) -> Option<Members> {
    let mut members = Members::of(document);
    (members.take("code")? == Gare::CONSENT_REQUIRED).then_some(members)
}

/// A text or nothing; `None` if it is something else.
#[expect(clippy::option_option, reason = "wrong, absent, or there")]
fn optional_text(document: &Document, name: &str) -> Option<Option<String>> {
    match document.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    }
}

fn consent_gare(scopes: Vec<String>, session_message: Option<String>, extra: Document) -> Gare {
    Gare {
        code: Gare::CONSENT_REQUIRED.to_owned(),
        authorization_parameters: GlobusAuthorizationParameters {
            session_message,
            required_scopes: Some(scopes),
            ..Default::default()
        },
        extra: extra.into(),
    }
}
