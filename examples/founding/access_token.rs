//! Access Token Authorization on `AuthClient` and `TransferClient`.
//!
//! For a part of a program that only sees access tokens. It runs against a local stand-in for Globus.

#![allow(clippy::print_stdout, reason = "the example talks to a person")]

use anyhow::Context as _;
use globus_emulator::Emulator;
use globus_sdk::{AccessToken, AccessTokenAuthorizer, AuthClient, NativeAppAuthClient, TransferClient};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let emulator = Emulator::builder().collection("laptop", directory.path()).start().await?;
    let (auth_access_token, transfer_access_token) = access_tokens(&emulator).await?;

    // note that we don't provide the client ID in this case
    // if you're using an Access Token you can't do the OAuth2 flows
    let auth_client = AuthClient::builder()
        .authorizer(AccessTokenAuthorizer::new(auth_access_token))
        .environment(emulator.environment())
        .build()?;

    let transfer_client = TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new(transfer_access_token))
        .environment(emulator.environment())
        .build()?;

    println!("{:?}", auth_client.userinfo().send().await?.preferred_username);
    let laptop = emulator.collection("laptop").context("it was given to the builder")?.id;
    println!("{} entries", transfer_client.operation_ls(laptop).send().await?.data.len());
    emulator.stop().await;
    Ok(())
}

/// Stands for the part of the program that logged the user in.
async fn access_tokens(emulator: &Emulator) -> anyhow::Result<(AccessToken, AccessToken)> {
    let client = NativeAppAuthClient::builder(emulator.native_client_id())
        .environment(emulator.environment())
        .build()?;
    let flow = client.oauth2_start_flow(["openid", "profile", TransferClient::ALL_SCOPE]).start()?;
    let response = flow.finish(emulator.login(flow.authorize_url()?).await?.url.as_str()).await?;
    let by_rs = response.by_resource_server();
    Ok((by_rs["auth.globus.org"].access_token.clone(), by_rs["transfer.api.globus.org"].access_token.clone()))
}
