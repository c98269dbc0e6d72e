//! What an app needs, and how it grows.

use globus_sdk::{GlobusAuthorizationParameters, Scope, Scopes, TransferClient};

use crate::globus::{AUTH, SEARCH, TRANSFER};
use crate::world::{SEARCH_SEARCH, TRANSFER_ALL, World, call, chain, search, transfer};

fn needed(app: &globus_sdk::GlobusApp, server: &str) -> Vec<String> {
    let all = app.scope_requirements();
    all.get(server).into_iter().flatten().map(Scope::to_string).collect()
}

#[test]
fn what_cannot_be_read_adds_nothing() {
    let app = World::new().app();
    let before = app.scope_requirements();
    let error = app.add_scope_requirements(TRANSFER, ["all", "more[", "last"]).unwrap_err();
    assert!(error.is_usage() && error.scopes().is_some(), "{error:?}");
    assert_eq!(app.scope_requirements(), before);
}

#[test]
fn the_same_is_needed_once() {
    let app = World::new().app();
    for scopes in ["all", "all more", "all[*deep]", "more"] {
        app.add_scope_requirements(TRANSFER, scopes).unwrap();
    }
    assert_eq!(needed(&app, TRANSFER), ["all", "more", "all[*deep]"]);
    // What is answered is a copy.
    app.scope_requirements().clear();
    assert_eq!(needed(&app, AUTH), ["openid"]);
}

#[tokio::test]
async fn no_scopes_are_no_requirement() {
    let world = World::new();
    let app = world.app();
    app.add_scope_requirements(TRANSFER, "").unwrap();
    app.add_scope_requirements(SEARCH, Vec::<Scope>::new()).unwrap();
    assert_eq!(app.scope_requirements().len(), 1);
    app.login().await.unwrap();
    assert!(!app.login_required().await.unwrap(), "tokens are missed that no login can bring");
    // A client that names none has those by default.
    TransferClient::with_app_scopes(&app, "").unwrap();
    assert_eq!(needed(&app, TRANSFER), [TRANSFER_ALL]);
}

#[tokio::test]
async fn a_login_asks_for_everything_merged() {
    let world = World::new();
    let app = world.app();
    app.add_scope_requirements(TRANSFER, format!("{TRANSFER_ALL} {TRANSFER_ALL}[*data_access]")).unwrap();
    app.add_scope_requirements(TRANSFER, TRANSFER_ALL).unwrap();
    let parameters = GlobusAuthorizationParameters::default()
        .required_scopes(format!("{TRANSFER_ALL}[more] email"))
        .session_message("why");
    let given = parameters.clone();
    app.login().parameters(&parameters).await.unwrap();
    assert_eq!(parameters, given, "what the caller gave is the caller's");
    let scopes = Scopes::from(world.person.last().required_scopes.unwrap()).parse().unwrap();
    let mut texts: Vec<_> = scopes.iter().map(Scope::to_string).collect();
    texts.sort();
    assert_eq!(texts, ["email", "openid", &format!("{TRANSFER_ALL}[*data_access more]")]);
    assert_eq!(world.person.last().session_message.unwrap(), "why");
}

#[tokio::test]
async fn parameters_that_cannot_be_read_start_no_login() {
    let world = World::new();
    let app = world.app();
    let parameters = GlobusAuthorizationParameters::default().required_scopes("a[b");
    let error = app.login().parameters(parameters).await.unwrap_err();
    assert!(error.scopes().is_some(), "{}", chain(&error));
    assert_eq!(world.person.logins(), 0);
    // And keep nobody else from logging in.
    app.login().await.unwrap();
    assert_eq!(world.person.logins(), 1);
}

#[tokio::test]
async fn a_login_that_is_not_needed_is_none() {
    let world = World::new();
    let app = world.app();
    transfer(&app);
    assert!(app.login_required().await.unwrap());
    app.login().await.unwrap();
    app.login().await.unwrap();
    assert!(!app.login_required().await.unwrap());
    assert_eq!(world.person.logins(), 1);
    app.login().force().await.unwrap();
    // Parameters, even empty ones, are a reason.
    app.login().parameters(GlobusAuthorizationParameters::default()).await.unwrap();
    assert_eq!(world.person.logins(), 3);
}

