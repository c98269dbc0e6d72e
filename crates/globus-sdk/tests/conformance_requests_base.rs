//! Untyped requests, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "conformance_support/compare.rs"]
mod compare;
#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
mod playback;
#[path = "conformance_support/requests.rs"]
mod requests;

use conformance::{Case, Outcome};
use globus_sdk::{AccessTokenAuthorizer, BaseClient};
use http::Method;
use playback::{text_of, wait};
use requests::{judge, only, pairs, requests_difference, text};
use serde_json::Value;
use url::Url;

#[test]
fn conformance_of_untyped_requests() {
    conformance::run("requests/base.json", |case| match case.whole["client"].as_str().unwrap() {
        "BaseClient" => wait(request(case)),
        _ => Outcome::Pending,
    });
}

async fn request(case: &Case) -> Outcome {
    let args = &case.whole["args"];
    only(args, &["method", "path", "query_params", "data", "encoding", "headers", "automatic_authorization"]);
    let method = match case.whole["method"].as_str().unwrap() {
        "request" => text(args, "method").to_owned(),
        short @ ("get" | "post" | "put" | "patch" | "delete") => short.to_uppercase(),
        _ => return Outcome::Pending,
    };
    let playback = requests::playback(case);
    let base_url = text(&case.whole["client_args"], "base_url");
    let client = BaseClient::builder()
        .base_url(base_url)
        .authorizer(AccessTokenAuthorizer::new(requests::ACCESS_TOKEN))
        .transport(playback.clone())
        .build()
        .unwrap();
    let mut call = client.request(Method::from_bytes(method.as_bytes()).unwrap(), text(args, "path"));
    for (name, value) in pairs(args, "query_params") {
        for value in several(value) {
            call = call.query(name, text_of(value));
        }
    }
    for (name, value) in pairs(args, "headers") {
        call = call.header(name, text_of(value));
    }
    if args["automatic_authorization"] == false {
        call = call.without_authorization();
    }
    call = match (args.get("data"), args["encoding"].as_str()) {
        (None | Some(Value::Null), _) => call,
        (Some(Value::String(data)), None | Some("text")) => call.text(data),
        (Some(data), None | Some("json")) => call.json(data),
        (Some(Value::Object(fields)), Some("form")) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            call.form(fields.flat_map(|(name, value)| {
                several(value).into_iter().map(move |value| (name.clone(), text_of(value)))
            }))
        }
        _ => return Outcome::Pending,
    };
    let result = call.send().await;
    if leaves_its_origin(case, base_url) {
        // Credentials stay with their own service: the call is refused, or sent without them.
        return match result {
            Err(error) if error.is_refused() && playback.sent().is_empty() => Outcome::Passed,
            Ok(_) => {
                let mut anonymous = case.whole["request"].clone();
                anonymous["auth"] = false.into();
                anonymous["auth_scheme"] = Value::Null;
                Outcome::of(requests_difference(case, &[anonymous], &playback))
            }
            Err(error) => Outcome::Failed(format!("{error:?}")),
        };
    }
    judge(case, &playback, result)
}

/// A list stands for several values of one name.
fn several(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        single => vec![single],
    }
}

/// Whether credentials would go to a full address of another origin, or unencrypted.
fn leaves_its_origin(case: &Case, base_url: &str) -> bool {
    let Ok(target) = Url::parse(text(&case.whole["args"], "path")) else { return false };
    let home = Url::parse(base_url).unwrap();
    case.whole["request"]["auth"] == true && (target.origin() != home.origin() || target.scheme() == "http")
}
