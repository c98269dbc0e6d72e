//! The answers in types that serde derives, as a program without the SDK would write them.

#![allow(dead_code, reason = "what is not read is decoded all the same")]

use serde::Deserialize;

/// A listing with all that an entry has.
#[derive(Deserialize)]
pub struct Listing {
    #[serde(rename = "DATA")]
    pub data: Vec<Entry>,
    pub path: Option<String>,
}

/// An entry, whole.
#[derive(Deserialize)]
pub struct Entry {
    #[serde(rename = "DATA_TYPE")]
    data_type: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    size: u64,
    permissions: Option<String>,
    user: Option<String>,
    group: Option<String>,
    last_modified: Option<String>,
    link_target: Option<String>,
    link_size: Option<u64>,
    link_user: Option<String>,
    link_group: Option<String>,
    link_last_modified: Option<String>,
}

/// A page of tasks with as little as a program can do with.
#[derive(Deserialize)]
pub struct Tasks {
    #[serde(rename = "DATA")]
    pub data: Vec<Task>,
    pub total: u64,
}

/// Four of a task's members.
#[derive(Deserialize)]
pub struct Task {
    #[serde(rename = "task_id")]
    id: String,
    status: String,
    label: Option<String>,
    pub bytes_transferred: u64,
}
