//! A task as the service shows it: every key is always there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::{Status, TaskRecord};
use super::request::{DeleteRequest, Request, TransferRequest};
use crate::clock;
use crate::world::World;

impl TaskRecord {
    pub(crate) fn document(&self, world: &World, now: Timestamp) -> Value {
        let owner = world.identities.get(&self.owner).map(|identity| identity.username.clone());
        let counters = &self.counters;
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
        let mut body = json!({
            "DATA_TYPE": "task", "task_id": self.id, "status": self.status,
            "label": self.label, "owner_id": self.owner, "owner_string": owner, "username": owner,
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
        match &self.request {
            Request::Transfer(request) => show_transfer(&mut body, request, world),
            Request::Delete(request) => show_delete(&mut body, request, world),
        }
        body
    }
}

fn show_transfer(body: &mut Value, request: &TransferRequest, world: &World) {
    body["type"] = json!("TRANSFER");
    show_side(body, "source", Some(&request.source_endpoint), request.source_local_user.as_deref(), world);
    let local_user = request.destination_local_user.as_deref();
    show_side(body, "destination", Some(&request.destination_endpoint), local_user, world);
    let echoed = [
        ("sync_level", json!(request.sync_level)),
        ("verify_checksum", json!(request.verify_checksum)),
        ("encrypt_data", json!(request.encrypt_data)),
        ("preserve_timestamp", json!(request.preserve_timestamp)),
        ("delete_destination_extra", json!(request.delete_destination_extra)),
        ("recursive_symlinks", json!(request.recursive_symlinks)),
        ("skip_source_errors", json!(request.skip_source_errors)),
        ("fail_on_quota_errors", json!(request.fail_on_quota_errors)),
        ("filter_rules", json!(request.filter_rules)),
    ];
    for (member, value) in echoed {
        body[member] = value;
    }
}

fn show_delete(body: &mut Value, request: &DeleteRequest, world: &World) {
    body["type"] = json!("DELETE");
    show_side(body, "source", Some(&request.endpoint), request.local_user.as_deref(), world);
    show_side(body, "destination", None, None, world);
    for member in ["sync_level", "filter_rules", "recursive_symlinks"] {
        body[member] = Value::Null;
    }
    for member in [
        "verify_checksum",
        "encrypt_data",
        "preserve_timestamp",
        "delete_destination_extra",
        "skip_source_errors",
        "fail_on_quota_errors",
    ] {
        body[member] = json!(false);
    }
}

/// The members about one end of a task.
fn show_side(body: &mut Value, side: &str, endpoint: Option<&str>, local_user: Option<&str>, world: &World) {
    let collection = endpoint.and_then(|id| world.collections.get(&id.to_ascii_lowercase()));
    body[format!("{side}_endpoint")] = json!(endpoint);
    body[format!("{side}_endpoint_id")] = json!(endpoint);
    body[format!("{side}_endpoint_display_name")] = json!(collection.map(|collection| &collection.name));
    body[format!("{side}_local_user")] = json!(local_user);
    for member in [
        "base_path",
        "host_endpoint",
        "host_endpoint_display_name",
        "host_endpoint_id",
        "host_path",
        "mapped_collection_display_name",
        "mapped_collection_id",
    ] {
        body[format!("{side}_{member}")] = Value::Null;
    }
    body[format!("{side}_local_user_status")] = json!(endpoint.map(|_| "OK"));
}
