//! Cases of `requests/*.json`: which answers they play, and how what was sent compares.

// Each test file that includes this module uses a part of it.
#![allow(dead_code, reason = "each test file uses its part")]

use globus_sdk::Error;
use serde_json::{Value, json};

use crate::compare::request_difference;
use crate::conformance::{Case, Outcome};
use crate::playback::{Playback, Step};

/// The access token of every client that is not a login client.
pub(crate) const ACCESS_TOKEN: &str = "ACCESS_TOKEN_1";

/// The answers that a case plays: those of a sequence, or those to the preceding requests and to the last one.
pub(crate) fn playback(case: &Case) -> Playback {
    let whole = &case.whole;
    if let Some(responses) = whole["responses"].as_array() {
        return Playback::new(responses.iter().map(Step::recorded));
    }
    if let Some(documents) = whole["responses_json"].as_array() {
        return Playback::new(documents.iter().map(|document| Step::json(200, document)));
    }
    let nothing = json!({});
    let preceding = whole["preceding"].as_array().into_iter().flatten();
    let mut answers: Vec<_> = preceding.map(|exchange| Step::json(200, &exchange["response_json"])).collect();
    answers.push(Step::json(200, whole.get("response_json").unwrap_or(&nothing)));
    Playback::new(answers)
}

/// The requests that a case expects, in order.
pub(crate) fn expected_requests(case: &Case) -> Vec<Value> {
    if let Some(requests) = case.whole["requests"].as_array() {
        return requests.clone();
    }
    let preceding = case.whole["preceding"].as_array().into_iter().flatten();
    preceding.map(|exchange| exchange["request"].clone()).chain([case.whole["request"].clone()]).collect()
}

/// Judges a call by what it sent. It must succeed too, but where the record has no answer fit for its type.
pub(crate) fn judge<T>(case: &Case, playback: &Playback, result: Result<T, Error>) -> Outcome {
    let unfit = case.whole.get("response_json").is_none();
    match result {
        Err(error) if !(unfit && error.is_decode()) => Outcome::Failed(format!("{error:?}")),
        _ => Outcome::of(requests_difference(case, &expected_requests(case), playback)),
    }
}

/// Where the requests sent differ from those expected.
pub(crate) fn requests_difference(case: &Case, expected: &[Value], playback: &Playback) -> Option<String> {
    let sent = playback.sent();
    if sent.len() != expected.len() {
        return Some(format!("expected {} requests, found {}", expected.len(), sent.len()));
    }
    let lists = case.whole["unordered_comma_lists"].as_array().into_iter().flatten();
    let unordered: Vec<String> = lists.map(|name| name.as_str().unwrap().to_owned()).collect();
    expected.iter().zip(&sent).enumerate().find_map(|(index, (expected, sent))| {
        request_difference(expected, sent, &unordered)
            .map(|difference| format!("request {index}: {difference}"))
    })
}

/// An argument that must be there.
pub(crate) fn text<'a>(args: &'a Value, name: &str) -> &'a str {
    args[name].as_str().unwrap_or_else(|| panic!("no text {name} in {args}"))
}

/// The pairs of an argument that is a map; none where it is not given.
pub(crate) fn pairs<'a>(args: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    args[name].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null())
}

/// Panics, and so fails the case, where an argument is none of those that the caller passes on.
pub(crate) fn only(args: &Value, known: &[&str]) {
    for name in args.as_object().into_iter().flatten().map(|(name, _)| name) {
        assert!(known.contains(&name.as_str()), "the argument {name} is not passed on");
    }
}
