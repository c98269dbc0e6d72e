//! Refresh Token Authorization on `AuthClient` and `TransferClient`.
//!
//! Refresh tokens are long-lived; the authorizers get new access tokens whenever they near their expiry. It runs
//! against a local stand-in for Globus.

#![allow(clippy::print_stdout, reason = "the example talks to a person")]

use anyhow::Context as _;
use globus_emulator::{Emulator, TokenFilter};
use globus_sdk::{
    AuthClient, ConfidentialAppAuthClient, RefreshToken, RefreshTokenAuthorizer, TransferClient,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let emulator = Emulator::builder().collection("laptop", directory.path()).start().await?;

    // for doing the refresh
    let credentials = emulator.confidential_client();
    let (client_id, client_secret) = (credentials.id(), credentials.secret());

    // making the authorizer requires that we have an AuthClient which can talk
    // OAuth2 to Globus Auth
    let internal_auth_client = ConfidentialAppAuthClient::builder(client_id, client_secret)
        .environment(emulator.environment())
        .build()?;

    // the actual tokens
    let (auth_refresh_token, transfer_refresh_token) =
        refresh_tokens(&internal_auth_client, &emulator).await?;

    // now let's bake a couple of authorizers
    let auth_authorizer = RefreshTokenAuthorizer::new(auth_refresh_token, &internal_auth_client);
    let transfer_authorizer = RefreshTokenAuthorizer::new(transfer_refresh_token, &internal_auth_client);

    // auth_client here is totally different from "internal_auth_client" above
    // the former is being used to request new tokens periodically, while this
    // one represents a user authenticated with those tokens
    let auth_client =
        AuthClient::builder().authorizer(auth_authorizer).environment(emulator.environment()).build()?;
    // transfer_client doesn't have to contend with this duality -- it's always
    // representing a user
    let transfer_client = TransferClient::builder()
        .authorizer(transfer_authorizer)
        .environment(emulator.environment())
        .build()?;

    let laptop = emulator.collection("laptop").context("it was given to the builder")?.id;
    for state in ["fresh", "expired"] {
        println!("access tokens {state}:");
        println!("  {:?}", auth_client.userinfo().send().await?.preferred_username);
        println!("  {} entries", transfer_client.operation_ls(laptop).send().await?.data.len());
        emulator.expire_tokens(&TokenFilter::access());
    }
    emulator.stop().await;
    Ok(())
}

/// Stands for the login that gave these tokens.
async fn refresh_tokens(
    client: &ConfidentialAppAuthClient,
    emulator: &Emulator,
) -> anyhow::Result<(RefreshToken, RefreshToken)> {
    let flow = client
        .oauth2_start_flow("http://localhost:8000/callback", ["openid", "profile", TransferClient::ALL_SCOPE])
        .refresh_tokens(true)
        .start()?;
    let response = flow.finish(emulator.login(flow.authorize_url()?).await?.url.as_str()).await?;
    let token = |server: &str| {
        let tokens = &response.by_resource_server()[server];
        tokens.refresh_token.clone().context("the login asked for refresh tokens")
    };
    Ok((token("auth.globus.org")?, token("transfer.api.globus.org")?))
}
