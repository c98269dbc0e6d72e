//! The one error type of calls: [`Error`].

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::api_error::ApiError;
use crate::config::ConfigError;
use crate::decode::DecodeError;
use crate::scope::ScopeParseError;
use crate::storage::StorageError;
use crate::token::{MalformedTokenResponse, NoSuchToken};
use crate::transport::{TransportError, TransportErrorKind};

/// What calls answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A call that failed.
///
/// The type is opaque: ask it what happened with the `is_…` predicates, and for facts with
/// [`status`](Self::status), [`code`](Self::code), [`api`](Self::api) and so on. `Display` is one line that
/// says what failed, why, and where something can be done, what; the causes underneath are in
/// [`source`](StdError::source) and are not repeated in that line. No form of it shows a secret.
///
/// ```
/// # use globus_core::Error;
/// fn advice(error: &Error) -> &'static str {
///     if error.is_login_required() {
///         "log in again"
///     } else if error.is_timeout() || error.is_connect() {
///         "check the network"
///     } else if error.is_rate_limited() {
///         "slow down"
///     } else {
///         "report it"
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: Kind,
    /// The call, as `GET https://…`, where the kind does not say it itself.
    call: Option<String>,
    attempts: u32,
    retry_after: Option<Duration>,
}

enum Kind {
    Usage(Cow<'static, str>),
    Api(Box<ApiError>),
    Transport(TransportError),
    Decode(DecodeError),
    MalformedTokenResponse(MalformedTokenResponse),
    NotOneToken(String),
    NoSuchToken(NoSuchToken),
    Json(String),
    LoginRequired { resource_server: Option<String>, cause: Error },
    LoginFailed { reason: Error, failure: Error },
    Refused(Cow<'static, str>),
    Storage(StorageError),
    Config(ConfigError),
    Scopes(ScopeParseError),
    Callback(Box<dyn StdError + Send + Sync>),
    Other { what: Cow<'static, str>, cause: Option<Box<dyn StdError + Send + Sync>> },
}

impl Error {
    fn of(kind: Kind) -> Self {
        Self(Arc::new(Inner { kind, call: None, attempts: 0, retry_after: None }))
    }

    /// The SDK was used in a way that cannot work; nothing was sent.
    pub fn usage(what: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Usage(what.into()))
    }

    /// The SDK refused to send: credentials would have left their service's origin, or gone unencrypted.
    pub fn refused(what: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Refused(what.into()))
    }

    /// A failure of another kind, in words that hold no secret, with its cause.
    pub fn other(
        what: impl Into<Cow<'static, str>>,
        cause: impl Into<Option<Box<dyn StdError + Send + Sync>>>,
    ) -> Self {
        Self::of(Kind::Other { what: what.into(), cause: cause.into() })
    }

    /// A caller's own function failed.
    pub fn callback(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::of(Kind::Callback(cause.into()))
    }

    /// A user has to log in: their login cannot be renewed, or does not cover what is needed. The cause says which.
    pub fn login_required(resource_server: Option<String>, cause: Self) -> Self {
        Self::of(Kind::LoginRequired { resource_server, cause })
    }

    /// A login was needed because of `reason`, such as a call that a service refused, and did not succeed because of
    /// `failure`, which is the cause. [`is_login_required`](Self::is_login_required) is the failure's; so is
    /// [`api`](Self::api) with what comes with it where Globus Auth has answered the failure, otherwise it is the
    /// reason's. [`login_reason`](Self::login_reason) is the reason as a whole.
    pub fn login_failed(reason: Self, failure: Self) -> Self {
        Self::of(Kind::LoginFailed { reason, failure })
    }

    /// A token response for an authorizer holds none or several tokens.
    pub(crate) fn not_one_token(what: String) -> Self {
        Self::of(Kind::NotOneToken(what))
    }

    /// A body that does not fit the caller's own type: the place only, since serde quotes what it finds.
    pub(crate) fn json(path: &str, error: &serde_json::Error) -> Self {
        let problem = match error.classify() {
            serde_json::error::Category::Data => "does not fit the type asked for",
            serde_json::error::Category::Eof => "ends too early",
            _ => "is not JSON",
        };
        let place = if path.is_empty() || path == "." { String::new() } else { format!(" at {path}") };
        Self::of(Kind::Json(format!(
            "the answer {problem}{place} (line {}, column {})",
            error.line(),
            error.column()
        )))
    }

    /// An answer that is JSON, but not the document expected; `what` says what is odd and quotes nothing.
    pub fn unexpected_answer(what: impl Into<String>) -> Self {
        Self::of(Kind::Json(what.into()))
    }

    /// Adds the call that failed, the attempts made and the wait that the service asks for.
    pub(crate) fn in_call(self, call: String, attempts: u32, retry_after: Option<Duration>) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { call: Some(call), attempts, retry_after, ..inner })),
            // Somebody else holds the error already: it was complete before.
            Err(shared) => Self(shared),
        }
    }

    /// The error that the service answered, if it answered one.
    pub fn api(&self) -> Option<&ApiError> {
        match &self.0.kind {
            Kind::Api(error) => Some(error),
            Kind::LoginRequired { cause, .. } => cause.api(),
            Kind::LoginFailed { reason, failure } => failure.api().or_else(|| reason.api()),
            _ => None,
        }
    }

    /// The status that the service answered.
    pub fn status(&self) -> Option<StatusCode> {
        self.api().map(ApiError::status)
    }

    /// The service's own code for the failure, such as `ClientError.NotFound` or `invalid_grant`.
    pub fn code(&self) -> Option<&str> {
        self.api().and_then(ApiError::code)
    }

    /// The service's name for this exchange, to quote when asking for support.
    pub fn request_id(&self) -> Option<&str> {
        self.api().and_then(ApiError::request_id)
    }

    /// The headers of the answer.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.api().map(ApiError::headers)
    }

    /// The body of the answer, as it came. It can hold whatever the service put in.
    pub fn body(&self) -> Option<&Bytes> {
        self.api().map(ApiError::body)
    }

    /// How long the service asks to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The failure of the exchange itself, if no answer came.
    pub fn transport(&self) -> Option<TransportErrorKind> {
        match &self.0.kind {
            Kind::Transport(error) => Some(error.kind()),
            _ => None,
        }
    }

    /// The failure of a token storage, if it was one.
    pub fn storage(&self) -> Option<&StorageError> {
        match &self.0.kind {
            Kind::Storage(error) => Some(error),
            Kind::LoginFailed { reason, failure } => failure.storage().or_else(|| reason.storage()),
            _ => None,
        }
    }

    /// Why there had to be a login, if it is a login that failed: the service's refusal of the call, or what is wrong with
    /// the stored tokens.
    pub fn login_reason(&self) -> Option<&Self> {
        match &self.0.kind {
            Kind::LoginFailed { reason, .. } => Some(reason),
            Kind::LoginRequired { cause, .. } => cause.login_reason(),
            _ => None,
        }
    }

    /// What is wrong with a text of scopes, if that was it.
    pub fn scopes(&self) -> Option<&ScopeParseError> {
        match &self.0.kind {
            Kind::Scopes(error) => Some(error),
            _ => None,
        }
    }

    /// What is wrong with the token endpoint's answer, if that was it.
    pub fn malformed_token_response(&self) -> Option<&MalformedTokenResponse> {
        match &self.0.kind {
            Kind::MalformedTokenResponse(error) => Some(error),
            _ => None,
        }
    }

    /// The cause of this type in the chain below this error, such as a failed task's
    /// `globus_sdk::transfer::TaskWaitError`.
    pub fn find_cause<T: StdError + 'static>(&self) -> Option<&T> {
        std::iter::successors(self.source(), |cause| (*cause).source()).find_map(|cause| cause.downcast_ref())
    }

    /// The SDK was used in a way that cannot work. Correct the program.
    pub fn is_usage(&self) -> bool {
        matches!(self.0.kind, Kind::Usage(_) | Kind::Config(_) | Kind::Scopes(_))
    }

    /// The SDK refused to let credentials leave their service's origin. Correct the address, or call it
    /// without authorization.
    pub fn is_refused(&self) -> bool {
        matches!(self.0.kind, Kind::Refused(_))
    }

    /// The user has to log in: the refresh token is dead, or no login covers what is needed. Trying again is useless.
    pub fn is_login_required(&self) -> bool {
        match &self.0.kind {
            Kind::LoginRequired { .. } => true,
            Kind::LoginFailed { failure, .. } => failure.is_login_required(),
            _ => false,
        }
    }

    /// The token endpoint refused the code or the refresh token (RFC 6749, section 5.2).
    pub fn is_invalid_grant(&self) -> bool {
        self.api().is_some_and(|error| {
            let named = |value: Option<&str>| value == Some("invalid_grant");
            error.status().is_client_error()
                && (named(error.code())
                    || named(error.raw_json().and_then(|body| body.get("error")?.as_str())))
        })
    }

    /// A token response has no such token. Ask for one of its scopes in the login.
    pub fn is_no_such_token(&self) -> bool {
        matches!(self.0.kind, Kind::NoSuchToken(_))
    }

    /// No answer in time, connecting included. Try again later.
    pub fn is_timeout(&self) -> bool {
        matches!(self.transport(), Some(TransportErrorKind::Timeout | TransportErrorKind::ConnectTimeout))
    }

    /// The service could not be reached. Check address, network and proxy.
    pub fn is_connect(&self) -> bool {
        matches!(
            self.transport(),
            Some(
                TransportErrorKind::Connect
                    | TransportErrorKind::ConnectTimeout
                    | TransportErrorKind::Proxy
                    | TransportErrorKind::Tls
            )
        )
    }

    /// The service did not take the credentials (401). Log in again, or check the client's secret.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// The service knows who calls and does not allow it (403). [`api`](Self::api) says whether a consent or
    /// a fresh session would help.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    /// There is no such thing, or not for this caller (404).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Too many calls (429). Wait as [`retry_after`](Self::retry_after) says.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// A consent is missing. [`api`](Self::api)`.info().consent_required` names the scopes to log in for.
    pub fn is_consent_required(&self) -> bool {
        self.api().is_some_and(|error| error.info().consent_required.is_some())
    }

    /// The answer is not what the operation answers: not JSON, or of another shape. Often a proxy or a
    /// captive portal speaks in the service's place.
    pub fn is_decode(&self) -> bool {
        matches!(
            self.0.kind,
            Kind::Decode(_) | Kind::Json(_) | Kind::MalformedTokenResponse(_) | Kind::NotOneToken(_)
        )
    }

    /// A token storage failed. [`storage`](Self::storage) says which file and why.
    pub fn is_storage(&self) -> bool {
        self.storage().is_some()
    }

    /// A caller's own function failed.
    pub fn is_callback(&self) -> bool {
        matches!(self.0.kind, Kind::Callback(_))
    }

    /// Whether the same call may succeed later, with nothing changed.
    pub fn is_retryable(&self) -> bool {
        match &self.0.kind {
            Kind::Transport(error) => !error.kind().is_hopeless(),
            Kind::Api(error) => matches!(error.status().as_u16(), 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says_it_itself = matches!(self.0.kind, Kind::Api(_) | Kind::LoginFailed { .. });
        if let (Some(call), false) = (&self.0.call, says_it_itself) {
            write!(f, "{call}: ")?;
        }
        match &self.0.kind {
            Kind::Usage(what) | Kind::Refused(what) | Kind::Other { what, .. } => f.write_str(what)?,
            Kind::Api(error) => fmt::Display::fmt(error, f)?,
            Kind::Transport(error) => fmt::Display::fmt(error, f)?,
            Kind::Decode(error) => fmt::Display::fmt(error, f)?,
            Kind::MalformedTokenResponse(error) => fmt::Display::fmt(error, f)?,
            Kind::NoSuchToken(error) => fmt::Display::fmt(error, f)?,
            Kind::NotOneToken(what) | Kind::Json(what) => f.write_str(what)?,
            Kind::LoginRequired { resource_server, cause } => {
                let server =
                    resource_server.as_ref().map(|server| format!(" for {server}")).unwrap_or_default();
                if cause.is_invalid_grant() {
                    write!(f, "the login{server} has ended: its refresh token was refused; log in again")?;
                } else {
                    write!(f, "a login{server} is needed")?;
                }
            }
            Kind::LoginFailed { reason, .. } => write!(f, "{reason}; the login that it takes failed")?,
            Kind::Storage(error) => fmt::Display::fmt(error, f)?,
            Kind::Config(error) => fmt::Display::fmt(error, f)?,
            Kind::Scopes(error) => fmt::Display::fmt(error, f)?,
            Kind::Callback(_) => {
                f.write_str("a function that the program gave to the SDK failed; see its own error below")?;
            }
        }
        if self.0.attempts > 1 {
            write!(f, " (after {} attempts)", self.0.attempts)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0.kind {
            Kind::Usage(_) => "Usage",
            Kind::Api(_) => "Api",
            Kind::Transport(_) => "Transport",
            Kind::Decode(_) => "Decode",
            Kind::MalformedTokenResponse(_) => "MalformedTokenResponse",
            Kind::NoSuchToken(_) => "NoSuchToken",
            Kind::NotOneToken(_) => "NotOneToken",
            Kind::Json(_) => "Json",
            Kind::LoginRequired { .. } => "LoginRequired",
            Kind::LoginFailed { .. } => "LoginFailed",
            Kind::Refused(_) => "Refused",
            Kind::Storage(_) => "Storage",
            Kind::Config(_) => "Config",
            Kind::Scopes(_) => "Scopes",
            Kind::Callback(_) => "Callback",
            Kind::Other { .. } => "Other",
        };
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &kind).field("message", &self.to_string());
        if let Some(source) = self.source() {
            shown.field("source", &source.to_string());
        }
        shown.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            // Their own text is this error's text, so the chain goes on below them.
            Kind::Transport(error) => error.source(),
            Kind::Decode(error) => error.source(),
            Kind::Storage(error) => error.source(),
            Kind::Config(error) => error.source(),
            Kind::LoginRequired { cause, .. } => Some(cause),
            Kind::LoginFailed { failure, .. } => Some(failure),
            Kind::Callback(cause) => Some(cause.as_ref()),
            Kind::Other { cause, .. } => cause.as_deref().map(|cause| cause as &(dyn StdError + 'static)),
            Kind::Usage(_)
            | Kind::Refused(_)
            | Kind::Api(_)
            | Kind::MalformedTokenResponse(_)
            | Kind::NotOneToken(_)
            | Kind::Json(_)
            | Kind::Scopes(_)
            | Kind::NoSuchToken(_) => None,
        }
    }
}

macro_rules! from_kind {
    ($($source:ty => $kind:expr),* $(,)?) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::of($kind(error))
            }
        })*
    };
}

from_kind! {
    TransportError => Kind::Transport,
    DecodeError => Kind::Decode,
    MalformedTokenResponse => Kind::MalformedTokenResponse,
    NoSuchToken => Kind::NoSuchToken,
    StorageError => Kind::Storage,
    ConfigError => Kind::Config,
    ScopeParseError => Kind::Scopes,
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::of(Kind::Api(Box::new(error)))
    }
}
