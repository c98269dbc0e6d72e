//! A task: what was asked, how far it is, what happened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::request::{Symlinks, TransferRequest};
use crate::clock;
use crate::world::World;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskRecord {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) request: TransferRequest,
    pub(crate) status: Status,
    pub(crate) request_time: Timestamp,
    pub(crate) deadline: Timestamp,
    pub(crate) completion_time: Option<Timestamp>,
    pub(crate) counters: Counters,
    /// Why it does not go on at the moment: the code of its last error.
    pub(crate) trouble: Option<(String, String)>,
    pub(crate) fatal_error: Option<(String, String)>,
    pub(crate) events: Vec<Event>,
    /// Every file that was transferred.
    pub(crate) successful: Vec<Moved>,
    /// Source, destination and code of every source that was skipped.
    pub(crate) skipped: Vec<(String, String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Active,
    Succeeded,
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }
}

/// Counts of a task. A subtask is one file, directory or link.
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
    fn pending(&self) -> u64 {
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
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) size: u64,
    pub(crate) algorithm: String,
    pub(crate) checksum: String,
}

impl Moved {
    pub(crate) fn document(&self) -> Value {
        json!({
            "DATA_TYPE": "successful_transfer", "source_path": self.source, "destination_path": self.destination,
            "size": self.size, "checksum_algorithm": self.algorithm, "checksum": self.checksum,
            "dynamic": false,
        })
    }
}

/// How a task ends.
#[derive(Debug)]
pub(crate) enum End {
    Succeeded,
    Canceled,
    DeadlinePassed,
    Fatal { code: String, description: String },
}

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
        });
        self.status = Status::Failed;
        match end {
            End::Succeeded => {
                self.status = Status::Succeeded;
                self.note(time, "SUCCEEDED", "succeeded", &summary, false);
            }
            End::Canceled => {
                self.counters.canceled += unfinished;
                self.fatal_error = Some(("CANCELED".to_owned(), "canceled".to_owned()));
                self.note(time, "CANCELED", "canceled", &summary, true);
            }
            End::DeadlinePassed => {
                self.counters.expired += unfinished;
                self.fatal_error = Some(("DEADLINE".to_owned(), "the deadline has passed".to_owned()));
                self.note(time, "DEADLINE", "the deadline has passed", &summary, true);
            }
            End::Fatal { code, description } => {
                self.counters.failed += unfinished;
                self.note(time, &code, &description, &summary, true);
                self.fatal_error = Some((code, description));
            }
        }
    }

    pub(crate) fn document(&self, world: &World, now: Timestamp) -> Value {
        let name = |id: &Option<String>| {
            let id = id.as_deref().unwrap_or_default().to_ascii_lowercase();
            world.collections.get(&id).map(|collection| collection.name.clone())
        };
        let owner = world.identities.get(&self.owner).map(|identity| identity.username.clone());
        let (request, counters) = (&self.request, &self.counters);
        let active = self.status == Status::Active;
        let trouble = self.trouble.as_ref();
        let nice = match trouble {
            Some((code, _)) => Some(code.as_str()),
            None if active && counters.total == 0 => Some("Queued"),
            None if active => Some("OK"),
            None => None,
        };
        let seconds = self.completion_time.unwrap_or(now).duration_since(self.request_time).as_secs().max(1);
        let rate = counters.bytes_transferred / seconds.unsigned_abs();
        let fatal = self.fatal_error.as_ref().map(|(code, text)| json!({"code": code, "description": text}));
        let symlinks = match request.recursive_symlinks {
            Symlinks::Ignore => "ignore",
            Symlinks::Keep => "keep",
            Symlinks::Copy => "copy",
        };
        let mut body = json!({
            "DATA_TYPE": "task", "task_id": self.id, "type": "TRANSFER", "status": self.status.as_str(),
            "label": request.label, "owner_id": self.owner, "owner_string": owner, "username": owner,
            "request_time": clock::text(self.request_time), "deadline": clock::text(self.deadline),
            "completion_time": self.completion_time.map(clock::text),
            "is_paused": false, "is_ok": active.then_some(trouble.is_none()),
            "nice_status": nice, "nice_status_short_description": nice,
            "nice_status_details": trouble.map(|(_, text)| text), "nice_status_expires_in": active.then_some(-1),
            "files": counters.files, "directories": counters.directories, "symlinks": counters.symlinks,
            "files_skipped": counters.files_skipped, "files_transferred": counters.files_transferred,
            "faults": counters.faults, "bytes_transferred": counters.bytes_transferred,
            "bytes_checksummed": counters.bytes_checksummed, "effective_bytes_per_second": rate,
            "command": "API 0.10", "history_deleted": false, "fatal_error": fatal,
            "canceled_by_admin": null, "canceled_by_admin_message": null,
        });
        let subtasks = [
            ("total", counters.total),
            ("succeeded", counters.succeeded),
            ("pending", counters.pending()),
            ("retrying", counters.retrying),
            ("failed", counters.failed),
            ("canceled", counters.canceled),
            ("expired", counters.expired),
            ("skipped_errors", counters.skipped_errors),
        ];
        for (kind, count) in subtasks {
            body[format!("subtasks_{kind}")] = json!(count);
        }
        for (side, id) in
            [("source", &request.source_endpoint), ("destination", &request.destination_endpoint)]
        {
            body[format!("{side}_endpoint")] = json!(id);
            body[format!("{side}_endpoint_id")] = json!(id);
            body[format!("{side}_endpoint_display_name")] = json!(name(id));
            body[format!("{side}_local_user")] = Value::Null;
            body[format!("{side}_host_endpoint_id")] = Value::Null;
        }
        let echoed = [
            ("sync_level", json!(request.sync_level)),
            ("verify_checksum", json!(request.verify_checksum)),
            ("encrypt_data", json!(request.encrypt_data)),
            ("preserve_timestamp", json!(request.preserve_timestamp)),
            ("delete_destination_extra", json!(request.delete_destination_extra)),
            ("recursive_symlinks", json!(symlinks)),
            ("skip_source_errors", json!(request.skip_source_errors)),
            ("fail_on_quota_errors", json!(request.fail_on_quota_errors)),
            ("filter_rules", json!(request.filter_rules)),
        ];
        for (member, value) in echoed {
            body[member] = value;
        }
        body
    }
}
