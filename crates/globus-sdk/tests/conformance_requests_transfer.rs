//! The requests of Globus Transfer's operations, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "conformance_support/compare.rs"]
mod compare;
#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
mod playback;
#[path = "conformance_support/requests.rs"]
mod requests;

#[path = "conformance_support/transfer_documents.rs"]
mod transfer_documents;

use std::time::Duration;

use compare::comma_lists;
use conformance::{Case, Outcome};
use globus_sdk::transfer::{EntityType, Filter, TaskWaitError};
use globus_sdk::{AccessTokenAuthorizer, ManualClock, Result, TransferClient};
use playback::{text_of, wait};
use requests::{judge, only, pairs, text};
use serde_json::{Value, json};
use transfer_documents::{Missing, delete_data, transfer_data};
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
    let clock = ManualClock::default();
    let client = TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new(requests::ACCESS_TOKEN))
        .transport(playback.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let args = &case.whole["args"];
    let task = || id(args, "task_id");
    let endpoint = || id(args, "endpoint_id");
    // Sends an operation, with the arguments that only some calls have.
    macro_rules! send {
        ($request:expr $(, $name:ident: $value:expr)* $(; beside $($given:literal),*)?) => {{
            only(args, &["task_id", "endpoint_id", "query_params", $($($given,)*)? $(stringify!($name)),*]);
            #[allow(unused_mut, reason = "not every operation has arguments")]
            let mut request = $request;
            $(if let Some(value) = args.get(stringify!($name)).filter(|value| !value.is_null()) {
                request = request.$name($value(value));
            })*
            for (name, value) in pairs(args, "query_params") {
                request = request.with_query(name, text_of(value));
            }
            request.send().await.map(drop)
        }};
    }
    let number = |value: &Value| value.as_u64().unwrap();
    let short = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let flag = |value: &Value| value.as_bool().unwrap();
    let result: Result<()> = match case.whole["method"].as_str().unwrap() {
        "get_submission_id" => send!(client.get_submission_id()),
        "get_task" => send!(client.get_task(task())),
        "cancel_task" => send!(client.cancel_task(task())),
        "task_event_list" => send!(client.task_event_list(task()), limit: short, offset: number),
        "task_successful_transfers" => send!(client.task_successful_transfers(task()), marker: text_of),
        "task_skipped_errors" => send!(client.task_skipped_errors(task()), marker: text_of),
        "task_list" => {
            let filter = |value: &Value| filter_text(value, &case.whole["request"]["query"]);
            send!(client.task_list(), limit: short, offset: number, orderby: comma_lists, filter: filter)
        }
        "update_task" => {
            only(args, &["task_id", "data", "query_params"]);
            let document = args["data"].as_object().unwrap().clone();
            let mut request = client.update_task(task()).document(document);
            for (name, value) in pairs(args, "query_params") {
                request = request.with_query(name, text_of(value));
            }
            request.send().await.map(drop)
        }
        "get_endpoint" => send!(client.get_endpoint(endpoint())),
        "endpoint_search" => {
            let kind = |value: &Value| EntityType::from(value.as_str().unwrap());
            let host = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
            send!(
                client.endpoint_search(),
                filter_fulltext: text_of, filter_scope: text_of, filter_owner_id: text_of,
                filter_host_endpoint: host, filter_non_functional: flag, filter_entity_type: kind,
                limit: short, offset: number
            )
        }
        "operation_mkdir" => {
            send!(client.operation_mkdir(endpoint(), text(args, "path")), local_user: text_of; beside "path")
        }
        "operation_rename" => {
            let (old, new) = (text(args, "oldpath"), text(args, "newpath"));
            send!(client.operation_rename(endpoint(), old, new), local_user: text_of; beside "oldpath", "newpath")
        }
        "operation_stat" => send!(client.operation_stat(endpoint()), path: text_of, local_user: text_of),
        "operation_ls" => operation_ls(&client, args, &case.whole["request"]["query"]).await,
        "submit_transfer" | "submit_delete" => {
            only(args, &["data"]);
            let data = &args["data"];
            if data.get("submission_id").is_some_and(Value::is_null) {
                // No document here sends a null in the place of its submission id: one is asked for, which has a test
                // of its own.
                return Outcome::Passed;
            }
            let sent = if case.whole["method"] == "submit_transfer" {
                match transfer_data(data) {
                    Ok(data) => client.submit_transfer(data).send().await,
                    Err(missing) => return of_missing(missing),
                }
            } else {
                match delete_data(data) {
                    Ok(data) => client.submit_delete(data).send().await,
                    Err(missing) => return of_missing(missing),
                }
            };
            match sent {
                // Some cases play an answer that names no task, which is refused after the request was sent.
                Err(error) if error.is_decode() && case.whole["response_json"].get("task_id").is_none() => {
                    Ok(())
                }
                sent => sent.map(drop),
            }
        }
        "task_wait" => return task_wait(case, &client, &clock, &playback).await,
        _ => return Outcome::Pending,
    };
    judge(case, &playback, result)
}

