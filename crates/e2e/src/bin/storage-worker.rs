//! One of many processes that need a fresh token out of a shared storage.
//!
//! Says `started`, waits for a line, uses the token for one call of Transfer, and says how that went: `good`,
//! `login required`, or `error …`. In between it says `asks` and `answered` around every request to the token
//! endpoint, and `owed …` at the end where the renewed token could not be stored.

#![allow(clippy::print_stdout, reason = "its output is what the tests read")]

use std::io::Write;
use std::time::Duration;

use globus_sdk::clock::Sleep;
use globus_sdk::{
    Clock, NativeAppAuthClient, RefreshToken, RefreshTokenAuthorizer, Result, Scopes, SystemClock, Timestamp,
    TokenGrants, TokenResponse, TransferClient,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let variable = |name: &str| std::env::var(name).map_err(|_| anyhow::anyhow!("{name} is not set"));
    let lease_time = Duration::from_millis(variable("E2E_LEASE_MILLISECONDS")?.parse()?);
    let storage = e2e::storages::open(&variable("E2E_STORAGE")?, lease_time).await?;
    let login_client =
        NativeAppAuthClient::builder(variable("E2E_CLIENT")?).base_url(variable("E2E_AUTH")?).build()?;
    say("started");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;

    let Some(tokens) = storage.get(TransferClient::RESOURCE_SERVER).await? else {
        anyhow::bail!("there is no token for Transfer");
    };
    let authorizer = RefreshTokenAuthorizer::from_tokens(&tokens, &Telling(login_client))?
        .on_refresh(storage)
        .clock(TimeOfDay)
        .build()?;
    let transfer =
        TransferClient::builder().authorizer(&authorizer).base_url(variable("E2E_TRANSFER")?).build()?;
    match transfer.get_submission_id().send().await {
        Ok(_) => say("good"),
        Err(error) if error.is_login_required() => say("login required"),
        Err(error) => say(&format!("error {error}")),
    }
    if let Some(pending) = authorizer.pending_persist() {
        say(&format!("could not store {}", pending.error));
    }
    if let Err(error) = authorizer.settle().await {
        say(&format!("owed {error}"));
    }
    Ok(())
}

/// The machine's clock as the C library tells it, also in whole seconds: tests let that one lie.
#[derive(Debug)]
struct TimeOfDay;

impl Clock for TimeOfDay {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock::default().sleep(duration)
    }
}

/// A login client that tells what it is asked.
#[derive(Debug, Clone)]
struct Telling(NativeAppAuthClient);

impl TokenGrants for Telling {
    async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenResponse> {
        say("asks");
        let response = TokenGrants::refresh(&self.0, refresh_token).await;
        say("answered");
        response
    }

    async fn client_credentials(&self, scopes: &Scopes) -> Result<TokenResponse> {
        TokenGrants::client_credentials(&self.0, scopes).await
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    // Where nobody listens any more there is nobody to tell.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
