//! Token storage: where tokens live between two runs of a program.
//!
//! There are two interfaces, for two kinds of programs:
//!
//! * A [`StorageAdapter`] keeps *one* token. It is blocking and small, and any adapter is a refresh callback
//!   as it stands. [`SimpleJsonFileAdapter`] keeps it in a file.
//! * A [`TokenStorage`] keeps *many* tokens, by namespace and resource server. Apps use these, through the
//!   handle [`Storage`].
//!
//! | storage | what it keeps tokens in |
//! |---|---|
//! | [`SimpleJsonFileAdapter`] | a flat file with one token, as globus-sdk-tokenstorage writes it |
//! | [`JsonTokenStorage`] | a JSON file of format 2.0, shared with the Python SDK |
//! | [`LegacyJsonTokenStorage`] | a JSON file of format 1.0, shared with older programs |
//! | [`MemoryTokenStorage`] | memory |
//! | [`CachedTokenStorage`] | another storage; remembers for a short time what it has read |
//! | [`ValidatingTokenStorage`] | another storage; checks what goes in and out |
//! | `SealedTokenStorage` (feature `seal`) | any other storage, each record sealed |
//!
//! A storage of your own is described in [`writing_a_backend`].
//!
//! Files are readable by their owner alone. They are written in one step, by one process at a time, on network
//! file systems too; a writer that dies leaves the old or the new content. Errors are [`StorageError`]s, which
//! say what is wrong, with which file, and what to do.
//!
//! # When a file is damaged
//!
//! Every write keeps the content that it replaces as `<name>.last-good`, for the owner alone. A file that cannot be
//! read is never repaired or replaced by itself: reading and writing fail, and the error says so, until the user
//! has decided. [`inspect`](JsonTokenStorage::inspect) tells what is wrong and what there is to go back to,
//! [`restore_last_good`](JsonTokenStorage::restore_last_good) goes back, and
//! [`set_aside`](JsonTokenStorage::set_aside) starts anew; both keep the damaged file as `<name>.damaged-<time>`.
//! Removing a token deletes the copies that may hold it as well. They are unlinked, not wiped from the disk.

mod adapter;
mod cached;
mod capabilities;
mod contract;
mod document;
mod error;
mod file;
pub mod files;
mod flat;
mod handle;
mod json;
mod lease;
mod lease_holder;
mod legacy_json;
mod lookup;
mod memory;
mod options;
mod private_file;
mod recovery;
#[cfg(feature = "seal")]
mod sealed;
mod store_kind;
mod token_file_reader;
mod validating;

#[doc = include_str!("writing_a_backend.md")]
pub mod writing_a_backend {}

pub use adapter::{FileAdapter, StorageAdapter};
pub use cached::CachedTokenStorage;
pub use capabilities::Capabilities;
pub use contract::{Loaded, Namespace, TokenStorage};
pub use error::{StorageError, StorageErrorKind};
pub use file::{Durability, FileEncoding, open_checked};
pub use flat::SimpleJsonFileAdapter;
pub use handle::{AnyTokenStorage, Storage};
pub use json::JsonTokenStorage;
pub use lease::{Extend, Lease, RefreshLease, Release};
pub use lease_holder::{LeaseHolder, Pause};
pub use legacy_json::LegacyJsonTokenStorage;
pub use memory::MemoryTokenStorage;
pub use private_file::PrivateFile;
pub use recovery::{Holdings, Inspection, LastGoodCopy};
#[cfg(feature = "seal")]
pub use sealed::SealedTokenStorage;
pub use store_kind::StoreKind;
pub use token_file_reader::{FileFormat, TokenFileContents, read_token_file};
pub use validating::{
    HasRefreshTokens, NotExpired, TokenValidator, UnchangingIdentity, ValidatingTokenStorage,
    ValidationContext,
};

/// The member of a file that tells who wrote it.
const VERSION_KEY: &str = "globus-sdk.version";

/// Who writes: this version of this crate, told apart from the Python packages.
const VERSION: &str = concat!("rs-", env!("CARGO_PKG_VERSION"));
