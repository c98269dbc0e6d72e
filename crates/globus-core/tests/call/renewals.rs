//! A 401: renewed once, at once, whatever came before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use globus_core::token::Grant;
use globus_core::transport::TransportErrorKind::Connect;
use globus_core::{
    AccessTokenAuthorizer, Authorizer, Clock, ManualClock, RefreshToken, RefreshTokenAuthorizer, Result,
    RetryPolicy, Scopes, Timestamp, TokenGrants, TokenResponse,
};
use http::Method;

use crate::support::{Reply, START, Service, builder, failure, seconds, status};

/// Answers with `AT1`, `AT2`, and so on.
#[derive(Debug, Clone)]
struct Counting(Arc<AtomicU32>, ManualClock);

impl TokenGrants for Counting {
    async fn refresh(&self, _: &RefreshToken) -> Result<TokenResponse> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(
            r#"{{"access_token": "AT{number}", "scope": "all", "resource_server": "rs", "expires_in": 3600}}"#
        );
        Ok(TokenResponse::parse(Grant::RefreshToken, body.as_bytes(), self.1.now())?)
    }

    async fn client_credentials(&self, _: &Scopes) -> Result<TokenResponse> {
        unreachable!("nobody asks for it here")
    }
}

fn renewing(clock: &ManualClock) -> RefreshTokenAuthorizer {
    let grants = Counting(Arc::default(), clock.clone());
    let builder = RefreshTokenAuthorizer::builder("RT", &grants).clock(clock.clone());
    builder.access_token("AT0", START + 3600).build().unwrap()
}

struct Told {
    status: u16,
    tokens: Vec<String>,
    waits: Vec<f64>,
}

async fn play(policy: RetryPolicy, replies: impl IntoIterator<Item = Reply>) -> Told {
    let (service, clock) = (Service::replies(replies), ManualClock::at(START));
    let client = builder(&service, &clock).authorizer(renewing(&clock)).retry(policy).build().unwrap();
    // POST: a refused call was not processed, whatever its method.
    let status = match client.request(Method::POST, "/x").send().await {
        Ok(response) => response.status(),
        Err(error) => error.status().unwrap(),
    };
    let tokens = service.credentials().into_iter().map(|header| header.unwrap().replace("Bearer ", ""));
    Told { status: status.as_u16(), tokens: tokens.collect(), waits: seconds(&clock) }
}

fn policy() -> RetryPolicy {
    RetryPolicy::default().jitter(|| 0.5)
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_without_waiting() {
    let told = play(policy(), [status(401)]).await;
    assert_eq!((told.status, told.tokens, told.waits), (200, vec!["AT0".into(), "AT1".into()], vec![]));
}

#[tokio::test]
async fn a_second_refusal_is_the_answer() {
    let told = play(policy(), [status(401), status(401), status(401)]).await;
    assert_eq!((told.status, told.tokens), (401, vec!["AT0".into(), "AT1".into()]));
}

#[tokio::test]
async fn earlier_failures_do_not_use_up_the_renewal() {
    let told = play(policy(), [status(503), status(401)]).await;
    let tokens: Vec<String> = ["AT0", "AT0", "AT1"].map(Into::into).into();
    assert_eq!((told.status, told.tokens, told.waits), (200, tokens.clone(), vec![0.5]));
    let told = play(policy(), [failure(Connect), status(401)]).await;
    assert_eq!((told.status, told.tokens, told.waits), (200, tokens, vec![0.5]));
    let told = play(policy(), [status(401), status(503)]).await;
    assert_eq!((told.status, told.tokens.len()), (200, 3));
    assert_eq!(told.waits, [1.0]);
    let told = play(policy(), [status(401), status(503), status(401)]).await;
    assert_eq!((told.status, told.tokens.len()), (401, 3));
}

#[tokio::test]
async fn without_retries_the_token_is_renewed_for_the_next_call_only() {
    let (service, clock) = (Service::replies([status(401)]), ManualClock::at(START));
    let authorizer = Authorizer::from(renewing(&clock));
    let client = builder(&service, &clock).authorizer(&authorizer).retry(RetryPolicy::never());
    let client = client.build().unwrap();
    let error = client.request(Method::GET, "/x").send().await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!(service.requests().len(), 1);
    client.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(service.credentials()[1].as_deref(), Some("Bearer AT1"));
}

#[tokio::test]
async fn a_token_that_nothing_renews_is_one_attempt() {
    let (service, clock) = (Service::replies([status(401)]), ManualClock::at(START));
    let client = builder(&service, &clock).authorizer(AccessTokenAuthorizer::new("AT")).build().unwrap();
    let error = client.request(Method::GET, "/x").send().await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!((error.attempts(), service.requests().len()), (1, 1));
    // Nor without any.
    let service = Service::replies([status(401)]);
    let client = builder(&service, &clock).build().unwrap();
    assert_eq!(client.request(Method::GET, "/x").send().await.unwrap_err().attempts(), 1);
}

#[tokio::test]
async fn every_attempt_asks_for_the_header_again() {
    let (service, clock) =
        (Service::replies([status(503).header("retry-after", "60")]), ManualClock::at(START));
    let grants = Counting(Arc::default(), clock.clone());
    let authorizer = RefreshTokenAuthorizer::builder("RT", &grants).clock(clock.clone());
    // Runs out during the wait.
    let authorizer = authorizer.access_token("AT0", START + 90).build().unwrap();
    let client = builder(&service, &clock).authorizer(&authorizer).build().unwrap();
    client.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(service.credentials()[1].as_deref(), Some("Bearer AT1"));
    authorizer.settle().await.unwrap();
}

#[tokio::test]
async fn the_services_clock_is_read_from_its_own_answers() {
    let clock = ManualClock::at(START);
    let authorizer = renewing(&clock);
    let date = |seconds: i64| {
        let time = Timestamp::from_second(START + seconds).unwrap();
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
    };
    let moved = status(302).header("location", "https://elsewhere.example.org/").header("date", &date(0));
    let service = Service::replies([
        status(200).header("date", &date(100)),
        status(404).header("date", &date(200)),
        // Out of a cache.
        status(200).header("date", &date(300)).header("age", "10"),
        // Somebody else's clock, and somebody else's refusal.
        moved,
        status(401).header("date", &date(400)),
    ]);
    let client = builder(&service, &clock).authorizer(&authorizer).build().unwrap();
    for expected in [100, 200, 200, 200] {
        let _answer = client.request(Method::GET, "/x").send().await;
        assert_eq!(authorizer.clock_offset().as_secs(), expected);
    }
    assert_eq!(service.requests().len(), 5);
    client.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(service.credentials()[5].as_deref(), Some("Bearer AT0"));
}
