use globus_core::decode::{Text, Time};
use globus_core::paging::{Following, Marker};
use globus_core::{TaskId, document, page};

document! {
    /// Something that happened in a task.
    pub struct TaskEvent {
        /// `event`.
        pub data_type as "DATA_TYPE": Text,
        /// The service's word for it: `STARTED`, `PROGRESS`, `SUCCEEDED`, `PERMISSION_DENIED` and others.
        pub code: Text,
        /// The same in words.
        pub description: Text,
        /// More about it: text, often lines or a JSON document.
        pub details: Option<Text>,
        /// When it happened.
        pub time: Option<Time>,
        /// Whether something went wrong.
        pub is_error: bool,
        /// The task that this one is part of.
        pub parent_task_id: Option<TaskId>,
    }
}

document! {
    /// A page of a task's events.
    pub struct TaskEventPage {
        /// `event_list`.
        pub data_type as "DATA_TYPE": Text,
        /// The events, the newest first.
        pub data as "DATA": Vec<TaskEvent>,
        /// How many events are on this page.
        pub length: Option<u64>,
        /// How many events the whole list has.
        pub total: Option<u64>,
        /// How many events come before this page.
        pub offset: Option<u64>,
        /// How many events a page has at most.
        pub limit: Option<u64>,
    }
}

page!(TaskEventPage, data: TaskEvent, |page| Following::total(page.total));

document! {
    /// A file that a task has copied.
    pub struct SuccessfulTransfer {
        /// `successful_transfer`.
        pub data_type as "DATA_TYPE": Text,
        /// Where it came from.
        pub source_path: Option<Text>,
        /// Where it went to.
        pub destination_path: Option<Text>,
        /// Its size in bytes.
        pub size: Option<u64>,
        /// Its checksum, if one was computed.
        pub checksum: Option<Text>,
        /// How that was computed.
        pub checksum_algorithm: Option<Text>,
        /// Whether the path was made up while the task ran.
        pub dynamic: Option<bool>,
    }
}

document! {
    /// A page of the files that a task has copied.
    pub struct SuccessfulTransferPage {
        /// `successful_transfers`.
        pub data_type as "DATA_TYPE": Text,
        /// The files.
        pub data as "DATA": Vec<SuccessfulTransfer>,
        /// Where this page begins.
        pub marker: Option<Marker>,
        /// Where the next page begins; `None` on the last one.
        pub next_marker: Option<Marker>,
    }
}

page!(SuccessfulTransferPage, data: SuccessfulTransfer, |page| Following::marker(page.next_marker.clone()));

document! {
    /// Something that a task left out, and why.
    pub struct SkippedError {
        /// `skipped_error`.
        pub data_type as "DATA_TYPE": Text,
        /// What was to be copied.
        pub source_path: Option<Text>,
        /// Where it was to go.
        pub destination_path: Option<Text>,
        /// The service's word for what went wrong, such as `FILE_NOT_FOUND`.
        pub error_code: Text,
        /// The same in words.
        pub error_details: Option<Text>,
        /// When it went wrong.
        pub error_time: Option<Time>,
        /// Whether it is a directory.
        pub is_directory: bool,
        /// Whether it is a symbolic link.
        pub is_symlink: bool,
        /// Whether it was to be deleted at the destination.
        pub is_delete_destination_extra: bool,
        /// The checksum that was given for it.
        pub external_checksum: Option<Text>,
        /// How that was computed.
        pub checksum_algorithm: Option<Text>,
    }
}

document! {
    /// A page of what a task left out.
    pub struct SkippedErrorPage {
        /// `skipped_errors`.
        pub data_type as "DATA_TYPE": Text,
        /// What was left out.
        pub data as "DATA": Vec<SkippedError>,
        /// Where this page begins.
        pub marker: Option<Marker>,
        /// Where the next page begins; `None` on the last one.
        pub next_marker: Option<Marker>,
    }
}

page!(SkippedErrorPage, data: SkippedError, |page| Following::marker(page.next_marker.clone()));
