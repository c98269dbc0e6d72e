//! One node of a portal: takes requests of many users, and needs a fresh token of each user for it.
//!
//! Reads lines `USER` and runs a request for each at once, as many as `E2E_TASKS` at a time, or `!USER`, which does not
//! count against that number; an empty line ends the burst. Then says one line for each: `USER MICROSECONDS good`, or `USER MICROSECONDS error …`. Around every question
//! to the token endpoint it says `asks USER` and `answered USER`.

#![allow(clippy::print_stdout, reason = "its output is what the tests read")]

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use globus_sdk::{
    Authorizer, ConfidentialAppAuthClient, RefreshToken, RefreshTokenAuthorizer, Result, Scopes, Storage,
    TokenGrants, TokenResponse, TransferClient,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name).map_err(|_| anyhow::anyhow!("{name} is not set"))
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let node = Arc::new(Node {
        storage: e2e::storages::open(&variable("E2E_STORAGE")?, Duration::from_secs(30)).await?,
        login_client: ConfidentialAppAuthClient::builder(variable("E2E_CLIENT")?, variable("E2E_SECRET")?)
            .base_url(variable("E2E_AUTH")?)
            .build()?,
        transfer_url: std::env::var("E2E_TRANSFER").ok(),
    });
    let tasks = Arc::new(Semaphore::new(variable("E2E_TASKS")?.parse()?));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut burst: JoinSet<String> = JoinSet::new();
    say("started");
    while let Some(user) = lines.next_line().await? {
        if user.is_empty() {
            for line in burst.join_all().await {
                say(&line);
            }
            say("end of the burst");
            burst = JoinSet::new();
            continue;
        }
        let (node, tasks) = (Arc::clone(&node), Arc::clone(&tasks));
        burst.spawn(async move {
            let (user, _task) = match user.strip_prefix('!') {
                Some(user) => (user.to_owned(), None),
                None => (user, Some(tasks.acquire_owned().await)),
            };
            let start = Instant::now();
            let outcome = match node.request(&user).await {
                Ok(()) => "good".to_owned(),
                Err(error) => format!("error {error:#}"),
            };
            format!("{user} {} {outcome}", start.elapsed().as_micros())
        });
    }
    Ok(())
}

struct Node {
    storage: Storage,
    login_client: ConfidentialAppAuthClient,
    transfer_url: Option<String>,
}

impl Node {
    async fn request(&self, user: &str) -> anyhow::Result<()> {
        let authorizer = self.authorizer(user).await?;
        match &self.transfer_url {
            Some(url) => {
                let transfer = TransferClient::builder().authorizer(&authorizer).base_url(url).build()?;
                transfer.get_submission_id().send().await?;
            }
            None => drop(Authorizer::from(&authorizer).authorization().await?),
        }
        Ok(())
    }

    /// The user's authorizer, made anew for each request, as a node does that keeps nothing between requests.
    async fn authorizer(&self, user: &str) -> anyhow::Result<RefreshTokenAuthorizer> {
        let storage = self.storage.with_namespace(user);
        let tokens = storage.get(TransferClient::RESOURCE_SERVER).await?;
        let tokens = tokens.ok_or_else(|| anyhow::anyhow!("the user has not logged in"))?;
        let login_client = Telling { inner: self.login_client.clone(), user: user.to_owned() };
        Ok(RefreshTokenAuthorizer::from_tokens(&tokens, &login_client)?.on_refresh(storage).build()?)
    }
}

/// A login client that tells what it is asked.
#[derive(Debug, Clone)]
struct Telling {
    inner: ConfidentialAppAuthClient,
    user: String,
}

impl TokenGrants for Telling {
    async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenResponse> {
        say(&format!("asks {}", self.user));
        let response = TokenGrants::refresh(&self.inner, refresh_token).await;
        say(&format!("answered {}", self.user));
        response
    }

    async fn client_credentials(&self, scopes: &Scopes) -> Result<TokenResponse> {
        TokenGrants::client_credentials(&self.inner, scopes).await
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Where nobody listens any more there is nobody to tell.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
