use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::attempts::answer;
use super::client::BaseClient;
use super::response::{RawResponse, Response};
use crate::config::url::request_url;
use crate::decode::Decode;
use crate::error::{Error, Result};
use crate::retry::RetryPolicy;

/// A request to a service, under construction. From [`BaseClient::request`], or a client's `request` method.
///
/// It reaches every call that has no method of its own:
///
/// ```no_run
/// # use globus_core::{BaseClient, Result};
/// # async fn example(client: BaseClient) -> Result<()> {
/// let answer = client
///     .request(http::Method::GET, "/v0.10/endpoint_search")
///     .query("filter_fulltext", "lab")
///     .query("limit", 10)
///     .send()
///     .await?;
/// println!("{}", answer["DATA"][0]["display_name"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    pub(super) client: BaseClient,
    pub(super) method: Method,
    path: String,
    query: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
    pub(super) idempotent: bool,
    pub(super) authorize: bool,
    pub(super) carries_secret: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) retry: Option<RetryPolicy>,
    /// What went wrong while the call was put together; told when it is sent.
    wrong: Option<Error>,
}

impl Call {
    pub(super) fn new(client: BaseClient, method: Method, path: String) -> Self {
        // RFC 9110, section 9.2.2.
        let idempotent = matches!(
            method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE
        );
        Self {
            client,
            method,
            path,
            query: Vec::new(),
            body: Bytes::new(),
            headers: HeaderMap::new(),
            idempotent,
            authorize: true,
            carries_secret: false,
            timeout: None,
            retry: None,
            wrong: None,
        }
    }

    /// Adds a query parameter. Called again with the same name, it adds another of that name.
    pub fn query(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a query parameter, in place of those of that name.
    pub fn set_query(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        let name = name.into();
        self.query.retain(|(other, _)| *other != name);
        self.query(name, value)
    }

    /// Whether a query parameter of that name is set.
    pub fn has_query(&self, name: &str) -> bool {
        self.query.iter().any(|(other, _)| other == name)
    }

    /// Sends a JSON body.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(text) => {
                self.body = text.into();
                self.default_content_type("application/json");
            }
            Err(_) => self.wrong = Some(Error::usage("the body cannot be written as JSON")),
        }
        self
    }

    /// Sends a form.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(mut self, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        self.body = form.finish().into();
        self.default_content_type("application/x-www-form-urlencoded");
        self
    }

    /// Sends a text as it is, without a content type.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.body = text.into().into();
        self
    }

    /// Sets a header, in place of one of that name.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match (HeaderName::try_from(name.as_ref()), HeaderValue::try_from(value.as_ref())) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            _ => self.wrong = Some(Error::usage("a header holds characters that cannot be sent")),
        }
        self
    }

    /// Sends no credentials of the client's; an `Authorization` header given by [`header`](Self::header)
    /// stays.
    pub fn without_authorization(mut self) -> Self {
        self.authorize = false;
        self
    }

    /// Says whether the call can be sent again after a failure that leaves open whether it was processed.
    /// By default, as HTTP defines the method: GET, HEAD, OPTIONS, PUT and DELETE can.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Marks a body that holds a secret: it is sent encrypted or not at all, and no redirect is followed.
    pub fn carries_secret(mut self) -> Self {
        self.carries_secret = true;
        self
    }

    /// How long the whole call may take, waits between attempts included.
    pub fn with_timeout(mut self, total: Duration) -> Self {
        self.timeout = Some(total);
        self
    }

    /// Retries by another policy than the client's.
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Sends the call; the answer as JSON. A body that is not JSON gives null and stays in
    /// [`Response::raw`].
    ///
    /// # Errors
    ///
    /// The service's error, or the failure to reach it.
    pub async fn send(self) -> Result<Response<Value>> {
        Ok(self.send_raw().await?.value())
    }

    /// Sends the call; the answer in a type of the caller's.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and a decode error when the answer does not fit the type.
    pub async fn send_as<T: DeserializeOwned>(self) -> Result<Response<T>> {
        let name = self.shown();
        self.send_raw().await?.json().map_err(|error| error.in_call(name, 1, None))
    }

    /// Sends the call; the answer as one of the SDK's documents.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and a decode error when the answer is not a document.
    pub async fn send_document<T: Decode>(self) -> Result<Response<T>> {
        let name = self.shown();
        self.send_raw().await?.decode().map_err(|error| error.in_call(name, 1, None))
    }

    /// Sends the call; the answer as it came.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_raw(mut self) -> Result<RawResponse> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let url = self.url()?;
        answer(self, url).await
    }

    /// The clock of the client.
    pub fn clock(&self) -> &std::sync::Arc<dyn crate::clock::Clock> {
        self.client.clock()
    }

    /// The full address of the call.
    ///
    /// # Errors
    ///
    /// A usage error when path and base address do not give one.
    pub fn url(&self) -> Result<Url> {
        let mut url = request_url(self.client.base_url(), &self.path)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    /// The call as errors name it: no query, no body.
    pub(super) fn shown(&self) -> String {
        match request_url(self.client.base_url(), &self.path) {
            Ok(url) => format!("{} {}", self.method, crate::transport::shown_url(&url)),
            Err(_) => format!("{} {}", self.method, self.client.base_url()),
        }
    }

    fn default_content_type(&mut self, media_type: &'static str) {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("call", &self.shown())
            .field("query", &self.query.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}
