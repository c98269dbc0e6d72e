//! How waiting for a task can end without success.

use std::fmt;
use std::time::Duration;

use globus_core::Error;

use super::progress::TaskFault;
use crate::transfer::Task;

/// A task that ended without being done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskFailure {
    /// The task as it ended.
    pub task: Task,
    /// What ended it.
    pub fault: TaskFault,
}

impl TaskFailure {
    /// Whether somebody canceled it.
    pub fn is_canceled(&self) -> bool {
        self.fault.code == "CANCELED"
    }

    /// Whether its deadline came first.
    pub fn is_expired(&self) -> bool {
        self.fault.code == "EXPIRED"
    }

    /// What the user can do about it.
    fn advice(&self) -> &'static str {
        match self.fault.code.as_str() {
            "CANCELED" => "submit it again if that was not meant",
            "EXPIRED" => "give it more time with a later deadline",
            "FILE_NOT_FOUND" => "check the paths",
            "PERMISSION_DENIED" => "ask for access, or leave out what cannot be read",
            "NO_SPACE_LEFT" | "QUOTA_EXCEEDED" => "make room at the destination",
            "EXTERNAL_CHECKSUM_MISMATCH" => "check the file and the checksum that was given for it",
            _ => "its events say more: see task_event_list",
        }
    }
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} failed: {}; {}", self.task.task_id, self.fault, self.advice())
    }
}

/// Waiting for a task ended without its success.
///
/// It turns into the SDK's [`Error`] where a function answers that;
/// [`find_cause`](globus_core::Error::find_cause) finds it again there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskWaitError {
    /// The task has ended without being done. What it copied or deleted before stays so.
    #[error("{0}")]
    Failed(Box<TaskFailure>),
    /// The task cannot go on until its owner does something, such as to log in again; until its deadline it can
    /// still succeed.
    #[error(
        "task {} cannot go on by itself{}; its owner has to act, most often to log in again, before its deadline",
        .0.task_id, cause(.0)
    )]
    Inactive(Box<Task>),
    /// The time that was given is over, and the task has not ended. It goes on; wait again, or cancel it.
    #[error("task {} has not ended after {}s; it goes on by itself: wait again, or cancel it", .task.task_id, .waited.as_secs_f64())]
    TimedOut {
        /// The task as it was last seen.
        task: Box<Task>,
        /// How long was waited between the looks.
        waited: Duration,
    },
    /// The task could not be looked at. It goes on by itself; wait again later.
    #[error(transparent)]
    Call(#[from] Error),
}

fn cause(task: &Task) -> String {
    task.nice_status.as_ref().map_or_else(String::new, |status| format!(" ({status})"))
}

impl TaskWaitError {
    /// The failure, if the task has failed.
    pub fn failure(&self) -> Option<&TaskFailure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

impl From<TaskWaitError> for Error {
    fn from(error: TaskWaitError) -> Self {
        match error {
            TaskWaitError::Call(error) => error,
            error => Self::other(error.to_string(), Some(error.into())),
        }
    }
}
