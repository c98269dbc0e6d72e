//! Basic Auth on an `AuthClient`.
//!
//! A client that does OAuth2 flows proves itself with its id and secret. It runs against a local stand-in for Globus.

#![allow(clippy::print_stdout, reason = "the example talks to a person")]

use globus_emulator::Emulator;
use globus_sdk::{AuthClient, BasicAuthorizer, ConfidentialAppAuthClient};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let emulator = Emulator::builder().start().await?;
    let credentials = emulator.confidential_client();
    let (client_id, client_secret) = (credentials.id(), credentials.secret());

    let client = ConfidentialAppAuthClient::builder(client_id, client_secret)
        .environment(emulator.environment())
        .build()?;

    // and you're off to the races!
    let response = client.oauth2_client_credentials_tokens("openid email").send().await?;
    println!("a token for {}", response.by_resource_server()["auth.globus.org"].scope);

    // Under the hood, this is implicitly running
    let same_header = AuthClient::builder()
        .authorizer(BasicAuthorizer::new(client_id.to_string(), client_secret))
        .environment(emulator.environment())
        .build()?;
    // but don't do this yourself -- ConfidentialAppAuthClient has different methods from the base AuthClient.
    println!("{same_header:?}");

    emulator.stop().await;
    Ok(())
}
