use std::fmt;
use std::time::Duration;

use bytes::BytesMut;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use super::attempts::answer;
use super::client::BaseClient;
use super::operation::{OperationInfo, is_idempotent};
use super::payload::Payload;
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
    body: Payload,
    pub(super) headers: HeaderMap,
    pub(super) idempotent: bool,
    pub(super) authorize: bool,
    pub(super) carries_secret: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) retry: Option<RetryPolicy>,
    /// What went wrong while the call was put together; told when it is sent.
    wrong: Option<Error>,
    /// Memory for the answer, if there is any.
    room: BytesMut,
}

impl Call {
    pub(super) fn new(client: BaseClient, method: Method, path: String) -> Self {
        let idempotent = is_idempotent(&method);
        Self {
            client,
            method,
            path,
            query: Vec::new(),
            body: Payload::none(),
            headers: HeaderMap::new(),
            idempotent,
            authorize: true,
            carries_secret: false,
            timeout: None,
            retry: None,
            wrong: None,
            room: BytesMut::new(),
        }
    }

    /// A call of an operation whose path is `path`.
    pub(super) fn of(client: BaseClient, operation: &OperationInfo, path: String) -> Self {
        let call = Self::new(client, operation.method.clone(), path);
        Self { idempotent: operation.idempotent, ..call }
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

    /// Takes every query parameter of that name out.
    pub fn without_query(mut self, name: &str) -> Self {
        self.query.retain(|(other, _)| other != name);
        self
    }

    /// The first query parameter of that name.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Reads the answer into memory that an earlier answer was in.
    pub(crate) fn with_room(mut self, room: BytesMut) -> Self {
        self.room = room;
        self
    }

    /// Puts these query parameters in the place of all that there are.
    pub(crate) fn replace_query(mut self, query: Vec<(String, String)>) -> Self {
        self.query = query;
        self
    }

    /// Sends a JSON object, to which [`member`](Self::member) adds.
    pub fn members(mut self, members: Map<String, Value>) -> Self {
        self.body = Payload::Members(members);
        self.default_content_type("application/json");
        self
    }

    /// Sets a member of the JSON object that is sent, in place of one of that name. The first one makes the
    /// object.
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.set(name.into(), value.into());
        self.default_content_type("application/json");
        self
    }

    /// Sets a member of an object that is itself a member of the JSON object that is sent. The first one makes
    /// both.
    ///
    /// Some services take what they are to make inside an envelope, `{"project": {"display_name": …}}`.
    pub fn member_in(
        mut self,
        envelope: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        self.body.set_in(envelope.into(), name.into(), value.into());
        self.default_content_type("application/json");
        self
    }

    /// A member of the JSON object that is sent.
    pub(crate) fn member_value(&self, name: &str) -> Option<&Value> {
        match &self.body {
            Payload::Members(members) => members.get(name),
            Payload::Written(_) => None,
        }
    }

    /// Sends a JSON body.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(text) => {
                self.body = Payload::Written(text.into());
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
        self.body = Payload::Written(form.finish().into());
        self.default_content_type("application/x-www-form-urlencoded");
        self
    }

    /// Sends a text as it is, without a content type.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.body = Payload::Written(text.into().into());
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
        self.send_and(RawResponse::json).await
    }

    /// Sends the call; the answer as one of the SDK's documents.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and a decode error when the answer is not a document.
    pub async fn send_document<T: Decode>(self) -> Result<Response<T>> {
        self.send_and(RawResponse::decode).await
    }

    /// Sends the call; one member of the answer, as one of the SDK's documents. What stands beside it is in
    /// [`Response::raw`].
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and a decode error when the answer has no such member or it is not a document.
    pub async fn send_member<T: Decode>(self, name: &'static str) -> Result<Response<T>> {
        self.send_and(|raw| raw.member(name)).await
    }

    /// Sends the call; the answer as it came.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_raw(mut self) -> Result<RawResponse> {
        self.answer().await
    }

    /// Sends the call and reads the answer; what goes wrong there is an error of this call.
    pub(crate) async fn send_and<T>(mut self, read: impl FnOnce(RawResponse) -> Result<T>) -> Result<T> {
        let raw = self.answer().await?;
        read(raw).map_err(|error| error.in_call(self.shown().to_string(), 1, None))
    }

    async fn answer(&mut self) -> Result<RawResponse> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let url = self.url()?;
        let body = std::mem::replace(&mut self.body, Payload::none()).into_bytes()?;
        let room = std::mem::take(&mut self.room);
        answer(self, url, body, room).await
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The address of the service.
    pub(crate) fn base_url(&self) -> &Url {
        self.client.base_url()
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

    /// The call as errors name it: no query, no body. Put into words only where it is shown.
    pub(crate) fn shown(&self) -> ShownCall<'_> {
        ShownCall(self)
    }

    fn default_content_type(&mut self, media_type: &'static str) {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("call", &format_args!("{}", self.shown()))
            .field("query", &self.query.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}

/// A call as errors and logs name it.
pub(crate) struct ShownCall<'c>(&'c Call);

impl fmt::Display for ShownCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(call) = self;
        let base = call.base_url();
        let url = request_url(base, &call.path);
        write!(f, "{} {}", call.method, crate::transport::shown_url(url.as_ref().unwrap_or(base)))
    }
}
