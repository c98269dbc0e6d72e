use globus_core::decode::{Text, Time};
use globus_core::{document, string_enum};
use serde_json::Value;

string_enum! {
    /// How a task stands.
    pub enum TaskStatus {
        /// It runs, or waits for something that may still come.
        Active = "ACTIVE",
        /// It cannot go on until its owner does something, such as to log in again.
        Inactive = "INACTIVE",
        /// It is done.
        Succeeded = "SUCCEEDED",
        /// It has ended without being done.
        Failed = "FAILED",
    }
}

string_enum! {
    /// What a task does.
    pub enum TaskType {
        /// It copies.
        Transfer = "TRANSFER",
        /// It deletes.
        Delete = "DELETE",
    }
}

document! {
    /// A task: files being copied or deleted.
    pub struct Task {
        /// `task`.
        pub data_type as "DATA_TYPE": Text,
        /// The task's id, a UUID.
        pub task_id: Text,
        /// What it does.
        pub task_type as "type": TaskType,
        /// How it stands.
        pub status: TaskStatus,
        /// The name that its owner gave it.
        pub label: Option<Text>,
        /// The identity that submitted it.
        pub owner_id: Option<Text>,
        /// When it was submitted.
        pub request_time: Option<Time>,
        /// When it ended; `None` while it runs.
        pub completion_time: Option<Time>,
        /// When it is given up.
        pub deadline: Option<Time>,
        /// The collection that files come from; for a deletion, where they are deleted.
        pub source_endpoint_id: Option<Text>,
        /// That collection's name.
        pub source_endpoint_display_name: Option<Text>,
        /// The collection that files go to.
        pub destination_endpoint_id: Option<Text>,
        /// That collection's name.
        pub destination_endpoint_display_name: Option<Text>,
        /// How many files there are, as far as is known.
        pub files: u64,
        /// How many directories there are, as far as is known.
        pub directories: u64,
        /// How many symbolic links there are, as far as is known.
        pub symlinks: u64,
        /// How many files were copied.
        pub files_transferred: Option<u64>,
        /// How many files were up to date already.
        pub files_skipped: Option<u64>,
        /// How many bytes were copied.
        pub bytes_transferred: u64,
        /// How many bytes were read again to compare checksums.
        pub bytes_checksummed: u64,
        /// Bytes per second, over the whole time.
        pub effective_bytes_per_second: u64,
        /// How many steps the task has.
        pub subtasks_total: u64,
        /// How many of them are done.
        pub subtasks_succeeded: u64,
        /// How many of them are still to do.
        pub subtasks_pending: u64,
        /// How many of them are being tried again.
        pub subtasks_retrying: u64,
        /// How many of them failed.
        pub subtasks_failed: u64,
        /// How many of them were canceled.
        pub subtasks_canceled: u64,
        /// How many of them ran out of time.
        pub subtasks_expired: u64,
        /// How many of them were left out because of errors, as the submission allowed.
        pub subtasks_skipped_errors: u64,
        /// How many times something went wrong and was tried again.
        pub faults: u64,
        /// Whether all goes well; `None` where that is not known.
        pub is_ok: Option<bool>,
        /// Whether somebody has paused it.
        pub is_paused: bool,
        /// In a word, what it is doing or waiting for.
        pub nice_status: Option<Text>,
        /// The same in a few words.
        pub nice_status_short_description: Option<Text>,
        /// The same in full.
        pub nice_status_details: Option<Text>,
        /// What ended it for good: an object with `code` and `description`.
        pub fatal_error: Option<Value>,
        /// Whether copies are compared by checksum.
        pub verify_checksum: bool,
        /// When a file counts as up to date; `None`: never.
        pub sync_level: Option<u8>,
    }
}
