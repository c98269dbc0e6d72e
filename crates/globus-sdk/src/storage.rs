//! Token storage: where tokens live between two runs of a program.
//!
//! Everything of [`globus_core::storage`], and, behind features that are off by default, further storages:
//!
//! | feature | storage | what it keeps tokens in |
//! |---|---|---|
//! | `sqlite`, or `sqlite-bundled`, which builds SQLite too | `SqliteTokenStorage`, `LegacySqliteTokenStorage` | an SQLite database |
//! | `encrypted` | `EncryptedTokenStorage` | one encrypted file |
//! | `seal` | `SealedTokenStorage` | any other storage, each record sealed |
//! | `keyring` | `KeyringTokenStorage` | the keyring of the operating system |
//! | `postgres` | `PostgresTokenStorage` | PostgreSQL, for services with many users |
//! | `redis` | `RedisTokenStorage` | Redis, for services of several machines |
//!
//! [`import`] takes tokens over from the stores of the Python SDK and CLI.

pub mod import;

pub use globus_core::storage::*;
#[cfg(feature = "encrypted")]
pub use globus_storage_encrypted::EncryptedTokenStorage;
#[cfg(feature = "keyring")]
pub use globus_storage_keyring::{self as keyring, KeyringOrFile, KeyringTokenStorage};
#[cfg(feature = "postgres")]
pub use globus_storage_postgres::{self as postgres, PostgresTokenStorage};
#[cfg(feature = "redis")]
pub use globus_storage_redis::{self as redis, RedisTokenStorage};
#[cfg(feature = "sqlite")]
pub use globus_storage_sqlite::{LegacySqliteTokenStorage, SqliteTokenStorage};
