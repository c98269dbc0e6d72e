//! The whole story at the most talkative log level: no secret in any line, `Debug` text or error.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../globus-core/tests/log_lines/mod.rs"]
mod log_lines;
mod support;

use std::fmt::Write as _;

use globus_emulator::TokenFilter;
use globus_sdk::auth::IdTokenDecoder;
use globus_sdk::{
    Authorizer, ClientCredentialsAuthorizer, ConfidentialAppAuthClient, JsonTokenStorage,
    RefreshTokenAuthorizer, SimpleJsonFileAdapter, Storage, StorageAdapter, TransferClient,
};
use log_lines::Lines;
use support::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_shows_in_logs_debug_or_errors() {
    let lines = Lines::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(lines.clone())
        .init();

    let world = World::start().await;
    let mut shown = String::new();
    let credentials = world.emulator.confidential_client();
    let mut secrets = vec![credentials.secret().to_owned()];

    let flow = world
        .login_client
        .oauth2_start_flow(["openid", "profile", TransferClient::ALL_SCOPE])
        .refresh_tokens(true)
        .start()
        .unwrap();
    let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
    secrets.push(redirected.code.clone());
    let response = flow.finish(redirected.url.as_str()).await.unwrap();
    secrets.push(response.id_token().unwrap().expose().to_owned());
    write!(shown, "{flow:?} {response:?} {:?}", world.login_client).unwrap();
    write!(shown, "{:?}", flow.finish(redirected.url.as_str()).await.unwrap_err()).unwrap();

    let claims = IdTokenDecoder::new(&world.login_client).decode_response(&response).await.unwrap();
    write!(shown, "{claims:?}").unwrap();
    // A used code takes its tokens with it, so the story goes on with another login.
    let response = world.log_in().await;
    for tokens in response.by_resource_server() {
        secrets.push(tokens.access_token.expose().to_owned());
        secrets.push(tokens.refresh_token.as_ref().unwrap().expose().to_owned());
        write!(shown, "{tokens:?}").unwrap();
    }

    let file = SimpleJsonFileAdapter::for_resource_server(
        world.directory.path().join("t"),
        TransferClient::RESOURCE_SERVER,
    );
    file.store(&response).unwrap();
    let storage = Storage::from(JsonTokenStorage::new(world.directory.path().join("all")));
    storage.store_response(&response).await.unwrap();
    let authorizer = RefreshTokenAuthorizer::from_tokens(&support::expired(&response), &world.login_client)
        .unwrap()
        .on_refresh(storage.clone())
        .build()
        .unwrap();
    let client = world.transfer(&authorizer);
    client.get_submission_id().send().await.unwrap();
    secrets.push(authorizer.held().access_token.unwrap().expose().to_owned());
    write!(shown, "{file:?} {storage:?} {authorizer:?} {client:?} {:?}", authorizer.held()).unwrap();
    write!(shown, "{:?}", Authorizer::from(&authorizer).authorization().await.unwrap()).unwrap();

    world.emulator.expire_tokens(&TokenFilter::all());
    let error = client.get_submission_id().send().await.unwrap_err();
    write!(shown, "{error} {error:?}").unwrap();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        write!(shown, "{error}").unwrap();
        cause = error.source();
    }

    let confidential = ConfidentialAppAuthClient::builder(credentials.id(), credentials.secret())
        .environment(world.emulator.environment())
        .build()
        .unwrap();
    let as_client = ClientCredentialsAuthorizer::new(&confidential, TransferClient::ALL_SCOPE).unwrap();
    as_client.ensure_valid_token().await.unwrap();
    secrets.push(as_client.held().access_token.unwrap().expose().to_owned());
    confidential.oauth2_revoke_token(secrets.last().unwrap().as_str()).send().await.unwrap();
    write!(shown, "{confidential:?} {as_client:?} {:?}", world.emulator).unwrap();

    let logged = lines.text();
    assert!(logged.contains("globus"), "the log was captured");
    assert_eq!(secrets.len(), 9);
    for secret in &secrets {
        assert!(secret.len() > 8, "a secret that short would be found by chance");
        assert!(!shown.contains(secret.as_str()), "a secret shows in a Debug or error text");
        assert!(!logged.contains(secret.as_str()), "a secret shows in the log");
    }
}
