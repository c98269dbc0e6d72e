//! A client of Transfer, which checks every task that it sees.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Setup, json, text};

pub struct Caller<'s> {
    pub setup: &'s Setup,
    pub token: String,
}

/// Everything that a task document must have, whatever the task.
const TASK_KEYS: [&str; 66] = [
    "DATA_TYPE",
    "bytes_checksummed",
    "bytes_transferred",
    "canceled_by_admin",
    "canceled_by_admin_message",
    "command",
    "completion_time",
    "deadline",
    "delete_destination_extra",
    "destination_base_path",
    "destination_endpoint",
    "destination_endpoint_display_name",
    "destination_endpoint_id",
    "destination_host_endpoint",
    "destination_host_endpoint_id",
    "destination_host_path",
    "destination_local_user",
    "destination_local_user_status",
    "destination_mapped_collection_id",
    "directories",
    "effective_bytes_per_second",
    "encrypt_data",
    "fail_on_quota_errors",
    "fatal_error",
    "faults",
    "files",
    "files_skipped",
    "files_transferred",
    "filter_rules",
    "history_deleted",
    "is_ok",
    "is_paused",
    "label",
    "nice_status",
    "nice_status_details",
    "nice_status_expires_in",
    "nice_status_short_description",
    "owner_id",
    "owner_string",
    "preserve_timestamp",
    "recursive_symlinks",
    "request_time",
    "skip_source_errors",
    "source_base_path",
    "source_endpoint",
    "source_endpoint_display_name",
    "source_endpoint_id",
    "source_host_endpoint",
    "source_host_endpoint_id",
    "source_host_path",
    "source_local_user",
    "source_local_user_status",
    "source_mapped_collection_id",
    "status",
    "subtasks_canceled",
    "subtasks_expired",
    "subtasks_failed",
    "subtasks_pending",
    "subtasks_retrying",
    "subtasks_skipped_errors",
    "subtasks_succeeded",
    "subtasks_total",
    "symlinks",
    "sync_level",
    "task_id",
    "type",
];

/// What holds for every task at every time.
fn check(task: &Value) {
    for key in TASK_KEYS {
        assert!(task.get(key).is_some(), "{key} is missing: {task}");
    }
    let count = |kind: &str| task[format!("subtasks_{kind}")].as_u64().expect("a count");
    let parts = ["succeeded", "pending", "retrying", "failed", "canceled", "expired", "skipped_errors"];
    assert_eq!(count("total"), parts.into_iter().map(count).sum::<u64>(), "{task}");
    let active = task["status"] == "ACTIVE";
    assert_eq!(task["completion_time"].is_null(), active, "{task}");
    assert_eq!(task["is_ok"].is_null(), !active, "{task}");
    if !active {
        assert_eq!(count("pending") + count("retrying"), 0, "{task}");
    }
    let unfinished = ["failed", "canceled", "expired"].into_iter().map(count).sum::<u64>();
    assert_eq!(task["fatal_error"].is_null(), task["status"] != "FAILED", "{task}");
    assert!(task["status"] == "FAILED" || unfinished == 0, "{task}");
}

impl<'s> Caller<'s> {
    pub async fn service(setup: &'s Setup) -> Self {
        Self { setup, token: setup.service_token().await }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.setup.http.get(self.setup.transfer(path)).bearer_auth(&self.token).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.setup.http.post(self.setup.transfer(path)).bearer_auth(&self.token);
        request.json(body).send().await.unwrap()
    }

    pub async fn put(&self, path: &str, body: &Value) -> Response {
        let request = self.setup.http.put(self.setup.transfer(path)).bearer_auth(&self.token);
        request.json(body).send().await.unwrap()
    }

    /// The path of a direct operation.
    pub fn operation(&self, collection: &str, name: &str) -> String {
        format!("operation/endpoint/{}/{name}", self.setup.id(collection))
    }

    pub async fn ls(&self, query: &str) -> Response {
        self.get(&self.operation("laptop", &format!("ls?{query}"))).await
    }

