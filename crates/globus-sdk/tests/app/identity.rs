//! All tokens are of one person.

use globus_sdk::storage::StorageErrorKind;
use globus_sdk::{Storage, TokenData};

use crate::globus::{ANA, AUTH, BEN, TRANSFER};
use crate::world::{World, call, chain, secrets, transfer};

#[tokio::test]
async fn somebody_else_is_refused_and_their_tokens_are_revoked() {
    for refresh_tokens in [false, true] {
        let world = World::new();
        let app = world.builder().request_refresh_tokens(refresh_tokens).build().unwrap();
        let client = transfer(&app);
        let of_ana = call(&client).await.unwrap();
        let before = [world.stored(AUTH).await.unwrap(), world.stored(TRANSFER).await.unwrap()];

        world.globus.set(|globus| globus.identity = BEN.to_owned());
        let error = app.login().force().await.unwrap_err();
        let Some(StorageErrorKind::IdentityMismatch { stored, new, .. }) =
            error.storage().map(globus_sdk::StorageError::kind)
        else {
            panic!("{}", chain(&error))
        };
        assert_eq!((stored.as_str(), new.as_str()), (ANA, BEN));
        assert!(error.to_string().contains(ANA) && error.to_string().contains(BEN), "{error}");

        assert_eq!([world.stored(AUTH).await.unwrap(), world.stored(TRANSFER).await.unwrap()], before);
        assert_eq!(call(&client).await.unwrap(), of_ana);
        let mut alive = world.globus.alive();
        let mut of_ana: Vec<_> = before.iter().flat_map(secrets).collect();
        alive.sort();
        of_ana.sort();
        assert_eq!(alive, of_ana, "tokens that nobody keeps are alive");
        assert_eq!(world.person.logins(), 2);

        // After a logout the other may.
        app.logout().await.unwrap();
        call(&client).await.unwrap();
        assert_eq!(world.stored(TRANSFER).await.unwrap().identity_id.as_deref(), Some(BEN));
    }
}

#[tokio::test]
async fn somebody_else_by_a_call_is_refused_without_a_second_login() {
    let world = World::new();
    let app = world.app();
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.set(|globus| globus.identity = BEN.to_owned());
    world.advance(172_801);
    let error = call(&client).await.unwrap_err();
    assert!(
        matches!(
            error.storage().map(globus_sdk::StorageError::kind),
            Some(StorageErrorKind::IdentityMismatch { .. })
        ),
        "{}",
        chain(&error)
    );
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn a_login_that_does_not_say_whose_it_is_is_refused_and_revoked() {
    let world = World::new();
    world.globus.set(|globus| globus.id_tokens = false);
    let app = world.builder().request_refresh_tokens(true).build().unwrap();
    let error = call(&transfer(&app)).await.unwrap_err();
    assert!(
        matches!(
            error.storage().map(globus_sdk::StorageError::kind),
            Some(StorageErrorKind::MissingIdentity)
        ),
        "{}",
        chain(&error)
    );
    assert!(world.stored(TRANSFER).await.is_none());
    assert!(world.globus.alive().is_empty(), "tokens that nobody keeps are alive");
    assert_eq!(world.person.logins(), 1);
}

#[tokio::test]
async fn an_id_token_that_is_not_to_be_believed_is_refused_and_revoked() {
    let world = World::new();
    // The id tokens are of another client's.
    let app = world
        .builder()
        .client_id("00000000-0000-4000-8000-000000000099")
        .request_refresh_tokens(true)
        .build()
        .unwrap();
    let error = call(&transfer(&app)).await.unwrap_err();
    let said = chain(&error);
    assert_eq!(said.matches("the id token of the login was refused").count(), 1, "{said}");
    assert!(world.stored(TRANSFER).await.is_none());
    assert!(world.globus.alive().is_empty(), "tokens that nobody keeps are alive");
}

#[tokio::test]
async fn tokens_that_cannot_be_revoked_are_no_reason_to_keep_them() {
    let world = World::new();
    let app = world.app();
    call(&transfer(&app)).await.unwrap();
    let before = world.stored(TRANSFER).await;
    world.globus.set(|globus| {
        globus.identity = BEN.to_owned();
        globus.revokes = false;
    });
    let error = app.login().force().await.unwrap_err();
    assert!(error.to_string().contains(BEN), "{error}");
    assert_eq!(world.stored(TRANSFER).await, before);
}

#[tokio::test]
async fn a_storage_with_tokens_of_several_people_is_no_reason_for_a_login() {
    let world = World::new();
    let storage = Storage::from(world.storage.clone());
    let token = |server: &str, scope: &str, identity: &str| {
        TokenData::new(server, scope, "AgX", 9_999_999_999).with_identity_id(identity)
    };
    let kind = globus_sdk::storage::StoreKind::Login;
    storage.store(vec![token(AUTH, "openid", ANA)], kind).await.unwrap();
    storage.store(vec![token(TRANSFER, "other", BEN)], kind).await.unwrap();
    let app = world.app();
    let client = transfer(&app);
    let error = call(&client).await.unwrap_err();
    assert!(error.is_storage(), "{}", chain(&error));
    // Nobody is locked out for ever: leaving helps.
    app.logout().sweep().await.unwrap();
    call(&client).await.unwrap();
}
