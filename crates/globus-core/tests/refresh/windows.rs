//! Fresh, advisory, mandatory: who waits and when.

use std::time::Duration;

use globus_core::{Authorizer, RefreshWindows};

use crate::support::{Answer, World, idle, soon, token};

#[tokio::test]
async fn a_fresh_token_is_left_alone() {
    let world = World::new();
    let authorizer = world.authorizer(300);
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    authorizer.settle().await.unwrap();
    assert_eq!(world.grants.requests(), 0);
}

#[tokio::test]
async fn callers_in_the_advisory_time_never_wait_and_start_one_renewal() {
    let world = World::new();
    world.grants.shut();
    let authorizer = world.authorizer(299);
    for _ in 0..100 {
        assert_eq!(token(&authorizer).await.unwrap(), "AT0");
        idle().await;
    }
    world.grants.started().await;
    assert_eq!(world.grants.requests(), 1);
    world.grants.let_through(1);
    authorizer.settle().await.unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn callers_in_the_mandatory_time_wait() {
    let world = World::new();
    world.grants.shut();
    let authorizer = world.authorizer(59);
    let waiting = tokio::spawn(async move { token(&authorizer).await });
    world.grants.started().await;
    idle().await;
    assert!(!waiting.is_finished());
    world.grants.let_through(1);
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "AT1");
}

#[tokio::test]
async fn the_border_of_the_mandatory_time_is_sixty_seconds() {
    let world = World::new();
    world.grants.shut();
    // In the very last moment before: still at once.
    let authorizer = world.authorizer(60);
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    world.clock.advance(Duration::from_millis(1));
    let waiting = tokio::spawn(async move { token(&authorizer).await });
    world.grants.started().await;
    idle().await;
    assert!(!waiting.is_finished());
    world.grants.let_through(1);
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "AT1");
}

#[tokio::test]
async fn a_token_that_is_still_good_beats_an_error() {
    let world = World::new();
    let authorizer = world.authorizer(30);
    world.grants.then([Answer::Broken, Answer::Broken]);
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    assert_eq!(world.grants.requests(), 1);
    world.advance(30);
    assert!(token(&authorizer).await.unwrap_err().is_connect());
    assert_eq!(token(&authorizer).await.unwrap(), "AT3");
}

#[tokio::test]
async fn a_refused_token_does_not_beat_an_error() {
    let world = World::new();
    let authorizer = Authorizer::from(world.authorizer(1000));
    let header = authorizer.authorization().await.unwrap();
    assert!(authorizer.rejected(&header));
    world.grants.then([Answer::Broken]);
    assert!(token(&authorizer).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn failures_in_the_advisory_time_are_repeated_ever_less_often() {
    let world = World::new();
    let authorizer = world.authorizer(299);
    world.grants.then(vec![Answer::Broken; 100]);
    let mut asked_at = Vec::new();
    for second in 0..200 {
        let before = world.grants.requests();
        assert_eq!(token(&authorizer).await.unwrap(), "AT0");
        authorizer.settle().await.unwrap();
        if world.grants.requests() > before {
            asked_at.push(second);
        }
        world.advance(1);
    }
    let waits: Vec<_> = asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]);
}

#[tokio::test]
async fn the_waiting_after_failures_ends_with_a_success_and_with_the_mandatory_time() {
    let world = World::new();
    world.grants.then([Answer::Broken, Answer::Broken, Answer::token("NEW"), Answer::Broken]);
    let authorizer = world.authorizer(62);
    token(&authorizer).await.unwrap();
    authorizer.settle().await.unwrap();
    world.advance(1);
    token(&authorizer).await.unwrap();
    authorizer.settle().await.unwrap();
    // Two seconds to wait, but the mandatory time begins in one.
    world.clock.advance(Duration::from_millis(1001));
    assert_eq!(token(&authorizer).await.unwrap(), "NEW");
    // Another round begins with one second again.
    world.advance(3301);
    for _ in 0..2 {
        token(&authorizer).await.unwrap();
        authorizer.settle().await.unwrap();
        world.advance(1);
    }
    assert_eq!(world.grants.requests(), 5);
}

#[tokio::test]
async fn a_short_lived_token_serves_most_of_its_time() {
    let world = World::new();
    world.grants.then([Answer::lasting("SHORT", 30), Answer::lasting("NEXT", 30)]);
    let authorizer = world.builder().build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "SHORT");
    for _ in 0..27 {
        world.advance(1);
        assert_eq!(token(&authorizer).await.unwrap(), "SHORT");
    }
    authorizer.settle().await.unwrap();
    assert_eq!(world.grants.requests(), 1);
    world.advance(2);
    assert_eq!(token(&authorizer).await.unwrap(), "NEXT");
}

#[tokio::test]
async fn a_token_that_has_expired_on_arrival_is_given_out_and_renewed_by_the_next_caller() {
    let world = World::new();
    world.grants.then([Answer::lasting("DEAD", -1)]);
    let authorizer = world.builder().build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "DEAD");
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
}

#[tokio::test]
async fn the_windows_can_be_chosen() {
    let world = World::new();
    let windows = RefreshWindows::fixed(Duration::from_secs(10));
    let authorizer = world.builder().access_token("AT0", world.now() + 11).windows(windows).build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    authorizer.settle().await.unwrap();
    assert_eq!(world.grants.requests(), 0);
    world.advance(2);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
}

#[tokio::test]
async fn ensure_valid_token_renews_what_is_due_and_only_that() {
    let world = World::new();
    let authorizer = world.authorizer(-1);
    soon(authorizer.ensure_valid_token()).await.unwrap();
    soon(authorizer.ensure_valid_token()).await.unwrap();
    assert_eq!(world.grants.requests(), 1);
    assert_eq!(authorizer.held().access_token.unwrap().expose(), "AT1");
}
