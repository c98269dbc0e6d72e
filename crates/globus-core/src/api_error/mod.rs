//! Errors that a service answers with: what they say, in whatever format they say it.
//!
//! ```
//! use bytes::Bytes;
//! use globus_core::api_error::{ApiError, ErrorContext, Service};
//! use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
//! use http::{Method, StatusCode};
//!
//! let context = ErrorContext {
//!     service: Service::Transfer,
//!     method: Method::GET,
//!     url: "https://transfer.api.globus.org/v0.10/task/1".parse()?,
//!     authorization_scheme: Some("Bearer"),
//! };
//! let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
//! let body = Bytes::from_static(br#"{"code": "TaskNotFound", "message": "No such task", "request_id": "a1"}"#);
//!
//! let error = ApiError::from_response(context, StatusCode::NOT_FOUND, headers, body);
//! assert_eq!(error.code(), Some("TaskNotFound"));
//! assert_eq!(
//!     error.to_string(),
//!     "Globus Transfer: GET /v0.10/task/1 failed with 404 Not Found: TaskNotFound: No such task (request id a1)"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod display;
mod info;
mod parse;
mod service;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{Method, StatusCode};
use serde_json::{Map, Value};
use url::Url;

pub use info::{AuthorizationParameters, ConsentRequired, ErrorInfo};
pub use service::Service;

use parse::Findings;

type Document = Map<String, Value>;

/// An answer of a service that is not a success.
///
/// Services describe what went wrong in several formats; this type reads them all and answers the same
/// questions: [`code`](Self::code), [`message`](Self::message), [`request_id`](Self::request_id). Whatever the
/// body is (nothing, HTML, half a document), building the error never fails; what cannot be read is absent.
///
/// `Display` is one line. Neither it nor `Debug` shows the body, headers, or the query of the URL, since those
/// can repeat what was sent; [`text`](Self::text) and [`raw_json`](Self::raw_json) give the body to a program
/// that asks for it.
#[doc(alias = "GlobusAPIError")]
#[derive(Clone)]
pub struct ApiError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    service: Service,
    method: Method,
    url: Url,
    authorization_scheme: Option<String>,
    status: StatusCode,
    reason: Option<String>,
    headers: HeaderMap,
    body: Bytes,
    json: Option<Value>,
    message: Option<String>,
    found: Findings,
}

/// What was asked, for [`ApiError::from_response`].
#[derive(Clone)]
pub struct ErrorContext<'a> {
    /// The service that answered.
    pub service: Service,
    /// The method of the request.
    pub method: Method,
    /// The URL of the request.
    pub url: Url,
    /// The scheme of the `Authorization` header sent, such as `Bearer`. It may be given with the credential
    /// behind it: only the first word is kept, and only if it is a known scheme.
    pub authorization_scheme: Option<&'a str>,
}

/// One of the errors that an answer is made of; an answer without parts counts as one.
#[doc(alias = "ErrorSubdocument")]
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SubError<'a> {
    /// Its code, if that is a text.
    pub code: Option<&'a str>,
    /// Its message: the first of the members that hold one in the format at hand.
    pub message: Option<&'a str>,
    /// The document itself.
    pub raw: &'a Map<String, Value>,
}

impl ApiError {
    /// Reads an answer whose content encoding has been removed.
    pub fn from_response(
        context: ErrorContext<'_>,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let ErrorContext { service, method, mut url, authorization_scheme } = context;
        // Credentials in a URL are refused before anything is sent; if one came this far, it goes no further.
        if !url.username().is_empty() || url.password().is_some() {
            let removed = url.set_username("").and_then(|()| url.set_password(None));
            debug_assert!(removed.is_ok(), "a URL that has a user name can be without one");
        }
        let content_type = content_type(&headers).unwrap_or_default();
        let media_type = parse::media_type(content_type);
        let json: Option<Value> = if parse::is_json(media_type) {
            serde_json::from_str(&parse::text(content_type, &body))
                .ok()
                .filter(|value: &Value| !value.is_null())
        } else {
            None
        };
        let found = parse::object(json.as_ref())
            .map_or_else(Findings::default, |document| Findings::read(service, media_type, document));
        let message = (!found.messages.is_empty()).then(|| found.messages.join("; "));
        Self(Box::new(Inner {
            service,
            method,
            url,
            authorization_scheme: authorization_scheme.and_then(known_scheme).map(str::to_owned),
            status,
            reason: None,
            headers,
            body,
            json,
            message,
            found,
        }))
    }

