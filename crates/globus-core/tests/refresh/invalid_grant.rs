//! A refused refresh token: perhaps another process has rotated it, perhaps the login is over.

use globus_core::{Authorizer, RefreshTokenAuthorizer};

use crate::support::{Answer, SERVER, Step, World, token};

#[tokio::test]
async fn the_login_is_over_when_the_storage_knows_no_other_refresh_token() {
    let world = World::new();
    let stored = world.record("AT0", "RT0", -1);
    world.adapter.put(Some(stored.clone()));
    world.grants.then([Answer::InvalidGrant]);
    let builder = RefreshTokenAuthorizer::from_tokens(&stored, &world.grants).unwrap();
    let builder = builder.on_refresh(world.adapter.clone()).clock(world.clock.clone());
    let error = token(builder.build().unwrap()).await.unwrap_err();
    assert!(error.is_login_required());
    assert_eq!(error.status().unwrap().as_u16(), 400);
    assert_eq!(error.code(), Some("invalid_grant"));
    assert!(error.to_string().contains(SERVER) && error.to_string().contains("log in again"), "{error}");
    // Nothing is deleted and nothing is tried again by itself.
    assert_eq!(world.adapter.stored(), Some(stored));
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn without_a_storage_the_login_is_over_at_once() {
    let world = World::new();
    world.grants.then([Answer::InvalidGrant]);
    let authorizer = RefreshTokenAuthorizer::new("RT0", &world.grants);
    assert!(token(authorizer).await.unwrap_err().is_login_required());
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn a_refresh_token_that_was_rotated_elsewhere_is_found_in_the_storage() {
    let world = World::new();
    // Stored by somebody else, with a token that has expired as well.
    world.adapter.put(Some(world.record("OTHER", "RT5", -100)));
    world.grants.then([Answer::InvalidGrant, Answer::rotated("AT2", "RT6")]);
    let authorizer = world.authorizer(-1);
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
    assert_eq!(world.grants.asked(), ["RT0", "RT5"]);
    assert_eq!(world.adapter.stored().unwrap().refresh_token.unwrap().expose(), "RT6");
}

#[tokio::test]
async fn the_refresh_token_found_is_kept_when_the_answer_has_none() {
    let world = World::new();
    world.adapter.put(Some(world.record("OTHER", "RT5", -100)));
    world.grants.then([Answer::InvalidGrant]);
    let authorizer = world.authorizer(-1);
    token(&authorizer).await.unwrap();
    assert_eq!(authorizer.held().refresh_token.unwrap().expose(), "RT5");
    assert_eq!(world.adapter.stored().unwrap().refresh_token.unwrap().expose(), "RT5");
}

#[tokio::test]
async fn the_storage_is_asked_for_another_refresh_token_once_only() {
    let world = World::new();
    let stored = world.record("OTHER", "RT5", -100);
    world.adapter.put(Some(stored.clone()));
    world.grants.then([Answer::InvalidGrant, Answer::InvalidGrant]);
    let authorizer = world.authorizer(-1);
    assert!(token(&authorizer).await.unwrap_err().is_login_required());
    assert_eq!(world.log.events(), ["look", "ask RT0", "look", "ask RT5"]);
    assert_eq!(world.adapter.stored(), Some(stored));
}

#[tokio::test]
async fn another_failure_with_the_refresh_token_found_is_told_as_it_is() {
    let world = World::new();
    world.adapter.put(Some(world.record("OTHER", "RT5", -100)));
    world.grants.then([Answer::InvalidGrant, Answer::Broken]);
    let error = token(world.authorizer(-1)).await.unwrap_err();
    assert!(error.is_connect() && !error.is_login_required());
}

#[tokio::test]
async fn a_storage_that_cannot_be_read_does_not_hide_the_end_of_the_login() {
    let world = World::new();
    world.adapter.next_reads([Step::Fail, Step::Fail]);
    world.grants.then([Answer::InvalidGrant]);
    assert!(token(world.authorizer(-1)).await.unwrap_err().is_login_required());
}

#[tokio::test]
async fn a_token_that_is_still_good_outlives_its_login() {
    let world = World::new();
    world.grants.then([Answer::InvalidGrant, Answer::InvalidGrant]);
    let authorizer = Authorizer::from(world.authorizer(50));
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    world.advance(50);
    assert!(token(&authorizer).await.unwrap_err().is_login_required());
}
