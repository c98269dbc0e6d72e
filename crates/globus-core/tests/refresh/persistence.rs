//! Stored before it is used; used all the same when storing fails, and then stored later.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use globus_core::{Authorizer, TokenResponse};

use crate::support::{Answer, Step, World, body, idle, soon, token};

#[tokio::test]
async fn a_token_is_stored_before_anybody_gets_it() {
    let world = World::new();
    world.adapter.shut();
    let authorizer = world.authorizer(-1);
    let waiting = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    world.adapter.started().await;
    idle().await;
    assert!(!waiting.is_finished());
    assert_eq!(authorizer.held().access_token.unwrap().expose(), "AT0");
    world.adapter.open();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "AT1");
    assert_eq!(world.log.events(), ["look", "ask RT0", "store AT1"]);
}

#[tokio::test]
async fn a_token_that_cannot_be_stored_is_used_and_owed() {
    let world = World::new();
    world.adapter.next_stores([Step::Fail; 8]);
    let authorizer = world.authorizer(-1);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    let pending = authorizer.pending_persist().unwrap();
    assert_eq!(pending.failures, 1);
    assert!(pending.error.is_storage());

    // Tried again before the very next header, then each time after a longer wait; no header fails for it.
    let mut tried_at = Vec::new();
    let failures = || authorizer.pending_persist().map_or(0, |pending| pending.failures);
    for second in 0..150 {
        let before = failures();
        assert_eq!(token(&authorizer).await.unwrap(), "AT1");
        if failures() != before {
            tried_at.push(second);
        }
        world.advance(1);
    }
    assert_eq!(tried_at, [0, 1, 3, 7, 15, 31, 61, 91]);
    assert!(authorizer.pending_persist().is_none());
    assert_eq!(world.adapter.stored().unwrap().access_token.expose(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn settle_stores_what_is_owed_without_waiting_and_without_renewing() {
    let world = World::new();
    world.adapter.next_stores([Step::Fail, Step::Fail]);
    let authorizer = world.authorizer(-1);
    token(&authorizer).await.unwrap();
    // Even if the token is due again by now.
    world.advance(10_000);
    assert!(soon(authorizer.settle()).await.unwrap_err().is_storage());
    assert_eq!(authorizer.pending_persist().unwrap().failures, 2);
    soon(authorizer.settle()).await.unwrap();
    assert!(authorizer.pending_persist().is_none());
    assert_eq!(world.adapter.stored().unwrap().access_token.expose(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn a_caller_who_comes_while_settle_stores_gets_a_renewed_token() {
    let world = World::new();
    world.adapter.next_stores([Step::Fail]);
    let authorizer = world.authorizer(-1);
    token(&authorizer).await.unwrap();
    world.adapter.started().await;
    world.advance(10_000);
    world.adapter.shut();
    let settling = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { authorizer.settle().await }
    });
    world.adapter.started().await;
    let waiting = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    idle().await;
    assert_eq!(world.grants.requests(), 1);
    world.adapter.open();
    soon(settling).await.unwrap().unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "AT2");
    assert_eq!(world.adapter.stored().unwrap().access_token.expose(), "AT2");
}

#[tokio::test]
async fn settle_that_is_given_up_stores_all_the_same() {
    let world = World::new();
    world.adapter.next_stores([Step::Fail]);
    let authorizer = world.authorizer(-1);
    token(&authorizer).await.unwrap();
    world.adapter.started().await;
    world.adapter.shut();
    let settling = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { authorizer.settle().await }
    });
    world.adapter.started().await;
    settling.abort();
    assert!(settling.await.unwrap_err().is_cancelled());
    world.adapter.open();
    soon(authorizer.settle()).await.unwrap();
    assert!(authorizer.pending_persist().is_none());
}

#[tokio::test]
async fn a_newer_token_takes_the_place_of_an_owed_one() {
    let world = World::new();
    // The first cannot be stored, neither at first nor before the second is asked for.
    world.adapter.next_stores([Step::Fail, Step::Fail]);
    let authorizer = Authorizer::from(world.authorizer(-1));
    let first = authorizer.authorization().await.unwrap();
    authorizer.rejected(&first);
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
    authorizer.settle().await.unwrap();
    world.advance(60);
    token(&authorizer).await.unwrap();
    let stored: Vec<_> = world.log.events().into_iter().filter(|event| event.starts_with("store")).collect();
    assert_eq!(stored, ["store fails", "store fails", "store AT2"]);
}

#[tokio::test]
async fn an_owed_refresh_token_is_not_lost_to_the_old_one_that_is_stored() {
    let world = World::new();
    world.adapter.next_stores([Step::Fail, Step::Fail]);
    world.grants.then([Answer::rotated("AT1", "RT1")]);
    let authorizer = Authorizer::from(world.authorizer(-1));
    let first = authorizer.authorization().await.unwrap();
    // Of the same second, so that its expiry does not tell that it is older.
    world.adapter.put(Some(world.record("OLD", "RT0", 3600)));
    authorizer.rejected(&first);
    token(&authorizer).await.unwrap();
    assert_eq!(world.grants.asked(), ["RT0", "RT1"]);
}

#[tokio::test]
async fn functions_are_called_with_each_renewal() {
    let world = World::new();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = {
        let seen = Arc::clone(&seen);
        move |response: &TokenResponse| {
            let record = response.by_resource_server().iter().next().unwrap();
            seen.lock().unwrap().push(record.access_token.expose().to_owned());
        }
    };
    let blocking = world.builder().on_refresh_fn({
        let note = note.clone();
        move |response| {
            note(response);
            Ok::<_, Infallible>(())
        }
    });
    assert_eq!(token(blocking.build().unwrap()).await.unwrap(), "AT1");
    let asynchronous = world.builder().on_refresh_async(move |response| {
        let note = note.clone();
        async move {
            tokio::task::yield_now().await;
            note(&response);
            Ok::<_, Infallible>(())
        }
    });
    assert_eq!(token(asynchronous.build().unwrap()).await.unwrap(), "AT2");
    assert_eq!(*seen.lock().unwrap(), ["AT1", "AT2"]);
}

#[tokio::test]
async fn a_function_that_fails_is_called_again_with_the_same_response() {
    let world = World::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let fails_once = {
        let calls = Arc::clone(&calls);
        move || match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Err("no room"),
            _ => Ok(()),
        }
    };
    let blocking = world.builder().on_refresh_fn({
        let fails_once = fails_once.clone();
        move |_: &TokenResponse| fails_once()
    });
    let blocking = blocking.build().unwrap();
    assert_eq!(token(&blocking).await.unwrap(), "AT1");
    assert!(blocking.pending_persist().unwrap().error.is_callback());
    soon(blocking.settle()).await.unwrap();
    assert_eq!(calls.swap(0, Ordering::SeqCst), 2);

    let asynchronous = world.builder().on_refresh_async(move |_| std::future::ready(fails_once()));
    let asynchronous = asynchronous.build().unwrap();
    assert_eq!(token(&asynchronous).await.unwrap(), "AT2");
    assert!(asynchronous.pending_persist().unwrap().error.is_callback());
    soon(asynchronous.settle()).await.unwrap();
    assert!(asynchronous.pending_persist().is_none());
    assert_eq!(world.grants.requests(), 2);
}

#[tokio::test]
async fn what_is_stored_holds_the_refresh_token_in_force() {
    let world = World::new();
    // Absent, null, empty, new.
    let null = body("AT2", None, 3600).replace(r#""scope""#, r#""refresh_token":null,"scope""#);
    world.grants.then([
        Answer::token("AT1"),
        Answer::Body(null),
        Answer::rotated("AT3", ""),
        Answer::rotated("AT4", "RT4"),
        Answer::token("AT5"),
    ]);
    let authorizer = Authorizer::from(world.authorizer(-1));
    for in_force in ["RT0", "RT0", "RT0", "RT4", "RT4"] {
        let header = soon(authorizer.authorization()).await.unwrap();
        assert_eq!(world.adapter.stored().unwrap().refresh_token.unwrap().expose(), in_force);
        authorizer.rejected(&header);
    }
    assert_eq!(world.grants.asked(), ["RT0", "RT0", "RT0", "RT0", "RT4"]);
}
