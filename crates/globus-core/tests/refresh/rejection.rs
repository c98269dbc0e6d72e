//! What a 401 does.

use futures_util::FutureExt;
use futures_util::future::join_all;
use globus_core::Authorizer;

use crate::support::{Answer, World, idle, soon, text, token};

#[tokio::test]
async fn two_hundred_refusals_of_one_token_make_one_renewal() {
    let world = World::new();
    let authorizer = Authorizer::from(world.authorizer(3600));
    let headers = join_all((0..200).map(|_| authorizer.authorization())).await;
    // Each finds out by itself, some before and some after the renewal.
    for (number, header) in headers.into_iter().enumerate() {
        assert!(authorizer.rejected(&header.unwrap()));
        if number % 3 == 0 {
            assert_eq!(token(&authorizer).await.unwrap(), "AT1");
        }
    }
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn a_token_that_has_been_replaced_cannot_be_refused_any_more() {
    let world = World::new();
    let authorizer = Authorizer::from(world.authorizer(3600));
    let old = authorizer.authorization().await.unwrap();
    authorizer.rejected(&old);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    // Trying again makes sense, since there is another token; renewing does not.
    assert!(authorizer.rejected(&old));
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn a_refused_token_is_held_without_an_expiry() {
    let world = World::new();
    let authorizer = world.authorizer(3600);
    assert_eq!(authorizer.held().expires_at_seconds, Some(world.now() + 3600));
    let handle = Authorizer::from(&authorizer);
    handle.rejected(&handle.authorization().await.unwrap());
    let held = authorizer.held();
    assert_eq!(held.access_token.unwrap().expose(), "AT0");
    assert_eq!(held.expires_at_seconds, None);
}

#[tokio::test]
async fn a_caller_who_waits_is_not_given_a_token_that_was_refused_meanwhile() {
    let world = World::new();
    let authorizer = Authorizer::from(world.authorizer(-1));
    // Waits, but is not polled again before its token has come and was refused.
    let mut slow = Box::pin(authorizer.authorization());
    assert!((&mut slow).now_or_never().is_none());
    let first = soon(authorizer.authorization()).await.unwrap();
    assert_eq!(text(&first), "AT1");
    authorizer.rejected(&first);
    assert_eq!(text(&soon(slow).await.unwrap()), "AT2");
    assert_eq!(world.grants.requests(), 2);
}

#[tokio::test]
async fn a_refusal_during_a_background_renewal_needs_no_second_one() {
    let world = World::new();
    world.grants.shut();
    let authorizer = Authorizer::from(world.authorizer(100));
    let header = authorizer.authorization().await.unwrap();
    world.grants.started().await;
    authorizer.rejected(&header);
    let waiting = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    idle().await;
    assert!(!waiting.is_finished());
    world.grants.let_through(1000);
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn the_same_token_answered_again_is_taken_as_new() {
    let world = World::new();
    world.grants.then([Answer::token("AT0")]);
    let authorizer = Authorizer::from(world.authorizer(3600));
    authorizer.rejected(&authorizer.authorization().await.unwrap());
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    assert_eq!(world.grants.requests(), 1);
}
