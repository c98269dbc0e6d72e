//! What the tests have in common.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file takes its own share")]

pub mod proxy;

use std::error::Error;
use std::time::Duration;

use globus_core::storage::{StorageError, StoreKind, TokenStorage};
use globus_core::token::TokenData;
use globus_storage_redis::{Client, ConnectionManager, ConnectionManagerConfig, RedisTokenStorage};
use redis::Connection;
use test_services::redis::RedisServer;

use self::proxy::Proxy;

/// A text in all tokens, which no error may show.
pub const SECRET: &str = "AgSecret";

/// A storage on a connection of its own, which looks for a lost server again and again for about a second.
pub async fn open(url: &str) -> RedisTokenStorage {
    RedisTokenStorage::new(connect(url).await)
}

pub async fn connect(url: &str) -> ConnectionManager {
    ConnectionManager::new_with_config(Client::open(url).unwrap(), impatient(8)).await.unwrap()
}

/// A storage behind a proxy, whose scripts the server knows already.
pub async fn behind_proxy(server: &RedisServer) -> (Proxy, RedisTokenStorage) {
    let proxy = Proxy::start(&server.url());
    let storage = open(&proxy.url()).await;
    log_in(&storage, "rs", 1).await.unwrap();
    let mut lease = storage.lock_refresh(&"DEFAULT".into(), &"rs".into()).await.unwrap();
    lease.extend().await.unwrap();
    lease.release().await.unwrap();
    (proxy, storage)
}

/// A connection of an administrator, to look into the server or to change its settings.
pub fn admin(server: &RedisServer) -> Connection {
    Client::open(server.url()).unwrap().get_connection().unwrap()
}

/// A storage whose connection is first tried when it is used, and then only once.
pub fn open_lazily(url: &str) -> RedisTokenStorage {
    let client = Client::open(url).unwrap();
    RedisTokenStorage::new(ConnectionManager::new_lazy_with_config(client, impatient(0)).unwrap())
}

fn impatient(retries: usize) -> ConnectionManagerConfig {
    // So long that a slow machine is not taken for a lost answer. Now and then the driver does not notice that a
    // connection was cut, and this is how long it then waits.
    let patience = Some(Duration::from_secs(5));
    ConnectionManagerConfig::new()
        .set_min_delay(Duration::from_millis(5))
        .set_number_of_retries(retries)
        .set_response_timeout(patience)
        .set_connection_timeout(Some(Duration::from_secs(7)))
}

pub fn token(server: &str, number: i64) -> TokenData {
    TokenData::new(server, "scope", format!("{SECRET}{number}"), number)
        .with_refresh_token(format!("{SECRET}R{number}"))
}

pub async fn log_in(storage: &RedisTokenStorage, server: &str, number: i64) -> Result<(), StorageError> {
    storage.store(&"DEFAULT".into(), vec![token(server, number)], StoreKind::Login).await
}

pub async fn stored(storage: &RedisTokenStorage, server: &str) -> Option<TokenData> {
    storage.load_fresh(&"DEFAULT".into(), &server.into()).await.unwrap()
}

/// Stores the next number in place of a stored record.
pub async fn refresh(storage: &RedisTokenStorage, old: &TokenData) -> Result<(), StorageError> {
    let next = token(old.resource_server.as_str(), old.expires_at_seconds + 1);
    storage.store(&"DEFAULT".into(), vec![next], StoreKind::RefreshOf(old.generation())).await
}

/// Everything that an error shows, with its causes.
pub fn shown(error: &StorageError) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: Vec<String> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
    format!("{error} {error:?} {}", causes.join(" "))
}

pub async fn remove(storage: &RedisTokenStorage, server: &str) -> bool {
    storage.remove(&"DEFAULT".into(), &server.into()).await.unwrap()
}
