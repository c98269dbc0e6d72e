//! No type of tokens and their storage shows a secret.
#![allow(clippy::unwrap_used, missing_docs)]

use std::error::Error;
use std::fmt::Debug;

use globus_core::storage::{
    JsonTokenStorage, LegacyJsonTokenStorage, Loaded, MemoryTokenStorage, SimpleJsonFileAdapter, Storage,
    StorageAdapter, StorageError,
};
use globus_core::token::Grant;
use globus_core::{Timestamp, TokenData, TokenResponse};

const SENTINEL: &str = "AgSentinel";

fn shows_nothing(what: &str, shown: &impl Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!text.contains(SENTINEL), "{what} shows a secret: {text}");
    }
}

fn error_shows_nothing(what: &str, error: &(dyn Error + 'static)) {
    shows_nothing(what, &error);
    let mut next = Some(error);
    while let Some(error) = next {
        assert!(!error.to_string().contains(SENTINEL), "{what} shows a secret: {error}");
        next = error.source();
    }
}

fn body() -> String {
    format!(
        r#"{{"access_token": "{SENTINEL}1", "refresh_token": "{SENTINEL}2", "id_token": "{SENTINEL}3", "scope": "s",
            "expires_in": 10, "token_type": "Bearer", "resource_server": "rs", "state": "{SENTINEL}4"}}"#
    )
}

fn response() -> TokenResponse {
    TokenResponse::parse(Grant::AuthorizationCode, body().as_bytes(), Timestamp::UNIX_EPOCH).unwrap()
}

#[test]
fn tokens_show_nothing() {
    let response = response();
    shows_nothing("TokenResponse", &response);
    shows_nothing("ByResourceServer", response.by_resource_server());
    shows_nothing("ByScopes", &response.by_scopes());
    let mut token = response.by_resource_server()["rs"].clone();
    token.extra.insert("later".into(), format!("{SENTINEL}5").into());
    shows_nothing("TokenData", &token);
    shows_nothing("Loaded", &Loaded::new([(token.resource_server.clone(), token.clone())].into()));
    shows_nothing("Generation", &token.generation());
}

#[test]
fn errors_of_reading_show_nothing() {
    // Every cut and every replaced byte of a good answer and a good record.
    let record = response().by_resource_server()["rs"].to_record().to_string();
    for text in [body(), record] {
        for at in 0..text.len() {
            for broken in [text[..at].to_owned(), format!("{}5{}", &text[..at], &text[at + 1..])] {
                let read =
                    TokenResponse::parse(Grant::RefreshToken, broken.as_bytes(), Timestamp::UNIX_EPOCH);
                if let Err(error) = read {
                    error_shows_nothing("MalformedTokenResponse", &error);
                }
                if let Err(error) = TokenData::from_record(broken.as_bytes()) {
                    error_shows_nothing("InvalidRecord", &error);
                    error_shows_nothing("StorageError", &StorageError::from(error));
                }
            }
        }
    }
}

#[tokio::test]
async fn storages_show_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let adapter = SimpleJsonFileAdapter::for_resource_server(path("flat"), "rs");
    adapter.store(&response()).unwrap();
    shows_nothing("SimpleJsonFileAdapter", &adapter);
    shows_nothing("RefreshLease", &adapter.lock_refresh().unwrap());
    for storage in [
        Storage::from(JsonTokenStorage::new(path("json"))),
        LegacyJsonTokenStorage::new(path("legacy")).into(),
        MemoryTokenStorage::new().into(),
    ] {
        storage.store_response(&response()).await.unwrap();
        shows_nothing("Storage", &storage);
        shows_nothing("RefreshLease", &storage.lock_refresh("rs").await.unwrap());
    }
}
