//! How far a task is.

use std::fmt;

use crate::transfer::{Task, TaskStatus};

/// What hinders a task, or what ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskFault {
    /// The service's word for it, such as `PERMISSION_DENIED`.
    pub code: String,
    /// The same in words; empty where the service says nothing more.
    pub description: String,
}

impl fmt::Display for TaskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.description.is_empty() {
            return f.write_str(&self.code);
        }
        write!(f, "{}: {}", self.code, self.description)
    }
}

/// How far a task is, as the last look at it found. [`task`](Self::task) has everything that the service said.
///
/// The numbers are those known so far: while directories are still being read, the totals grow.
#[derive(Debug, Clone)]
pub struct TaskProgress {
    task: Task,
}

impl TaskProgress {
    pub(super) fn new(task: Task) -> Self {
        Self { task }
    }

    /// The task itself.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The task itself.
    pub fn into_task(self) -> Task {
        self.task
    }

    /// How the task stands.
    pub fn status(&self) -> &TaskStatus {
        &self.task.status
    }

    /// Whether the task runs, or will go on by itself.
    pub fn is_active(&self) -> bool {
        self.task.status == TaskStatus::Active
    }

    /// How many files were copied or deleted, or were up to date already.
    pub fn files_done(&self) -> u64 {
        self.task.files_transferred.unwrap_or(0).saturating_add(self.task.files_skipped.unwrap_or(0))
    }

    /// How many files there are.
    pub fn files_total(&self) -> u64 {
        self.task.files
    }

    /// How many bytes were copied.
    pub fn bytes_done(&self) -> u64 {
        self.task.bytes_transferred
    }

    /// Bytes per second, over the whole time.
    pub fn bytes_per_second(&self) -> u64 {
        self.task.effective_bytes_per_second
    }

    /// The share of the task's steps that is over, from 0 to 1; `None` while it has no steps yet.
    #[expect(clippy::cast_precision_loss, reason = "a share is shown, not computed with")]
    pub fn fraction(&self) -> Option<f64> {
        let task = &self.task;
        let left = task.subtasks_pending.saturating_add(task.subtasks_retrying);
        (task.subtasks_total > 0).then(|| {
            let over = task.subtasks_total.saturating_sub(left);
            over as f64 / task.subtasks_total as f64
        })
    }

    /// How many times something went wrong and was tried again.
    pub fn faults(&self) -> u64 {
        self.task.faults
    }

    /// What hinders the task at the moment, or what ended it before it was done.
    pub fn fault(&self) -> Option<TaskFault> {
        let task = &self.task;
        if let Some(error) = &task.fatal_error {
            let (code, description) = (error.code.to_string(), error.description.to_string());
            return Some(TaskFault { code, description });
        }
        let code = task.nice_status.as_deref().filter(|status| !matches!(*status, "OK" | "Queued"))?;
        let details = task.nice_status_details.as_deref();
        let description = details.or(task.nice_status_short_description.as_deref()).unwrap_or_default();
        let description = if description == code { "" } else { description };
        Some(TaskFault { code: code.to_owned(), description: description.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use globus_core::decode::from_slice;

    use super::*;

    fn progress(json: &str) -> TaskProgress {
        TaskProgress::new(from_slice(json.as_bytes()).unwrap())
    }

    #[test]
    fn what_hinders_a_task_is_named() {
        let fault = |json| progress(json).fault().map(|fault| fault.to_string());
        assert_eq!(fault(r#"{"status": "ACTIVE", "nice_status": "OK"}"#), None);
        assert_eq!(fault(r#"{"status": "ACTIVE", "nice_status": null}"#), None);
        let denied = r#"{"nice_status": "PERMISSION_DENIED", "nice_status_details": "/a/b"}"#;
        assert_eq!(fault(denied).unwrap(), "PERMISSION_DENIED: /a/b");
        let bare = r#"{"nice_status": "PAUSED", "nice_status_short_description": "PAUSED"}"#;
        assert_eq!(fault(bare).unwrap(), "PAUSED");
        let ended = r#"{"fatal_error": {"code": "CANCELED", "description": "canceled"}, "nice_status": "X"}"#;
        assert_eq!(fault(ended).unwrap(), "CANCELED: canceled");
    }

    #[test]
    fn the_share_is_of_steps_that_are_over() {
        assert_eq!(progress("{}").fraction(), None);
        let json = r#"{"subtasks_total": 8, "subtasks_pending": 3, "subtasks_retrying": 1, "files": 9,
            "files_transferred": 2, "files_skipped": 1}"#;
        let progress = progress(json);
        assert_eq!(progress.fraction(), Some(0.5));
        assert_eq!((progress.files_done(), progress.files_total()), (3, 9));
    }
}
