//! Storages by a text that another process can be given: `json:PATH`, `json-without-locks:PATH`, `sqlite:PATH`,
//! `postgres:CONNECTION`, `redis:URL`, and `sealed-postgres:CONNECTION`, whose rows are sealed with the key in `E2E_SEALING_KEY`.

use std::time::Duration;

use anyhow::{Context, bail};
use globus_sdk::seal::SealingKey;
use globus_sdk::storage::postgres::deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use globus_sdk::storage::postgres::tokio_postgres::{Config, NoTls};
use globus_sdk::storage::redis::{Client, ConnectionManager, ConnectionManagerConfig};
use globus_sdk::storage::{PostgresTokenStorage, RedisTokenStorage, SealedTokenStorage, SqliteTokenStorage};
use globus_sdk::{JsonTokenStorage, Storage};

/// Opens a storage whose leases last this long after their holder died.
///
/// # Errors
///
/// When the text names no storage, or it cannot be opened.
pub async fn open(storage: &str, lease_time: Duration) -> anyhow::Result<Storage> {
    let (kind, place) = storage.split_once(':').context("a storage is written KIND:PLACE")?;
    // Long enough for everybody's turn, however slow the machine is.
    let lock_wait = Duration::from_secs(240);
    // A worker has one; a node of a portal has as many as it asks for.
    let connections = std::env::var("E2E_CONNECTIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(1);
    Ok(match kind {
        "json" => JsonTokenStorage::new(place).lease_time(lease_time).lock_wait(lock_wait).into(),
        "json-without-locks" => {
            JsonTokenStorage::new(place).flock(false).lease_time(lease_time).lock_wait(lock_wait).into()
        }
        "postgres" => PostgresTokenStorage::new(pool(place, connections)?)
            .lease_time(lease_time)
            .lock_wait(lock_wait)
            .into(),
        "redis" => {
            // So long that a slow machine is not taken for a lost answer.
            let patience = Some(Duration::from_secs(5));
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(patience)
                .set_response_timeout(patience);
            let connection = ConnectionManager::new_with_config(Client::open(place)?, config).await?;
            RedisTokenStorage::new(connection).lease_time(lease_time).lock_wait(lock_wait).into()
        }
        "sealed-postgres" => {
            let key = SealingKey::from_base64(std::env::var("E2E_SEALING_KEY")?)?;
            let rows = PostgresTokenStorage::new(pool(place, connections)?)
                .lease_time(lease_time)
                .lock_wait(lock_wait);
            SealedTokenStorage::new(rows, key)?.into()
        }
        "sqlite" => SqliteTokenStorage::new(place).lease_time(lease_time).lock_wait(lock_wait).into(),
        _ => bail!("no storage {kind:?}"),
    })
}

/// A pool of at most this many connections.
///
/// # Errors
///
/// When the text is no connection.
pub fn pool(connection: &str, connections: usize) -> anyhow::Result<Pool> {
    let config: Config = connection.parse()?;
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Ok(Pool::builder(Manager::from_config(config, NoTls, fast)).max_size(connections).build()?)
}
