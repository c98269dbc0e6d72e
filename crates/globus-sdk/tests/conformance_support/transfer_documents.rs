//! Documents of Globus Transfer as the recorded cases describe them: `TransferData` and `DeleteData`.

// Each test file that includes this module uses a part of it.
#![allow(dead_code, reason = "each test file uses its part")]

use globus_sdk::transfer::{FilterMethod, FilterType, SyncLevel, TransferItem};
use globus_sdk::{DeleteData, EndpointId, Timestamp, TransferData};
use serde_json::{Map, Value};

use crate::playback::text_of;
use crate::requests::text;

/// What a case builds that our types cannot hold, which counts as passed, or that has no method here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The types cannot hold the value.
    Unexpressible,
    /// There is no such method yet.
    Method,
}

/// A document from a tagged payload, or as it stands.
pub(crate) fn transfer_data(data: &Value) -> Result<TransferData, Missing> {
    match data.get("$payload") {
        None => Ok(TransferData::from_document(members(data))),
        Some(_) => built_transfer(&data["args"], calls(data)),
    }
}

/// A document from a tagged payload, or as it stands.
pub(crate) fn delete_data(data: &Value) -> Result<DeleteData, Missing> {
    match data.get("$payload") {
        None => Ok(DeleteData::from_document(members(data))),
        Some(_) => built_delete(&data["args"], calls(data)),
    }
}

fn members(document: &Value) -> Map<String, Value> {
    document.as_object().unwrap().clone()
}

/// The calls of a tagged payload: `[[method, args], …]`.
fn calls(data: &Value) -> Vec<(String, Value)> {
    let calls = data["calls"].as_array().into_iter().flatten();
    calls.map(|call| (text_of(&call[0]), call[1].clone())).collect()
}

pub(crate) fn built_transfer(args: &Value, calls: Vec<(String, Value)>) -> Result<TransferData, Missing> {
    let id = |name: &str| text(args, name).parse::<EndpointId>().unwrap();
    let mut data = TransferData::new(id("source_endpoint"), id("destination_endpoint"));
    for (name, value) in args.as_object().unwrap() {
        data = match (name.as_str(), value) {
            ("source_endpoint" | "destination_endpoint", _) => data,
            ("submission_id", Value::String(id)) => data.submission_id(id),
            ("label", Value::String(label)) => data.label(label),
            ("sync_level", level) => match sync_level(level) {
                Some(level) => data.sync_level(level),
                None => return Err(Missing::Unexpressible),
            },
            ("deadline", Value::String(deadline)) => data.deadline(deadline.as_str()),
            ("deadline", Value::Object(tagged)) => data.deadline(timestamp(tagged)?),
            ("source_local_user", Value::String(user)) => data.source_local_user(user),
            ("destination_local_user", Value::String(user)) => data.destination_local_user(user),
            ("verify_checksum", Value::Bool(value)) => data.verify_checksum(*value),
            ("preserve_timestamp", Value::Bool(value)) => data.preserve_timestamp(*value),
            ("encrypt_data", Value::Bool(value)) => data.encrypt_data(*value),
            ("skip_source_errors", Value::Bool(value)) => data.skip_source_errors(*value),
            ("fail_on_quota_errors", Value::Bool(value)) => data.fail_on_quota_errors(*value),
            ("delete_destination_extra", Value::Bool(value)) => data.delete_destination_extra(*value),
            ("notify_on_succeeded", Value::Bool(value)) => data.notify_on_succeeded(*value),
            ("notify_on_failed", Value::Bool(value)) => data.notify_on_failed(*value),
            ("notify_on_inactive", Value::Bool(value)) => data.notify_on_inactive(*value),
            ("additional_fields", Value::Object(fields)) => {
                fields.iter().fold(data, |data, (name, value)| data.field(name, value.clone()))
            }
            (_, Value::Null) => return Err(Missing::Unexpressible),
            _ => return Err(Missing::Method),
        };
    }
    for (method, args) in calls {
        data = match method.as_str() {
            "add_item" => data.item(item(&args)?),
            "add_filter_rule" => filter_rule(data, &args)?,
            _ => return Err(Missing::Method),
        };
    }
    Ok(data)
}

