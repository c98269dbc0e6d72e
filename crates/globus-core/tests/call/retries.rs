//! What is tried again, how often and after which wait.

use std::time::Duration;

use globus_core::api_error::Service as Errors;
use globus_core::config::Variables;
use globus_core::transport::TransportErrorKind::{self, *};
use globus_core::{BaseClient, ClientBuilder, ManualClock, RetryBudget, RetryPolicy};
use http::Method;

use crate::support::{BASE, START, Service, builder, failure, json, play, seconds, status};

#[tokio::test]
async fn a_service_in_trouble_is_tried_six_times() {
    for code in [500, 502, 503, 504, 429] {
        let told = play(Method::GET, (0..20).map(|_| status(code))).await;
        let error = told.result.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), code);
        assert_eq!((told.requests, error.attempts()), (6, 6));
        assert_eq!(told.waits, [0.5, 1.0, 2.0, 4.0, 8.0]);
    }
}

#[tokio::test]
async fn the_longest_wait_is_ten_seconds_unless_said_otherwise() {
    for (longest, expected) in [(None, 10.0), (Some(Duration::from_secs(3)), 3.0)] {
        let (service, clock) = (Service::replies((0..6).map(|_| status(500))), ManualClock::at(START));
        let mut policy = RetryPolicy::default().jitter(|| 0.999_999);
        if let Some(longest) = longest {
            policy = policy.max_sleep(longest);
        }
        let client = builder(&service, &clock).retry(policy).build().unwrap();
        client.request(Method::GET, "/x").send().await.unwrap_err();
        assert!((seconds(&clock).pop().unwrap() - expected).abs() < 0.001);
    }
}

#[tokio::test]
async fn trouble_that_passes_is_not_seen() {
    let told = play(Method::GET, [status(503), failure(Connect), status(504), status(200)]).await;
    assert_eq!(told.result.unwrap().status().as_u16(), 200);
    assert_eq!((told.requests, told.waits), (4, vec![0.5, 1.0, 2.0]));
}

#[tokio::test]
async fn other_statuses_are_answers_for_good() {
    for code in [400, 403, 404, 408, 409, 501] {
        let told = play(Method::GET, [status(code)]).await;
        assert_eq!(told.result.unwrap_err().status().unwrap().as_u16(), code);
        assert_eq!((told.requests, told.waits.len()), (1, 0));
    }
}

#[tokio::test]
async fn retry_after_says_how_long_to_wait() {
    let date = "Tue, 14 Nov 2023 22:13:30 GMT"; // START + 10 s
    for (code, text, wait) in [
        (429, "3", 3.0),
        (503, "3.5", 3.5),
        (503, "300", 300.0),
        (429, date, 10.0),
        // These say nothing.
        (429, "0", 0.5),
        (429, "", 0.5),
        (429, "-5", 0.5),
        (503, "soon", 0.5),
        (503, "Tue, 14 Nov 2023 22:13:19 GMT", 0.5),
        // Here it is not meant.
        (502, "2", 0.5),
    ] {
        let told = play(Method::GET, [status(code).header("retry-after", text)]).await;
        assert!(told.result.is_ok(), "{code} {text}");
        assert_eq!((told.requests, told.waits), (2, vec![wait]), "{code} {text}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_limit_is_an_error_at_once() {
    for (text, asked) in [("301", 301), ("Tue, 14 Nov 2023 23:13:20 GMT", 3600)] {
        let told = play(Method::GET, [status(503).header("retry-after", text)]).await;
        let error = told.result.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(asked)));
        assert_eq!((told.requests, told.waits.len()), (1, 0));
    }
    let (service, clock) =
        (Service::replies([status(429).header("retry-after", "3")]), ManualClock::at(START));
    let policy = RetryPolicy::default().max_wait(Duration::from_secs(2));
    let client = builder(&service, &clock).build().unwrap();
    let error = client.request(Method::GET, "/x").with_retry(policy).send().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert!(error.is_rate_limited());
}

#[tokio::test]
async fn what_may_have_been_processed_is_repeated_only_where_that_does_no_harm() {
    let statuses: [(u16, bool); 5] = [(500, false), (502, false), (504, false), (429, true), (503, true)];
    for (code, repeated) in statuses {
        let told = play(Method::POST, [status(code)]).await;
        assert_eq!((told.result.is_ok(), told.requests), (repeated, 1 + usize::from(repeated)), "{code}");
    }
    let failures: [(TransportErrorKind, bool); 6] = [
        (Timeout, false),
        (ConnectionLost, false),
        (Body, false),
        (ContentDecoding, false),
        (Connect, true),
        (ConnectTimeout, true),
    ];
    for (kind, repeated) in failures {
        let told = play(Method::POST, [failure(kind)]).await;
        assert_eq!((told.result.is_ok(), told.requests), (repeated, 1 + usize::from(repeated)), "{kind:?}");
        // A body that ends in the middle comes after the status.
        assert!(play(Method::GET, [failure(kind)]).await.result.is_ok(), "{kind:?}");
    }
    let told = play(Method::POST, [status(200).chunks([Ok("{"), Err(Body)])]).await;
    assert_eq!(told.result.unwrap_err().transport(), Some(Body));
    let told = play(Method::GET, [status(200).chunks([Ok("{"), Err(Body)])]).await;
    assert_eq!((told.result.is_ok(), told.requests), (true, 2));
}

