//! The documents that operations send, as recorded from the Python SDK.
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

use conformance::{Case, Outcome, difference};
use globus_sdk::auth::DependentScope;
use globus_sdk::{ScopeId, Timestamp};
use playback::text_of;
use serde_json::{Value, json};
use transfer_documents::{Missing, built_delete, built_transfer};

#[test]
fn conformance_of_payloads() {
    conformance::run("requests/payloads.json", judge);
}

fn judge(case: &Case) -> Outcome {
    if case.whole["client"] != "payload" {
        return Outcome::Pending;
    }
    let (args, calls) = (&case.whole["args"], calls(case));
    let built = match case.whole["method"].as_str().unwrap() {
        "TransferData" => built_transfer(args, calls).map(|data| json!(data)),
        "DeleteData" => built_delete(args, calls).map(|data| json!(data)),
        "DependentScopeSpec" => dependent_scope(args),
        _ => return Outcome::Pending,
    };
    match built {
        Ok(mut document) => {
            let mut expected = case.whole["json"].clone();
            same_instant(&mut expected, &mut document);
            Outcome::of(difference(&expected, &document))
        }
        Err(Missing::Unexpressible) => Outcome::Passed,
        Err(Missing::Method) => Outcome::Pending,
    }
}

fn dependent_scope(args: &Value) -> Result<Value, Missing> {
    let scope = args["scope"].as_str().and_then(|scope| scope.parse::<ScopeId>().ok());
    match (scope, args["optional"].as_bool(), args["requires_refresh_token"].as_bool()) {
        (Some(scope), Some(optional), Some(required)) => {
            let dependent = DependentScope::new(scope).optional(optional).requires_refresh_token(required);
            assert_eq!(json!(dependent), Value::from(dependent.clone()));
            Ok(dependent.into())
        }
        _ => Err(Missing::Unexpressible),
    }
}

fn calls(case: &Case) -> Vec<(String, Value)> {
    let calls = case.whole["calls"].as_array().into_iter().flatten();
    calls.map(|call| (text_of(&call["method"]), call["args"].clone())).collect()
}

/// A deadline that was given as a time has to name the same instant in the same layout; its offset may be UTC's.
fn same_instant(expected: &mut Value, found: &mut Value) {
    let instant = |document: &Value| {
        let text =
            document["deadline"].as_str().filter(|text| text.contains(' ') && text.contains(['+', '-']))?;
        text.parse::<Timestamp>().ok()
    };
    if let (Some(a), Some(b)) = (instant(expected), instant(found))
        && a == b
    {
        found["deadline"] = expected["deadline"].clone();
    }
}
