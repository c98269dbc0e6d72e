//! Scopes with dependencies: consents say whether they are met.

use serde_json::{Value, json};

use crate::globus::{AUTH, TRANSFER};
use crate::world::{TRANSFER_ALL, World, call, chain, transfer};

const DATA_ACCESS: &str = "https://auth.globus.org/scopes/00000000-0000-4000-8000-000000000140/data_access";

fn consent(id: i64, path: &[i64], scope: &str) -> Value {
    json!({
        "id": id, "dependency_path": path, "scope_name": scope, "client": "c", "scope": "s",
        "effective_identity": "i", "created": "2025-02-03T04:05:06.7+00:00", "updated": "2025-02-03T04:05:06Z",
        "last_used": null, "status": "approved", "allows_refresh": false, "auto_approved": false,
        "atomically_revocable": false,
    })
}

fn base() -> Value {
    json!([consent(1, &[1], TRANSFER_ALL)])
}

fn with_data_access() -> Value {
    json!([consent(1, &[1], TRANSFER_ALL), consent(2, &[1, 2], DATA_ACCESS)])
}

fn needs_data_access(app: &globus_sdk::GlobusApp) {
    app.add_scope_requirements(TRANSFER, format!("{TRANSFER_ALL}[*{DATA_ACCESS}]")).unwrap();
}

#[tokio::test]
async fn nobody_asks_for_consents_without_dependencies() {
    let world = World::new();
    let app = world.app();
    call(&transfer(&app)).await.unwrap();
    call(&transfer(&world.app())).await.unwrap();
    assert!(world.globus.sent("/consents").is_empty());
}

#[tokio::test]
async fn consents_that_are_met_are_looked_up_once() {
    let world = World::new();
    call(&transfer(&world.app())).await.unwrap();
    world.globus.set(|globus| globus.consents = with_data_access());
    let app = world.app();
    let client = transfer(&app);
    needs_data_access(&app);
    for _ in 0..3 {
        call(&client).await.unwrap();
    }
    assert!(!app.login_required().await.unwrap());
    assert_eq!(world.person.logins(), 1);
    assert_eq!(world.globus.sent("/consents").len(), 1);
    let path = world.globus.sent("/consents")[0].url.path().to_owned();
    assert!(path.contains(crate::globus::ANA), "{path}");
}

#[tokio::test]
async fn a_consent_that_is_missing_is_asked_for_once() {
    for refresh_tokens in [false, true] {
        let world = World::new();
        world.globus.set(|globus| globus.consents = base());
        let app = world.builder().request_refresh_tokens(refresh_tokens).build().unwrap();
        let client = transfer(&app);
        call(&client).await.unwrap();
        needs_data_access(&app);
        assert!(app.login_required().await.unwrap());
        assert_eq!(world.globus.sent("/consents").len(), 1);
        world.globus.set(|globus| globus.consents_of_login = Some(with_data_access()));
        call(&client).await.unwrap();
        call(&client).await.unwrap();
        assert!(!app.login_required().await.unwrap());
        assert_eq!(world.person.logins(), 2);
        // Once before the login, as it might have been given elsewhere meanwhile, and once after it.
        assert_eq!(world.globus.sent("/consents").len(), 3);
    }
}

#[tokio::test]
async fn a_consent_that_is_still_missing_after_the_login_is_told() {
    let world = World::new();
    world.globus.set(|globus| globus.consents = base());
    let app = world.app();
    let client = transfer(&app);
    needs_data_access(&app);
    let error = call(&client).await.unwrap_err();
    let storage = error.storage().unwrap_or_else(|| panic!("{}", chain(&error)));
    assert!(storage.is_validation());
    assert!(error.to_string().contains("data_access"), "{error}");
    assert_eq!(world.person.logins(), 1);
}

/// No login would mend that Globus Auth does not answer. The service that needs the consent says so if it is missing.
#[tokio::test]
async fn consents_that_cannot_be_looked_up_are_taken_for_given() {
    for (status, answer) in
        [(500, json!({})), (0, json!({})), (403, json!({"code": "FORBIDDEN"})), (200, json!([]))]
    {
        let world = World::new();
        let app = world.app();
        let client = transfer(&app);
        call(&client).await.unwrap();
        needs_data_access(&app);
        for _ in 0..6 {
            world.globus.answer(AUTH, status, answer.clone());
        }
        call(&client).await.unwrap();
        assert_eq!(world.person.logins(), 1, "{status}");
    }
}

/// Who is logged in is not known, so their consents are not either.
#[tokio::test]
async fn without_an_identity_nothing_is_looked_up() {
    use globus_sdk::{TokenData, storage::StoreKind};
    let world = World::new();
    let token = |server: &str, scope: &str| TokenData::new(server, scope, "AgOld", 9_999_999_999);
    let storage = globus_sdk::Storage::from(world.storage.clone());
    let tokens = vec![token(AUTH, "openid"), token(TRANSFER, TRANSFER_ALL)];
    storage.store(tokens, StoreKind::Login).await.unwrap();
    let app = world.app();
    needs_data_access(&app);
    assert!(!app.login_required().await.unwrap());
    assert!(world.globus.sent("/consents").is_empty());
}

/// With refresh tokens the lookup renews the token for it, and does not spend the one that is stored.
#[tokio::test]
async fn the_lookup_renews_its_own_token_and_stores_it() {
    let world = World::new();
    world.globus.set(|globus| {
        globus.rotates = true;
        globus.consents = with_data_access();
    });
    let app = world.builder().request_refresh_tokens(true).build().unwrap();
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.advance(172_801);
    needs_data_access(&app);
    call(&client).await.unwrap();
    assert_eq!(world.globus.sent("/consents").len(), 1);
    for server in [AUTH, TRANSFER] {
        let stored = world.stored(server).await.unwrap();
        assert!(world.globus.is_alive(stored.refresh_token.unwrap().expose()), "{server}");
        assert_eq!(stored.identity_id.as_deref(), Some(crate::globus::ANA));
    }
    app.authorizer(AUTH).authorization().await.unwrap();
    assert_eq!(world.person.logins(), 1);
}

#[tokio::test]
async fn consents_are_asked_for_anew_after_leaving() {
    let world = World::new();
    world.globus.set(|globus| globus.consents = with_data_access());
    let app = world.app();
    let client = transfer(&app);
    needs_data_access(&app);
    call(&client).await.unwrap();
    let before = world.globus.sent("/consents").len();
    app.logout().await.unwrap();
    world.globus.set(|globus| globus.consents = base());
    call(&client).await.unwrap_err();
    assert_eq!(world.globus.sent("/consents").len(), before + 1);
}
