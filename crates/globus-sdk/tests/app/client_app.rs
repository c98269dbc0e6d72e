//! Apps of a client that acts as itself.

use globus_sdk::app::ClientAppBuilder;
use globus_sdk::config::Variables;
use globus_sdk::{ClientApp, GlobusAuthorizationParameters, RetryPolicy};
use http::StatusCode;
use serde_json::json;

use crate::globus::{AUTH, CLIENT_ID, SEARCH, TRANSFER, field};
use crate::world::{SEARCH_SEARCH, TRANSFER_ALL, World, call, chain, search, transfer};

fn builder(world: &World) -> ClientAppBuilder {
    ClientApp::builder("daemon")
        .client(CLIENT_ID, "VERYSECRET")
        .variables(Variables::none())
        .transport(world.globus.clone())
        .clock(world.clock.clone())
        .retry(RetryPolicy::default().jitter(|| 0.5))
        .token_storage(world.storage.clone())
}

fn app(world: &World) -> ClientApp {
    builder(world).build().unwrap()
}

/// What the token endpoint was asked for, call by call.
fn asked(world: &World) -> Vec<String> {
    world.globus.sent("/oauth2/token").iter().map(|request| field(request, "scope").unwrap()).collect()
}

#[tokio::test]
async fn each_resource_server_gets_its_token_when_it_is_needed() {
    let world = World::new();
    let app = app(&world);
    let (transfer, search) = (transfer(&app), search(&app));
    assert!(world.globus.sent("").is_empty());
    call(&transfer).await.unwrap();
    call(&transfer).await.unwrap();
    assert_eq!(asked(&world), [TRANSFER_ALL]);
    let stored = world.stored(TRANSFER).await.unwrap();
    assert!(stored.refresh_token.is_none());
    call(&search).await.unwrap();
    assert_eq!(asked(&world), [TRANSFER_ALL, SEARCH_SEARCH]);
    let proof = &world.globus.sent("/oauth2/token")[0];
    assert!(proof.headers["authorization"].to_str().unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn a_second_app_goes_on_with_what_is_stored() {
    let world = World::new();
    let token = call(&transfer(&app(&world))).await.unwrap();
    let next = app(&world);
    assert_eq!(call(&transfer(&next)).await.unwrap(), token);
    assert_eq!(asked(&world).len(), 1);
    // Until it ends; then there is another one without anybody being asked.
    world.advance(172_801);
    let renewed = call(&transfer(&app(&world))).await.unwrap();
    assert_ne!(renewed, token);
    assert_eq!(world.stored(TRANSFER).await.unwrap().access_token.expose(), renewed);
    assert_eq!(asked(&world).len(), 2);
}

#[tokio::test]
async fn many_calls_at_once_ask_once() {
    let world = World::new();
    world.globus.wait_at_random(3);
    let app = app(&world);
    let client = transfer(&app);
    for outcome in futures_util::future::join_all((0..50).map(|_| call(&client))).await {
        outcome.unwrap();
    }
    assert_eq!(asked(&world).len(), 1);
}

#[tokio::test]
async fn more_scopes_are_one_more_grant_for_everything() {
    let world = World::new();
    let app = app(&world);
    let (transfer, search) = (transfer(&app), search(&app));
    call(&transfer).await.unwrap();
    let more = "urn:globus:auth:scope:transfer.api.globus.org:gcp_install";
    app.add_scope_requirements(TRANSFER, more).unwrap();
    call(&transfer).await.unwrap();
    assert_eq!(asked(&world).len(), 2);
    let mut scopes: Vec<_> = asked(&world)[1].split(' ').map(str::to_owned).collect();
    scopes.sort();
    assert_eq!(scopes, ["openid", SEARCH_SEARCH, TRANSFER_ALL, more]);
    // So the other services have theirs already.
    call(&search).await.unwrap();
    assert_eq!(asked(&world).len(), 2);
}

#[tokio::test]
async fn a_forced_login_gets_everything_at_once() {
    let world = World::new();
    let app = app(&world);
    transfer(&app);
    search(&app);
    assert!(!app.login_required().await.unwrap(), "tokens are got when they are needed");
    app.login().await.unwrap();
    assert!(world.globus.sent("").is_empty());
    app.login().force().await.unwrap();
    assert_eq!(world.globus.grants("client_credentials"), 1);
    for server in [AUTH, TRANSFER, SEARCH] {
        assert!(world.stored(server).await.is_some(), "{server}");
    }
    let parameters =
        GlobusAuthorizationParameters::default().required_scopes("email").session_required_policies(["p"]);
    app.login().parameters(parameters).await.unwrap();
    assert!(asked(&world)[1].contains("email"), "{:?}", asked(&world));
}

#[tokio::test]
async fn a_refused_token_is_replaced() {
    let world = World::new();
    let app = app(&world);
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.kill_access_tokens();
    call(&client).await.unwrap();
    assert_eq!(asked(&world).len(), 2);
}

#[tokio::test]
async fn a_requirement_of_scopes_is_fulfilled() {
    let world = World::new();
    let app = builder(&world).auto_redrive_gares(true).build().unwrap();
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.answer(
        TRANSFER,
        403,
        json!({"code": "ConsentRequired", "authorization_parameters": {
            "required_scopes": [format!("{TRANSFER_ALL}[*more]")],
        }}),
    );
    call(&client).await.unwrap();
    assert_eq!(asked(&world).len(), 2);
    assert!(asked(&world)[1].contains(&format!("{TRANSFER_ALL}[*more]")), "{:?}", asked(&world));
}

/// A client has no session that a login could make better.
#[tokio::test]
async fn a_requirement_that_a_client_cannot_fulfil_is_told_at_once() {
    let world = World::new();
    let app = builder(&world).auto_redrive_gares(true).build().unwrap();
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.answer(
        TRANSFER,
        403,
        json!({"code": "AuthorizationRequired", "authorization_parameters": {
            "session_required_mfa": true,
        }}),
    );
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    assert_eq!(error.code(), Some("AuthorizationRequired"));
    assert_eq!(asked(&world).len(), 1);
    assert_eq!(world.globus.sent("/things").len(), 2);
}

#[tokio::test]
async fn a_wrong_secret_is_no_login_that_is_needed() {
    let world = World::new();
    let app = app(&world);
    let client = transfer(&app);
    world.globus.answer(AUTH, 401, json!({"error": "invalid_client"}));
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED), "{}", chain(&error));
    assert!(!error.is_login_required());
    assert_eq!(asked(&world).len(), 1, "a wrong secret is not tried again");
}

#[tokio::test]
async fn a_resource_server_without_scopes_is_a_mistake() {
    let world = World::new();
    let app = app(&world);
    let error = app.authorizer(SEARCH).authorization().await.unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("add_scope_requirements"), "{error}");
    assert!(world.globus.sent("").is_empty());
}

#[tokio::test]
async fn leaving_revokes_as_the_client() {
    let world = World::new();
    let app = app(&world);
    let client = transfer(&app);
    let token = call(&client).await.unwrap();
    let report = app.logout().await.unwrap();
    assert_eq!(report.removed.len(), 1);
    assert!(world.globus.is_revoked(&token));
    let revoked = &world.globus.sent("/revoke")[0];
    assert!(revoked.headers.contains_key("authorization") && field(revoked, "client_id").is_none());
    assert_ne!(call(&client).await.unwrap(), token);
}
