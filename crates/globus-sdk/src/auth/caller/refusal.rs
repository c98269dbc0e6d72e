//! Why a caller is refused, and what to answer.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use globus_core::Error;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::Gare;

/// Why a caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// There was no bearer token in the request.
    NoToken,
    /// The token is not good: it has expired, was revoked, or never was one.
    Inactive,
    /// The token is good, but for another service.
    WrongAudience,
    /// The token is of another issuer than the one that is trusted.
    WrongIssuer,
    /// The token lacks scopes.
    MissingScopes,
    /// None of the caller's identities is one of those that may call.
    WrongIdentity,
    /// The login is too old.
    SessionTooOld,
    /// The login was without a second factor, of another identity or domain than those asked for, or there is none.
    SessionRequired,
    /// The login does not meet a policy.
    PolicyNotMet,
    /// The caller has not consented to what this service has to do on their behalf.
    ConsentRequired,
    /// A service that was called on the caller's behalf wants another login.
    AuthorizationRequired,
    /// It is not the caller's fault: whether to refuse could not be found out, or something else failed.
    Unavailable,
}

/// A caller who was refused, with what to answer: [`status`](Self::status), [`www_authenticate`](Self::www_authenticate)
/// and the document of [`body`](Self::body), which for everything that another login would mend is a [`Gare`].
///
/// Every [`Error`] of a call made on the caller's behalf converts into it, so that a handler can end with `?`: where the
/// service wants a consent or another login, the requirement is handed on; everything else is `Unavailable`. Treat what
/// your service expects, such as a file that is not there, before that.
///
/// Nothing of it shows a token. `Display` is for the log; [`body`](Self::body) says no more than a caller may know.
#[derive(Clone)]
pub struct Refusal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: RefusalKind,
    message: String,
    gare: Option<Gare>,
    error: Option<Error>,
}

impl Refusal {
    fn of(kind: RefusalKind, message: impl Into<String>, gare: Option<Gare>, error: Option<Error>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), gare, error }))
    }

    pub(super) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self::of(kind, message, None, None)
    }

    pub(super) fn with_gare(kind: RefusalKind, message: impl Into<String>, gare: Option<Gare>) -> Self {
        Self::of(kind, message, gare, None)
    }

    pub(super) fn inactive(error: Option<Error>) -> Self {
        let message = "the token is not good: it has expired or was revoked; log in again";
        Self::of(RefusalKind::Inactive, message, None, error)
    }

    /// It is not the caller's fault.
    pub(super) fn unavailable(error: Error) -> Self {
        Self::of(RefusalKind::Unavailable, error.to_string(), None, Some(error))
    }

    /// Whether another login may mend it, even of a caller who comes back with the same token.
    pub(super) fn is_about_login(&self) -> bool {
        matches!(
            self.0.kind,
            RefusalKind::SessionTooOld | RefusalKind::SessionRequired | RefusalKind::PolicyNotMet
        )
    }

    pub(super) fn consent_required(gare: Gare, error: Option<Error>) -> Self {
        let message = "the caller has not consented to what this service has to do on their behalf";
        Self::of(RefusalKind::ConsentRequired, message, Some(gare), error)
    }

    /// A service wants a consent or another login.
    pub(super) fn of_gare(gare: Gare, error: Error) -> Self {
        if gare.code == Gare::CONSENT_REQUIRED {
            return Self::consent_required(gare, Some(error));
        }
        let message = "a service that was called on the caller's behalf wants another login";
        Self::of(RefusalKind::AuthorizationRequired, message, Some(gare), Some(error))
    }

    /// Why.
    pub fn kind(&self) -> RefusalKind {
        self.0.kind
    }

    /// What the next login must be asked for, where a login would help. It is the document to hand to the browser.
    pub fn gare(&self) -> Option<&Gare> {
        self.0.gare.as_ref()
    }

    /// The failure underneath, where there was one.
    pub fn error(&self) -> Option<&Error> {
        self.0.error.as_ref()
    }

    /// The status to answer: 401 without a good token, 403 for what the token does not cover, 503 for what may pass,
    /// otherwise 500.
    pub fn status(&self) -> StatusCode {
        match self.0.kind {
            RefusalKind::NoToken
            | RefusalKind::Inactive
            | RefusalKind::WrongAudience
            | RefusalKind::WrongIssuer => StatusCode::UNAUTHORIZED,
            RefusalKind::Unavailable if self.0.error.as_ref().is_some_and(Error::is_retryable) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            RefusalKind::Unavailable => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// The `WWW-Authenticate` header to answer with (RFC 6750, section 3), if one is due.
    pub fn www_authenticate(&self) -> Option<HeaderValue> {
        let challenge = match self.0.kind {
            RefusalKind::NoToken => "Bearer".to_owned(),
            RefusalKind::MissingScopes => {
                let scopes = self.scopes().filter(|scopes| {
                    scopes.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
                });
                let scopes = scopes.map(|scopes| format!(", scope=\"{scopes}\"")).unwrap_or_default();
                format!("Bearer error=\"insufficient_scope\"{scopes}")
            }
            _ if self.status() == StatusCode::UNAUTHORIZED => "Bearer error=\"invalid_token\"".to_owned(),
            _ => return None,
        };
        HeaderValue::try_from(challenge).ok()
    }

    fn scopes(&self) -> Option<String> {
        Some(self.gare()?.authorization_parameters.required_scopes.as_ref()?.join(" "))
    }

    /// How long the caller should wait, for a `Retry-After` header, where the service that failed said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.error.as_ref().and_then(Error::retry_after)
    }

    /// The JSON document to answer: the [`gare`](Self::gare) in its canonical form, otherwise `code` and `message`.
    pub fn body(&self) -> Value {
        if let Some(gare) = self.gare()
            && let Ok(document) = serde_json::to_value(gare)
        {
            return document;
        }
        let (code, message) = match self.0.kind {
            RefusalKind::NoToken => ("AuthenticationRequired", "The request has no bearer token."),
            RefusalKind::Inactive => ("AuthenticationFailed", "The token has expired or was revoked."),
            RefusalKind::WrongAudience | RefusalKind::WrongIssuer => {
                ("AuthenticationFailed", "The token is not meant for this service.")
            }
            RefusalKind::Unavailable if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                ("ServiceUnavailable", "The request cannot be handled now; try again later.")
            }
            RefusalKind::Unavailable => ("InternalError", "The request could not be handled."),
            _ => ("Forbidden", "The caller may not do this."),
        };
        json!({"code": code, "message": message})
    }

    /// As it stands in an [`Error`] of a call that could not be authorized; [`Refusal::from`] finds it there again.
    pub(super) fn into_error(self) -> Error {
        if let (RefusalKind::Unavailable, Some(error)) = (self.0.kind, &self.0.error) {
            return error.clone();
        }
        let cause: Box<dyn StdError + Send + Sync> = Box::new(self);
        Error::other("the call cannot be made on the caller's behalf", cause)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if let Some(refusal) = error.find_cause::<Self>() {
            return refusal.clone();
        }
        match Gare::find_for_login(&error) {
            Some(gare) => Self::of_gare(gare, error),
            None => Self::unavailable(error),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("gare", &self.0.gare)
            .field("error", &self.0.error)
            .finish()
    }
}

impl StdError for Refusal {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.error {
            // Its text is this refusal's text.
            Some(error) if self.0.kind == RefusalKind::Unavailable => error.source(),
            Some(error) => Some(error),
            None => None,
        }
    }
}