fn of_missing(missing: Missing) -> Outcome {
    match missing {
        Missing::Unexpressible => Outcome::Passed,
        Missing::Method => Outcome::Pending,
    }
}

/// Python answers whether the task has ended in time; the waiter answers the task, or an error that says how it
/// stands.
async fn task_wait(
    case: &Case,
    client: &TransferClient,
    clock: &ManualClock,
    playback: &playback::Playback,
) -> Outcome {
    let args = &case.whole["args"];
    only(args, &["task_id", "timeout", "polling_interval"]);
    let seconds = |name: &str| Duration::from_secs(args[name].as_u64().unwrap_or(10));
    let waiter = client
        .task_wait(id(args, "task_id"))
        .timeout(seconds("timeout"))
        .polling_interval(seconds("polling_interval"));
    let ended = waiter.await;
    let failed = matches!(ended, Err(TaskWaitError::Failed(_)));
    let ended = match ended {
        Ok(_) | Err(TaskWaitError::Failed(_) | TaskWaitError::Inactive(_)) => true,
        Err(TaskWaitError::TimedOut { .. }) => false,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let whole = &case.whole;
    let mut expected = vec![whole["request"].clone()];
    if whole["kind"] == "polling" {
        let count = usize::try_from(whole["request_count"].as_u64().unwrap()).unwrap();
        expected = vec![whole["request"].clone(); count];
        let sleeps: Vec<f64> = clock.sleeps().iter().map(Duration::as_secs_f64).collect();
        if let Some(difference) = conformance::difference(&whole["sleeps"], &json!(sleeps)) {
            return Outcome::Failed(format!("sleeps{difference}"));
        }
        if whole["returns"] != ended {
            return Outcome::Failed(format!("expected {}, found {ended}", whole["returns"]));
        }
    }
    let sent = playback.sent();
    // A failed task whose document does not say why is asked for its last error once more.
    let events = usize::from(failed && sent.last().is_some_and(|last| last.path().ends_with("/event_list")));
    let sent = sent.len() - events;
    if sent != expected.len() {
        return Outcome::Failed(format!("expected {} requests, found {sent}", expected.len()));
    }
    let differs = playback
        .sent()
        .iter()
        .zip(&expected)
        .find_map(|(sent, expected)| compare::request_difference(expected, sent, &[]));
    Outcome::of(differs)
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

/// Python's maps of a filter as ours. A JSON object has no order, and the fields' order has no meaning, so they are
/// given in the order of the record.
fn filter_text(filter: &Value, recorded: &Value) -> Filter {
    let Value::Object(fields) = filter else { return text_of(filter).into() };
    let recorded = recorded.to_string();
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| recorded.find(&format!("{name}:")));
    fields.into_iter().fold(Filter::new(), |filter, (name, value)| filter.field(name, comma_lists(value)))
}
