//! Globus tokens in an SQLite database, shared with the Python SDK and the Python CLI.
//!
//! | storage | the databases of | writes records |
//! |---|---|---|
//! | [`SqliteTokenStorage`] | `SQLiteTokenStorage` of the Python SDK | of the newer form |
//! | [`LegacySqliteTokenStorage`] | `SQLiteAdapter` of the Python SDK and of `globus-sdk-tokenstorage`, and of the Python CLI | of the older form |
//!
//! Both read the databases of either, and leave alone what they do not know in them. [`read_token_database`] reads a
//! database of whichever program without writing, for an import.
//!
//! # One database, many programs
//!
//! Every write is one immediate transaction, so programs in Rust and in Python can use a database at the same time.
//! A database that somebody else keeps locked is waited for; see [`SqliteTokenStorage::lock_wait`]. Whoever refreshes
//! a token holds a lease meanwhile, a row in the table `globus_sdk_rs_refresh_lease`, which is made with the first
//! lease and which the Python programs do not look at. So programs in Rust never spend a refresh token twice;
//! programs in Python know nothing of leases.
//!
//! A database is opened when it is first used. When its file is deleted or replaced, the new one is opened.
//!
//! # What is protected, and what is not
//!
//! The file is readable and writable by its owner alone from its first moment, and so is SQLite's journal beside it.
//! What is deleted or replaced is overwritten in the database (`secure_delete`). It is *not* overwritten in the
//! journal, which SQLite deletes as any file is deleted, nor is anything encrypted: who can read the file, or the raw
//! disk, can read the tokens.
//!
//! # What outlives a power failure
//!
//! With [`Durability::Full`](globus_core::storage::Durability::Full) a write has reached the disk when it is done
//! (`synchronous = FULL`), but the deletion of its journal may not have: on some file systems a power failure within
//! seconds after a write brings back what was stored before it. With
//! [`Durability::Rename`](globus_core::storage::Durability::Rename) (`synchronous = NORMAL`) less is waited for, and
//! the same can happen for longer. The journal mode is `DELETE`, which works on network file systems with locks; a
//! database that is in the mode `WAL` already stays in it.

mod contents;
mod database;
mod error;
mod lease;
mod legacy;
mod options;
mod rows;
mod schema;
mod storage;

pub use contents::{DatabaseSchema, TokenDatabaseContents, read_token_database};
pub use legacy::LegacySqliteTokenStorage;
pub use storage::SqliteTokenStorage;

/// Who made a database: this version of this crate, told apart from the Python packages.
const VERSION: &str = concat!("rs-", env!("CARGO_PKG_VERSION"));
