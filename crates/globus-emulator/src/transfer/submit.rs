//! Submission of transfers.

use axum::Json;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::collection;
use super::record::{Counters, Status, TaskRecord};
use super::request::TransferRequest;
use crate::call::Call;
use crate::failure::Failure;

/// Items of one task unless the limits say otherwise.
const MAX_ITEMS: usize = 1_000_000;

pub(super) async fn submission_id(call: Call) -> Result<Json<Value>, Failure> {
    super::caller(&call)?;
    Ok(Json(json!({"DATA_TYPE": "submission_id", "value": Uuid::new_v4()})))
}

/// Accepts a transfer. The same submission id again answers the task that it made.
pub(super) async fn transfer(call: Call) -> Result<(StatusCode, Json<Value>), Failure> {
    let bearer = super::caller(&call)?;
    let request: TransferRequest = call.json()?;
    let submission =
        request.submission_id.as_deref().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| {
            Failure::bad_request(
                "ClientError.BadRequest",
                "submission_id is missing or no UUID; ask for one first",
            )
        })?;
    let now = call.app.now();
    let (status, task) = call.app.world.change(|world| {
        let owner = bearer.identity();
        let submitted = world.tasks.values().find(|task| {
            let known = task.request.submission_id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
            task.owner == owner && known == Some(submission)
        });
        if let Some(task) = submitted {
            return Ok((StatusCode::OK, task.id.clone()));
        }
        request.check(world.settings.limits.max_items.unwrap_or(MAX_ITEMS))?;
        for endpoint in [&request.source_endpoint, &request.destination_endpoint] {
            let id = endpoint.as_deref().ok_or_else(|| {
                Failure::bad_request(
                    "ClientError.BadRequest",
                    "source_endpoint or destination_endpoint is missing",
                )
            })?;
            collection::usable(world, id, &bearer)?;
        }
        let day = SignedDuration::from_hours(24);
        let deadline = match request.deadline()? {
            Some(deadline) if deadline <= now => {
                return Err(Failure::bad_request("ClientError.BadRequest", "deadline is in the past"));
            }
            Some(deadline) => deadline,
            None => now.saturating_add(day).unwrap_or(now),
        };
        let id = Uuid::new_v4().to_string();
        let task = TaskRecord {
            id: id.clone(),
            owner: owner.to_owned(),
            request,
            status: Status::Active,
            request_time: now,
            deadline,
            completion_time: None,
            counters: Counters::default(),
            trouble: None,
            fatal_error: None,
            events: Vec::new(),
            successful: Vec::new(),
            skipped: Vec::new(),
        };
        world.tasks.insert(id.clone(), task);
        Ok((StatusCode::ACCEPTED, id))
    })?;
    let (code, message) = if status == StatusCode::ACCEPTED {
        call.app.runner.start(&call.app, &task);
        ("Accepted", "The transfer has been accepted and a task has been created and queued for execution")
    } else {
        ("Duplicate", "A task with this submission id exists already")
    };
    let body = json!({
        "DATA_TYPE": "transfer_result", "code": code, "message": message, "task_id": task,
        "submission_id": submission, "resource": "/transfer", "request_id": "",
        "task_link": {
            "DATA_TYPE": "link", "href": format!("task/{task}?format=json"), "rel": "related",
            "resource": "task", "title": "related task",
        },
    });
    Ok((status, Json(body)))
}
