//! Limits of one call: its time, and the size of its answer.

use std::time::Duration;

use globus_core::transport::TransportErrorKind::{Timeout, TooLarge};
use globus_core::{Authorization, Authorize, ManualClock, Result, RetryPolicy};
use http::Method;

use crate::support::{START, Service, builder, json, seconds, status};

#[tokio::test]
async fn no_wait_goes_beyond_the_calls_time() {
    let (service, clock) = (Service::replies((0..9).map(|_| status(500))), ManualClock::at(START));
    let client = builder(&service, &clock).build().unwrap();
    let call = client.request(Method::GET, "/x").with_timeout(Duration::from_secs(3));
    let error = call.send().await.unwrap_err();
    // 0.5 and 1 second fit, another 2 do not.
    assert_eq!(seconds(&clock), [0.5, 1.0]);
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (500, 3));
}

#[tokio::test]
async fn a_wait_that_the_service_asks_for_is_not_begun_when_it_cannot_be_waited_out() {
    let (service, clock) =
        (Service::replies([status(503).header("retry-after", "60")]), ManualClock::at(START));
    let client = builder(&service, &clock).build().unwrap();
    let call = client.request(Method::GET, "/x").with_timeout(Duration::from_secs(60));
    let error = call.send().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!((service.requests().len(), seconds(&clock).len()), (1, 0));
}

#[tokio::test]
async fn each_attempt_gets_the_time_that_is_left() {
    let (service, clock) = (Service::replies([status(500), status(500)]), ManualClock::at(START));
    let client = builder(&service, &clock).build().unwrap();
    let call = client.request(Method::GET, "/x").with_timeout(Duration::from_secs(3));
    call.send().await.unwrap();
    let given: Vec<_> = service.requests().iter().map(|request| request.timeout.unwrap()).collect();
    assert_eq!(given, [3000, 2500, 1500].map(Duration::from_millis));
    client.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(service.requests()[3].timeout, None);
}

/// Never gets a token.
#[derive(Debug)]
struct Stuck;

impl Authorize for Stuck {
    async fn authorization(&self) -> Result<Authorization> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn getting_a_token_counts_too() {
    let (service, clock) = (Service::default(), ManualClock::at(START));
    let client = builder(&service, &clock).authorizer(Stuck).build().unwrap();
    let error = client.request(Method::GET, "/x").with_timeout(Duration::from_secs(3)).send().await;
    let error = error.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("token"), "{error}");
    assert_eq!((error.transport(), service.requests().len()), (Some(Timeout), 0));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_announced_or_not() {
    for (reply, fits) in [
        (status(200).chunks([Ok("12345"), Ok("67890")]), true),
        (status(200).chunks([Ok("12345"), Ok("678901")]), false),
        (status(200).chunks([Ok("1")]).header("content-length", "11"), false),
        (status(404).chunks([Ok("12345678901")]), false),
    ] {
        let service = Service::replies([reply]);
        let client = builder(&service, &ManualClock::at(START)).body_limit(10).build().unwrap();
        let result = client.request(Method::GET, "/x").send_raw().await;
        assert_eq!(result.is_ok(), fits);
        if let Err(error) = result {
            assert_eq!((error.transport(), error.attempts()), (Some(TooLarge), 1));
            assert!(error.to_string().contains("limit of 10 bytes"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_length_in_the_answer_to_head_is_no_body() {
    let service = Service::replies([json(200, "").header("content-length", "1000")]);
    let client = builder(&service, &ManualClock::at(START)).body_limit(10).build().unwrap();
    let answer = client.request(Method::HEAD, "/x").with_retry(RetryPolicy::never()).send_raw().await;
    assert_eq!(answer.unwrap().headers["content-length"], "1000");
}