fn item(args: &Value) -> Result<TransferItem, Missing> {
    let mut item = TransferItem::new(text(args, "source_path"), text(args, "destination_path"));
    for (name, value) in args.as_object().unwrap() {
        item = match (name.as_str(), value) {
            ("source_path" | "destination_path", _) => item,
            ("recursive", Value::Bool(recursive)) => item.recursive(*recursive),
            ("external_checksum", Value::String(checksum)) => item.external_checksum(checksum),
            ("checksum_algorithm", Value::String(algorithm)) => item.checksum_algorithm(algorithm),
            ("additional_fields", Value::Object(fields)) => {
                fields.iter().fold(item, |item, (name, value)| item.field(name, value.clone()))
            }
            (_, Value::Null) => return Err(Missing::Unexpressible),
            _ => return Err(Missing::Method),
        };
    }
    Ok(item)
}

fn filter_rule(data: TransferData, args: &Value) -> Result<TransferData, Missing> {
    let name = text(args, "name");
    let method = match args["method"].as_str() {
        None | Some("exclude") => FilterMethod::Exclude,
        Some("include") => FilterMethod::Include,
        Some(_) => return Err(Missing::Unexpressible),
    };
    Ok(match args["type"].as_str() {
        None => data.add_filter_rule(name, method),
        Some("file") => data.add_filter_rule_for(FilterType::File, name, method),
        Some("dir") => data.add_filter_rule_for(FilterType::Dir, name, method),
        Some(_) => return Err(Missing::Unexpressible),
    })
}

pub(crate) fn built_delete(args: &Value, calls: Vec<(String, Value)>) -> Result<DeleteData, Missing> {
    let mut data = DeleteData::new(text(args, "endpoint").parse::<EndpointId>().unwrap());
    for (name, value) in args.as_object().unwrap() {
        data = match (name.as_str(), value) {
            ("endpoint", _) => data,
            ("submission_id", Value::String(id)) => data.submission_id(id),
            ("label", Value::String(label)) => data.label(label),
            ("deadline", Value::String(deadline)) => data.deadline(deadline.as_str()),
            ("deadline", Value::Object(tagged)) => data.deadline(timestamp(tagged)?),
            ("local_user", Value::String(user)) => data.local_user(user),
            ("recursive", Value::Bool(value)) => data.recursive(*value),
            ("ignore_missing", Value::Bool(value)) => data.ignore_missing(*value),
            ("interpret_globs", Value::Bool(value)) => data.interpret_globs(*value),
            ("notify_on_succeeded", Value::Bool(value)) => data.notify_on_succeeded(*value),
            ("notify_on_failed", Value::Bool(value)) => data.notify_on_failed(*value),
            ("notify_on_inactive", Value::Bool(value)) => data.notify_on_inactive(*value),
            ("additional_fields", Value::Object(fields)) => {
                fields.iter().fold(data, |data, (name, value)| data.field(name, value.clone()))
            }
            (_, Value::Null) => return Err(Missing::Unexpressible),
            _ => return Err(Missing::Method),
        };
    }
    for (method, args) in calls {
        let more = args.as_object().unwrap().keys().any(|name| name != "path");
        data = match method.as_str() {
            "add_item" if !more => data.add_item(text(&args, "path")),
            "add_item" => match &args["additional_fields"] {
                Value::Object(fields) => {
                    let item = fields.iter().fold(
                        globus_sdk::transfer::DeleteItem::new(text(&args, "path")),
                        |item, (name, value)| item.field(name, value.clone()),
                    );
                    data.item(item)
                }
                _ => return Err(Missing::Method),
            },
            _ => return Err(Missing::Method),
        };
    }
    Ok(data)
}

fn sync_level(level: &Value) -> Option<SyncLevel> {
    Some(match (level.as_str(), level.as_u64()) {
        (Some("exists"), _) | (_, Some(0)) => SyncLevel::Exists,
        (Some("size"), _) | (_, Some(1)) => SyncLevel::Size,
        (Some("mtime"), _) | (_, Some(2)) => SyncLevel::Mtime,
        (Some("checksum"), _) | (_, Some(3)) => SyncLevel::Checksum,
        _ => return None,
    })
}

/// A tagged date-time; without an offset our types cannot hold it.
fn timestamp(tagged: &Map<String, Value>) -> Result<Timestamp, Missing> {
    let text = tagged["$datetime"].as_str().unwrap();
    text.parse().map_err(|_| Missing::Unexpressible)
}
