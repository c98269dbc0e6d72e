//! Answers that are not what Globus Transfer answers: a typed error that quotes nothing, or a document that gives
//! back all that came.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod playback;

use bytes::Bytes;
use globus_sdk::transfer::TaskStatus;
use globus_sdk::{AccessTokenAuthorizer, DeleteData, Error, RetryPolicy, TransferClient, TransferData};
use playback::{Playback, Step};
use serde_json::{Value, json};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(1);

fn client(playback: Playback, body_limit: usize) -> TransferClient {
    TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AgToken"))
        .transport(playback)
        .retry(RetryPolicy::never())
        .body_limit(body_limit)
        .build()
        .unwrap()
}

fn body(media_type: &str, body: impl Into<Bytes>) -> Step {
    let headers = vec![("content-type".to_owned(), media_type.to_owned())];
    Step::Answer { status: 200, headers, body: body.into() }
}

/// The operations whose answers are documents, with the member that must be a list where there is one.
const OPERATIONS: [(&str, Option<&str>); 16] = [
    ("operation_ls", Some("DATA")),
    ("operation_mkdir", None),
    ("operation_rename", None),
    ("operation_stat", None),
    ("submit_transfer", None),
    ("submit_delete", None),
    ("get_submission_id", None),
    ("get_task", None),
    ("update_task", None),
    ("task_list", Some("DATA")),
    ("cancel_task", None),
    ("task_event_list", Some("DATA")),
    ("task_successful_transfers", Some("DATA")),
    ("task_skipped_errors", Some("DATA")),
    ("endpoint_search", Some("DATA")),
    ("get_endpoint", None),
];

/// Makes a call of an operation; the document as JSON.
async fn call(operation: &str, answer: Step, body_limit: usize) -> Result<Value, Error> {
    let client = client(Playback::new([answer]), body_limit);
    macro_rules! sent {
        ($request:expr) => {
            $request.send().await.map(|answer| json!(answer.into_inner()))
        };
    }
    match operation {
        "operation_ls" => sent!(client.operation_ls(ID)),
        "operation_mkdir" => sent!(client.operation_mkdir(ID, "/x")),
        "operation_rename" => sent!(client.operation_rename(ID, "/x", "/y")),
        "operation_stat" => sent!(client.operation_stat(ID)),
        "submit_transfer" => sent!(client.submit_transfer(TransferData::new(ID, ID).submission_id(ID))),
        "submit_delete" => sent!(client.submit_delete(DeleteData::new(ID).submission_id(ID))),
        "get_submission_id" => sent!(client.get_submission_id()),
        "get_task" => sent!(client.get_task(ID)),
        "update_task" => sent!(client.update_task(ID)),
        "task_list" => sent!(client.task_list()),
        "cancel_task" => sent!(client.cancel_task(ID)),
        "task_event_list" => sent!(client.task_event_list(ID)),
        "task_successful_transfers" => sent!(client.task_successful_transfers(ID)),
        "task_skipped_errors" => sent!(client.task_skipped_errors(ID)),
        "endpoint_search" => sent!(client.endpoint_search()),
        "get_endpoint" => sent!(client.get_endpoint(ID)),
        other => panic!("no operation {other}"),
    }
}

#[test]
fn every_operation_is_tried() {
    let mut tried = OPERATIONS.map(|(name, _)| name);
    let mut known: Vec<_> = globus_sdk::transfer::OPERATIONS.iter().map(|info| info.name).collect();
    tried.sort_unstable();
    known.sort_unstable();
    assert_eq!(tried.as_slice(), known);
}