#[tokio::test]
async fn methods_are_idempotent_as_http_says_unless_the_call_says_otherwise() {
    for (method, idempotent) in [
        (Method::GET, true),
        (Method::HEAD, true),
        (Method::OPTIONS, true),
        (Method::PUT, true),
        (Method::DELETE, true),
        (Method::POST, false),
        (Method::PATCH, false),
    ] {
        assert_eq!(play(method.clone(), [status(500)]).await.result.is_ok(), idempotent, "{method}");
        let (service, clock) = (Service::replies([status(500)]), ManualClock::at(START));
        let client = builder(&service, &clock).build().unwrap();
        let call = client.request(method.clone(), "/x").idempotent(!idempotent);
        assert_eq!(call.send().await.is_ok(), !idempotent, "{method}");
    }
}

#[tokio::test]
async fn what_cannot_get_better_is_not_tried_again() {
    for kind in [Tls, TooManyRedirects, TooLarge, InvalidRequest] {
        let told = play(Method::GET, [failure(kind)]).await;
        let error = told.result.unwrap_err();
        assert_eq!((error.transport(), error.attempts(), told.requests), (Some(kind), 1, 1));
        assert!(!error.is_retryable());
    }
}

fn transfer(service: &Service) -> BaseClient {
    ClientBuilder::new(Errors::Transfer, None, |client| client)
        .base_url(BASE)
        .variables(Variables::none())
        .transport(service.clone())
        .clock(ManualClock::at(START))
        .build()
        .unwrap()
}

#[tokio::test]
async fn failures_behind_transfer_do_not_pass_by_themselves() {
    let external = r#"{"code": "ExternalError.DirListingFailed.GCDisconnected", "message": "m"}"#;
    let endpoint = r#"{"code": "ServiceEndpointErrors", "message": "EndpointError"}"#;
    for (reply, requests) in [
        (json(502, external), 1),
        (json(500, r#"{"code": "EndpointError", "message": "m"}"#), 1),
        (json(502, endpoint), 1),
        (json(502, r#"{"code": "ServiceUnavailable", "message": "ExternalError"}"#), 2),
        // Where the service says when to come back, it is believed.
        (json(503, external), 2),
        // Codes that are none.
        (json(502, r#"["ExternalError"]"#), 2),
        (json(502, r#"{"code": null}"#), 2),
        (json(502, "ExternalError"), 2),
    ] {
        let shown = format!("{reply:?}");
        let service = Service::replies([reply]);
        let result = transfer(&service).request(Method::GET, "/x").send().await;
        assert_eq!((result.is_ok(), service.requests().len()), (requests == 2, requests), "{shown}");
    }
    // Elsewhere the words mean nothing.
    assert!(play(Method::GET, [json(502, external)]).await.result.is_ok());
}

#[tokio::test]
async fn never_is_one_attempt() {
    let service = Service::replies([status(503), status(503)]);
    let client = builder(&service, &ManualClock::at(START)).build().unwrap();
    let error = client.request(Method::GET, "/x").with_retry(RetryPolicy::never()).send().await.unwrap_err();
    assert_eq!((error.attempts(), service.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_constant_wait_and_other_statuses_can_be_chosen() {
    let service = Service::replies([status(418), status(418)]);
    let clock = ManualClock::at(START);
    let policy = RetryPolicy::default().transient_statuses(&[418]).constant_backoff(Duration::from_secs(7));
    let client = builder(&service, &clock).retry(policy).build().unwrap();
    client.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(seconds(&clock), [7.0, 7.0]);
}

#[tokio::test]
async fn an_empty_budget_stops_retrying_until_calls_succeed() {
    let budget = RetryBudget::new(2);
    let policy = RetryPolicy::default().budget(budget.clone());
    let service = Service::replies((0..4).map(|_| status(500)));
    let client = builder(&service, &ManualClock::at(START)).retry(policy.clone()).build().unwrap();
    let other = builder(&service, &ManualClock::at(START)).retry(policy).build().unwrap();
    // Two retries, then none, in this client or another that shares the budget.
    let error = client.request(Method::GET, "/x").send().await.unwrap_err();
    assert_eq!((error.attempts(), budget.left()), (3, 0));
    assert_eq!(other.request(Method::GET, "/x").send().await.unwrap_err().attempts(), 1);
    // From here the service answers 200.
    client.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(budget.left(), 1);
    for _ in 0..5 {
        client.request(Method::GET, "/x").send().await.unwrap();
    }
    assert_eq!(budget.left(), 2);
}

#[tokio::test]
async fn a_policy_for_one_call_draws_on_the_budget_of_its_client() {
    let budget = RetryBudget::new(1);
    let policy = RetryPolicy::default().budget(budget.clone());
    let service = Service::replies((0..5).map(|_| status(500)));
    let client = builder(&service, &ManualClock::at(START)).retry(policy).build().unwrap();
    let generous = RetryPolicy::default().max_retries(50);
    let error = client.request(Method::GET, "/x").with_retry(generous).send().await.unwrap_err();
    assert_eq!((error.attempts(), budget.left()), (2, 0));
    // Unless it has one of its own.
    let own = RetryPolicy::default().budget(RetryBudget::new(50));
    client.request(Method::GET, "/x").with_retry(own).send().await.unwrap();
    assert_eq!(budget.left(), 0);
}
