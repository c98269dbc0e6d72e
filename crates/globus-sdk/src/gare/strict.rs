//! Reading the canonical document, and nothing else.

use serde_json::Value;

use super::invalid::{DOCUMENT, Expected, InvalidGare};
use super::members::{Document, Members};
use super::{Gare, GlobusAuthorizationParameters, MAX_TEXT};

impl Gare {
    /// Reads the canonical document from its text, such as one that was kept in a file.
    ///
    /// # Errors
    ///
    /// When the text is longer than [`MAX_TEXT`], no JSON, or not the document: `code` must be a text, and
    /// `authorization_parameters` an object whose known members have their types.
    pub fn from_json(text: &str) -> Result<Self, InvalidGare> {
        if text.len() > MAX_TEXT {
            return Err(InvalidGare::new(DOCUMENT, Expected::Length));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|_| InvalidGare::new(DOCUMENT, Expected::Json))?;
        Self::try_from(&value)
    }

    pub(super) fn strict(document: &Document) -> Result<Self, InvalidGare> {
        const PARAMETERS: &str = "authorization_parameters";
        let mut members = Members::of(document);
        let code = members.text("code")?.ok_or(InvalidGare::new("code", Expected::Text))?;
        let parameters = members.take(PARAMETERS);
        let parameters = parameters
            .as_ref()
            .and_then(Value::as_object)
            .ok_or(InvalidGare::new(PARAMETERS, Expected::Object))?;
        Ok(Self {
            code,
            authorization_parameters: GlobusAuthorizationParameters::strict(parameters)?,
            extra: members.rest().into(),
        })
    }
}

impl GlobusAuthorizationParameters {
    fn strict(document: &Document) -> Result<Self, InvalidGare> {
        let mut members = Members::of(document);
        Ok(Self {
            session_message: members.text("session_message")?,
            session_required_identities: members.texts("session_required_identities")?,
            session_required_policies: members.texts("session_required_policies")?,
            session_required_single_domain: members.texts("session_required_single_domain")?,
            session_required_mfa: members.boolean("session_required_mfa")?,
            required_scopes: members.texts("required_scopes")?,
            prompt: members.text("prompt")?,
            extra: members.rest().into(),
        })
    }
}

/// Both documents are read from a JSON value in the same ways.
macro_rules! from_value {
    ($($document:ty),*) => {
        $(
        #[doc = "The canonical form only; the error names the member that has another type."]
        impl TryFrom<&Value> for $document {
            type Error = InvalidGare;

            fn try_from(value: &Value) -> Result<Self, InvalidGare> {
                value
                    .as_object()
                    .ok_or(InvalidGare::new(DOCUMENT, Expected::Object))
                    .and_then(Self::strict)
            }
        }

        #[doc = "The canonical form only; the error names the member that has another type."]
        impl TryFrom<Value> for $document {
            type Error = InvalidGare;

            fn try_from(value: Value) -> Result<Self, InvalidGare> {
                Self::try_from(&value)
            }
        }
        )*
    };
}

from_value!(Gare, GlobusAuthorizationParameters);
