//! The documents of Globus Transfer.

mod files;
mod submission;
mod task;

pub use self::files::{EntryType, FileEntry, FileList};
pub use self::submission::{SubmissionId, SubmitResponse};
pub use self::task::{Task, TaskStatus, TaskType};
