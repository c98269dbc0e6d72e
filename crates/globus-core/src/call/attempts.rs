//! The attempts of one call: authorize, send, judge, wait, again.

use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::{Method, StatusCode};
use jiff::Timestamp;
use url::Url;

use super::client::Parts;
use super::origin::{check_credentials, check_encrypted, redirect_target, same_origin};
use super::request::Call;
use super::response::RawResponse;
use crate::api_error::{ApiError, ErrorContext, Service};
use crate::authorizer::{Authorization, Authorizer};
use crate::error::{Error, Result};
use crate::retry::{RetryPolicy, retry_after};
use crate::transport::{Request, TransportError, TransportErrorKind};

/// As many steps as the HTTP libraries allow.
const MAX_REDIRECTS: u32 = 10;

/// For the steps of a redirect that lead away from the service.
static ANONYMOUS: Authorization = Authorization::none();

/// What to do after an attempt that did not succeed.
enum Next {
    Again { after: Duration },
    GiveUp { retry_after: Option<Duration> },
}

/// An answer, and whether it is the service's own: a redirect may have led elsewhere.
struct Answer {
    response: RawResponse,
    at_home: bool,
}

/// Sends the call until it is answered for good. `room` is memory for the answer, if there is any.
pub(super) async fn answer(call: &Call, url: Url, body: Bytes, mut room: BytesMut) -> Result<RawResponse> {
    let parts = call.client.parts();
    let policy = call.retry.as_ref().unwrap_or(&parts.retry);
    let budget = policy.budget.as_ref().unwrap_or(&parts.budget);
    let deadline = call.timeout.and_then(|total| parts.clock.now().checked_add(total).ok());
    let authorizer = parts.authorizer.as_ref().filter(|_| call.authorize);
    if call.carries_secret || call.headers.contains_key(AUTHORIZATION) {
        check_encrypted(&url)?;
    }
    let name = call.shown();
    let mut reauthorized = false;
    let mut fulfilled = false;
    let mut attempt = 0;
    loop {
        let used = match authorizer {
            Some(authorizer) => {
                let Some(header) = authorize(authorizer, parts, deadline).await else {
                    let error = TransportError::new(TransportErrorKind::Timeout);
                    let error = Error::from(error.with_detail("the token was not renewed in time"));
                    return Err(error.in_call(name.to_string(), attempt, None));
                };
                Some(header?)
            }
            None => None,
        };
        if used.as_ref().is_some_and(|used| used.header().is_some()) {
            check_credentials(&parts.base_url, &url)?;
        }
        let sent = exchange(call, parts, &url, &body, used.as_ref(), deadline, &mut room).await;
        let now = parts.clock.now();
        if let (Ok(Answer { response, at_home: true }), Some(authorizer)) = (&sent, authorizer) {
            if let Some(time) = response.service_time() {
                authorizer.observe_server_time(time);
            }
            let refused = policy.expired_authorization.contains(&response.status.as_u16());
            if let (true, false, Some(used)) = (refused, reauthorized, &used) {
                reauthorized = true;
                if authorizer.rejected(used) && attempt < policy.max_retries {
                    tracing::debug!(call = %name, "trying again with a fresh token");
                    attempt += 1;
                    continue;
                }
            }
        }
        if let (Ok(Answer { response, at_home: true }), Some(authorizer)) = (&sent, authorizer)
            && response.status == StatusCode::FORBIDDEN
            && !fulfilled
            && attempt < policy.max_retries
        {
            fulfilled = true;
            let refusal = api_error(call, parts, url.clone(), used.as_ref(), response.clone());
            let fulfilling = in_time(authorizer.fulfil(used.as_ref(), &refusal), parts, deadline);
            match fulfilling.await {
                Some(Ok(true)) => {
                    tracing::debug!(call = %name, "trying again with what the service wants");
                    attempt += 1;
                    continue;
                }
                Some(Err(error)) => return Err(error.in_call(name.to_string(), attempt + 1, None)),
                // The time was over before there was an answer to that: the refusal is what is known.
                Some(Ok(false)) | None => {}
            }
        }
        let sent = sent.map(|answer| answer.response);
        let next = match &sent {
            Ok(response) if is_success(response.status) => {
                budget.give_back();
                return sent.map_err(Error::from);
            }
            Ok(response) => judge_status(call, parts, policy, attempt, response, now),
            Err(error) => judge_failure(call, policy, attempt, error.kind()),
        };
        let (wait, asked) = match next {
            Next::Again { after } if attempt < policy.max_retries => (Some(after), None),
            Next::Again { .. } => (None, None),
            Next::GiveUp { retry_after } => (None, retry_after),
        };
        let fits = |wait: &Duration| {
            deadline.is_none_or(|deadline| now.checked_add(*wait).is_ok_and(|then| then < deadline))
        };
        match wait.filter(fits) {
            Some(wait) if budget.take() => {
                tracing::debug!(call = %name, attempt, ?wait, "trying again");
                parts.clock.sleep(wait).await;
                attempt += 1;
            }
            _ => {
                let asked = asked
                    .or_else(|| sent.as_ref().ok().and_then(|response| retry_after(&response.headers, now)));
                let error = failure(call, parts, url, used.as_ref(), sent);
                return Err(error.in_call(name.to_string(), attempt + 1, asked));
            }
        }
    }
}

/// The next header. `None` when the call's time is over before there is one.
async fn authorize(
    authorizer: &Authorizer,
    parts: &Parts,
    deadline: Option<Timestamp>,
) -> Option<Result<Authorization>> {
    in_time(authorizer.authorization(), parts, deadline).await
}

