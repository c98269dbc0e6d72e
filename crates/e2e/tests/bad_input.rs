//! What goes wrong between the SDK and Globus: typed errors, and nothing leaves its origin.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use globus_emulator::{Fault, Service, TokenFilter};
use globus_sdk::{
    AccessTokenAuthorizer, Authorizer, FileAdapter, LoginError, NativeAppAuthClient, RefreshTokenAuthorizer,
    SimpleJsonFileAdapter, StorageAdapter, TransferClient,
};
use support::World;

#[tokio::test]
async fn a_redirect_with_another_state_is_refused_and_the_right_one_still_works() {
    let world = World::start().await;
    let flow = world.login_client.oauth2_start_flow("openid").start().unwrap();
    let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
    let mut foreign = redirected.url.clone();
    foreign.query_pairs_mut().clear().append_pair("code", &redirected.code).append_pair("state", "another");
    assert!(matches!(flow.finish(foreign.as_str()).await.unwrap_err(), LoginError::StateMismatch));
    assert_eq!(world.emulator.requests().path("/v2/oauth2/token").len(), 0, "nothing was sent");
    flow.finish(redirected.url.as_str()).await.unwrap();
}

#[tokio::test]
async fn a_code_of_another_login_is_refused_by_its_proof_key() {
    let world = World::start().await;
    let flow = world.login_client.oauth2_start_flow("openid").start().unwrap();
    let other = world.login_client.oauth2_start_flow("openid").start().unwrap();
    let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
    let error = other.oauth2_exchange_code_for_tokens(redirected.code.as_str()).await.unwrap_err();
    assert!(error.is_invalid_grant(), "{error}");
    assert_eq!(error.status().unwrap(), 400);
}

#[tokio::test]
async fn a_code_is_good_once() {
    let world = World::start().await;
    let flow = world.login_client.oauth2_start_flow("openid").start().unwrap();
    let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
    flow.finish(redirected.url.as_str()).await.unwrap();
    let LoginError::Exchange(error) = flow.finish(redirected.url.as_str()).await.unwrap_err() else {
        panic!("the exchange itself was refused")
    };
    assert!(error.is_invalid_grant() && !error.is_retryable());
    assert_eq!(error.attempts(), 1, "an exchange is never repeated");
}

#[tokio::test]
async fn a_dead_refresh_token_means_a_login_and_leaves_the_file_alone() {
    let world = World::start().await;
    let path = world.directory.path().join("transfer.json");
    let file = SimpleJsonFileAdapter::for_resource_server(&path, TransferClient::RESOURCE_SERVER);
    file.store(&world.log_in().await).unwrap();
    let before = std::fs::read(&path).unwrap();
    world.emulator.expire_tokens(&TokenFilter::all());

    let authorizer = RefreshTokenAuthorizer::from_tokens(&file.read().unwrap(), &world.login_client)
        .unwrap()
        .on_refresh(file)
        .build()
        .unwrap();
    let client = world.transfer(&authorizer);
    let error = client.get_submission_id().send().await.unwrap_err();
    assert!(error.is_login_required(), "{error}");
    assert!(error.is_invalid_grant() && error.status().unwrap() == 400, "{error:?}");
    assert!(error.to_string().contains("transfer.api.globus.org"), "{error}");
    assert_eq!(world.refreshes(), 1, "no storm");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn html_in_place_of_tokens_is_named_and_not_quoted() {
    let world = World::start().await;
    let flow = world.login_client.oauth2_start_flow("openid").start().unwrap();
    let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
    world.emulator.faults().add(
        Fault::status(200)
            .service(Service::Auth)
            .path("/v2/oauth2/token")
            .body("<html>maintenance SENTINEL</html>")
            .times(1),
    );
    let LoginError::Exchange(error) = flow.finish(redirected.url.as_str()).await.unwrap_err() else {
        panic!("the exchange itself failed")
    };
    assert_eq!(error.malformed_token_response().unwrap().field(), "body");
    assert!(!format!("{error} {error:?}").contains("SENTINEL"));
}

#[tokio::test]
async fn a_token_request_does_not_follow_a_redirect() {
    let world = World::start().await;
    let flow = world.login_client.oauth2_start_flow("openid").start().unwrap();
    let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
    let elsewhere = world.emulator.service_url("transfer");
    world.emulator.faults().add(
        Fault::status(307)
            .service(Service::Auth)
            .path("/v2/oauth2/token")
            .header("Location", elsewhere)
            .times(1),
    );
    let LoginError::Exchange(error) = flow.finish(redirected.url.as_str()).await.unwrap_err() else {
        panic!("the exchange itself failed")
    };
    assert!(error.is_refused(), "{error}");
    assert_eq!(world.emulator.requests().service(Service::Transfer).len(), 0);
}

#[tokio::test]
async fn credentials_do_not_go_to_another_service_or_over_plain_http() {
    let world = World::start().await;
    let client = TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AgSentinel"))
        .base_url("http://transfer.example.org/")
        .build()
        .unwrap();
    let error = client.get_submission_id().send().await.unwrap_err();
    assert!(error.is_refused(), "{error}");

    let client = world.transfer(AccessTokenAuthorizer::new("AgSentinel"));
    let error =
        client.request(http::Method::GET, "https://elsewhere.example.org/x").send().await.unwrap_err();
    assert!(error.is_refused() && !error.to_string().contains("AgSentinel"), "{error}");

    let plain = NativeAppAuthClient::builder("cid").base_url("http://auth.example.org/").build().unwrap();
    assert!(plain.oauth2_refresh_token("AgRefresh").send().await.unwrap_err().is_refused());
}

#[tokio::test]
async fn a_token_with_a_line_break_is_named_and_not_shown() {
    let authorizer = Authorizer::from(AccessTokenAuthorizer::new("AgSentinel\n"));
    let error = authorizer.authorization().await.unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("position 11"), "{error}");
    assert!(!format!("{error} {error:?}").contains("AgSentinel"));
}

