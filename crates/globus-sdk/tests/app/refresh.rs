//! Apps with refresh tokens.

use std::sync::atomic::Ordering::SeqCst;

use crate::globus::{ANA, AUTH, TRANSFER};
use crate::world::{Failing, World, call, chain, search, stored, transfer};
use globus_sdk::{Storage, UserApp};

fn app(world: &World) -> UserApp {
    world.builder().request_refresh_tokens(true).build().unwrap()
}

#[tokio::test]
async fn an_ended_token_is_renewed_and_stored_with_its_owner() {
    for rotates in [false, true] {
        let world = World::new();
        world.globus.set(|globus| globus.rotates = rotates);
        let app = app(&world);
        let client = transfer(&app);
        call(&client).await.unwrap();
        let before = world.stored(TRANSFER).await.unwrap();
        world.advance(172_801);
        assert!(!app.login_required().await.unwrap());
        let token = call(&client).await.unwrap();
        let after = world.stored(TRANSFER).await.unwrap();
        assert_eq!(after.access_token.expose(), token);
        assert_ne!(after.access_token, before.access_token);
        assert_eq!(after.identity_id.as_deref(), Some(ANA), "a renewal does not forget whose it is");
        assert_eq!(after.refresh_token == before.refresh_token, !rotates);
        assert_eq!((world.person.logins(), world.globus.grants("refresh_token")), (1, 1));
        // Another process goes on from there.
        assert_eq!(call(&transfer(&self::app(&world))).await.unwrap(), token);
        assert_eq!(world.person.logins(), 1);
    }
}

#[tokio::test]
async fn a_dead_refresh_token_is_one_login() {
    let world = World::new();
    let app = app(&world);
    let (transfer, search) = (transfer(&app), search(&app));
    call(&transfer).await.unwrap();
    call(&search).await.unwrap();
    world.globus.kill_refresh_tokens();
    world.advance(172_801);
    let calls = (0..10).map(|number| call(if number % 2 == 0 { &transfer } else { &search }));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn a_dead_refresh_token_where_nobody_may_be_asked_is_told_as_what_it_is() {
    let world = World::new();
    call(&transfer(&app(&world))).await.unwrap();
    let app = world.builder().request_refresh_tokens(true).never_prompt().build().unwrap();
    let client = transfer(&app);
    world.globus.kill_refresh_tokens();
    world.advance(172_801);
    let error = call(&client).await.unwrap_err();
    assert!(error.is_login_required() && error.is_invalid_grant(), "{}", chain(&error));
    assert!(error.to_string().contains("refresh token was refused"), "{error}");
    assert!(error.find_cause::<globus_sdk::LoginError>().is_some(), "{}", chain(&error));
    assert!(world.stored(TRANSFER).await.is_some());
}

#[tokio::test]
async fn a_refused_token_is_renewed_without_a_login() {
    let world = World::new();
    let app = app(&world);
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.kill_access_tokens();
    call(&client).await.unwrap();
    assert_eq!((world.person.logins(), world.globus.grants("refresh_token")), (1, 1));
}

#[tokio::test]
async fn a_login_without_refresh_tokens_does_not_do_for_an_app_that_uses_them() {
    let world = World::new();
    call(&transfer(&world.app())).await.unwrap();
    let app = app(&world);
    assert!(app.login_required().await.unwrap());
    call(&transfer(&app)).await.unwrap();
    assert_eq!(world.person.logins(), 2);
    // The other way it does.
    let plain = world.app();
    call(&transfer(&plain)).await.unwrap();
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn what_could_not_be_stored_is_stored_by_close() {
    let world = World::new();
    world.globus.set(|globus| globus.rotates = true);
    let storage = Failing::default();
    let handle = Storage::from(storage.clone());
    let app = world.builder().token_storage(storage.clone()).request_refresh_tokens(true).build().unwrap();
    let client = transfer(&app);
    call(&client).await.unwrap();
    storage.stores.store(true, SeqCst);
    world.advance(172_801);
    let token = call(&client).await.unwrap();
    assert_ne!(stored(&handle, TRANSFER).await.unwrap().access_token.expose(), token);
    let error = app.close().await.unwrap_err();
    assert!(error.is_storage(), "{error:?}");
    storage.stores.store(false, SeqCst);
    app.close().await.unwrap();
    assert_eq!(stored(&handle, TRANSFER).await.unwrap().access_token.expose(), token);
    assert_eq!(call(&client).await.unwrap(), token, "the app is usable after it was closed");
    assert_eq!(world.person.logins(), 1);
}

/// The refresh token that was stored is spent: what is not stored yet must not be dropped with its authorizer.
#[tokio::test]
async fn what_could_not_be_stored_survives_that_more_is_needed() {
    let world = World::new();
    world.globus.set(|globus| globus.rotates = true);
    let storage = Failing::default();
    let app = world.builder().token_storage(storage.clone()).request_refresh_tokens(true).build().unwrap();
    let client = transfer(&app);
    call(&client).await.unwrap();
    storage.stores.store(true, SeqCst);
    world.advance(172_801);
    let token = call(&client).await.unwrap();
    storage.stores.store(false, SeqCst);
    // More is needed, which the tokens cover.
    app.add_scope_requirements(TRANSFER, "*urn:globus:auth:scope:transfer.api.globus.org:gcp_install")
        .unwrap();
    app.close().await.unwrap();
    assert_eq!(stored(&storage.clone().into(), TRANSFER).await.unwrap().access_token.expose(), token);
    world.advance(172_801);
    call(&client).await.unwrap();
    assert_eq!(world.person.logins(), 1);
}

/// Renewing brings no new scopes. Refusing to store it would lose the refresh token.
#[tokio::test]
async fn a_renewal_is_stored_even_if_more_is_needed_by_now() {
    let world = World::new();
    world.globus.set(|globus| globus.rotates = true);
    let app = app(&world);
    let client = transfer(&app);
    call(&client).await.unwrap();
    let more = "urn:globus:auth:scope:transfer.api.globus.org:gcp_install";
    // An authorizer that somebody holds on to.
    let authorizer = app.authorizer(TRANSFER);
    world.advance(172_801);
    let (header, added) = futures_util::future::join(authorizer.authorization(), async {
        app.add_scope_requirements(TRANSFER, more)
    })
    .await;
    added.unwrap();
    header.unwrap();
    app.close().await.unwrap();
    let stored = world.stored(TRANSFER).await.unwrap();
    assert!(
        world.globus.is_alive(stored.refresh_token.unwrap().expose()),
        "the stored refresh token is spent"
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_known_to_the_next_authorizer_too() {
    let world = World::new();
    // The machine is 20 minutes ahead of the services.
    world.clock.advance(std::time::Duration::from_secs(1200));
    world.globus.set(|globus| globus.lifetime = 1000);
    let app = app(&world);
    let client = transfer(&app);
    let token = call(&client).await.unwrap();
    // By the machine's clock the token is long over.
    app.add_scope_requirements(TRANSFER, "*urn:globus:auth:scope:transfer.api.globus.org:gcp_install")
        .unwrap();
    assert_eq!(call(&client).await.unwrap(), token);
    let header = app.authorizer(AUTH).authorization().await.unwrap();
    assert!(header.header().is_some());
    assert_eq!(world.globus.grants("refresh_token"), 0, "a good token was renewed");
}
