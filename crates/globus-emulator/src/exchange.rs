//! From a raw request to its answer: who may ask, the journal, the faults, the service.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::app::App;
use crate::call::{self, Call, Params};
use crate::clock;
use crate::failure::Failure;
use crate::faults::{Effect, Kind, Met};
use crate::gate;
use crate::journal::RecordedRequest;
use crate::mask;
use crate::random;
use crate::server::Cut;
use crate::service::Service;

/// The largest body that is read. A transfer of a million items is smaller.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// The largest body that the journal shows; a transfer of a million items would fill it alone.
const MAX_RECORDED: usize = 256 * 1024;

/// Where the control interface lives, below the base path.
const CONTROL: &str = "_emulator";

pub(crate) async fn answer(
    app: &Arc<App>,
    router: Router,
    request: Request<Body>,
) -> Result<Response<Body>, Cut> {
    let answer = dispatch(app, router, request).await;
    answer.map(|mut response| {
        // An emulated time always is a valid header value.
        if let Ok(date) = HeaderValue::try_from(clock::http_date(app.now())) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    })
}

async fn dispatch(app: &Arc<App>, router: Router, request: Request<Body>) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let host = match gate::check(&parts.headers, app.port) {
        Ok(host) => host,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let Some(path) = below_base(parts.uri.path(), &app.base_path) else {
        return Ok(gate::wrong_base().into_response());
    };
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
    };
    let base_url = format!("http://{host}{}", app.base_path);
    let (first, rest) = split_service(&path);
    if first == CONTROL {
        return Ok(crate::control::answer(app, &parts, &rest, &body));
    }
    let Ok(service) = first.parse::<Service>() else {
        return Ok(gate::no_such_service(&first).into_response());
    };
    let query = Params::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let call = Call {
        app: app.clone(),
        service,
        base_url,
        path: rest,
        // It is known when the request is recorded.
        request_id: String::new(),
        headers: parts.headers.clone(),
        query,
        body,
    };
    exchange(call, parts, router).await
}

/// The path below the base, with repeated slashes joined: some clients double the one after the service.
fn below_base(path: &str, base: &str) -> Option<String> {
    let mut joined = String::with_capacity(path.len());
    for character in path.chars() {
        if !(character == '/' && joined.ends_with('/')) {
            joined.push(character);
        }
    }
    joined.strip_prefix(base).map(str::to_owned)
}

/// The service's segment, and the path below it, which begins with a slash.
fn split_service(path: &str) -> (String, String) {
    // The Globus CLI asks for `<auth url without slash>v2/web/auth-code` when its URL does not end in a slash.
    if let Some(rest) = path.strip_prefix("authv2/web/") {
        return ("auth".to_owned(), format!("/v2/web/{rest}"));
    }
    match path.split_once('/') {
        Some((first, rest)) => (first.to_owned(), format!("/{rest}")),
        None => (path.to_owned(), "/".to_owned()),
    }
}

async fn exchange(mut call: Call, parts: Parts, router: Router) -> Result<Response<Body>, Cut> {
    let app = call.app.clone();
    let recorded = recorded(&call, &parts);
    let met = Met {
        service: call.service,
        method: parts.method.as_str(),
        path: &call.path,
        client: recorded.client.as_deref(),
        grant_type: recorded.form_value("grant_type"),
    };
    let fault = app.faults.meet(&met);
    let number = app.journal.record(recorded);
    let (fault_id, effect) = match fault {
        Some((id, effect)) => (Some(id), effect),
        None => (None, Effect::default()),
    };
    if effect.kind == Kind::CutBefore {
        tokio::time::sleep(effect.latency).await;
        app.journal.finish(number, None, fault_id);
        return Err(Cut);
    }
    call.request_id = request_id(number);
    let response = if let Kind::Status(status) = effect.kind {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Failure::of_status(call.service, status).into_response()
    } else {
        process(&call, parts.clone(), router).await?
    };
    let response = render(response, &call, &parts);
    // The answer is late, not the effect: a caller that gives up waiting cannot know whether it was done.
    if !effect.latency.is_zero() {
        tokio::time::sleep(effect.latency).await;
    }
    if effect.kind == Kind::CutAfter {
        app.journal.finish(number, None, fault_id);
        return Err(Cut);
    }
    let status = response.status().as_u16();
    app.journal.finish(number, Some(status), fault_id);
    // Without the query and the base path: either can hold secrets.
    tracing::info!(number, service = %call.service, method = %parts.method, path = call.path, status, "answered");
    spoil(response, &effect).await
}

