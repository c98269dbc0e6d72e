//! Globus Transfer: files on collections, and the tasks that move them.
//!
//! A *collection* is a directory tree somewhere, known to the service by a UUID. [`TransferClient`] lists and changes
//! directories at once; copying and deleting is done by *tasks*, which the service carries out by itself once they
//! are submitted.
//!
//! ```no_run
//! use globus_sdk::{AccessTokenAuthorizer, TransferClient, TransferData};
//!
//! # async fn example(token: &str, laptop: uuid::Uuid, cluster: uuid::Uuid) -> globus_sdk::Result<()> {
//! let client = TransferClient::new(AccessTokenAuthorizer::new(token))?;
//! client.operation_mkdir(cluster, "/~/backup").send().await?;
//!
//! let data = TransferData::new(laptop, cluster).add_folder("/~/data/", "/~/backup/data/");
//! let submitted = client.submit_transfer(data).send().await?;
//! let task = client.task_wait(submitted.task_id).await?;
//!
//! let mut copied = client.task_successful_transfers(submitted.task_id).items();
//! while let Some(file) = copied.next().await {
//!     println!("{:?}", file?.destination_path);
//! }
//! # let _ = task;
//! # Ok(())
//! # }
//! ```
//!
//! [`TransferData`] and [`DeleteData`] say what is to be done; [`TaskWaiter`] waits until it is, and tells how far it is
//! meanwhile. Lists that come in pages have `items()`: see [`paging`](crate::paging). [`OPERATIONS`] lists what is fixed
//! about each operation; those without a method here are reached by [`TransferClient::request`].
//!
//! # Errors
//!
//! Calls answer [`Error`](crate::Error). Of its predicates, `is_not_found`, `is_forbidden` and `is_consent_required` are the
//! ones that a program most often asks here. An operation that could do harm twice (`operation_mkdir`,
//! `operation_rename`) is not sent again when it is open whether it was done; a submission is, and is done once.

mod client;
mod filter;
mod model;
mod operations;
mod scope_planner;
mod submission;
mod task_wait;

pub use self::client::TransferClient;
pub use self::filter::Filter;
pub use self::model::*;
pub use self::operations::*;
pub use self::scope_planner::{CollectionFacts, IntendedActions, ScopePlan, ScopePlanner};
pub use self::submission::{
    Deadline, DeleteData, DeleteItem, FilterMethod, FilterType, RecursiveSymlinks, SyncLevel, TransferData,
    TransferItem,
};
pub use self::task_wait::{TaskFailure, TaskFault, TaskProgress, TaskUpdates, TaskWaitError, TaskWaiter};
