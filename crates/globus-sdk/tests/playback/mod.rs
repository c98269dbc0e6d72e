//! A transport that plays prepared answers and keeps what was sent.

// Each test file that includes this module uses a part of it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use globus_sdk::transport::{Body, Request, Response, Transport, TransportError, TransportErrorKind};
use globus_sdk::{ManualClock, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

/// What comes back for one request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Bytes,
    },
    /// Nothing comes back.
    Failure(TransportErrorKind),
    /// The head of an answer comes back, and then this.
    BrokenBody(TransportErrorKind),
}

impl Step {
    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, document: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Answer { status, headers, body: document.to_string().into() }
    }

    /// An answer with headers and no body.
    pub(crate) fn headers(status: u16, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Answer { status, headers: headers.collect(), body: Bytes::new() }
    }

    /// A step as it is recorded: `{"status"?, "headers"?, "json" or "text"}` or `{"exception"}`.
    pub(crate) fn recorded(step: &Value) -> Self {
        if let Some(exception) = step["exception"].as_str() {
            return match exception {
                "ConnectTimeout" => Self::Failure(TransportErrorKind::ConnectTimeout),
                "ReadTimeout" => Self::Failure(TransportErrorKind::Timeout),
                "ConnectionError" => Self::Failure(TransportErrorKind::ConnectionLost),
                "SSLError" => Self::Failure(TransportErrorKind::Tls),
                "ProxyError" => Self::Failure(TransportErrorKind::Proxy),
                "ChunkedEncodingError" => Self::BrokenBody(TransportErrorKind::Body),
                "ContentDecodingError" => Self::BrokenBody(TransportErrorKind::ContentDecoding),
                "TooManyRedirects" => Self::Failure(TransportErrorKind::TooManyRedirects),
                "RequestException" => Self::Failure(TransportErrorKind::Other),
                other => panic!("no such exception: {other}"),
            };
        }
        let status = step["status"].as_u64().map_or(200, |status| u16::try_from(status).unwrap());
        let (media_type, body) = match (step.get("json"), step["text"].as_str()) {
            (Some(document), _) => ("application/json", document.to_string()),
            (None, Some(text)) => ("text/plain", text.to_owned()),
            (None, None) => ("application/json", "{}".to_owned()),
        };
        let mut headers = vec![("content-type".to_owned(), media_type.to_owned())];
        let own = step["headers"].as_object().into_iter().flatten();
        headers.extend(own.map(|(name, value)| (name.clone(), text_of(value))));
        Self::Answer { status, headers, body: body.into() }
    }
}

/// A request as it left the SDK.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) request: Request,
}

impl Sent {
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.request.headers.get("authorization").map(|value| value.to_str().unwrap())
    }

    /// The fields of the form in the body, decoded.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.request.body).into_owned().collect()
    }

    pub(crate) fn form_field(&self, name: &str) -> Option<String> {
        self.form().into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    pub(crate) fn path(&self) -> &str {
        self.request.url.path()
    }
}

/// Plays a script: one step for each request, in order. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Playback(Arc<Mutex<Tape>>);

#[derive(Debug, Default)]
struct Tape {
    script: VecDeque<Step>,
    sent: Vec<Sent>,
    unscripted: usize,
}

impl Playback {
    pub(crate) fn new(script: impl IntoIterator<Item = Step>) -> Self {
        let tape = Tape { script: script.into_iter().collect(), ..Tape::default() };
        Self(Arc::new(Mutex::new(tape)))
    }

    /// Every request so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.tape().sent.clone()
    }

    /// How many requests came after the end of the script.
    pub(crate) fn unscripted(&self) -> usize {
        self.tape().unscripted
    }

    /// How many steps were not asked for.
    pub(crate) fn left(&self) -> usize {
        self.tape().script.len()
    }

    fn tape(&self) -> std::sync::MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Playback {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut tape = self.tape();
        tape.sent.push(Sent { request });
        match tape.script.pop_front() {
            Some(Step::Failure(kind)) => Err(TransportError::new(kind)),
            Some(Step::BrokenBody(kind)) => {
                let chunks: [Result<Bytes, TransportError>; 2] =
                    [Ok(Bytes::from_static(b"{\"o")), Err(TransportError::new(kind))];
                let body = Body::stream(futures_util::stream::iter(chunks));
                Ok(Response::new(StatusCode::OK, HeaderMap::new(), body))
            }
            Some(Step::Answer { status, headers, body }) => {
                let header = |(name, value): (String, String)| {
                    (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
                };
                let headers = headers.into_iter().map(header).collect();
                Ok(Response::new(StatusCode::from_u16(status).unwrap(), headers, Body::full(body)))
            }
            None => {
                tape.unscripted += 1;
                Err(TransportError::new(TransportErrorKind::InvalidRequest))
            }
        }
    }
}

/// Runs to the end on a runtime of its own.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Seconds since 1970-01-01 UTC, to the microsecond.
#[expect(clippy::cast_possible_truncation, reason = "times of the recorded cases are far below 2^53 µs")]
pub(crate) fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).unwrap()
}

/// A clock that stands at this time.
pub(crate) fn clock_at(seconds: f64) -> ManualClock {
    let clock = ManualClock::default();
    clock.set(timestamp(seconds));
    clock
}

/// A value as a query or form shows it: Python's text for booleans, as recorded.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}
