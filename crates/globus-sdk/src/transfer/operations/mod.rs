//! The operations of Globus Transfer, one in each file.

mod get_submission_id;
mod get_task;
mod operation_ls;
mod submit_transfer;

pub use self::get_submission_id::GetSubmissionId;
pub use self::get_task::GetTask;
pub use self::operation_ls::OperationLs;
pub use self::submit_transfer::SubmitTransfer;