#[tokio::test]
async fn an_answer_cut_off_after_the_refresh_is_asked_for_again() {
    let world = World::start().await;
    let tokens = support::expired(&world.log_in().await);
    world.emulator.faults().add(Fault::cut_after().service(Service::Auth).path("/v2/oauth2/token").times(1));
    let authorizer =
        RefreshTokenAuthorizer::from_tokens(&tokens, &world.login_client).unwrap().build().unwrap();
    authorizer.ensure_valid_token().await.unwrap();
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn a_listing_with_an_entry_that_is_none_is_an_error_and_not_an_empty_directory() {
    let world = World::start().await;
    let token = world.log_in().await.by_resource_server()["transfer.api.globus.org"].access_token.clone();
    let client = world.transfer(AccessTokenAuthorizer::new(token));
    let body = serde_json::json!({"DATA": [{"name": "SENTINEL"}, 5]});
    world.emulator.faults().add(Fault::status(200).service(Service::Transfer).body(body).times(1));
    let laptop = world.emulator.collection("laptop").unwrap().id;
    let error = client.operation_ls(laptop).send().await.unwrap_err();
    assert!(error.is_decode() && error.to_string().contains("`DATA`"), "{error}");
    assert!(!format!("{error} {error:?}").contains("SENTINEL"));
}

#[tokio::test]
async fn expiry_follows_the_clock_of_the_service_where_this_machine_is_off() {
    let world = World::start().await;
    // As if this machine were an hour late.
    world.emulator.advance(std::time::Duration::from_secs(3_600));
    let tokens = world.log_in().await.by_resource_server()["transfer.api.globus.org"].clone();
    let here = globus_sdk::Timestamp::now().as_second();
    let lifetime = tokens.expires_at_seconds - here;
    assert!((176_000..=176_500).contains(&lifetime), "{lifetime} s: two days and an hour by this clock");

    let authorizer =
        RefreshTokenAuthorizer::from_tokens(&tokens, &world.login_client).unwrap().build().unwrap();
    let client = world.transfer(&authorizer);
    client.get_submission_id().send().await.unwrap();
    let offset = authorizer.clock_offset().as_secs();
    assert!((3_590..=3_610).contains(&offset), "{offset} s");
    assert_eq!(world.refreshes(), 0);

    // A day more than a day ahead is not believed; the service's refusal then renews the token.
    world.emulator.advance(std::time::Duration::from_secs(50 * 3_600));
    client.get_submission_id().send().await.unwrap();
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_login_of_thief_and_owner() {
    let world = World::start_with(|builder| builder.rotation(globus_emulator::Rotation::on())).await;
    let tokens = support::expired(&world.log_in().await);
    let stolen = tokens.refresh_token.clone().unwrap();
    let owner = RefreshTokenAuthorizer::from_tokens(&tokens, &world.login_client).unwrap().build().unwrap();
    owner.ensure_valid_token().await.unwrap();
    assert_ne!(owner.held().refresh_token, Some(stolen.clone()), "the server rotates");

    let thief = RefreshTokenAuthorizer::new(stolen, &world.login_client);
    assert!(thief.ensure_valid_token().await.unwrap_err().is_login_required());
    let client = world.transfer(&owner);
    assert!(client.get_submission_id().send().await.unwrap_err().is_login_required());
}
