use globus_core::decode::{Text, Time};
use globus_core::paging::Following;
use globus_core::{EndpointId, TaskId, document, page, string_enum};
use serde_json::Value;
use uuid::Uuid;

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
    /// What ended a task before it was done.
    pub struct FatalError {
        /// The service's word for it, such as `PERMISSION_DENIED` or `CANCELED`.
        pub code: Text,
        /// The same in words.
        pub description: Text,
    }
}

document! {
    /// A task: files being copied or deleted.
    pub struct Task {
        /// `task`.
        pub data_type as "DATA_TYPE": Text,
        /// The task's id.
        pub task_id: TaskId,
        /// What it does.
        pub task_type as "type": TaskType,
        /// How it stands.
        pub status: TaskStatus,
        /// The name that its owner gave it.
        pub label: Option<Text>,
        /// The identity that submitted it.
        pub owner_id: Option<Uuid>,
        /// That identity's username.
        pub owner_string: Option<Text>,
        /// The owner's name at the service, an older form.
        pub username: Option<Text>,
        /// What submitted it, such as `API 0.10`.
        pub command: Option<Text>,
        /// When it was submitted.
        pub request_time: Option<Time>,
        /// When it ended; `None` while it runs.
        pub completion_time: Option<Time>,
        /// When it is given up.
        pub deadline: Option<Time>,
        /// The collection that files come from; for a deletion, where they are deleted.
        pub source_endpoint_id: Option<EndpointId>,
        /// That collection's name.
        pub source_endpoint_display_name: Option<Text>,
        /// That collection, in an older form.
        pub source_endpoint: Option<Text>,
        /// The directory that the source's paths are below.
        pub source_base_path: Option<Text>,
        /// The collection that hosts the source, if that is a guest collection.
        pub source_host_endpoint_id: Option<EndpointId>,
        /// That collection's name.
        pub source_host_endpoint_display_name: Option<Text>,
        /// That collection, in an older form.
        pub source_host_endpoint: Option<Text>,
        /// The directory of the host that the source is.
        pub source_host_path: Option<Text>,
        /// The mapped collection behind the source, if that is a guest collection.
        pub source_mapped_collection_id: Option<EndpointId>,
        /// That collection's name.
        pub source_mapped_collection_display_name: Option<Text>,
        /// The local account at the source.
        pub source_local_user: Option<Text>,
        /// What is known about that account.
        pub source_local_user_status: Option<Text>,
        /// The collection that files go to.
        pub destination_endpoint_id: Option<EndpointId>,
        /// That collection's name.
        pub destination_endpoint_display_name: Option<Text>,
        /// That collection, in an older form.
        pub destination_endpoint: Option<Text>,
        /// The directory that the destination's paths are below.
        pub destination_base_path: Option<Text>,
        /// The collection that hosts the destination, if that is a guest collection.
        pub destination_host_endpoint_id: Option<EndpointId>,
        /// That collection's name.
        pub destination_host_endpoint_display_name: Option<Text>,
        /// That collection, in an older form.
        pub destination_host_endpoint: Option<Text>,
        /// The directory of the host that the destination is.
        pub destination_host_path: Option<Text>,
        /// The mapped collection behind the destination, if that is a guest collection.
        pub destination_mapped_collection_id: Option<EndpointId>,
        /// That collection's name.
        pub destination_mapped_collection_display_name: Option<Text>,
        /// The local account at the destination.
        pub destination_local_user: Option<Text>,
        /// What is known about that account.
        pub destination_local_user_status: Option<Text>,
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
        /// In how many seconds what hinders it ends; -1 where nothing does.
        pub nice_status_expires_in: Option<i64>,
        /// What ended it before it was done.
        pub fatal_error: Option<FatalError>,
        /// The administrator's side that canceled it: `SOURCE`, `DESTINATION` or `BOTH`.
        pub canceled_by_admin: Option<Text>,
        /// What the administrator said about it.
        pub canceled_by_admin_message: Option<Text>,
        /// Whether the service has forgotten its events and files.
        pub history_deleted: bool,
        /// Whether copies are compared by checksum.
        pub verify_checksum: bool,
        /// When a file counts as up to date; `None`: never.
        pub sync_level: Option<u8>,
        /// Whether times of last change are copied too.
        pub preserve_timestamp: bool,
        /// Whether data is encrypted on the way.
        pub encrypt_data: bool,
        /// Whether what cannot be read is left out.
        pub skip_source_errors: bool,
        /// Whether a full quota ends it.
        pub fail_on_quota_errors: bool,
        /// Whether what the source does not have is deleted at the destination.
        pub delete_destination_extra: bool,
        /// What happens to symbolic links: `ignore`, `keep` or `copy`.
        pub recursive_symlinks: Option<Text>,
        /// The rules about what is copied.
        pub filter_rules: Option<Vec<Value>>,
    }
}

document! {
    /// A page of tasks.
    pub struct TaskPage {
        /// `task_list`.
        pub data_type as "DATA_TYPE": Text,
        /// The tasks.
        pub data as "DATA": Vec<Task>,
        /// How many tasks are on this page.
        pub length: Option<u64>,
        /// How many tasks the whole list has.
        pub total: Option<u64>,
        /// How many tasks come before this page.
        pub offset: Option<u64>,
        /// How many tasks a page has at most.
        pub limit: Option<u64>,
    }
}

page!(TaskPage, data: Task, |page| Following::total(page.total));
