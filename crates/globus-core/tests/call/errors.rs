//! What an error tells, and what it never tells.

use std::error::Error as _;

use globus_core::transport::TransportErrorKind::{Connect, Timeout};
use globus_core::{AccessTokenAuthorizer, Error, ManualClock, RetryPolicy};
use http::Method;
use static_assertions::assert_impl_all;

use crate::support::{Reply, START, Service, builder, failure, json, status};

assert_impl_all!(Error: Clone, Send, Sync, std::error::Error);
assert_impl_all!(globus_core::BaseClient: Clone, Send, Sync);
assert_impl_all!(globus_core::Call: Clone, Send, Sync);

const SECRET: &str = "AgSecret";

/// The error of a call with secrets everywhere.
async fn fail(replies: impl IntoIterator<Item = Reply>) -> Error {
    let service = Service::replies(replies);
    let client = builder(&service, &ManualClock::at(START)).authorizer(AccessTokenAuthorizer::new(SECRET));
    let client = client.retry(RetryPolicy::default().max_retries(1)).build().unwrap();
    let call = client.request(Method::PUT, "/things").query("q", SECRET).header("x-own", SECRET);
    let call = call.json(&[SECRET]);
    assert!(!format!("{call:?} {client:?}").contains(SECRET));
    call.send().await.unwrap_err()
}

fn shown(error: &Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let causes: Vec<_> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
    format!("{error} {error:?} {error:#?} {causes:?} {:?} {:?}", error.api(), error.transport())
}

#[tokio::test]
async fn the_services_error_names_call_status_code_and_attempts() {
    const BODY: &str = r#"{"code": "C.D", "message": "not today", "request_id": "R1", "other": "AgSecret"}"#;
    let error = fail([json(502, BODY), json(502, BODY)]).await;
    let text = error.to_string();
    for part in ["PUT", "/api/things", "502", "C.D", "not today", "R1", "(after 2 attempts)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!shown(&error).contains(SECRET), "{}", shown(&error));
    assert_eq!((error.code(), error.request_id(), error.attempts()), (Some("C.D"), Some("R1"), 2));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn an_answer_of_html_is_not_quoted() {
    let page = status(400).chunks([Ok("<html>AgSecret</html>")]).header("content-type", "text/html");
    let error = fail([page]).await;
    assert!(error.to_string().contains("400"));
    assert!(!shown(&error).contains(SECRET) && !shown(&error).contains("html>"), "{}", shown(&error));
    assert_eq!(error.body().unwrap(), "<html>AgSecret</html>");
}

#[tokio::test]
async fn a_failure_on_the_way_names_the_call_without_its_query() {
    let error = fail([failure(Connect), failure(Timeout)]).await;
    let text = error.to_string();
    assert!(text.starts_with("PUT https://service.example.org/api/things: no answer came in time"), "{text}");
    assert!(text.ends_with("(after 2 attempts)") && !text.contains('?'), "{text}");
    assert!(error.is_timeout() && error.is_retryable());
    assert!(!shown(&error).contains(SECRET), "{}", shown(&error));
}

#[tokio::test]
async fn a_user_in_the_address_is_not_shown() {
    let service = Service::replies([failure(Connect)]);
    let client = builder(&service, &ManualClock::at(START)).retry(RetryPolicy::never()).build().unwrap();
    let call =
        client.request(Method::GET, "https://user:AgSecret@elsewhere.example.org/x?t=AgSecret#AgSecret");
    assert!(!format!("{call:?}").contains(SECRET));
    let error = call.send().await.unwrap_err();
    assert!(error.to_string().contains("https://elsewhere.example.org/x"), "{error}");
    assert!(!shown(&error).contains(SECRET), "{}", shown(&error));
}
