//! How requests leave the process: the [`Transport`] trait and the types it speaks.
//!
//! Programs rarely meet this module. Clients use the HTTP transport over `reqwest` that is shared by the
//! whole process; tests and embedders give a client another [`Transport`] through its builder.
//!
//! ```
//! use globus_core::transport::{Body, Request, Response, Transport, TransportError};
//!
//! /// Answers every request with `{}`.
//! #[derive(Debug)]
//! struct Quiet;
//!
//! impl Transport for Quiet {
//!     async fn send(&self, _request: Request) -> Result<Response, TransportError> {
//!         Ok(Response::new(http::StatusCode::OK, http::HeaderMap::new(), Body::full("{}")))
//!     }
//! }
//! ```

mod body;
mod error;
#[cfg(feature = "reqwest")]
mod reqwest;

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

pub use self::body::Body;
pub use self::error::{TransportError, TransportErrorKind};
#[cfg(feature = "reqwest")]
pub use self::reqwest::{HttpSettings, HttpTransport};

/// A request as it leaves the process.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The full address.
    pub url: Url,
    /// Every header, `Authorization` included.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long the whole exchange may take, from the first byte out to the last byte in. `None`: no limit of
    /// its own, only the transport's connect and read timeouts.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), timeout: None }
    }
}

impl Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &format_args!("{}", shown_url(&self.url)))
            .field("headers", &self.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// An answer whose body has not been read yet.
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it arrives.
    pub body: Body,
}

impl Response {
    /// Puts an answer together.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        Self { status, headers, body }
    }
}

impl Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Sends one request and answers with the status, the headers and a body that streams.
///
/// A transport does not retry, does not follow redirects and adds no credentials: the call machinery above
/// it does. It removes a content encoding that it asked for.
pub trait Transport: Debug + Send + Sync + 'static {
    /// Sends the request.
    ///
    /// # Errors
    ///
    /// When no answer came; the kind says whether the request may have been processed.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send;
}

trait DynTransport: Debug + Send + Sync {
    fn send(&self, request: Request) -> PendingResponse<'_>;
}

/// A boxed answer in the making.
type PendingResponse<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

impl<T: Transport> DynTransport for T {
    fn send(&self, request: Request) -> PendingResponse<'_> {
        Box::pin(Transport::send(self, request))
    }
}

/// A shared handle to any [`Transport`]; what clients hold.
#[derive(Clone, Debug)]
pub struct TransportHandle(Arc<dyn DynTransport>);

impl TransportHandle {
    /// Sends the request.
    ///
    /// # Errors
    ///
    /// As [`Transport::send`].
    pub async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.send(request).await
    }
}

impl<T: Transport> From<T> for TransportHandle {
    fn from(transport: T) -> Self {
        Self(Arc::new(transport))
    }
}

/// The address without user information and query, which can hold secrets.
pub(crate) fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for addresses that cannot have a user in the first place.
    if shown.set_username("").and_then(|()| shown.set_password(None)).is_err() {
        return format!("{}:", url.scheme());
    }
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}