async fn process(call: &Call, mut parts: Parts, router: Router) -> Result<Response<Body>, Cut> {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let Ok(uri) = format!("/{}{}{query}", call.service, call.path).parse::<Uri>() else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    parts.uri = uri;
    parts.extensions.insert(call.clone());
    Ok(router.oneshot(Request::from_parts(parts, Body::empty())).await?)
}

/// Puts a refusal into the words of its service.
fn render(mut response: Response<Body>, call: &Call, parts: &Parts) -> Response<Body> {
    let method = parts.method.as_str();
    let failure = response.extensions_mut().remove::<Failure>().or_else(|| match response.status() {
        // The router's own refusals have no body.
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
            if !response.headers().contains_key(header::CONTENT_TYPE) =>
        {
            Some(Failure::no_such_route(call.service, method, &call.path))
        }
        _ => None,
    });
    let mut response = match failure {
        Some(failure) => failure.render(call.service, &call.path, &call.request_id),
        None => response,
    };
    if let Ok(id) = HeaderValue::try_from(&call.request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn request_id(number: u64) -> String {
    format!("Em{number:07}")
}

/// Applies what a fault does to the answer.
async fn spoil(response: Response<Body>, effect: &Effect) -> Result<Response<Body>, Cut> {
    let mut response = match &effect.body {
        None => response,
        Some(Value::String(text)) => replace(response, text.clone().into_bytes()),
        Some(body) => replace(response, body.to_string().into_bytes()),
    };
    for (name, value) in &effect.header_map() {
        response.headers_mut().insert(name, value.clone());
    }
    let Kind::Truncate(bytes) = effect.kind else { return Ok(response) };
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await.map_err(|_| Cut)?.to_bytes();
    // The length of the whole answer is announced, so that the caller sees that a part is missing.
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len().max(bytes + 1)));
    let start = whole.slice(..bytes.min(whole.len()));
    let pieces = futures_util::stream::unfold(Some(start), |start| async {
        if let Some(start) = start {
            return Some((Ok::<Bytes, Cut>(start), None));
        }
        // An error at once would end the connection before what there is was sent.
        tokio::task::yield_now().await;
        Some((Err(Cut), None))
    });
    Ok(Response::from_parts(parts, Body::from_stream(pieces)))
}

fn replace(response: Response<Body>, body: Vec<u8>) -> Response<Body> {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

/// The request as the journal shows it.
fn recorded(call: &Call, parts: &Parts) -> RecordedRequest {
    let form = match content_type(&call.headers) {
        Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => call.form(),
        _ => Params::default(),
    };
    let mut json = match content_type(&call.headers) {
        Some(kind) if kind.starts_with("application/json") && call.body.len() <= MAX_RECORDED => {
            serde_json::from_slice(&call.body).ok()
        }
        _ => None,
    };
    if let Some(json) = &mut json {
        mask::document(json);
    }
    let now = call.app.now();
    let token_id = call::bearer_text(&call.headers).map(random::fingerprint);
    let bearer = token_id.as_ref().and_then(|id| call.app.world.read(|world| world.bearer(id, now)));
    let client = basic_user(&call.headers)
        .or_else(|| bearer.as_ref().map(|bearer| bearer.family.client.clone()))
        .or_else(|| form.get("client_id").map(str::to_owned))
        .or_else(|| call.query.get("client_id").map(str::to_owned));
    RecordedRequest {
        number: 0,
        time: now,
        service: call.service,
        method: parts.method.to_string(),
        path: call.path.clone(),
        query: mask::params(&call.query),
        form: mask::params(&form),
        json,
        client,
        token_id,
        identity: bearer.map(|bearer| bearer.identity().to_owned()),
        user_agent: call.header("user-agent").map(str::to_owned),
        status: None,
        fault: None,
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

fn basic_user(headers: &HeaderMap) -> Option<String> {
    basic(headers).map(|(user, _)| user)
}

/// User and password of a `Basic` header.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_stripped_and_slashes_are_joined() {
        assert_eq!(below_base("/abc/search//v1/index", "/abc/").as_deref(), Some("search/v1/index"));
        assert_eq!(below_base("/abd/search", "/abc/"), None);
        assert_eq!(split_service("auth/v2/x"), ("auth".to_owned(), "/v2/x".to_owned()));
        assert_eq!(
            split_service("authv2/web/auth-code"),
            ("auth".to_owned(), "/v2/web/auth-code".to_owned())
        );
    }
}
