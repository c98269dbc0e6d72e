//! The answers that are long: rendered once, kept in memory.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// What a body depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    Listing { entries: u64 },
    Tasks { offset: u64, limit: u64, total: u64 },
}

impl Key {
    fn render(self) -> Bytes {
        let mut body = String::new();
        // Writing to a string does not fail.
        let _written = match self {
            Self::Listing { entries } => listing(&mut body, entries),
            Self::Tasks { offset, limit, total } => tasks(&mut body, offset, limit, total),
        };
        Bytes::from(body)
    }
}

/// The bodies that were asked for.
#[derive(Default)]
pub struct Bodies(Mutex<HashMap<Key, Bytes>>);

impl Bodies {
    /// A list of a million items has a thousand pages; all of them are kept, but never without bound.
    const KEPT: usize = 4096;

    pub fn get(&self, key: Key) -> Bytes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = kept.get(&key) {
            return body.clone();
        }
        let body = key.render();
        if kept.len() < Self::KEPT {
            kept.insert(key, body.clone());
        }
        body
    }
}

fn listing(body: &mut String, entries: u64) -> std::fmt::Result {
    body.push_str(r#"{"DATA_TYPE":"file_list","DATA":["#);
    for entry in 0..entries {
        let comma = if entry > 0 { "," } else { "" };
        let size = entry * 37;
        write!(
            body,
            r#"{comma}{{"DATA_TYPE":"file","name":"file-{entry:06}.dat","type":"file","size":{size},"user":"alice","group":"staff","permissions":"0644","last_modified":"2026-01-01 00:00:00+00:00","link_group":null,"link_last_modified":null,"link_size":null,"link_target":null,"link_user":null}}"#,
        )?;
    }
    write!(
        body,
        r#"],"absolute_path":"/home/alice/","endpoint":"ddb59aef-6d04-11e5-ba46-22000b92c6ec","length":{entries},"path":"/~/","rename_supported":true,"symlink_supported":false,"total":{entries}}}"#,
    )
}

fn tasks(body: &mut String, offset: u64, limit: u64, total: u64) -> std::fmt::Result {
    let end = offset.saturating_add(limit).min(total);
    body.push_str(r#"{"DATA_TYPE":"task_list","DATA":["#);
    for task in offset..end {
        let comma = if task > offset { "," } else { "" };
        let bytes = task * 1024;
        write!(
            body,
            r#"{comma}{{"DATA_TYPE":"task","task_id":"00000000-0000-4000-8000-{task:012x}","type":"TRANSFER","status":"SUCCEEDED","label":"nightly copy {task}","owner_id":"b2c3d4e5-0000-4000-8000-000000000001","request_time":"2026-01-01T00:00:00+00:00","completion_time":"2026-01-01T00:10:00+00:00","deadline":"2026-01-02T00:00:00+00:00","source_endpoint_id":"ddb59aef-6d04-11e5-ba46-22000b92c6ec","source_endpoint_display_name":"Source","destination_endpoint_id":"ddb59af0-6d04-11e5-ba46-22000b92c6ec","destination_endpoint_display_name":"Destination","bytes_transferred":{bytes},"effective_bytes_per_second":104857600,"files":12,"files_transferred":12,"files_skipped":0,"directories":3,"faults":0,"subtasks_total":24,"subtasks_succeeded":24,"subtasks_failed":0,"is_paused":false,"encrypt_data":false,"verify_checksum":true,"sync_level":null,"nice_status":null,"canceled_by_admin":null}}"#,
        )?;
    }
    let length = end.saturating_sub(offset);
    write!(body, r#"],"length":{length},"limit":{limit},"offset":{offset},"total":{total}}}"#)
}
