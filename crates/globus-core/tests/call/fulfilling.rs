//! A 403 that says what is wanted: seen to once, within the call's time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use globus_core::authorizer::Authorize;
use globus_core::transport::TransportErrorKind::Connect;
use globus_core::{ApiError, Authorization, BaseClient, Error, ManualClock, Result, RetryPolicy};
use http::Method;

use crate::support::{Reply, START, Service, builder, failure, json, seconds, status};

/// What becomes of the attempt to see to it.
#[derive(Debug, Clone, Copy)]
enum End {
    Done,
    NotMine,
    Failed,
    Never,
}

/// Counts how often it was asked.
#[derive(Debug, Clone)]
struct Fulfilling(End, Arc<AtomicU32>);

impl Authorize for Fulfilling {
    async fn authorization(&self) -> Result<Authorization> {
        Authorization::bearer(&format!("AT{}", self.1.load(Ordering::SeqCst)).into())
    }

    async fn fulfil(&self, used: Option<&Authorization>, refusal: &ApiError) -> Result<bool> {
        assert_eq!(used.unwrap(), &self.authorization().await?);
        assert_eq!(refusal.code(), Some("Wanted"));
        self.1.fetch_add(1, Ordering::SeqCst);
        match self.0 {
            End::Done => Ok(true),
            End::NotMine => Ok(false),
            End::Failed => Err(Error::login_failed(refusal.clone().into(), Error::usage("nobody is there"))),
            End::Never => std::future::pending().await,
        }
    }
}

struct Told {
    result: Result<u16>,
    asked: u32,
    tokens: Vec<String>,
    waits: Vec<f64>,
}

async fn play(end: End, replies: impl IntoIterator<Item = Reply>) -> Told {
    play_with(end, replies, RetryPolicy::default().jitter(|| 0.5), None).await
}

async fn play_with(
    end: End,
    replies: impl IntoIterator<Item = Reply>,
    policy: RetryPolicy,
    limit: Option<Duration>,
) -> Told {
    let (service, clock) = (Service::replies(replies), ManualClock::at(START));
    let authorizer = Fulfilling(end, Arc::default());
    let client: BaseClient =
        builder(&service, &clock).authorizer(authorizer.clone()).retry(policy).build().unwrap();
    // POST: a refused call was not processed, whatever its method.
    let mut call = client.request(Method::POST, "/x");
    if let Some(limit) = limit {
        call = call.with_timeout(limit);
    }
    let result = call.send().await.map(|response| response.status().as_u16());
    let tokens = service.credentials().into_iter().map(|header| header.unwrap().replace("Bearer ", ""));
    Told {
        result,
        asked: authorizer.1.load(Ordering::SeqCst),
        tokens: tokens.collect(),
        waits: seconds(&clock),
    }
}

fn wanted() -> Reply {
    json(403, r#"{"code": "Wanted", "message": "more"}"#)
}

#[tokio::test]
async fn what_is_seen_to_is_sent_again_at_once_with_the_next_header() {
    let told = play(End::Done, [wanted()]).await;
    assert_eq!((told.result.unwrap(), told.asked, told.tokens), (200, 1, vec!["AT0".into(), "AT1".into()]));
    assert!(told.waits.is_empty());
}

#[tokio::test]
async fn a_second_refusal_is_the_answer() {
    let told = play(End::Done, [wanted(), wanted(), wanted()]).await;
    let error = told.result.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts(), told.asked), (403, 2, 1));
}

#[tokio::test]
async fn what_is_not_for_the_authorizer_is_the_answer() {
    let told = play(End::NotMine, [wanted()]).await;
    assert_eq!((told.result.unwrap_err().code(), told.asked), (Some("Wanted"), 1));
    assert_eq!(told.tokens.len(), 1);
}

#[tokio::test]
async fn other_statuses_are_nothing_to_see_to() {
    for other in [400, 404, 409, 500, 502] {
        let reply = json(other, r#"{"code": "Wanted"}"#);
        let told = play(End::Done, [reply]).await;
        assert_eq!((told.result.unwrap_err().status().unwrap().as_u16(), told.asked), (other, 0));
    }
}

#[tokio::test]
async fn without_an_attempt_left_nobody_is_asked() {
    let told = play_with(End::Done, [wanted()], RetryPolicy::default().max_retries(0), None).await;
    assert_eq!((told.result.unwrap_err().attempts(), told.asked), (1, 0));
    let failures = (0..5).map(|_| failure(Connect));
    let told = play(End::Done, failures.chain([wanted()])).await;
    assert_eq!((told.result.unwrap_err().attempts(), told.asked), (6, 0));
}

#[tokio::test]
async fn failures_before_and_after_do_not_matter() {
    let told = play(End::Done, [failure(Connect), wanted(), status(429)]).await;
    assert_eq!((told.result.unwrap(), told.asked), (200, 1));
    assert_eq!(told.tokens, ["AT0", "AT0", "AT1", "AT1"]);
}

#[tokio::test]
async fn where_it_fails_what_the_service_said_is_not_lost() {
    let error = play(End::Failed, [wanted()]).await.result.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 403);
    assert_eq!((error.code(), error.attempts()), (Some("Wanted"), 1));
    assert_eq!(error.login_reason().unwrap().code(), Some("Wanted"));
    assert!(!error.is_login_required() && !error.is_usage(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("403") && text.contains("the login that it takes failed"), "{text}");
    assert_eq!(text.matches("/x").count(), 1, "{text}");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "nobody is there");
}

#[tokio::test]
async fn it_takes_no_longer_than_the_call_may() {
    let policy = RetryPolicy::default();
    let limit = Some(Duration::from_millis(20));
    let told = play_with(End::Never, [wanted()], policy, limit).await;
    let error = told.result.unwrap_err();
    assert_eq!((error.code(), error.attempts(), told.asked), (Some("Wanted"), 1, 1));
}

#[test]
fn a_login_that_failed_is_needed_where_a_person_is_missing() {
    let missing = Error::login_required(None, Error::usage("nobody is there"));
    let failed = Error::login_failed(Error::usage("why"), missing);
    assert!(failed.is_login_required() && !failed.is_usage());
    let told = Error::login_required(Some("rs".to_owned()), failed);
    assert_eq!(told.login_reason().unwrap().to_string(), "why");
    assert_eq!(told.to_string(), "a login for rs is needed");
}
