use std::fmt;

use globus_core::Error;
use serde_json::Value;

use super::Consent;

/// Consents that cannot be made sense of. Neither `Display` nor `Debug` quotes them.
///
/// They come from the service, so report it, with [`raw`](Self::raw).
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// A consent has no member of this name.
    #[doc(alias = "ConsentParseError")]
    #[error("a consent has no `{key}`; report it to the service")]
    Missing {
        /// The name.
        key: &'static str,
        /// The consent as it came.
        raw: Value,
    },
    /// A member of a consent is of another kind than it should be, or no point in time; `consent` where that is no
    /// object at all.
    #[doc(alias = "ConsentParseError")]
    #[error("a consent's `{key}` is not what it should be; report it to the service")]
    Odd {
        /// The name.
        key: &'static str,
        /// The consent as it came.
        raw: Value,
    },
    /// A consent stands below one that is not among the consents.
    #[doc(alias = "ConsentTreeConstructionError")]
    #[error(
        "the consent {id} stands below {parent}, which is not among the consents; read all of them again"
    )]
    NoParent {
        /// The consent's id.
        id: i64,
        /// The one that is not there.
        parent: i64,
        /// All the consents.
        consents: Vec<Consent>,
    },
}

impl ConsentError {
    /// The member that is missing or odd.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Missing { key, .. } | Self::Odd { key, .. } => Some(key),
            Self::NoParent { .. } => None,
        }
    }

    /// The consent that could not be read, as it came.
    pub fn raw(&self) -> Option<&Value> {
        match self {
            Self::Missing { raw, .. } | Self::Odd { raw, .. } => Some(raw),
            Self::NoParent { .. } => None,
        }
    }
}

impl fmt::Debug for ConsentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConsentError({self})")
    }
}

/// An answer that is not what was expected, for functions that answer [`Result`](globus_core::Result).
impl From<ConsentError> for Error {
    fn from(error: ConsentError) -> Self {
        Self::unexpected_answer(error.to_string())
    }
}
