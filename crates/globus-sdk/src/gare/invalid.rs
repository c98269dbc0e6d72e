//! Why a document is no GARE.

use std::fmt;

/// A document is not of the form of a [`Gare`](super::Gare) or of
/// [`GlobusAuthorizationParameters`](super::GlobusAuthorizationParameters).
///
/// The message names the member at fault and what it should be; it quotes nothing.
#[doc(alias = "ValidationError")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidGare {
    member: &'static str,
    expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Text,
    Texts,
    Boolean,
    Object,
    Json,
    Length,
}

/// The document as a whole.
pub(super) const DOCUMENT: &str = "the document";

impl InvalidGare {
    pub(super) fn new(member: &'static str, expected: Expected) -> Self {
        Self { member, expected }
    }

    /// The member at fault.
    pub fn member(&self) -> &str {
        self.member
    }
}

impl fmt::Display for InvalidGare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { member, expected } = self;
        match expected {
            Expected::Text => write!(f, "{member} should be a text"),
            Expected::Texts => write!(f, "{member} should be a list of texts"),
            Expected::Boolean => write!(f, "{member} should be true or false"),
            Expected::Object => write!(f, "{member} should be a JSON object"),
            Expected::Json => write!(f, "{member} should be JSON"),
            Expected::Length => write!(f, "{member} is longer than {} KiB", super::MAX_TEXT / 1024),
        }?;
        f.write_str("; this is no authorization requirement (GARE)")
    }
}

impl std::error::Error for InvalidGare {}
