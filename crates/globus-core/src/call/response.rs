use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use http::StatusCode;
use http::header::{AGE, CONTENT_TYPE, DATE, HeaderMap};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::decode::{Decode, from_slice, member_of};
use crate::error::{Error, Result};
use crate::retry::http_date;

/// An answer as it came: status, headers, body.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawResponse {
    /// The status, from 200 to 399.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

impl RawResponse {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// The service's clock when it answered, from the `Date` header. `None` where there is none, and where the
    /// answer comes from a cache, with the time of long ago.
    pub fn service_time(&self) -> Option<Timestamp> {
        if self.headers.contains_key(AGE) {
            return None;
        }
        http_date(self.headers.get(DATE)?.to_str().ok()?)
    }

    /// Decodes the body into one of the SDK's documents.
    ///
    /// # Errors
    ///
    /// A decode error when the body is not JSON or not an object.
    pub fn decode<T: Decode>(self) -> Result<Response<T>> {
        let value = from_slice(&self.body)?;
        Ok(Response { value, raw: self })
    }

    /// Decodes one member of the body into one of the SDK's documents.
    ///
    /// # Errors
    ///
    /// A decode error when the body is no JSON object, has no such member, or the member is not a document.
    pub fn member<T: Decode>(self, name: &'static str) -> Result<Response<T>> {
        match member_of(&self.body, name)? {
            Some(value) => Ok(Response { value, raw: self }),
            None => Err(Error::unexpected_answer(format!(
                "the answer has no `{name}`; read it with the client's `request`"
            ))),
        }
    }

    /// Reads the body into any type that serde can fill.
    ///
    /// # Errors
    ///
    /// A decode error that names the place in the body; it quotes nothing.
    pub fn json<T: DeserializeOwned>(self) -> Result<Response<T>> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| Error::json(&error.path().to_string(), error.inner()))?;
        deserializer.end().map_err(|error| Error::json("", &error))?;
        Ok(Response { value, raw: self })
    }

    /// Reads the body as JSON; a body that is none gives null.
    pub fn value(self) -> Response<Value> {
        let value = serde_json::from_slice(&self.body).unwrap_or(Value::Null);
        Response { value, raw: self }
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// An answer: the typed document, and the exchange it came in.
///
/// It dereferences to the document, so that members are read as if the document stood alone:
///
/// ```
/// # use globus_core::Response;
/// # fn example(response: Response<Vec<u8>>) {
/// println!("{} entries, status {}", response.len(), response.status());
/// let document: Vec<u8> = response.into_inner();
/// # }
/// ```
#[derive(Clone)]
pub struct Response<T> {
    value: T,
    raw: RawResponse,
}

impl<T> Response<T> {
    /// The status, from 200 to 399.
    pub fn status(&self) -> StatusCode {
        self.raw.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.raw.headers
    }

    /// The media type of the body, as the service named it.
    pub fn content_type(&self) -> Option<&str> {
        self.raw.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    /// The service's name for this exchange, to quote when asking for support.
    pub fn request_id(&self) -> Option<&str> {
        self.raw.headers.get("x-request-id")?.to_str().ok()
    }

    /// The body as it came, decompressed.
    pub fn raw(&self) -> &Bytes {
        &self.raw.body
    }

    /// The document alone.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The document and the body that it was read from.
    pub(crate) fn into_parts(self) -> (T, Bytes) {
        (self.value, self.raw.body)
    }

    /// Changes the document and keeps the exchange.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        Response { value: change(self.value), raw: self.raw }
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.raw.status)
            .field("document", &std::any::type_name::<T>())
            .field("body_bytes", &self.raw.body.len())
            .finish_non_exhaustive()
    }
}