/// A new version of a program needs more.
#[tokio::test]
async fn a_scope_that_is_needed_later_asks_once_and_costs_no_old_token() {
    for refresh_tokens in [false, true] {
        let world = World::new();
        let first = world.builder().request_refresh_tokens(refresh_tokens).build().unwrap();
        let old = call(&transfer(&first)).await.unwrap();

        // A week later, with a new version of the program.
        world.person.thinks();
        let second = world.builder().request_refresh_tokens(refresh_tokens).build().unwrap();
        let (transfer, search) = (transfer(&second), search(&second));
        let searching = tokio::spawn({
            let search = search.clone();
            async move { call(&search).await }
        });
        world.person.begun(2).await;
        // The person still thinks about it. What worked works.
        assert_eq!(call(&transfer).await.unwrap(), old);
        assert_eq!(world.stored(TRANSFER).await.unwrap().access_token.expose(), old);
        world.person.goes_on();
        searching.await.unwrap().unwrap();
        assert_eq!(world.person.logins(), 2);
        assert_eq!(world.person.last_scopes(), ["openid", SEARCH_SEARCH, TRANSFER_ALL]);
        assert_ne!(call(&transfer).await.unwrap(), old);
        assert!(!second.login_required().await.unwrap());
    }
}

#[tokio::test]
async fn a_further_scope_of_the_same_service_asks_once() {
    let world = World::new();
    let app = world.app();
    let transfer = transfer(&app);
    call(&transfer).await.unwrap();
    app.add_scope_requirements(TRANSFER, "urn:globus:auth:scope:transfer.api.globus.org:gcp_install")
        .unwrap();
    assert!(app.login_required().await.unwrap());
    for _ in 0..3 {
        call(&transfer).await.unwrap();
    }
    assert_eq!(world.person.logins(), 2);
    // The same once more changes nothing.
    app.add_scope_requirements(TRANSFER, TRANSFER_ALL).unwrap();
    call(&transfer).await.unwrap();
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn an_optional_scope_that_was_declined_is_no_reason_for_another_login() {
    let world = World::new();
    let optional = "urn:globus:auth:scope:transfer.api.globus.org:gcp_install";
    world.globus.set(|globus| globus.declined = vec![optional.to_owned()]);
    let app = world.app();
    let transfer = transfer(&app);
    app.add_scope_requirements(TRANSFER, format!("*{optional}")).unwrap();
    call(&transfer).await.unwrap();
    assert_eq!(world.person.last_scopes()[0], format!("*{optional}"));
    call(&transfer).await.unwrap();
    assert!(!app.login_required().await.unwrap());
    assert_eq!(world.person.logins(), 1);
    // Without the mark it is one, and a login that still lacks it changes nothing.
    let before = world.stored(TRANSFER).await.unwrap();
    app.add_scope_requirements(TRANSFER, optional).unwrap();
    let error = call(&transfer).await.unwrap_err();
    assert!(error.storage().unwrap().is_validation(), "{}", chain(&error));
    assert!(error.to_string().contains("gcp_install"), "{error}");
    assert_eq!(world.person.logins(), 2);
    assert_eq!(world.stored(TRANSFER).await.unwrap(), before);
}

#[tokio::test]
async fn a_store_that_fails_costs_no_old_token() {
    use std::sync::atomic::Ordering::SeqCst;
    let world = World::new();
    let storage = crate::world::Failing::default();
    let app = world.builder().token_storage(storage.clone()).request_refresh_tokens(true).build().unwrap();
    let transfer = transfer(&app);
    let old = call(&transfer).await.unwrap();
    let search = search(&app);
    storage.stores.store(true, SeqCst);
    let error = call(&search).await.unwrap_err();
    assert!(error.is_storage() && error.to_string().contains("no space"), "{}", chain(&error));
    assert_eq!(call(&transfer).await.unwrap(), old);
    // The disk has room again: one more login, and everything is there.
    storage.stores.store(false, SeqCst);
    call(&search).await.unwrap();
    assert_eq!(world.person.logins(), 3);
    assert!(!app.login_required().await.unwrap());
}
