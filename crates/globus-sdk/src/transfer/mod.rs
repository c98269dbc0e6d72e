//! Globus Transfer: files on collections, and the tasks that move them.

mod client;
mod model;
mod operations;
mod transfer_data;

pub use self::client::TransferClient;
pub use self::model::{
    EntryType, FileEntry, FileList, SubmissionId, SubmitResponse, Task, TaskStatus, TaskType,
};
pub use self::operations::{GetSubmissionId, GetTask, OperationLs, SubmitTransfer};
pub use self::transfer_data::{SyncLevel, TransferData};
