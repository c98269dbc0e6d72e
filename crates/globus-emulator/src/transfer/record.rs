//! A task: what was asked, how far it is, what happened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::request::Request;
use super::verify::Algorithm;
use crate::clock;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskRecord {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) submission_id: Uuid,
    pub(crate) label: Option<String>,
    pub(crate) request: Request,
    pub(crate) status: Status,
    pub(crate) request_time: Timestamp,
    pub(crate) deadline: Timestamp,
    pub(crate) completion_time: Option<Timestamp>,
    pub(crate) counters: Counters,
    /// How many items of a deletion, from the first, are done with. Transfers begin anew.
    pub(crate) items_done: usize,
    /// Why it does not go on at the moment: code and words of its last error.
    pub(crate) trouble: Option<(String, String)>,
    pub(crate) fatal_error: Option<(String, String)>,
    pub(crate) events: Vec<Event>,
    /// Every file that was transferred.
    pub(crate) successful: Vec<Moved>,
    pub(crate) skipped: Vec<Skipped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Active,
    Succeeded,
    Failed,
}

/// Counts of a task. A subtask is one file, directory or link, or the clearing of one directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) files: u64,
    pub(crate) directories: u64,
    pub(crate) symlinks: u64,
    pub(crate) files_skipped: u64,
    pub(crate) files_transferred: u64,
    pub(crate) faults: u64,
    pub(crate) bytes_transferred: u64,
    pub(crate) bytes_checksummed: u64,
    pub(crate) total: u64,
    pub(crate) succeeded: u64,
    pub(crate) retrying: u64,
    pub(crate) failed: u64,
    pub(crate) canceled: u64,
    pub(crate) expired: u64,
    pub(crate) skipped_errors: u64,
}

impl Counters {
    pub(super) fn pending(&self) -> u64 {
        let done =
            self.succeeded + self.retrying + self.failed + self.canceled + self.expired + self.skipped_errors;
        self.total.saturating_sub(done)
    }

    /// What was still to do when the task ended; it is no longer retried.
    fn take_unfinished(&mut self) -> u64 {
        let unfinished = self.pending() + self.retrying;
        self.retrying = 0;
        unfinished
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) code: String,
    pub(crate) description: String,
    /// A JSON document as text, which is how clients expect it.
    pub(crate) details: String,
    pub(crate) time: Timestamp,
    pub(crate) is_error: bool,
}

impl Event {
    pub(crate) fn document(&self) -> Value {
        json!({
            "DATA_TYPE": "event", "code": self.code, "description": self.description, "details": self.details,
            "time": clock::text(self.time), "is_error": self.is_error, "parent_task_id": null,
        })
    }
}

/// One file that was transferred.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Moved {
    pub(crate) source: Box<str>,
    pub(crate) destination: Box<str>,
    pub(crate) size: u64,
    /// Nothing where no checksum was wanted.
    pub(crate) checksum: Option<(Algorithm, Box<str>)>,
}

impl Moved {
    pub(crate) fn document(&self) -> Value {
        let checksum = self.checksum.as_ref();
        json!({
            "DATA_TYPE": "successful_transfer", "source_path": self.source, "destination_path": self.destination,
            "size": self.size, "checksum_algorithm": checksum.map(|(algorithm, _)| algorithm.name()),
            "checksum": checksum.map(|(_, checksum)| checksum), "dynamic": false,
        })
    }
}

/// One thing that was left out because of an error at its source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Skipped {
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) code: String,
    pub(crate) details: String,
    pub(crate) time: Timestamp,
    pub(crate) is_directory: bool,
    pub(crate) is_symlink: bool,
    /// Whether it was about removing what the source does not have.
    pub(crate) is_extra: bool,
    pub(crate) external_checksum: Option<String>,
    pub(crate) checksum_algorithm: Option<String>,
}

impl Skipped {
    pub(crate) fn document(&self) -> Value {
        json!({
            "DATA_TYPE": "skipped_error", "source_path": self.source, "destination_path": self.destination,
            "error_code": self.code, "error_details": self.details, "error_time": clock::text(self.time),
            "is_directory": self.is_directory, "is_symlink": self.is_symlink,
            "is_delete_destination_extra": self.is_extra, "external_checksum": self.external_checksum,
            "checksum_algorithm": self.checksum_algorithm,
        })
    }
}

/// What a task did since it last said so.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) moved: Vec<Moved>,
    pub(super) skipped: Vec<Skipped>,
}

/// How a task ends.
#[derive(Debug)]
pub(crate) enum End {
    Succeeded,
    Canceled,
    Expired,
    Fatal { code: String, description: String },
}

/// The code of a task that its owner ended.
const CANCELED: &str = "CANCELED";

impl TaskRecord {
    pub(crate) fn note(
        &mut self,
        time: Timestamp,
        code: &str,
        description: &str,
        details: &Value,
        is_error: bool,
    ) {
        self.events.push(Event {
            code: code.to_owned(),
            description: description.to_owned(),
            details: details.to_string(),
            time,
            is_error,
        });
    }

    /// Takes over how far the work is.
    pub(super) fn advance(&mut self, counters: &Counters, news: News) {
        self.counters = counters.clone();
        self.successful.extend(news.moved);
        self.skipped.extend(news.skipped);
    }

    /// Takes over what was done until the work stopped, of a task that was cancelled meanwhile.
    pub(super) fn settle(&mut self, counters: &Counters, news: News) {
        if self.fatal_error.as_ref().is_some_and(|(code, _)| code == CANCELED) {
            self.advance(counters, news);
            self.counters.canceled += self.counters.take_unfinished();
        }
    }

    /// Ends the task, once: a task that has ended stays as it is.
    pub(crate) fn end(&mut self, time: Timestamp, end: End) {
        if self.status != Status::Active {
            return;
        }
        self.completion_time = Some(time);
        self.trouble = None;
        let unfinished = self.counters.take_unfinished();
        let summary = json!({
            "bytes_transferred": self.counters.bytes_transferred, "files_succeeded": self.counters.files_transferred,
            "files_skipped": self.counters.files_skipped, "subtasks_succeeded": self.counters.succeeded,
        });
        self.status = Status::Failed;
        match end {
            End::Succeeded if self.counters.skipped_errors > 0 => {
                self.status = Status::Succeeded;
                let details = json!({"skipped_errors": self.counters.skipped_errors});
                self.note(time, "SKIPPED_ERRORS", "some source errors were skipped", &details, false);
                self.note(time, "SUCCEEDED", "succeeded", &summary, false);
            }
            End::Succeeded => {
                self.status = Status::Succeeded;
                self.note(time, "SUCCEEDED", "succeeded", &summary, false);
            }
            End::Canceled => {
                self.counters.canceled += unfinished;
                self.fatal_error = Some((CANCELED.to_owned(), "canceled".to_owned()));
                self.note(time, CANCELED, "canceled", &summary, true);
            }
            End::Expired => {
                self.counters.expired += unfinished;
                self.fatal_error = Some(("EXPIRED".to_owned(), "the deadline has passed".to_owned()));
                self.note(time, "EXPIRED", "the deadline has passed", &summary, true);
            }
            End::Fatal { code, description } => {
                self.counters.failed += unfinished;
                self.note(time, &code, &description, &summary, true);
                self.fatal_error = Some((code, description));
            }
        }
    }
}
