//! Leaving: what is revoked, what is removed, and what is told.

use std::sync::atomic::Ordering::SeqCst;

use globus_sdk::storage::StoreKind;
use globus_sdk::{Storage, TokenData};

use crate::globus::{ANA, AUTH, BEN, SEARCH, TRANSFER, field};
use crate::world::{Failing, World, call, secrets, stored, transfer, until};

async fn store_unneeded(storage: &Storage) -> TokenData {
    let token = TokenData::new("groups.api.globus.org", "view", "AgUnneeded", 9_999_999_999)
        .with_identity_id(ANA)
        .with_refresh_token("AgUnneededRefresh");
    storage.store(vec![token.clone()], StoreKind::Login).await.unwrap();
    token
}

#[tokio::test]
async fn everything_that_the_app_needs_is_revoked_and_removed() {
    for refresh_tokens in [false, true] {
        let world = World::new();
        let app = world.builder().request_refresh_tokens(refresh_tokens).build().unwrap();
        let client = transfer(&app);
        call(&client).await.unwrap();
        let tokens = [world.stored(AUTH).await.unwrap(), world.stored(TRANSFER).await.unwrap()];
        let unneeded = store_unneeded(&Storage::from(world.storage.clone())).await;

        let report = app.logout().await.unwrap();
        let removed: Vec<_> = report.removed.iter().map(ToString::to_string).collect();
        assert_eq!(removed, [AUTH, TRANSFER]);
        assert!(report.still_valid.is_empty());
        for secret in tokens.iter().flat_map(secrets) {
            assert!(world.globus.is_revoked(&secret), "{secret}");
        }
        for sent in world.globus.sent("/revoke") {
            assert!(field(&sent, "client_id").is_some() && !sent.headers.contains_key("authorization"));
        }
        assert!(world.stored(AUTH).await.is_none() && world.stored(TRANSFER).await.is_none());
        assert_eq!(world.stored("groups.api.globus.org").await.unwrap(), unneeded);
        assert!(app.login_required().await.unwrap());

        // The client goes on with a new login.
        call(&client).await.unwrap();
        assert_eq!(world.person.logins(), 2);
    }
}

#[tokio::test]
async fn a_sweep_takes_what_is_not_needed_too() {
    let world = World::new();
    let app = world.app();
    call(&transfer(&app)).await.unwrap();
    let unneeded = store_unneeded(&Storage::from(world.storage.clone())).await;
    let report = app.logout().sweep().await.unwrap();
    assert_eq!(report.removed.len(), 3);
    assert!(secrets(&unneeded).iter().all(|secret| world.globus.is_revoked(secret)));
    assert!(Storage::from(world.storage.clone()).get_all().await.unwrap().tokens.is_empty());
}

#[tokio::test]
async fn leaving_twice_is_leaving_once() {
    let world = World::new();
    let app = world.app();
    let report = app.logout().await.unwrap();
    assert!(report.removed.is_empty() && report.still_valid.is_empty());
    call(&transfer(&app)).await.unwrap();
    app.logout().await.unwrap();
    assert!(app.logout().await.unwrap().removed.is_empty());
}

#[tokio::test]
async fn tokens_that_cannot_be_revoked_are_gone_here_and_told() {
    let world = World::new();
    let app = world.builder().request_refresh_tokens(true).build().unwrap();
    call(&transfer(&app)).await.unwrap();
    let token = world.stored(TRANSFER).await.unwrap();
    world.globus.set(|globus| globus.revokes = false);
    let report = app.logout().await.unwrap();
    assert_eq!(report.removed.len(), 2);
    assert_eq!(report.still_valid.len(), 2);
    let still = report.still_valid.iter().find(|still| still.resource_server == TRANSFER).unwrap();
    assert_eq!(still.until.unwrap().as_second(), token.expires_at_seconds);
    assert!(still.has_refresh_token && still.error.status().unwrap() == 503);
    assert!(world.stored(TRANSFER).await.is_none() && world.stored(AUTH).await.is_none());
    let shown = format!("{report:?} {}", still.error);
    assert!(secrets(&token).iter().all(|secret| !shown.contains(secret)), "{shown}");
}

