//! Why a request got no answer.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The connection was not made in time.
    ConnectTimeout,
    /// The connection stood, but nothing came in time.
    Timeout,
    /// The connection was refused, or the name was not found.
    Connect,
    /// The connection was lost after the request had begun to leave.
    ConnectionLost,
    /// The server's certificate was not accepted, or TLS failed otherwise.
    Tls,
    /// The proxy could not be reached, or refused.
    Proxy,
    /// The answer ended in the middle of its body.
    Body,
    /// The body could not be decompressed.
    ContentDecoding,
    /// The answers kept leading elsewhere.
    TooManyRedirects,
    /// The body is longer than the client accepts.
    TooLarge,
    /// The request could not be put together.
    InvalidRequest,
    /// Anything else.
    Other,
}

impl TransportErrorKind {
    /// Whether the service may have received and processed the request.
    pub fn may_have_been_processed(self) -> bool {
        !matches!(self, Self::ConnectTimeout | Self::Connect | Self::Tls | Self::Proxy | Self::InvalidRequest)
    }

    /// Whether sending the same request again cannot help.
    pub fn is_hopeless(self) -> bool {
        matches!(self, Self::Tls | Self::TooManyRedirects | Self::TooLarge | Self::InvalidRequest)
    }

    fn what(self) -> &'static str {
        match self {
            Self::ConnectTimeout => {
                "the connection was not made in time; check the network, or raise the timeout"
            }
            Self::Timeout => "no answer came in time; try again later, or raise the timeout",
            Self::Connect => "the connection could not be made; check the address and the network",
            Self::ConnectionLost => "the connection was lost before the answer was complete",
            Self::Tls => {
                "the secure connection was refused; check GLOBUS_SDK_VERIFY_SSL and the system's certificates"
            }
            Self::Proxy => "the proxy could not be used; check HTTPS_PROXY and NO_PROXY",
            Self::Body => "the answer ended in the middle",
            Self::ContentDecoding => "the answer could not be decompressed",
            Self::TooManyRedirects => "the answers kept leading elsewhere",
            Self::TooLarge => "the answer is too large; read it as a stream, or raise the limit",
            Self::InvalidRequest => "the request could not be put together",
            Self::Other => "the exchange failed",
        }
    }
}

/// A request that got no answer. The message never shows header values, query or body.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    detail: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// An error of this kind.
    pub fn new(kind: TransportErrorKind) -> Self {
        Self { kind, detail: None, source: None }
    }

    /// Adds a few words, which must not hold secrets.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the error underneath, whose text must not hold secrets.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.what())?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