    /// Sets the reason phrase that came with the status, where the transport knows it.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// The service that answered.
    pub fn service(&self) -> Service {
        self.0.service
    }

    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The URL of the request, without any credential.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// The scheme of the `Authorization` header that was sent (`Bearer`, `Basic` or `Globus-Goauthtoken`, as it
    /// was written), never the credential.
    pub fn authorization_scheme(&self) -> Option<&str> {
        self.0.authorization_scheme.as_deref()
    }

    /// The HTTP status.
    #[doc(alias = "http_status")]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The reason phrase: the one that came with the status if it is known, else the usual one; empty for an
    /// unusual status.
    #[doc(alias = "http_reason")]
    pub fn reason(&self) -> &str {
        self.0.reason.as_deref().or_else(|| self.0.status.canonical_reason()).unwrap_or_default()
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(&self) -> Option<&str> {
        content_type(&self.0.headers)
    }

    /// The error code of the service, such as `ConsentRequired`; of an answer in several parts, the code they
    /// share. `error` of an OAuth2 error document counts as a code.
    pub fn code(&self) -> Option<&str> {
        self.0.found.code.as_deref()
    }

    /// The messages joined with `; `; `None` when there are none.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The messages, one for each part of the answer that has one.
    pub fn messages(&self) -> &[String] {
        &self.0.found.messages
    }

    /// The id by which the people who run the service find this request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.found.request_id.as_deref()
    }

    /// The parts of the answer.
    pub fn errors(&self) -> Vec<SubError<'_>> {
        self.document().map_or_else(Vec::new, |body| self.0.found.sub_errors.read(body))
    }

    /// The body as JSON, where the content type says that it is JSON, and it is.
    pub fn raw_json(&self) -> Option<&Value> {
        self.0.json.as_ref()
    }

    /// The body as text. It may repeat what was sent: show it to nobody unread.
    pub fn text(&self) -> Cow<'_, str> {
        parse::text(self.content_type().unwrap_or_default(), &self.0.body)
    }

    /// The body as it came.
    #[doc(alias = "binary_content")]
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// What the error asks of the person who is logged in.
    pub fn info(&self) -> ErrorInfo {
        self.document().map_or_else(ErrorInfo::default, ErrorInfo::read)
    }

    /// Search: the member `error_data`.
    pub fn error_data(&self) -> Option<&Value> {
        self.member(Service::Search, "error_data")
    }

    /// Globus Connect Server: the member `detail`, a text or a document.
    pub fn detail(&self) -> Option<&Value> {
        self.member(Service::Gcs, "detail")
    }

    /// Globus Connect Server: what kind of document [`detail`](Self::detail) is (its `DATA_TYPE`).
    pub fn detail_data_type(&self) -> Option<&str> {
        self.detail()?.as_object()?.get("DATA_TYPE")?.as_str()
    }

    /// The header `Retry-After` as it came: seconds or a date.
    pub fn retry_after_header(&self) -> Option<&str> {
        self.0.headers.get(RETRY_AFTER)?.to_str().ok()
    }

    fn document(&self) -> Option<&Document> {
        parse::object(self.0.json.as_ref())
    }

    fn member(&self, of: Service, name: &str) -> Option<&Value> {
        if self.0.service != of {
            return None;
        }
        self.document()?.get(name).filter(|value| !value.is_null())
    }
}

impl std::error::Error for ApiError {}

impl std::fmt::Debug for ErrorContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErrorContext")
            .field("service", &self.service)
            .field("method", &self.method)
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SubError<'_> {
    /// Prints the names of the document's members only, as its values may be anything.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members: Vec<_> = self.raw.keys().collect();
        f.debug_struct("SubError")
            .field("code", &self.code)
            .field("members", &members)
            .finish_non_exhaustive()
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

fn known_scheme(header: &str) -> Option<&str> {
    const KNOWN: [&str; 3] = ["bearer", "basic", "globus-goauthtoken"];
    header
        .split_whitespace()
        .next()
        .filter(|scheme| KNOWN.iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}
