//! A transport that plays a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use globus_core::config::Variables;
use globus_core::transport::{Body, Request, Response, Transport, TransportError, TransportErrorKind};
use globus_core::{BaseClient, ClientBuilder, ManualClock, Result, RetryPolicy};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

pub(crate) const START: i64 = 1_700_000_000;
pub(crate) const BASE: &str = "https://service.example.org/api/";

/// What the service answers to one request.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(StatusCode, HeaderMap, Vec<std::result::Result<Bytes, TransportErrorKind>>),
    Failure(TransportErrorKind),
}

/// An answer without a body.
pub(crate) fn status(status: u16) -> Reply {
    json(status, "{}")
}

/// An answer of this status with a JSON body.
pub(crate) fn json(status: u16, body: &'static str) -> Reply {
    let headers =
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Reply::Answer(StatusCode::from_u16(status).unwrap(), headers, vec![Ok(body.into())])
}

pub(crate) fn failure(kind: TransportErrorKind) -> Reply {
    Reply::Failure(kind)
}

impl Reply {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        self
    }

    pub(crate) fn chunks(
        mut self,
        chunks: impl IntoIterator<Item = std::result::Result<&'static str, TransportErrorKind>>,
    ) -> Self {
        if let Self::Answer(_, _, body) = &mut self {
            *body = chunks.into_iter().map(|chunk| chunk.map(Bytes::from)).collect();
        }
        self
    }
}

/// The service. When the script is over it answers 200.
#[derive(Debug, Clone, Default)]
pub(crate) struct Service(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    replies: VecDeque<Reply>,
    requests: Vec<Request>,
}

impl Service {
    pub(crate) fn replies(replies: impl IntoIterator<Item = Reply>) -> Self {
        let service = Self::default();
        service.0.lock().unwrap().replies.extend(replies);
        service
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.lock().unwrap().requests.clone()
    }

    /// The `Authorization` of every request so far.
    pub(crate) fn credentials(&self) -> Vec<Option<String>> {
        self.requests()
            .iter()
            .map(|request| Some(request.headers.get("authorization")?.to_str().unwrap().to_owned()))
            .collect()
    }

    /// The address of every request so far.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.url.to_string()).collect()
    }
}

impl Transport for Service {
    async fn send(&self, request: Request) -> std::result::Result<Response, TransportError> {
        let reply = {
            let mut script = self.0.lock().unwrap();
            script.requests.push(request);
            script.replies.pop_front()
        };
        match reply.unwrap_or_else(|| status(200)) {
            Reply::Failure(kind) => Err(TransportError::new(kind)),
            Reply::Answer(status, headers, chunks) => {
                let chunks = chunks.into_iter().map(|chunk| chunk.map_err(TransportError::new));
                Ok(Response::new(status, headers, Body::stream(futures_util::stream::iter(chunks))))
            }
        }
    }
}

/// A client of the service: no jitter (waits of 0.5, 1, 2, 4, 8 seconds), a clock that moves by every wait.
pub(crate) fn builder(service: &Service, clock: &ManualClock) -> ClientBuilder<BaseClient> {
    BaseClient::builder()
        .base_url(BASE)
        .variables(Variables::none())
        .transport(service.clone())
        .clock(clock.clone())
        .retry(RetryPolicy::default().jitter(|| 0.5))
}

/// What became of one call.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) result: Result<globus_core::Response<Value>>,
    pub(crate) requests: usize,
    pub(crate) waits: Vec<f64>,
}

/// Plays the replies to one call of this method.
pub(crate) async fn play(method: Method, replies: impl IntoIterator<Item = Reply>) -> Told {
    let (service, clock) = (Service::replies(replies), ManualClock::at(START));
    let client = builder(&service, &clock).build().unwrap();
    let result = client.request(method, "/x").send().await;
    Told { result, requests: service.requests().len(), waits: seconds(&clock) }
}

pub(crate) fn seconds(clock: &ManualClock) -> Vec<f64> {
    clock.sleeps().iter().map(Duration::as_secs_f64).collect()
}
