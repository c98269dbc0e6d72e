//! Token storage: where tokens live between two runs of a program.
//!
//! There are two interfaces, for two kinds of programs:
//!
//! * A [`StorageAdapter`] keeps *one* token. It is blocking and small, and any adapter is a refresh callback
//!   as it stands. [`SimpleJsonFileAdapter`](crate::storage::SimpleJsonFileAdapter) keeps it in a file.
//! * A [`TokenStorage`] keeps *many* tokens, by namespace and resource server. Apps use these, through the
//!   handle [`Storage`].

mod adapter;
mod contract;
mod error;
mod handle;
mod lease;

pub use adapter::{FileAdapter, StorageAdapter};
pub use contract::{Capabilities, Loaded, Namespace, StoreKind, TokenStorage};
pub use error::{StorageError, StorageErrorKind};
pub use handle::Storage;
pub use lease::{Lease, RefreshLease, Release};
