//! The HTTP transport: `reqwest` with rustls.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::TryStreamExt;

use super::{Body, Request, Response, Transport, TransportError, TransportErrorKind};
use crate::config::url::is_loopback;
use crate::config::{HttpTimeout, TlsVerification};

/// How the HTTP transport connects. Two equal settings share their connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HttpSettings {
    /// How long connecting may take, and how long the service may stay silent after that, each.
    pub timeout: HttpTimeout,
    /// Which certificates are accepted.
    pub tls: TlsVerification,
}

impl HttpSettings {
    /// These settings.
    pub fn new(timeout: HttpTimeout, tls: TlsVerification) -> Self {
        Self { timeout, tls }
    }
}

/// Sends requests over HTTP. Clones share their connections.
///
/// The connections are made when they are first needed. Proxies come from the environment (`HTTPS_PROXY`,
/// `HTTP_PROXY`, `NO_PROXY`) and are never used for this machine's own addresses. Redirects are not followed
/// here.
#[derive(Clone)]
pub struct HttpTransport(Arc<Inner>);

struct Inner {
    settings: HttpSettings,
    /// One client for each of: http or https, elsewhere or this machine. Plain http needs no certificates,
    /// whose loading is most of a client's price; this machine needs no proxy.
    clients: [OnceLock<Result<reqwest::Client, String>>; 4],
}

impl HttpTransport {
    /// A transport with connections of its own.
    pub fn new(settings: HttpSettings) -> Self {
        Self(Arc::new(Inner { settings, clients: Default::default() }))
    }

    /// The transport that the whole process shares for these settings.
    pub fn shared(settings: &HttpSettings) -> Self {
        static SHARED: Mutex<Vec<HttpTransport>> = Mutex::new(Vec::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(transport) = shared.iter().find(|transport| transport.0.settings == *settings) {
            return transport.clone();
        }
        let transport = Self::new(settings.clone());
        shared.push(transport.clone());
        transport
    }

    fn client(&self, url: &url::Url) -> Result<&reqwest::Client, TransportError> {
        let (https, loopback) = (url.scheme() == "https", is_loopback(url));
        let slot = &self.0.clients[usize::from(https) * 2 + usize::from(loopback)];
        slot.get_or_init(|| build(&self.0.settings, https, loopback)).as_ref().map_err(|reason| {
            TransportError::new(TransportErrorKind::InvalidRequest).with_detail(reason.clone())
        })
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

fn build(settings: &HttpSettings, https: bool, loopback: bool) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).referer(false);
    if let Some(timeout) = settings.timeout.duration() {
        builder = builder.connect_timeout(timeout).read_timeout(timeout);
    }
    if loopback {
        builder = builder.no_proxy();
    }
    builder = match (&settings.tls, https) {
        (_, false) => builder.tls_certs_only([]),
        (TlsVerification::Roots, true) => builder,
        (TlsVerification::Off, true) => builder.tls_danger_accept_invalid_certs(true),
        (TlsVerification::Bundle(path), true) => {
            let pem = std::fs::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|_| format!("{} is not a bundle of PEM certificates", path.display()))?;
            if roots.is_empty() {
                return Err(format!("{} holds no PEM certificate", path.display()));
            }
            builder.tls_certs_only(roots)
        }
    };
    builder.build().map_err(|error| format!("setting up the HTTP client: {error}"))
}

impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let client = self.client(&request.url)?;
        let mut call = reqwest::Request::new(request.method, request.url);
        *call.headers_mut() = request.headers;
        if !request.body.is_empty() {
            *call.body_mut() = Some(request.body.into());
        }
        *call.timeout_mut() = request.timeout;
        let mut answer = client.execute(call).await.map_err(transport_error)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        Ok(Response::new(status, headers, Body::stream(answer.bytes_stream().map_err(body_error))))
    }
}

/// Places an error that came before the answer.
fn transport_error(error: reqwest::Error) -> TransportError {
    let kind = if error.is_builder() {
        TransportErrorKind::InvalidRequest
    } else if error.is_connect() {
        connect_kind(&error)
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_body() {
        TransportErrorKind::Body
    } else if error.is_decode() {
        TransportErrorKind::ContentDecoding
    } else if error.is_request() {
        TransportErrorKind::ConnectionLost
    } else {
        TransportErrorKind::Other
    };
    TransportError::new(kind).with_source(error.without_url())
}

/// Places an error that came in the middle of the body. Those of the connection come wrapped by the HTTP
/// library below `reqwest`, those of the decompressor bare.
fn body_error(error: reqwest::Error) -> TransportError {
    let kind = if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if chain(&error)
        .find(|cause| !cause.is::<reqwest::Error>())
        .is_some_and(<dyn StdError>::is::<std::io::Error>)
    {
        TransportErrorKind::ContentDecoding
    } else {
        TransportErrorKind::Body
    };
    TransportError::new(kind).with_source(error.without_url())
}

/// Tells apart the ways in which connecting fails. The libraries underneath do not name them, so the chain of
/// causes is searched: for a TLS error by its type, for a proxy by the words of the tunnel's error.
fn connect_kind(error: &reqwest::Error) -> TransportErrorKind {
    if chain(error).any(is_tls) {
        TransportErrorKind::Tls
    } else if chain(error).any(|cause| {
        let text = cause.to_string();
        text.contains("tunnel") || text.contains("proxy")
    }) {
        TransportErrorKind::Proxy
    } else if error.is_timeout() {
        TransportErrorKind::ConnectTimeout
    } else {
        TransportErrorKind::Connect
    }
}

/// Whether this is an error of TLS, perhaps inside errors of input and output, which hide what they hold from
/// the chain of causes.
fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    cause.is::<rustls::Error>()
        || cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .is_some_and(|inner| is_tls(inner))
}

fn chain<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
