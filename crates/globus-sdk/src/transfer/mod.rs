//! Globus Transfer: files on collections, and the tasks that move them.
//!
//! [`TransferClient`] has the operations; each is a file of `operations/`. [`TransferData`] and [`DeleteData`] say
//! what is to be done, [`TaskWaiter`] waits until it is.

mod client;
mod filter;
mod model;
mod operations;
mod submission;
mod task_wait;

pub use self::client::TransferClient;
pub use self::filter::Filter;
pub use self::model::*;
pub use self::operations::*;
pub use self::submission::{
    Deadline, DeleteData, DeleteItem, FilterMethod, FilterType, RecursiveSymlinks, SyncLevel, TransferData,
    TransferItem,
};
pub use self::task_wait::{TaskFailure, TaskFault, TaskProgress, TaskUpdates, TaskWaitError, TaskWaiter};
