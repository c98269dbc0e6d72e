//! The Rust side of the checks against the real Python packages.
//!
//!     interop-peer write FORMAT PATH      stores sample tokens
//!     interop-peer read FORMAT PATH       prints the tokens of a file as JSON; made for samples, it shows them
//!
//! FORMAT is `flat`, `legacy` or `json`.

#![allow(clippy::print_stdout, reason = "its output is what the checks read")]

use anyhow::bail;
use globus_sdk::{
    FileAdapter, Grant, JsonTokenStorage, LegacyJsonTokenStorage, SimpleJsonFileAdapter, Storage,
    StorageAdapter, TokenData, TokenResponse,
};
use serde_json::{Value, json};

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
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", format, path] => write(format, path).await,
        ["read", format, path] => {
            println!("{}", read(format, path).await?);
            Ok(())
        }
        _ => bail!("usage: interop-peer write FORMAT PATH | read FORMAT PATH"),
    }
}

async fn write(format: &str, path: &str) -> anyhow::Result<()> {
    let response =
        TokenResponse::parse(Grant::AuthorizationCode, SAMPLE.as_bytes(), globus_sdk::Timestamp::now())?;
    match format {
        "flat" => SimpleJsonFileAdapter::for_resource_server(path, SERVER).store(&response)?,
        "legacy" => Storage::from(LegacyJsonTokenStorage::new(path)).store_response(&response).await?,
        "json" => {
            let response = response.with_identity_id("4f1c2b9e-0000-4000-8000-0123456789ab");
            Storage::from(JsonTokenStorage::new(path)).store_response(&response).await?;
        }
        _ => bail!("no format {format}"),
    }
    Ok(())
}

async fn read(format: &str, path: &str) -> anyhow::Result<Value> {
    let all = |storage: Storage| async move {
        let loaded = storage.get_all().await?;
        anyhow::ensure!(loaded.damaged.is_empty(), "damaged records: {:?}", loaded.damaged);
        Ok(loaded.tokens.values().map(shown).collect::<Vec<_>>().into())
    };
    match format {
        "flat" => Ok(shown(&SimpleJsonFileAdapter::for_resource_server(path, SERVER).read()?)),
        "legacy" => all(LegacyJsonTokenStorage::new(path).into()).await,
        "json" => all(JsonTokenStorage::new(path).into()).await,
        _ => bail!("no format {format}"),
    }
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
