//! Code that is not ours panics: a typed error or a pending store, never a hang.

use globus_core::TokenResponse;

use crate::support::{Answer, Step, World, soon, token};

#[tokio::test]
async fn a_login_client_that_panics_is_an_error_and_the_next_call_works() {
    let world = World::new();
    world.grants.then([Answer::Panic]);
    let authorizer = world.authorizer(-1);
    let error = token(&authorizer).await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert_eq!(world.grants.requests(), 1);
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
}

#[tokio::test]
async fn a_login_client_that_panics_while_the_token_is_good_is_no_error() {
    let world = World::new();
    world.grants.then([Answer::Panic]);
    let authorizer = world.authorizer(50);
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
}

#[tokio::test]
async fn a_storage_that_panics_leaves_the_token_in_use_and_owed() {
    let world = World::new();
    world.grants.then([Answer::rotated("AT1", "RT1")]);
    world.adapter.next_stores([Step::Panic]);
    let authorizer = world.authorizer(-1);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    let pending = authorizer.pending_persist().unwrap();
    assert!(pending.error.to_string().contains("panicked"), "{}", pending.error);
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(world.adapter.stored().unwrap().refresh_token.unwrap().expose(), "RT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn functions_that_panic_leave_the_token_in_use_and_owed() {
    let world = World::new();
    let panics = |_: &TokenResponse| -> Result<(), std::io::Error> { panic!("the function's own") };
    let authorizer = world.builder().on_refresh_fn(panics).build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert!(authorizer.pending_persist().is_some());
    assert!(soon(authorizer.settle()).await.is_err());

    let panics = |_| -> std::future::Ready<Result<(), std::io::Error>> { panic!("the function's own") };
    let authorizer = world.builder().on_refresh_async(panics).build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
    assert!(authorizer.pending_persist().is_some());
}