/// What a future answers, unless the call's time is over before.
async fn in_time<T>(
    future: impl Future<Output = T>,
    parts: &Parts,
    deadline: Option<Timestamp>,
) -> Option<T> {
    let mut future = pin!(future);
    // A token that is good is there at once; only then no timer is needed.
    if let Some(answer) = future.as_mut().now_or_never() {
        return Some(answer);
    }
    match deadline {
        // Real time, as the transport's own limit is.
        Some(deadline) => tokio::time::timeout(left(parts, deadline), future).await.ok(),
        None => Some(future.await),
    }
}

/// The time left until the deadline.
fn left(parts: &Parts, deadline: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(parts.clock.now())).unwrap_or(Duration::ZERO)
}

/// Statuses that are answers: as the Python SDK counts them.
fn is_success(status: StatusCode) -> bool {
    (200..400).contains(&status.as_u16())
}

fn judge_failure(call: &Call, policy: &RetryPolicy, attempt: u32, kind: TransportErrorKind) -> Next {
    if kind.is_hopeless() || (kind.may_have_been_processed() && !call.idempotent) {
        return Next::GiveUp { retry_after: None };
    }
    Next::Again { after: policy.backoff(attempt) }
}

fn judge_status(
    call: &Call,
    parts: &Parts,
    policy: &RetryPolicy,
    attempt: u32,
    response: &RawResponse,
    now: Timestamp,
) -> Next {
    let status = response.status.as_u16();
    if policy.retry_after.contains(&status) {
        return match retry_after(&response.headers, now) {
            Some(wait) if wait > policy.max_wait => Next::GiveUp { retry_after: Some(wait) },
            Some(wait) => Next::Again { after: wait },
            None => Next::Again { after: policy.backoff(attempt) },
        };
    }
    // A 429 says that nothing was done; any other of these leaves it open.
    let ambiguous = status != 429;
    if !policy.transient.contains(&status)
        || (ambiguous && !call.idempotent)
        || retry_is_useless(parts.service, &response.body)
    {
        return Next::GiveUp { retry_after: None };
    }
    Next::Again { after: policy.backoff(attempt) }
}

/// Transfer marks failures that come from an endpoint or a storage system behind it; these do not pass.
fn retry_is_useless(service: Service, body: &[u8]) -> bool {
    service == Service::Transfer
        && serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|document| {
            document["code"]
                .as_str()
                .is_some_and(|code| code.contains("ExternalError") || code.contains("EndpointError"))
        })
}

/// The error of the last attempt.
fn failure(
    call: &Call,
    parts: &Parts,
    url: Url,
    used: Option<&Authorization>,
    sent: std::result::Result<RawResponse, TransportError>,
) -> Error {
    match sent {
        Ok(response) => api_error(call, parts, url, used, response).into(),
        Err(error) => error.into(),
    }
}

fn api_error(
    call: &Call,
    parts: &Parts,
    url: Url,
    used: Option<&Authorization>,
    response: RawResponse,
) -> ApiError {
    let scheme =
        used.and_then(Authorization::header).and_then(|value| value.to_str().ok()?.split(' ').next());
    let context = ErrorContext {
        service: parts.service,
        method: call.method.clone(),
        url,
        authorization_scheme: scheme,
    };
    ApiError::from_response(context, response.status, response.headers, response.body)
}

/// One attempt, redirects followed.
async fn exchange(
    call: &Call,
    parts: &Parts,
    url: &Url,
    body: &Bytes,
    used: Option<&Authorization>,
    deadline: Option<Timestamp>,
    room: &mut BytesMut,
) -> std::result::Result<Answer, TransportError> {
    let mut url = Cow::Borrowed(url);
    let mut authorization = used;
    let mut at_home = true;
    for _ in 0..=MAX_REDIRECTS {
        let mut request = Request::new(call.method.clone(), url.as_ref().clone());
        request.headers = parts.default_headers.clone();
        for (name, value) in &call.headers {
            request.headers.insert(name, value.clone());
        }
        match authorization.map(Authorization::header) {
            Some(Some(value)) => drop(request.headers.insert(AUTHORIZATION, value.clone())),
            Some(None) => drop(request.headers.remove(AUTHORIZATION)),
            None => {}
        }
        if !at_home {
            request.headers.remove(COOKIE);
            request.headers.remove(PROXY_AUTHORIZATION);
        }
        request.body = body.clone();
        request.timeout = deadline.map(|deadline| left(parts, deadline));
        let response = parts.transport.send(request).await?;
        let followed = matches!(call.method, Method::GET | Method::HEAD) && !call.carries_secret;
        let target = (followed && response.status.is_redirection())
            .then(|| redirect_target(&url, response.headers.get(LOCATION)?.to_str().ok()?))
            .flatten();
        let Some(target) = target else {
            let expected =
                response.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
            // The answer to HEAD announces the length of a body that does not come.
            let expected = expected.filter(|_| call.method != Method::HEAD);
            let room = std::mem::take(room);
            let body = response.body.read_into(room, expected, parts.body_limit).await?;
            let response = RawResponse::new(response.status, response.headers, body);
            return Ok(Answer { response, at_home });
        };
        if !same_origin(&target, &url) {
            // Nothing that authorizes goes along, not even what the caller set.
            authorization = Some(&ANONYMOUS);
            at_home = false;
        }
        url = Cow::Owned(target);
    }
    Err(TransportError::new(TransportErrorKind::TooManyRedirects))
}
