//! Submission of tasks.

use axum::Json;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access;
use super::record::{Counters, Status, TaskRecord};
use super::request::{self, Request};
use crate::call::Call;
use crate::failure::Failure;

/// Items of one task unless the limits say otherwise.
const MAX_ITEMS: usize = 1_000_000;

/// What every submission has, whatever it asks for.
#[derive(Debug, Deserialize)]
struct Submission {
    #[serde(rename = "submission_id")]
    id: Option<String>,
    label: Option<String>,
    deadline: Option<String>,
}

pub(super) async fn submission_id(call: Call) -> Result<Json<Value>, Failure> {
    super::caller(&call)?;
    Ok(Json(json!({"DATA_TYPE": "submission_id", "value": Uuid::new_v4()})))
}

pub(super) async fn transfer(call: Call) -> Result<(StatusCode, Json<Value>), Failure> {
    submit(&call, "transfer_result", "transfer", || call.json().map(Request::Transfer))
}

pub(super) async fn delete(call: Call) -> Result<(StatusCode, Json<Value>), Failure> {
    submit(&call, "delete_result", "delete", || call.json().map(Request::Delete))
}

/// Accepts a task. The same submission id again answers the task that it made.
fn submit(
    call: &Call,
    data_type: &str,
    noun: &str,
    request: impl FnOnce() -> Result<Request, Failure>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let bearer = super::caller(call)?;
    let Submission { id, label, deadline } = call.json()?;
    let submission_id = id
        .and_then(|id| Uuid::try_parse(&id).ok())
        .ok_or_else(|| request::refused("submission_id is missing or no UUID; ask for one first"))?;
    let request = request()?;
    let now = call.app.now();
    let (status, task) = call.app.world.change(|world| {
        let owner = bearer.identity();
        let known =
            world.tasks.values().find(|task| task.owner == owner && task.submission_id == submission_id);
        if let Some(task) = known {
            return Ok((StatusCode::OK, task.id.clone()));
        }
        request.check(world.settings.limits.max_items.unwrap_or(MAX_ITEMS))?;
        access::check(world, request.endpoints(), &bearer, now)?;
        let deadline = match deadline {
            Some(text) => request::deadline(&text, now)?,
            None => now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now),
        };
        let id = Uuid::new_v4().to_string();
        let task = TaskRecord {
            id: id.clone(),
            owner: owner.to_owned(),
            submission_id,
            label,
            request,
            status: Status::Active,
            request_time: now,
            deadline,
            completion_time: None,
            counters: Counters::default(),
            items_done: 0,
            trouble: None,
            fatal_error: None,
            events: Vec::new(),
            successful: Vec::new(),
            skipped: Vec::new(),
        };
        world.tasks.insert(id.clone(), task);
        Ok::<_, Failure>((StatusCode::ACCEPTED, id))
    })?;
    let mut body = if status == StatusCode::ACCEPTED {
        call.app.runner.start(&call.app, &task);
        let message =
            format!("The {noun} has been accepted and a task has been created and queued for execution");
        call.result(data_type, "Accepted", &message)
    } else {
        call.result(data_type, "Duplicate", "A task with this submission id exists already")
    };
    body["submission_id"] = json!(submission_id);
    body["task_link"] = json!({
        "DATA_TYPE": "link", "href": format!("task/{task}?format=json"), "rel": "related",
        "resource": "task", "title": "related task",
    });
    body["task_id"] = json!(task);
    Ok((status, Json(body)))
}
