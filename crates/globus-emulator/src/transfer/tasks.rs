//! Looking at tasks, and cancelling them.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use super::filter::{self, Filter};
use super::record::{End, Event, Moved, Status, TaskRecord};
use crate::call::{Call, Params};
use crate::failure::Failure;
use crate::world::World;

/// A task of the caller's.
fn own<'w>(world: &'w World, id: &str, owner: &str) -> Result<&'w TaskRecord, Failure> {
    world
        .tasks
        .get(&id.to_ascii_lowercase())
        .filter(|task| task.owner == owner)
        .ok_or_else(|| Failure::not_found("TaskNotFound", "You have no such task"))
}

/// Works on a task of the caller's.
fn look<R>(call: &Call, id: &str, look: impl FnOnce(&World, &TaskRecord) -> R) -> Result<R, Failure> {
    let bearer = super::caller(call)?;
    call.app.world.read(|world| own(world, id, bearer.identity()).map(|task| look(world, task)))
}

pub(super) async fn show(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let now = call.app.now();
    look(&call, &id, |world, task| Json(task.document(world, now)))
}

pub(super) async fn list(call: Call) -> Result<Json<Value>, Failure> {
    let bearer = super::caller(&call)?;
    let filter = Filter::parse(&call.query)?;
    let now = call.app.now();
    let mut tasks: Vec<Value> = call.app.world.read(|world| {
        let mut tasks: Vec<&TaskRecord> =
            world.tasks.values().filter(|task| task.owner == bearer.identity()).collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.request_time));
        tasks.into_iter().map(|task| task.document(world, now)).collect()
    });
    tasks.retain(|task| filter.accepts(task));
    filter::sort(&mut tasks, call.query.get("orderby"));
    Ok(Json(page(&call.query, "task_list", tasks)))
}

/// A page by limit and offset, with the total.
fn page(query: &Params, data_type: &str, documents: Vec<Value>) -> Value {
    let (offset, limit) =
        (query.number("offset").unwrap_or(0), query.number("limit").unwrap_or(10).min(1000));
    let total = documents.len();
    let data: Vec<Value> = documents.into_iter().skip(offset).take(limit).collect();
    json!({
        "DATA_TYPE": data_type, "offset": offset, "limit": limit, "total": total, "length": data.len(), "DATA": data,
    })
}

pub(super) async fn events(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let only_errors = call.query.all("filter").any(|filter| filter == "is_error:1");
    let events = look(&call, &id, |_, task| {
        let shown = task.events.iter().rev().filter(|event| event.is_error || !only_errors);
        shown.map(Event::document).collect::<Vec<_>>()
    })?;
    Ok(Json(page(&call.query, "event_list", events)))
}

/// Marks count documents from 1; a page holds so many.
const PAGE: usize = 100;

/// A page by marker; the last one has none to go on with.
fn marked(query: &Params, data_type: &str, documents: Vec<Value>) -> Json<Value> {
    let start = query.number("marker").unwrap_or(0);
    let total = documents.len();
    let data: Vec<Value> = documents.into_iter().skip(start).take(PAGE).collect();
    let next = start + data.len();
    Json(json!({
        "DATA_TYPE": data_type, "marker": start, "next_marker": (next < total).then_some(next), "DATA": data,
    }))
}

pub(super) async fn successful(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let documents = look(&call, &id, |_, task| task.successful.iter().map(Moved::document).collect())?;
    Ok(marked(&call.query, "successful_transfers", documents))
}

pub(super) async fn skipped(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let documents = look(&call, &id, |_, task| {
        let skipped = task.skipped.iter();
        skipped
            .map(|(source, destination, code)| {
                json!({
                    "DATA_TYPE": "skipped_error", "source_path": source, "destination_path": destination,
                    "error_code": code, "error_details": "", "error_time": null, "is_directory": false,
                    "is_symlink": false, "is_delete_destination_extra": false, "external_checksum": null,
                    "checksum_algorithm": null,
                })
            })
            .collect()
    })?;
    Ok(marked(&call.query, "skipped_errors", documents))
}

/// Why a task is paused: none ever is.
pub(super) async fn pause_info(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    look(&call, &id, |_, _| {
        Json(json!({
            "DATA_TYPE": "pause_info_limited", "pause_rules": [], "source_pause_message": null,
            "destination_pause_message": null, "source_pause_message_share": null,
            "destination_pause_message_share": null,
        }))
    })
}

pub(super) async fn cancel(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = super::caller(&call)?;
    let (now, id) = (call.app.now(), id.to_ascii_lowercase());
    let was_active = call.app.world.change(|world| {
        let task = own(world, &id, bearer.identity())?;
        let (id, active) = (task.id.clone(), task.status == Status::Active);
        if let Some(task) = world.tasks.get_mut(&id).filter(|_| active) {
            task.end(now, End::Canceled);
        }
        Ok::<_, Failure>(active)
    })?;
    call.app.runner.cancel(&call.app.clock, &id);
    let (code, message) = if was_active {
        ("Canceled", "The task has been cancelled successfully.")
    } else {
        ("TaskComplete", "The task completed before the cancel request was processed.")
    };
    Ok(Json(json!({
        "DATA_TYPE": "result", "code": code, "message": message, "resource": format!("/task/{id}/cancel"),
        "request_id": "", "task_id": id,
    })))
}