    pub async fn names(&self, query: &str) -> Vec<String> {
        let listing = json(self.ls(query).await, 200).await;
        listing["DATA"].as_array().unwrap().iter().map(|file| text(&file["name"])).collect()
    }

    /// A request for a transfer from laptop to cluster.
    pub fn request(&self, items: &[(&str, &str)], options: &Value) -> Value {
        let data: Vec<Value> = items
            .iter()
            .map(|(from, to)| json!({"DATA_TYPE": "transfer_item", "source_path": from, "destination_path": to}))
            .collect();
        let body = json!({
            "DATA_TYPE": "transfer", "submission_id": Uuid::new_v4(), "source_endpoint": self.setup.id("laptop"),
            "destination_endpoint": self.setup.id("cluster"), "DATA": data,
        });
        with(body, options)
    }

    /// A request to delete from cluster.
    pub fn deletion(&self, paths: &[&str], options: &Value) -> Value {
        let data: Vec<Value> =
            paths.iter().map(|path| json!({"DATA_TYPE": "delete_item", "path": path})).collect();
        let body = json!({
            "DATA_TYPE": "delete", "submission_id": Uuid::new_v4(), "endpoint": self.setup.id("cluster"),
            "DATA": data,
        });
        with(body, options)
    }

    pub async fn submit(&self, items: &[(&str, &str)], options: &Value) -> String {
        let accepted = json(self.post("transfer", &self.request(items, options)).await, 202).await;
        assert_eq!(accepted["code"], "Accepted");
        text(&accepted["task_id"])
    }

    pub async fn submit_delete(&self, paths: &[&str], options: &Value) -> String {
        let accepted = json(self.post("delete", &self.deletion(paths, options)).await, 202).await;
        assert_eq!(accepted["code"], "Accepted");
        text(&accepted["task_id"])
    }

    pub async fn task(&self, id: &str) -> Value {
        let task = json(self.get(&format!("task/{id}")).await, 200).await;
        check(&task);
        task
    }

    /// The task once `ready` accepts it.
    pub async fn until(&self, id: &str, ready: impl Fn(&Value) -> bool) -> Value {
        loop {
            let task = self.task(id).await;
            if ready(&task) {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn finished(&self, id: &str) -> Value {
        self.until(id, |task| task["status"] != "ACTIVE").await
    }

    pub async fn run(&self, items: &[(&str, &str)], options: &Value) -> Value {
        let id = self.submit(items, options).await;
        self.finished(&id).await
    }

    pub async fn delete(&self, paths: &[&str], options: &Value) -> Value {
        let id = self.submit_delete(paths, options).await;
        self.finished(&id).await
    }

    pub async fn cancel(&self, id: &str) -> Value {
        json(self.post(&format!("task/{id}/cancel"), &json!({})).await, 200).await
    }

    /// The codes of a task's events, newest first. Every event's details are a text that holds JSON.
    pub async fn events(&self, id: &str) -> Vec<String> {
        let events = json(self.get(&format!("task/{id}/event_list?limit=1000")).await, 200).await;
        let events = events["DATA"].as_array().unwrap();
        for event in events {
            assert!(serde_json::from_str::<Value>(&text(&event["details"])).unwrap().is_object(), "{event}");
            assert!(event["is_error"].is_boolean() && event["time"].is_string(), "{event}");
        }
        events.iter().map(|event| text(&event["code"])).collect()
    }

    pub async fn moved(&self, id: &str) -> Vec<Value> {
        let moved = json(self.get(&format!("task/{id}/successful_transfers")).await, 200).await;
        moved["DATA"].as_array().unwrap().clone()
    }

    pub async fn skipped(&self, id: &str) -> Vec<Value> {
        let skipped = json(self.get(&format!("task/{id}/skipped_errors")).await, 200).await;
        skipped["DATA"].as_array().unwrap().clone()
    }
}

fn with(mut body: Value, options: &Value) -> Value {
    for (name, value) in options.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Checks members of a document.
pub fn expect(document: &Value, members: &Value) {
    for (name, value) in members.as_object().unwrap() {
        assert_eq!(&document[name], value, "{name} of {document}");
    }
}

pub fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Names of everything in a directory, to show that no temporary file is left.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
