//! The Rust side of the checks against the real Python packages.
//!
//! ```text
//! interop-peer write FORMAT PATH [NAMESPACE]      stores sample tokens
//! interop-peer read FORMAT PATH [NAMESPACE]       prints the tokens of a file as JSON; made for samples, it
//!                                                 shows them
//! interop-peer renew FORMAT PATH [NAMESPACE]      stores another access token as a refresh does, with the lease
//! interop-peer config PATH NAME [NAMESPACE]       prints a configuration of a `legacy-sqlite`
//! interop-peer user-app DOES TOKENS CLIENT NAME COLLECTION
//!                                                 what a program with an app of this client and name does: `list`
//!                                                 prints the names in a directory, after it has printed an address and
//!                                                 read a code where a login is needed; `list-unasked` fails there;
//!                                                 `needs-login` prints true or false; `leave` logs out
//! ```
//!
//! TOKENS is `access` or `refresh`, which the app asks for too. FORMAT is `flat`, `legacy`, `json`, `sqlite` or `legacy-sqlite`.

#![allow(clippy::print_stdout, reason = "its output is what the checks read")]

use std::io::Write as _;

use anyhow::{Context, bail};
use globus_sdk::app::UserAppBuilder;
use globus_sdk::login::AskWith;
use globus_sdk::storage::{LegacySqliteTokenStorage, SqliteTokenStorage};
use globus_sdk::{
    FileAdapter, Grant, JsonTokenStorage, LegacyJsonTokenStorage, SimpleJsonFileAdapter, Storage,
    StorageAdapter, TokenData, TokenResponse, TransferClient, UserApp,
};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

const SERVER: &str = "transfer.api.globus.org";

const SAMPLE: &str = r#"{
    "access_token": "AgRustAuth", "scope": "openid email", "expires_in": 172800, "token_type": "Bearer",
    "resource_server": "auth.globus.org",
    "other_tokens": [{
        "access_token": "AgRustTransfer", "refresh_token": "AgRustRefresh", "expires_in": 172800,
        "scope": "urn:globus:auth:scope:transfer.api.globus.org:all", "token_type": "Bearer",
        "resource_server": "transfer.api.globus.org"
    }]
}"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", format, path, ref rest @ ..] => write(format, path, namespace(rest)?).await,
        ["read", format, path, ref rest @ ..] => {
            println!("{}", read(format, path, namespace(rest)?).await?);
            Ok(())
        }
        ["renew", format, path, ref rest @ ..] => renew(&storage(format, path, namespace(rest)?)?).await,
        ["config", path, name, ref rest @ ..] => {
            let namespace = namespace(rest)?.into();
            let config = LegacySqliteTokenStorage::new(path).read_config(&namespace, name).await?;
            println!("{}", json!(config));
            Ok(())
        }
        ["user-app", does, tokens, client, name, collection] => {
            let builder =
                UserApp::builder(name).client_id(client).request_refresh_tokens(tokens == "refresh");
            user_app(does, builder.login_ui(AskWith::new(ask)), collection.parse()?).await
        }
        _ => bail!(
            "usage: interop-peer write|read|renew FORMAT PATH [NAMESPACE] | config PATH NAME [NAMESPACE] | user-app \
             DOES TOKENS CLIENT NAME COLLECTION"
        ),
    }
}

async fn user_app(does: &str, app: UserAppBuilder, collection: Uuid) -> anyhow::Result<()> {
    let app = if does == "list" { app } else { app.never_prompt() }.build()?;
    let transfer_client = TransferClient::with_app(&app)?;
    let answer = match does {
        "list" | "list-unasked" => {
            let listing = transfer_client.operation_ls(collection).path("/").send().await?;
            json!({"names": listing.data.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>()})
        }
        "needs-login" => json!(app.login_required().await?),
        "leave" => {
            let report = app.logout().await?;
            json!({"removed": report.removed.len(), "still_valid": report.still_valid.len()})
        }
        _ => bail!("an app does not {does}"),
    };
    app.close().await?;
    println!("{answer}");
    Ok(())
}

/// Shows the address, and reads the code.
async fn ask(address: Url) -> std::io::Result<String> {
    println!("{}", json!({"address": address.as_str()}));
    std::io::stdout().flush()?;
    let mut code = String::new();
    std::io::stdin().read_line(&mut code).map(|_| code)
}

fn namespace<'a>(rest: &[&'a str]) -> anyhow::Result<&'a str> {
    match rest {
        [] => Ok("DEFAULT"),
        [namespace] => Ok(namespace),
        _ => bail!("too many arguments"),
    }
}

fn storage(format: &str, path: &str, namespace: &str) -> anyhow::Result<Storage> {
    let storage: Storage = match format {
        "legacy" => LegacyJsonTokenStorage::new(path).into(),
        "json" => JsonTokenStorage::new(path).into(),
        "sqlite" => SqliteTokenStorage::new(path).into(),
        "legacy-sqlite" => LegacySqliteTokenStorage::new(path).into(),
        _ => bail!("no format {format}"),
    };
    Ok(storage.with_namespace(namespace))
}

fn answer(grant: Grant, body: &str) -> anyhow::Result<TokenResponse> {
    Ok(TokenResponse::parse(grant, body.as_bytes(), globus_sdk::Timestamp::now())?)
}

async fn write(format: &str, path: &str, namespace: &str) -> anyhow::Result<()> {
    let response = answer(Grant::AuthorizationCode, SAMPLE)?;
    match format {
        "flat" => SimpleJsonFileAdapter::for_resource_server(path, SERVER).store(&response)?,
        "legacy" => storage(format, path, namespace)?.store_response(&response).await?,
        _ => {
            let response = response.with_identity_id("4f1c2b9e-0000-4000-8000-0123456789ab");
            storage(format, path, namespace)?.store_response(&response).await?;
        }
    }
    Ok(())
}

async fn renew(storage: &Storage) -> anyhow::Result<()> {
    let lease = storage.lock_refresh(SERVER).await?;
    let stored = storage.get_fresh(SERVER).await?.context("there is something to renew")?;
    let body = json!({
        "access_token": "AgRustRenewed", "expires_in": 172_800, "scope": stored.scope, "token_type": "Bearer",
        "resource_server": SERVER,
    });
    let response = answer(Grant::RefreshToken, &body.to_string())?;
    storage.store_refresh(&response, stored.generation()).await?;
    Ok(lease.release().await?)
}

async fn read(format: &str, path: &str, namespace: &str) -> anyhow::Result<Value> {
    if format == "flat" {
        return Ok(shown(&SimpleJsonFileAdapter::for_resource_server(path, SERVER).read()?));
    }
    let loaded = storage(format, path, namespace)?.get_all().await?;
    anyhow::ensure!(loaded.damaged.is_empty(), "damaged records: {:?}", loaded.damaged);
    Ok(loaded.tokens.values().map(shown).collect::<Vec<_>>().into())
}

fn shown(tokens: &TokenData) -> Value {
    json!({
        "resource_server": tokens.resource_server.as_str(),
        "identity_id": tokens.identity_id,
        "scope": tokens.scope,
        "access_token": tokens.access_token.expose(),
        "refresh_token": tokens.refresh_token.as_ref().map(globus_sdk::RefreshToken::expose),
        "expires_at_seconds": tokens.expires_at_seconds,
        "token_type": tokens.token_type,
    })
}
