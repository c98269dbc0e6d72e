//! Answers and what their documents show, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
mod playback;

use std::collections::BTreeMap;

use conformance::{Case, Outcome, difference};
use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, ClientId, ConfidentialAppAuthClient, Error, IdentityId, RefreshToken,
    Result, TokenResponse, TransferClient,
};
use playback::{Playback, Step, clock_at, text_of, wait};
use serde_json::{Value, json};

#[test]
fn conformance_of_responses() {
    conformance::run("responses.json", |case| match case.whole["client"].as_str().unwrap() {
        "AuthClient" | "TransferClient" => wait(listing(case)),
        "ConfidentialAppAuthClient" => wait(tokens(case)),
        _ => Outcome::Pending,
    });
}

// Lists

async fn listing(case: &Case) -> Outcome {
    let playback = Playback::new([Step::json(200, &case.whole["response_json"])]);
    let authorizer = AccessTokenAuthorizer::new("ACCESS_TOKEN_1");
    let args = &case.whole["args"];
    macro_rules! of {
        ($client:ident.$method:ident($($name:literal: $id:ty),*) . $items:ident) => {{
            let builder = $client::builder().authorizer(authorizer).transport(playback);
            let client = builder.build().unwrap();
            let list = client.$method($(args[$name].as_str().unwrap().parse::<$id>().unwrap()),*).send().await;
            list.map(|list| json!(list.$items))
        }};
    }
    let found = match (case.whole["client"].as_str().unwrap(), case.whole["method"].as_str().unwrap()) {
        ("TransferClient", "task_list") => of!(TransferClient.task_list().data),
        ("AuthClient", "get_identities") => of!(AuthClient.get_identities().identities),
        ("AuthClient", "get_identity_providers") => {
            of!(AuthClient.get_identity_providers().identity_providers)
        }
        ("AuthClient", "get_projects") => of!(AuthClient.get_projects().projects),
        ("AuthClient", "get_policies") => of!(AuthClient.get_policies().policies),
        ("AuthClient", "get_clients") => of!(AuthClient.get_clients().clients),
        ("AuthClient", "get_client_credentials") => {
            of!(AuthClient.get_client_credentials("client_id": ClientId).credentials)
        }
        ("AuthClient", "get_scopes") => of!(AuthClient.get_scopes().scopes),
        ("AuthClient", "get_consents") => of!(AuthClient.get_consents("identity_id": IdentityId).consents),
        _ => return Outcome::Pending,
    };
    match (case.whole["raises"].as_str(), found) {
        (None, Ok(found)) => Outcome::of(items_difference(&case.whole["items"], found)),
        // An absent list may count as empty.
        (Some("KeyError"), Ok(found)) => Outcome::of(difference(&json!([]), &found)),
        (Some(_), Err(error)) if error.is_decode() => Outcome::Passed,
        (raises, found) => Outcome::Failed(format!("expected {raises:?}, found {found:?}")),
    }
}

/// Our documents have all members that they know; those that the recorded item has must be the same.
fn items_difference(expected: &Value, mut found: Value) -> Option<String> {
    for (expected, found) in expected.as_array().into_iter().flatten().zip(found.as_array_mut().unwrap()) {
        if let (Some(expected), Some(found)) = (expected.as_object(), found.as_object_mut()) {
            found.retain(|name, _| expected.contains_key(name));
        }
    }
    difference(expected, &found)
}

// Tokens

async fn tokens(case: &Case) -> Outcome {
    let Some(found) = token_response(case).await else { return Outcome::Pending };
    let found = match (case.whole["raises"].as_str(), found) {
        (None, Ok(found)) => found,
        // An absent list of further tokens may count as empty.
        (Some("KeyError"), Ok(found)) => {
            let missing = case.whole["response_json"].get("other_tokens").is_none();
            let one = found.by_resource_server().len() == 1;
            return Outcome::of((!missing || !one).then(|| format!("expected an error, found {found:?}")));
        }
        (Some(_), Err(error)) if error.is_decode() => return Outcome::Passed,
        (raises, found) => return Outcome::Failed(format!("expected {raises:?}, found {found:?}")),
    };
    let by_resource_server = found.by_resource_server().iter().map(|token| {
        let shown = json!({
            "scope": token.scope.as_str(),
            "access_token": token.access_token.expose(),
            "refresh_token": token.refresh_token.as_ref().map(RefreshToken::expose),
            "token_type": token.token_type.as_deref(),
            "expires_at_seconds": token.expires_at_seconds,
            "resource_server": token.resource_server.as_str(),
        });
        (token.resource_server.to_string(), shown)
    });
    let by_resource_server: BTreeMap<String, Value> = by_resource_server.collect();
    let asked = case.whole["by_scopes_access_token"].as_object().into_iter().flatten();
    let by_scopes = asked.map(|(scopes, _)| {
        let token = found.by_scopes().get(scopes.as_str()).ok();
        (scopes.clone(), token.map(|token| token.access_token.expose().to_owned()))
    });
    let by_scopes: BTreeMap<String, Option<String>> = by_scopes.collect();
    let mut scopes: Vec<&str> = found.by_scopes().iter().collect();
    scopes.sort_unstable();
    let shown = json!([by_resource_server, by_scopes, scopes]);
    let expected = json!([
        case.whole["by_resource_server"],
        case.whole["by_scopes_access_token"],
        case.whole["all_scopes"]
    ]);
    Outcome::of(difference(&expected, &shown))
}

/// What the call answers at the recorded time; `None` where it is no such call.
async fn token_response(case: &Case) -> Option<Result<TokenResponse, Error>> {
    let playback = Playback::new([Step::json(200, &case.whole["response_json"])]);
    let client = ConfidentialAppAuthClient::builder("00000000-0000-4000-8000-000000000081", "s3cr3t")
        .transport(playback)
        .clock(clock_at(case.whole["now"].as_f64().unwrap_or_default()))
        .build()
        .unwrap();
    let args = &case.whole["args"];
    Some(match case.whole["method"].as_str().unwrap() {
        "oauth2_token" => {
            let form = args["form_data"].as_object().into_iter().flatten();
            let mut form: Vec<_> = form.map(|(name, value)| (name.clone(), text_of(value))).collect();
            if form.is_empty() {
                form.push(("grant_type".to_owned(), "x".to_owned()));
            }
            client.oauth2_token(form).send().await
        }
        "oauth2_get_dependent_tokens" => {
            client.oauth2_get_dependent_tokens(args["token"].as_str().unwrap_or("T")).send().await
        }
        _ => return None,
    })
}
