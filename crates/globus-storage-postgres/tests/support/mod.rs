//! A schema of its own for each test, on the server that tests share.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

pub mod proxy;

use std::sync::atomic::{AtomicU32, Ordering};

use globus_core::TokenData;
use globus_core::storage::StorageError;
use globus_storage_postgres::PostgresTokenStorage;
use globus_storage_postgres::deadpool_postgres::{
    Client, Manager, ManagerConfig, Pool, PoolBuilder, RecyclingMethod,
};
use globus_storage_postgres::tokio_postgres::{Config, NoTls};
use test_services::postgres::Shared;

/// Connections as programs are told to make them.
pub fn pool(config: Config, size: usize) -> Pool {
    pool_builder(config, size).build().unwrap()
}

pub fn pool_builder(config: Config, size: usize) -> PoolBuilder {
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config, NoTls, fast)).max_size(size)
}

/// A schema that is not there yet.
#[derive(Debug)]
pub struct Schema {
    pub name: String,
    server: Shared,
}

impl Schema {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Other processes may share the server.
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { name: format!("test_{process}_{number}"), server: Shared::get() }
    }

    pub fn config(&self) -> Config {
        self.server.connection().parse().unwrap()
    }

    pub fn connection(&self) -> &str {
        self.server.connection()
    }

    /// A storage with its tables.
    pub async fn storage(&self) -> PostgresTokenStorage {
        let storage = self.storage_on(pool(self.config(), 4));
        storage.migrate().await.unwrap();
        storage
    }

    pub fn storage_on(&self, pool: Pool) -> PostgresTokenStorage {
        PostgresTokenStorage::new(pool).schema(&self.name).unwrap()
    }

    /// A connection of the test's own.
    pub async fn client(&self) -> Client {
        pool(self.config(), 1).get().await.unwrap()
    }

    pub async fn remove(self) {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        self.client().await.batch_execute(&sql).await.unwrap();
    }
}

/// A text that is in every token here.
pub const SECRET: &str = "AgTestSecret";

/// A token whose secrets carry the number.
pub fn token(server: &str, number: u32) -> TokenData {
    TokenData::new(server, "openid", format!("{SECRET}{number}"), 1_900_000_000)
        .with_refresh_token(format!("{SECRET}Refresh{number}"))
}

/// The number that a token carries.
pub fn number(token: &TokenData) -> u32 {
    token.access_token.expose().trim_start_matches(SECRET).parse().unwrap()
}

/// Everything that an error shows, with its causes.
pub fn shown(error: &StorageError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |&cause| cause.source());
    let causes: Vec<String> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
    format!("{error} {error:?} {error:#?} {}", causes.join(" "))
}