#[tokio::test]
async fn what_is_no_document_is_a_decode_error_that_quotes_nothing() {
    let odd = [
        ("text/html", "<html>SECRET: log in to the hotel</html>"),
        ("application/json", ""),
        ("application/json", "   "),
        ("application/json", "null"),
        ("application/json", r#"["SECRET"]"#),
        ("application/json", r#""SECRET""#),
        ("application/json", "7"),
        ("application/json", r#"{"DATA": [], "code": "SECRET"#),
        ("application/json", r#"{"DATA": []} SECRET"#),
        ("application/json", "{\"x\": \"\u{7}SECRET\"}"),
        ("application/json", r#"{"x": "\ud800SECRET"}"#),
    ];
    for (operation, _) in OPERATIONS {
        for (media_type, text) in odd {
            let error = call(operation, body(media_type, text), 1 << 20).await.unwrap_err();
            assert!(error.is_decode(), "{operation} with {text}: {error:?}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("SECRET"), "{operation}: {shown}");
            assert!(
                error.to_string().contains("https://transfer.api.globus.org/v0.10/"),
                "{operation}: {error}"
            );
        }
        let error = call(operation, body("application/json", &b"{\"x\": \"\xff\xfe\"}"[..]), 1 << 20).await;
        assert!(error.unwrap_err().is_decode(), "{operation}: bytes that are no UTF-8");
    }
}

#[tokio::test]
async fn a_list_that_is_none_is_an_error_and_not_an_empty_list() {
    for (operation, list) in OPERATIONS {
        let Some(list) = list else { continue };
        for odd in [json!({}), json!("x"), json!(7), json!(true)] {
            let answer = Step::json(200, &json!({list: odd, "total": 0, "has_next_page": false}));
            let error = call(operation, answer, 1 << 20).await.unwrap_err();
            assert!(error.is_decode() && error.to_string().contains(list), "{operation}: {error}");
        }
    }
}

#[tokio::test]
async fn nulls_and_unknown_members_come_back_as_they_were() {
    let documents = [
        json!({"status": null, "files": null, "DATA_TYPE": null, "fatal_error": null, "label": null}),
        json!({"status": "RESTING", "type": "DREAM", "entity_type": "GCSv9_cloud", "new": {"deep": [1, null, "x"]}}),
        // Known members of another type than expected.
        json!({"files": "many", "bytes_transferred": -1, "is_paused": "no", "fatal_error": "broken", "size": 1.5}),
        json!({"name": ["a"], "last_modified": {"year": 2031}, "code": 7, "message": false, "request_time": "later"}),
    ];
    for (operation, list) in OPERATIONS {
        if operation.starts_with("submit") {
            continue;
        }
        for document in &documents {
            let sent = match list {
                Some(list) => json!({list: [document, {}], "total": 2, "limit": null, "odd": [document]}),
                None => document.clone(),
            };
            let given = call(operation, Step::json(200, &sent), 1 << 20).await.unwrap();
            keeps(&sent, &given, operation);
        }
    }
}

/// Everything that came is there; what more there is has the default of its type.
fn keeps(sent: &Value, given: &Value, place: &str) {
    match (sent, given) {
        (Value::Object(sent), Value::Object(given)) => {
            for (name, value) in sent {
                keeps(value, given.get(name).unwrap_or(&Value::Null), &format!("{place}.{name}"));
            }
        }
        (Value::Array(sent), Value::Array(given)) => {
            assert_eq!(sent.len(), given.len(), "{place}");
            sent.iter().zip(given).for_each(|(sent, given)| keeps(sent, given, place));
        }
        // Null is the default of each type.
        (Value::Null, given) => {
            let empty =
                given.is_null() || *given == json!("") || *given == json!(0) || *given == json!(false);
            assert!(empty || given.as_array().is_some_and(Vec::is_empty), "{place}: {given}");
        }
        _ => assert_eq!(sent, given, "{place}"),
    }
}

#[tokio::test]
async fn a_submission_whose_task_is_not_told_is_an_error_of_its_own() {
    // Without the task's id the answer is of no use, and taking the default for it would be a lie.
    for odd in [json!({"code": "Accepted"}), json!({"task_id": null}), json!({"task_id": "no-uuid"})] {
        for operation in ["submit_transfer", "submit_delete"] {
            let error = call(operation, Step::json(202, &odd), 1 << 20).await.unwrap_err();
            assert!(error.is_decode() && error.to_string().contains("task_id"), "{operation}: {error}");
        }
    }
}

#[tokio::test]
async fn without_a_submission_id_nothing_is_submitted() {
    for odd in [json!({}), json!({"value": null}), json!({"value": ""})] {
        let playback = Playback::new([Step::json(200, &odd)]);
        let client = client(playback.clone(), 1 << 20);
        let error = client.submit_transfer(TransferData::new(ID, ID)).send().await.unwrap_err();
        assert!(error.is_decode() && error.to_string().contains("nothing was submitted"), "{error}");
        let error = client.submit_delete(DeleteData::new(ID)).send().await;
        assert!(error.is_err());
        assert!(playback.sent().iter().all(|sent| sent.path() == "/v0.10/submission_id"));
    }
}

#[tokio::test]
async fn what_can_be_no_submission_id_is_never_sent() {
    // A submission may be repeated because its id makes the repetition harmless.
    for odd in [json!(""), json!(7), json!(["s"]), json!(true)] {
        let playback = Playback::new([]);
        let client = client(playback.clone(), 1 << 20);
        let document = json!({"DATA_TYPE": "transfer", "submission_id": odd, "DATA": []});
        let kept = TransferData::from_document(document.as_object().unwrap().clone());
        let error = client.submit_transfer(kept).send().await.unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("leave it out"), "{odd}: {error}");
        let error =
            client.submit_delete(DeleteData::new(ID).field("submission_id", odd.clone())).send().await;
        assert!(error.unwrap_err().is_usage(), "{odd}");
        assert!(playback.sent().is_empty());
    }
}

#[tokio::test]
async fn a_kept_document_with_a_null_for_its_submission_id_gets_one() {
    let answers = [json!({"value": "s"}), json!({"task_id": ID})].map(|answer| Step::json(200, &answer));
    let playback = Playback::new(answers);
    let kept = json!({"DATA_TYPE": "transfer", "submission_id": null, "DATA": []});
    let kept = TransferData::from_document(kept.as_object().unwrap().clone());
    client(playback.clone(), 1 << 20).submit_transfer(kept).send().await.unwrap();
    let sent = playback.sent();
    assert_eq!(sent[0].path(), "/v0.10/submission_id");
    assert_eq!(serde_json::from_slice::<Value>(&sent[1].request.body).unwrap()["submission_id"], "s");
}

#[tokio::test]
async fn a_task_is_changed_by_what_was_set() {
    let playback = Playback::new([Step::json(200, &json!({"code": "Updated"}))]);
    let time: globus_sdk::Timestamp = "2031-02-03T04:05:06Z".parse().unwrap();
    client(playback.clone(), 1 << 20).update_task(ID).label("after").deadline(time).send().await.unwrap();
    let body: Value = serde_json::from_slice(&playback.sent()[0].request.body).unwrap();
    assert_eq!(body, json!({"DATA_TYPE": "task", "label": "after", "deadline": "2031-02-03 04:05:06+00:00"}));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let long = json!({"DATA": [{"name": "x".repeat(1000)}], "total": 1, "has_next_page": false});
    for (operation, _) in OPERATIONS {
        let error = call(operation, Step::json(200, &long), 500).await.unwrap_err();
        assert!(error.to_string().contains("500 bytes"), "{operation}: {error}");
    }
}

#[tokio::test]
async fn one_odd_entry_does_not_lose_the_page() {
    let page = json!({"total": 3, "DATA": [
        {"label": "a", "status": "ACTIVE"},
        {"label": "b", "status": 7, "files": {}, "task_id": "no-uuid"},
        {"label": "c", "status": "SUCCEEDED"},
    ]});
    let client = client(Playback::new([Step::json(200, &page)]), 1 << 20);
    let page = client.task_list().send().await.unwrap();
    let labels: Vec<_> = page.data.iter().filter_map(|task| task.label.as_deref()).collect();
    assert_eq!(labels, ["a", "b", "c"]);
    let odd = &page.data[1];
    assert!(odd.task_id.is_nil());
    assert_eq!((&odd.extra["status"], &odd.extra["task_id"]), (&json!(7), &json!("no-uuid")));
    assert_eq!(page.data[2].status, TaskStatus::Succeeded);
}
