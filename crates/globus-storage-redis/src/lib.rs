//! Token storage in Redis for the Globus SDK for Rust: for services of several processes or machines that share the
//! tokens of many accounts.
//!
//! Give the storage a connection of your own, and hand it to an authorizer or an app:
//!
//! ```no_run
//! use globus_core::storage::Storage;
//! use globus_core::token::TokenData;
//! use globus_storage_redis::{Client, ConnectionManager, RedisTokenStorage};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::open("redis://:password@tokens.example.org/0")?;
//! let connection = ConnectionManager::new(client).await?;
//! let storage = Storage::from(RedisTokenStorage::new(connection).key_prefix("portal:")?);
//!
//! // One namespace for each account.
//! let alice = storage.with_namespace("alice");
//! let tokens = vec![TokenData::new("transfer.api.globus.org", "scope", "AgExample", 1_900_000_000)];
//! alice.store(tokens, globus_core::storage::StoreKind::Login).await?;
//!
//! let token = alice.get("transfer.api.globus.org").await?.expect("it was stored");
//! assert_eq!(token.access_token.expose(), "AgExample");
//! # Ok(()) }
//! ```
//!
//! An authorizer takes the storage as it is: `.on_refresh(storage)`.
//!
//! # What is lost when the server fails
//!
//! What Redis has answered is not always on its disk. With its default settings it is not there after a crash; with
//! `appendonly yes` up to a second of writes is lost; with `appendonly yes` and `appendfsync always` nothing is. A
//! failover to a replica can lose writes with any of these settings. Where refresh tokens rotate, losing a write means
//! losing the login: the stored refresh token was spent, and its successor is gone; the account must log in again. So
//! for refresh tokens use `appendfsync always`, and tell the storage that you do
//! ([`durable`](RedisTokenStorage::durable)), or keep them in a database that syncs by itself.
//!
//! Keys of tokens never expire. The server must not evict them either: use `maxmemory-policy noeviction` or one of the
//! `volatile-` policies.
//!
//! # What is sure
//!
//! Several tokens are stored as a whole or not at all, by one script that compares what is stored with what was read
//! before. The lease of a refresh is a key that ends by itself. A holder that has lost it without knowing cannot
//! overwrite what its successor has stored. An answer that gets lost with the connection is asked for again, where that
//! cannot do anything twice. A store whose answer was lost is looked up: it is done, or it is repeated if nothing has
//! changed. A refresh of a record that another program has replaced or removed since is a
//! [`Conflict`](globus_core::storage::StorageErrorKind::Conflict). Any other store over which another program has stored
//! since, and one that cannot be looked up, is an
//! [`Unavailable`](globus_core::storage::StorageErrorKind::Unavailable), the one error after which a store or a removal
//! may have happened: read again before you draw conclusions. A first login that another program has removed at once
//! looks as if it had never arrived, and is stored again.
//!
//! # What is not protected
//!
//! Tokens are stored as plain JSON: whoever can read the database has them. The driver's buffers, through which tokens
//! pass, are not wiped.
//!
//! # What the server needs
//!
//! Redis 5 or later, or a server that speaks as it does. The keys all begin with the prefix. The commands are
//! `EVAL`, `EVALSHA`, `HGET`, `HMGET`, `HGETALL`, and in the scripts `HSET`, `HDEL`, `SADD`, `SREM`, `SMEMBERS`,
//! `EXISTS`, `GET`, `SET`, `DEL`, `PEXPIRE` and `TIME`.
//!
//! In a cluster all keys of a storage are in one slot, because the prefix stands in braces in each of them. So scripts
//! work, and [`list`](globus_core::storage::TokenStorage::list) is exact; it looks at every namespace, during which
//! the server does nothing else. Spread very many accounts over storages with different prefixes. A connection goes to
//! one node: to that of the slot, or to a proxy of the cluster.
//!
//! For TLS, depend on `redis` with its feature `tokio-rustls-comp` and use a `rediss://` URL.

mod change;
mod error;
mod finishing;
mod keys;
mod lease;
mod record;
mod server;
mod storage;

pub use keys::InvalidKeyPrefix;
pub use redis::Client;
pub use redis::aio::{ConnectionManager, ConnectionManagerConfig};
pub use storage::RedisTokenStorage;
