//! The documents of Globus Transfer.

mod endpoint;
mod events;
mod files;
mod result;
mod submission;
mod task;

pub use self::endpoint::{Endpoint, EndpointPage, EntityType};
pub use self::events::{
    SkippedError, SkippedErrorPage, SuccessfulTransfer, SuccessfulTransferPage, TaskEvent, TaskEventPage,
};
pub use self::files::{EntryType, FileEntry, FileList};
pub use self::result::OperationResult;
pub use self::submission::{SubmissionId, SubmitResponse};
pub use self::task::{FatalError, Task, TaskPage, TaskStatus, TaskType};