#[tokio::test]
async fn a_token_that_cannot_be_removed_keeps_no_other() {
    let world = World::new();
    let storage = Failing::default();
    let app = world.builder().token_storage(storage.clone()).build().unwrap();
    call(&transfer(&app)).await.unwrap();
    *storage.removals_of.lock().unwrap() = Some(AUTH.into());
    let handle = Storage::from(storage.clone());
    let kept = stored(&handle, AUTH).await.unwrap();
    let error = app.logout().await.unwrap_err();
    assert!(error.is_storage(), "{error:?}");
    assert!(stored(&handle, TRANSFER).await.is_none());
    // What is left behind is dead at least.
    assert!(secrets(&kept).iter().all(|secret| world.globus.is_revoked(secret)));
}

/// The identity is forgotten with the last token, in this process too.
#[tokio::test]
async fn another_person_may_log_in_afterwards() {
    let world = World::new();
    let app = world.app();
    let client = transfer(&app);
    call(&client).await.unwrap();
    app.logout().await.unwrap();
    world.globus.set(|globus| globus.identity = BEN.to_owned());
    call(&client).await.unwrap();
    assert_eq!(world.stored(TRANSFER).await.unwrap().identity_id.as_deref(), Some(BEN));
    assert_eq!(world.person.logins(), 2);
}

/// What is left of the first person's is still theirs.
#[tokio::test]
async fn another_person_may_not_while_tokens_are_left() {
    let world = World::new();
    let app = world.app();
    let client = transfer(&app);
    call(&client).await.unwrap();
    store_unneeded(&Storage::from(world.storage.clone())).await;
    app.logout().await.unwrap();
    world.globus.set(|globus| globus.identity = BEN.to_owned());
    let error = call(&client).await.unwrap_err();
    assert!(error.to_string().contains(ANA) && error.to_string().contains(BEN), "{error}");
    app.logout().sweep().await.unwrap();
    call(&client).await.unwrap();
}

#[tokio::test]
async fn an_authorizer_in_use_has_nothing_any_more() {
    let world = World::new();
    let app = world.builder().request_refresh_tokens(true).never_prompt().build().unwrap();
    let other = world.builder().request_refresh_tokens(true).build().unwrap();
    call(&transfer(&other)).await.unwrap();
    transfer(&app);
    let authorizer = app.authorizer(TRANSFER);
    authorizer.authorization().await.unwrap();
    assert!(authorizer.cached().is_some());
    app.logout().await.unwrap();
    assert!(authorizer.cached().is_none());
    assert!(authorizer.authorization().await.unwrap_err().is_login_required());
    assert_eq!(world.globus.grants("refresh_token"), 0);
}

/// Begun is done: the tokens are not half dead when the caller has gone away.
#[tokio::test]
async fn a_logout_that_is_dropped_is_done_all_the_same() {
    let world = World::new();
    let app = world.builder().request_refresh_tokens(true).build().unwrap();
    call(&transfer(&app)).await.unwrap();
    world.globus.wait_at_random(1);
    let mut leaving = Box::pin(app.logout().into_future());
    assert!(futures_util::FutureExt::now_or_never(&mut leaving).is_none());
    drop(leaving);
    until("all tokens are revoked", || world.globus.alive().is_empty()).await;
    assert!(world.stored(TRANSFER).await.is_none() && world.stored(AUTH).await.is_none());
}

/// What cannot be read cannot be revoked, but it can be removed, and told.
#[tokio::test]
async fn a_damaged_record_is_removed_and_told() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    let file = || globus_sdk::JsonTokenStorage::new(&path);
    let app = world.builder().token_storage(file()).build().unwrap();
    call(&transfer(&app)).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["data"]["DEFAULT"][TRANSFER] = serde_json::json!({"access_token": 5});
    std::fs::write(&path, document.to_string()).unwrap();
    let app = world.builder().token_storage(file()).build().unwrap();
    transfer(&app);
    let report = app.logout().await.unwrap();
    assert_eq!(report.removed.len(), 2, "{report:?}");
    assert_eq!(report.still_valid[0].resource_server, TRANSFER);
    assert!(report.still_valid[0].error.is_storage());
    let left = Storage::from(file()).get_all().await.unwrap();
    assert!(left.tokens.is_empty() && left.damaged.is_empty(), "{left:?}");
    app.login().await.unwrap();
}

#[tokio::test]
async fn requirements_stay() {
    let world = World::new();
    let app = world.app();
    transfer(&app);
    crate::world::search(&app);
    let before = app.scope_requirements();
    app.login().await.unwrap();
    app.logout().await.unwrap();
    assert_eq!(app.scope_requirements(), before);
    assert!(before.contains_key(SEARCH));
    assert!(!world.person.refuses.load(SeqCst));
}
