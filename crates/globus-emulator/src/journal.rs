//! The journal: every request, for assertions. Secrets in it are masked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::service::Service;

/// How many requests are kept; the oldest give way.
const CAPACITY: usize = 20_000;

/// One recorded request. No member holds a token, code or secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// Counts requests from 1.
    pub number: u64,
    /// The emulated time at which it came.
    pub time: Timestamp,
    /// The service that was called.
    pub service: Service,
    /// The HTTP method.
    pub method: String,
    /// The path below the service, such as `/v2/oauth2/token`.
    pub path: String,
    /// The query parameters in order.
    pub query: Vec<(String, String)>,
    /// The parameters of a form body in order.
    pub form: Vec<(String, String)>,
    /// A JSON body of up to 256 KiB.
    pub json: Option<Value>,
    /// The client that called, or to which the token was given.
    pub client: Option<String>,
    /// The lowercase hexadecimal SHA-256 of the bearer token.
    pub token_id: Option<String>,
    /// The identity that the token speaks for.
    pub identity: Option<String>,
    /// The `User-Agent`.
    pub user_agent: Option<String>,
    /// The status that was answered; nothing when the connection was cut or the caller went away.
    pub status: Option<u16>,
    /// The fault that met the request.
    pub fault: Option<u64>,
}

impl RecordedRequest {
    /// The first value of a form parameter, such as `grant_type`.
    pub fn form_value(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a query parameter.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Recorded requests, to be narrowed down and counted.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use globus_emulator::{Emulator, Service};
///
/// let emulator = Emulator::builder().start().await?;
/// let refreshes = emulator.requests().service(Service::Auth).form("grant_type", "refresh_token");
/// assert_eq!(refreshes.len(), 0);
/// # Ok::<(), globus_emulator::StartError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Requests(Vec<RecordedRequest>);

impl Requests {
    /// Those to a service.
    #[must_use]
    pub fn service(self, service: Service) -> Self {
        self.filter(|request| request.service == service)
    }

    /// Those with this method.
    #[must_use]
    pub fn method(self, method: &str) -> Self {
        self.filter(|request| request.method.eq_ignore_ascii_case(method))
    }

    /// Those whose path, without the service's prefix, is exactly this.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        self.filter(|request| request.path == path)
    }

    /// Those with this form parameter.
    #[must_use]
    pub fn form(self, name: &str, value: &str) -> Self {
        self.filter(|request| request.form_value(name) == Some(value))
    }

    /// Those of a client.
    #[must_use]
    pub fn client(self, client: &str) -> Self {
        self.filter(|request| request.client.as_deref() == Some(client))
    }

    /// Those answered with this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.filter(|request| request.status == Some(status))
    }

    /// Those for which `keep` answers true.
    #[must_use]
    pub fn filter(mut self, keep: impl FnMut(&RecordedRequest) -> bool) -> Self {
        self.0.retain(keep);
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The requests in the order in which they came.
    pub fn iter(&self) -> std::slice::Iter<'_, RecordedRequest> {
        self.0.iter()
    }

    /// The last one.
    pub fn last(&self) -> Option<&RecordedRequest> {
        self.0.last()
    }
}

impl IntoIterator for Requests {
    type Item = RecordedRequest;
    type IntoIter = std::vec::IntoIter<RecordedRequest>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'r> IntoIterator for &'r Requests {
    type Item = &'r RecordedRequest;
    type IntoIter = std::slice::Iter<'r, RecordedRequest>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The journal itself.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    count: u64,
    requests: std::collections::VecDeque<RecordedRequest>,
}

impl Journal {
    /// Records a request before it is answered; its number is the handle for [`Journal::finish`].
    pub(crate) fn record(&self, mut request: RecordedRequest) -> u64 {
        let mut recorded = self.lock();
        recorded.count += 1;
        request.number = recorded.count;
        if recorded.requests.len() == CAPACITY {
            recorded.requests.pop_front();
        }
        recorded.requests.push_back(request);
        recorded.count
    }

    /// Adds how the request ended.
    pub(crate) fn finish(&self, number: u64, status: Option<u16>, fault: Option<u64>) {
        let mut recorded = self.lock();
        // Numbers rise by one, so the place follows from the first; it may have given way or been cleared.
        let Some(first) = recorded.requests.front().map(|request| request.number) else { return };
        let place = number.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(request) = place.and_then(|place| recorded.requests.get_mut(place)) {
            request.status = status;
            request.fault = fault;
        }
    }

    pub(crate) fn all(&self) -> Requests {
        Requests(self.lock().requests.iter().cloned().collect())
    }

    pub(crate) fn clear(&self) {
        self.lock().requests.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
