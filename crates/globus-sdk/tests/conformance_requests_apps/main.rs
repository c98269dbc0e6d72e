//! Programs with apps, whole: the requests that they send, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::panic)]

#[path = "../conformance_support/compare.rs"]
mod compare;
#[path = "../../../globus-core/tests/conformance/mod.rs"]
mod conformance;
#[path = "../conformance_support/flows.rs"]
mod flows;
#[path = "../playback/mod.rs"]
mod playback;
mod program;
#[path = "../conformance_support/requests.rs"]
mod requests;

use conformance::{Case, Outcome, difference};
use globus_sdk::scope::Scopes;
use playback::wait;
use program::Program;
use serde_json::{Value, json};

#[test]
fn conformance_of_requests_of_apps() {
    conformance::run("requests/apps.json", |case| wait(judge(case)));
}

#[test]
fn conformance_of_scopes_of_logins() {
    conformance::run("scopes.json", |case| match case.op() {
        "login_scopes" => wait(login_scopes(case)),
        _ => Outcome::Elsewhere,
    });
}

async fn judge(case: &Case) -> Outcome {
    if case.whole["service"] == "gcs" {
        // There are no clients of Globus Connect Server yet.
        return Outcome::Pending;
    }
    let mut program = Program::new(&case.whole["setup"], requests::playback(case));
    let result = program.run().await;
    let difference = requests_difference(case, &program)
        .or_else(|| program.urls_difference(&case.whole["authorize_urls"]))
        .or_else(|| match (result, case.whole["raises"].as_str()) {
            (Ok(returned), None) => match &case.whole["setup"]["returns_of"] {
                Value::Null => None,
                _ => difference(&case.whole["returns"], &returned),
            },
            (Err(_), Some(_)) => None,
            (result, raises) => Some(format!("expected {raises:?}, found {result:?}")),
        });
    Outcome::of(difference)
}

/// The order of resource servers is free, and with it that of what is revoked.
fn requests_difference(case: &Case, program: &Program) -> Option<String> {
    let mut expected = requests::expected_requests(case);
    // Rule `discovery-unauthenticated`.
    for request in &mut expected {
        let path = request["path"].as_str().unwrap();
        if path == "/.well-known/openid-configuration" || path == "/jwk.json" {
            request["auth"] = json!(false);
            request["auth_scheme"] = Value::Null;
        }
    }
    let (of_revocations, ordered): (Vec<_>, Vec<_>) =
        expected.into_iter().partition(|request| request["path"] == "/v2/oauth2/token/revoke");
    let (revoked, sent): (Vec<_>, Vec<_>) =
        program.playback.sent().into_iter().partition(|sent| sent.path() == "/v2/oauth2/token/revoke");
    if sent.len() != ordered.len() || revoked.len() != of_revocations.len() {
        let paths: Vec<_> = program.playback.sent().iter().map(|sent| sent.path().to_owned()).collect();
        return Some(format!(
            "expected {} and {} requests, found {paths:?}",
            ordered.len(),
            of_revocations.len()
        ));
    }
    let in_order = ordered.iter().zip(&sent).enumerate().find_map(|(index, (expected, sent))| {
        compare::request_difference(expected, sent, &[]).map(|found| format!("request {index}: {found}"))
    });
    in_order.or_else(|| {
        of_revocations.iter().find_map(|expected| {
            let same = |sent| compare::request_difference(expected, sent, &[]).is_none();
            (!revoked.iter().any(same)).then(|| format!("nobody revoked {expected}"))
        })
    })
}

async fn login_scopes(case: &Case) -> Outcome {
    let input = &case.input;
    let mut setup = json!({
        "app": {
            "kind": "UserApp", "app_name": "app", "scope_requirements": input["scope_requirements"],
            "login_client": {"client": "NativeAppAuthClient", "client_args": {"client_id": "c"}},
            "config": {"login_flow": {"code": "CODE"}},
        },
        "clients": [],
    });
    setup["calls"] = json!([{"on": "app", "method": "login", "args": {
        "force": true, "auth_params": {"required_scopes": input.get("required_scopes")},
    }}]);
    let mut program = Program::new(&setup, playback::Playback::default());
    for pair in input["add"].as_array().into_iter().flatten() {
        let scopes = program::scopes(&pair[1]);
        program.app.add_scope_requirements(pair[0].as_str().unwrap(), scopes).unwrap();
    }
    // The login itself fails, as nobody answers. It is the address that tells.
    let result = program.run().await;
    if let Some(error) = result.as_ref().err().and_then(globus_sdk::Error::scopes) {
        let kind = if error.is_cycle() { "ScopeCycleError" } else { "ScopeParseError" };
        return case.expect(&json!({"error": kind}));
    }
    let shown = program.shown();
    let asked = shown[0].query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    case.expect(&canonical(&Scopes::from(asked).parse().unwrap()))
}

fn canonical(scopes: &[globus_sdk::Scope]) -> Value {
    let mut sorted: Vec<_> = scopes.iter().collect();
    sorted.sort_by_key(|scope| (scope.name().as_bytes(), scope.is_optional()));
    let tree = |scope: &globus_sdk::Scope| {
        json!({
            "scope": scope.name(), "optional": scope.is_optional(),
            "dependencies": canonical(scope.dependencies()),
        })
    };
    sorted.into_iter().map(tree).collect()
}
