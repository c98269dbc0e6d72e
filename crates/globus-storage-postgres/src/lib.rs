//! Keeps the tokens of the Globus SDK for Rust in PostgreSQL: for services with many users, and for programs on
//! several machines.
//!
//! [`PostgresTokenStorage`] is a [`TokenStorage`] on a pool of connections that the program makes itself, with its own
//! TLS, limits and timeouts. Programs that use `globus-sdk` switch on its feature `postgres` and find all of this as
//! `globus_sdk::storage::postgres`.
//!
//! ```no_run
//! use globus_core::storage::Storage;
//! use globus_storage_postgres::PostgresTokenStorage;
//! use globus_storage_postgres::deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
//! use globus_storage_postgres::tokio_postgres::{Config, NoTls};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config: Config = "host=/run/postgresql user=portal dbname=portal".parse()?;
//! let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
//! let pool = Pool::builder(Manager::from_config(config, NoTls, fast)).max_size(8).build()?;
//!
//! let storage = PostgresTokenStorage::new(pool);
//! storage.migrate().await?;
//!
//! // A namespace for each user of the portal.
//! let storage = Storage::from(storage).with_namespace("user:4711");
//! if let Some(token) = storage.get("transfer.api.globus.org").await? {
//!     println!("good until {}", token.expires_at_seconds);
//! }
//! # Ok(()) }
//! ```
//!
//! # What is kept, and where
//!
//! [`migrate`](PostgresTokenStorage::migrate) makes three tables, by default `globus_tokens`, `globus_leases` and
//! `globus_meta` in the first schema of the role's search path. A token is one row: namespace, resource server, and
//! the record as JSON *text*, which keeps the order of its members and those that this version does not know.
//!
//! Records are not encrypted: whoever reads the tables or a backup of them can use the tokens. Grant the tables to the
//! role of the program alone, and use TLS to a server on another machine.
//!
//! # What is safe
//!
//! * A batch is stored in one transaction. Two programs that store the same record at once do so one after the other,
//!   and a refresh of a record that was replaced or removed meanwhile is a
//!   [`Conflict`](globus_core::storage::StorageErrorKind::Conflict).
//! * When the connection is lost while a store is being committed, the storage connects again, for up to ten seconds,
//!   and looks. It then knows whether the tokens are stored, unless another program has stored others since, the
//!   server stays away, or it does not let the storage look: that is an
//!   [`Unavailable`](globus_core::storage::StorageErrorKind::Unavailable) whose source says that nobody knows. It is the
//!   one error after which the tokens may be stored. A removal is repeated, and ends in the same way if that fails.
//! * A refresh lease is a row with a time by the server's clock; the clocks of the programs do not matter. No connection
//!   is held while a program waits for a lease or holds one.
//! * How durable a stored token is, the server decides: with its default settings (`fsync` and `synchronous_commit` on)
//!   it survives a power failure. `synchronous_commit = off` for the role or the database gives up the last moments.
//!   After a failover to a replica that lags, old records may be back.
//!
//! # Limits and timeouts
//!
//! * A few connections serve many users: each is held for a millisecond or two. The pool waits for ever for a free
//!   connection unless it is given timeouts (and a runtime, as they need one).
//! * A store waits for a row that another transaction has locked for
//!   [`lock_wait`](PostgresTokenStorage::lock_wait). Other statements wait as long as the server lets them: set
//!   `statement_timeout` for the role, and `tcp_user_timeout` or `keepalives` in the connection's configuration against
//!   servers that vanish.
//! * Statements are prepared once for each connection. A proxy that hands each transaction to another connection must
//!   know of that (PgBouncer does from version 1.21, with `max_prepared_statements`).
//! * Names cannot have the character with code 0, and together not more than some 2,600 bytes.

mod connection;
mod failure;
mod lease;
mod migrate;
mod storage;
mod store;
mod tables;
mod turns;

pub use deadpool_postgres;
pub use deadpool_postgres::tokio_postgres;

pub use self::storage::PostgresTokenStorage;
pub use self::tables::InvalidName;

#[cfg(doc)]
use globus_core::storage::TokenStorage;
