//! Answers and what their documents show, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
mod playback;

use conformance::{Case, Outcome, difference};
use globus_sdk::decode::Extra;
use globus_sdk::{AccessTokenAuthorizer, AuthClient, Error, TransferClient};
use playback::{Playback, Step, wait};
use serde_json::{Value, json};

#[test]
fn conformance_of_responses() {
    conformance::run("responses.json", |case| wait(judge(case)));
}

async fn judge(case: &Case) -> Outcome {
    let playback = Playback::new([Step::json(200, &case.whole["response_json"])]);
    let authorizer = AccessTokenAuthorizer::new("ACCESS_TOKEN_1");
    let found = match (case.whole["client"].as_str().unwrap(), case.whole["method"].as_str().unwrap()) {
        ("TransferClient", "task_list") => {
            let client =
                TransferClient::builder().authorizer(authorizer).transport(playback).build().unwrap();
            client.task_list().send().await.map(|page| items(page.data.iter().map(|task| &task.extra)))
        }
        ("AuthClient", "get_identities") => {
            let client = AuthClient::builder().authorizer(authorizer).transport(playback).build().unwrap();
            let list = client.get_identities().send().await;
            list.map(|list| items(list.identities.iter().map(|identity| &identity.extra)))
        }
        _ => return Outcome::Pending,
    };
    shown(case, found)
}

/// The recorded items have no member that ours know, so everything that they hold is in `extra`.
fn items<'a>(extras: impl Iterator<Item = &'a Extra>) -> Value {
    extras.map(|extra| json!(extra)).collect()
}

fn shown(case: &Case, found: Result<Value, Error>) -> Outcome {
    match (case.whole["raises"].as_str(), found) {
        (None, Ok(found)) => Outcome::of(difference(&case.whole["items"], &found)),
        // An absent list may count as empty.
        (Some("KeyError"), Ok(found)) => Outcome::of(difference(&json!([]), &found)),
        (Some(_), Err(error)) if error.is_decode() => Outcome::Passed,
        (raises, found) => Outcome::Failed(format!("expected {raises:?}, found {found:?}")),
    }
}
