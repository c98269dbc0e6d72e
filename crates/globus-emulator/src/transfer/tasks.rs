//! Looking at tasks, changing and cancelling them.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::{self, Filter};
use super::record::{End, Event, Moved, Skipped, Status, TaskRecord};
use super::request;
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
    let fields = call.query.list("fields");
    let total = tasks.len();
    Ok(Json(page(&call.query, "task_list", total, tasks.into_iter(), |mut task| {
        if let (Some(fields), Some(members)) = (&fields, task.as_object_mut()) {
            members.retain(|name, _| name == "DATA_TYPE" || fields.contains(name));
        }
        task
    })))
}

/// A page by limit and offset, with the total.
fn page<T>(
    query: &Params,
    data_type: &str,
    total: usize,
    rows: impl Iterator<Item = T>,
    document: impl Fn(T) -> Value,
) -> Value {
    let (offset, limit) =
        (query.number("offset").unwrap_or(0), query.number("limit").unwrap_or(10).min(1000));
    let data: Vec<Value> = rows.skip(offset).take(limit).map(document).collect();
    json!({
        "DATA_TYPE": data_type, "offset": offset, "limit": limit, "total": total, "length": data.len(), "DATA": data,
    })
}

/// The events, newest first.
pub(super) async fn events(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let wanted = call.query.all("filter").find_map(|filter| filter.strip_prefix("is_error:"));
    let wanted = wanted.map(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true"));
    look(&call, &id, |_, task| {
        let shown = |event: &&Event| wanted.is_none_or(|wanted| event.is_error == wanted);
        let total = task.events.iter().filter(shown).count();
        let events = task.events.iter().rev().filter(shown);
        Json(page(&call.query, "event_list", total, events, Event::document))
    })
}

/// Marks count documents from 0; a page holds so many.
const PAGE: usize = 100;

/// A page by marker; the last one has none to go on with.
fn marked<T>(query: &Params, data_type: &str, rows: &[T], document: impl Fn(&T) -> Value) -> Json<Value> {
    let start = query.number("marker").unwrap_or(0).min(rows.len());
    let end = rows.len().min(start + PAGE);
    let data: Vec<Value> = rows[start..end].iter().map(document).collect();
    Json(json!({
        "DATA_TYPE": data_type, "marker": start, "next_marker": (end < rows.len()).then_some(end), "DATA": data,
    }))
}

pub(super) async fn successful(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    look(&call, &id, |_, task| marked(&call.query, "successful_transfers", &task.successful, Moved::document))
}

pub(super) async fn skipped(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    look(&call, &id, |_, task| marked(&call.query, "skipped_errors", &task.skipped, Skipped::document))
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
    let mut body = call.result("result", code, message);
    body["task_id"] = json!(id);
    Ok(Json(body))
}

/// What a change may name. A member that is absent stays as it is.
#[derive(Debug, Deserialize)]
struct Change {
    #[serde(default)]
    label: NewLabel,
    deadline: Option<String>,
}

#[derive(Debug, Default)]
enum NewLabel {
    /// The member is absent.
    #[default]
    AsBefore,
    /// A text, or null for no label.
    To(Option<String>),
}

impl<'de> Deserialize<'de> for NewLabel {
    fn deserialize<D: serde::Deserializer<'de>>(member: D) -> Result<Self, D::Error> {
        Option::deserialize(member).map(Self::To)
    }
}

pub(super) async fn update(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = super::caller(&call)?;
    let Change { label, deadline } = call.json()?;
    let (now, id) = (call.app.now(), id.to_ascii_lowercase());
    call.app.world.change(|world| {
        if own(world, &id, bearer.identity())?.status != Status::Active {
            return Err(Failure::new(
                StatusCode::CONFLICT,
                "Conflict",
                "The task has ended; only an active task can be changed",
            ));
        }
        let deadline = deadline.map(|text| request::deadline(&text, now)).transpose()?;
        if let Some(task) = world.tasks.get_mut(&id) {
            if let NewLabel::To(label) = label {
                task.label = label;
            }
            task.deadline = deadline.unwrap_or(task.deadline);
        }
        Ok(())
    })?;
    // It may be waiting for the deadline that it had.
    call.app.runner.limits_changed(&call.app.clock);
    Ok(Json(call.result("result", "Updated", "The task was updated successfully")))
}
