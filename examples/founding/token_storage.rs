//! Tokens in a file, and an authorizer that writes every renewal back.
//!
//! The basic usage of a token storage, step by step. It runs against a local stand-in for Globus.

#![allow(clippy::print_stdout, reason = "the example talks to a person")]
#![expect(clippy::if_not_else, reason = "the steps stand in the order in which they happen")]

use anyhow::Context as _;
use globus_emulator::Emulator;
use globus_sdk::{
    ClientCredentialsAuthorizer, ConfidentialAppAuthClient, FileAdapter, RefreshTokenAuthorizer,
    SimpleJsonFileAdapter, StorageAdapter, TokenResponse, TransferClient,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let emulator = Emulator::builder().collection("laptop", directory.path()).start().await?;

    let my_file_adapter = SimpleJsonFileAdapter::for_resource_server(
        directory.path().join("my_tokens.json"),
        "transfer.api.globus.org",
    );

    // the login client is also the internal auth client used for refreshes
    let credentials = emulator.confidential_client();
    let auth_client = ConfidentialAppAuthClient::builder(credentials.id(), credentials.secret())
        .environment(emulator.environment())
        .build()?;

    // the first time there is no file and a login is done; the second time the tokens are there
    for run in 1..=2 {
        let tokens = if !my_file_adapter.file_exists() {
            // do a login flow, getting back initial tokens
            let token_response = login(&auth_client, &emulator).await?;
            // now store the tokens, and pull out the tokens for the
            // resource server we want
            my_file_adapter.store(&token_response)?;
            let by_rs = token_response.by_resource_server();
            by_rs["transfer.api.globus.org"].clone()
        } else {
            // otherwise, we already did this whole song-and-dance, so just
            // load the tokens from that file
            my_file_adapter.read()?
        };
        println!(
            "run {run}: tokens for {}, good until {}",
            tokens.resource_server, tokens.expires_at_seconds
        );

        // RefreshTokenAuthorizer and ClientCredentialsAuthorizer both use
        // `on_refresh` callbacks
        // this feature is therefore only relevant for those auth types
        //
        // note that this is all normal SDK usage wherein my_file_adapter
        // is providing the on_refresh callback
        let refresh_token = tokens.refresh_token.clone().context("the login asked for refresh tokens")?;
        let authorizer = RefreshTokenAuthorizer::builder(refresh_token, &auth_client)
            .access_token(&tokens.access_token, tokens.expires_at_seconds)
            .on_refresh(my_file_adapter.clone())
            .build()?;

        // and then use as normal, tada!
        list(&emulator, TransferClient::builder().authorizer(authorizer)).await?;
    }

    // or, for client credentials
    let authorizer = ClientCredentialsAuthorizer::builder(
        &auth_client,
        ["urn:globus:auth:scope:transfer.api.globus.org:all"],
    )
    .on_refresh(my_file_adapter.clone())
    .build()?;
    list(&emulator, TransferClient::builder().authorizer(authorizer)).await?;

    emulator.stop().await;
    Ok(())
}

async fn login(client: &ConfidentialAppAuthClient, emulator: &Emulator) -> anyhow::Result<TokenResponse> {
    let flow = client
        .oauth2_start_flow(
            "http://localhost:8000/callback",
            "urn:globus:auth:scope:transfer.api.globus.org:all",
        )
        .refresh_tokens(true)
        .start()?;
    let redirected = emulator.login(flow.authorize_url()?).await?;
    Ok(flow.finish(redirected.url.as_str()).await?)
}

async fn list(emulator: &Emulator, tc: globus_sdk::ClientBuilder<TransferClient>) -> anyhow::Result<()> {
    let tc = tc.environment(emulator.environment()).build()?;
    let laptop = emulator.collection("laptop").context("it was given to the builder")?.id;
    let entries = tc.operation_ls(laptop).path("/").send().await?;
    println!("  laptop holds {} entries", entries.data.len());
    Ok(())
}
