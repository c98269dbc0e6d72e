//! The document.

use globus_core::decode::Extra;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::GlobusAuthorizationParameters;
use super::parameters::serialize_extra;

/// A service's statement that a request needs more authorization: a Globus Auth Requirements Error.
///
/// Look for one with [`Gare::find`]. Everything in it is the service's: show none of its texts as they are.
///
/// # As JSON
///
/// What is read by `Deserialize`, `TryFrom<Value>` and [`from_json`](Self::from_json) is the canonical form only.
/// Serialized, it is the canonical document: `code`, then `authorization_parameters`, and in those the fields that
/// are set, in the order of their declaration. [`including_extra`](Self::including_extra) adds the unknown members of
/// both levels. Where an unknown member bears the name of a field that is set, the field is written and the member is
/// left out.
#[doc(alias = "GARE")]
#[doc(alias = "GlobusAuthRequirementsError")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
#[non_exhaustive]
pub struct Gare {
    /// A hint: [`Gare::CONSENT_REQUIRED`], [`Gare::AUTHORIZATION_REQUIRED`], or any other text.
    pub code: String,
    /// What the next login must be asked for.
    pub authorization_parameters: GlobusAuthorizationParameters,
    /// What else the document held.
    pub extra: Extra,
}

impl Gare {
    /// The code that says that the user has to consent to more scopes.
    pub const CONSENT_REQUIRED: &'static str = "ConsentRequired";

    /// The code of everything else, and of documents that name none.
    pub const AUTHORIZATION_REQUIRED: &'static str = "AuthorizationRequired";

    /// A requirement of one's own.
    pub fn new(
        code: impl Into<String>,
        authorization_parameters: impl Into<GlobusAuthorizationParameters>,
    ) -> Self {
        Self {
            code: code.into(),
            authorization_parameters: authorization_parameters.into(),
            extra: Extra::default(),
        }
    }

    /// The same, to be serialized with the unknown members of both levels.
    pub fn including_extra(&self) -> GareWithExtra<'_> {
        GareWithExtra(self)
    }
}

impl Serialize for Gare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("authorization_parameters", &self.authorization_parameters)?;
        map.end()
    }
}

/// A [`Gare`] that is serialized with its unknown members. From [`Gare::including_extra`].
#[derive(Debug, Clone, Copy)]
pub struct GareWithExtra<'a>(&'a Gare);

impl Serialize for GareWithExtra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &self.0.code)?;
        map.serialize_entry("authorization_parameters", &self.0.authorization_parameters.including_extra())?;
        let is_written = |name: &str| matches!(name, "code" | "authorization_parameters");
        serialize_extra(&self.0.extra, is_written, &mut map)?;
        map.end()
    }
}
