//! The requests of Globus Auth's operations, and what is refused before anything is sent, as recorded from the Python
//! SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod arguments;
mod clients;
#[path = "../conformance_support/compare.rs"]
mod compare;
#[path = "../../../globus-core/tests/conformance/mod.rs"]
mod conformance;
mod developer;
mod discovery;
#[path = "../conformance_support/flows.rs"]
mod flows;
mod id_tokens;
mod identity_map;
mod login_calls;
mod logins;
#[path = "../playback/mod.rs"]
mod playback;
#[path = "../conformance_support/requests.rs"]
mod requests;
mod user_calls;

use clients::Client;
use conformance::{Case, Outcome};
use globus_sdk::Result;
use playback::{Playback, wait};
use serde_json::Value;

#[test]
fn conformance_of_requests_to_auth() {
    conformance::run("requests/auth.json", |case| match case.whole["client"].as_str().unwrap() {
        "IDTokenDecoder" => wait(id_tokens::id_token(case)),
        "IdentityMap" => wait(identity_map::identity_map(case)),
        _ => match case.whole["method"].as_str().unwrap() {
            "oauth2_start_flow" | "oauth2_get_authorize_url" => wait(logins::authorize_url(case)),
            "oauth2_exchange_code_for_tokens" => wait(logins::exchange(case)),
            "get_openid_configuration" | "get_jwk" => wait(discovery::discovery(case)),
            _ => {
                let playback = requests::playback(case);
                match wait(call(case, &playback)) {
                    Called::Answered(result) => requests::judge(case, &playback, result),
                    Called::Unexpressible => Outcome::Passed,
                    Called::NoSuchMethod => Outcome::Pending,
                }
            }
        },
    });
}

#[test]
fn conformance_of_usage_errors_of_auth() {
    conformance::run("requests/usage_errors.json", |case| match case.whole["client"].as_str().unwrap() {
        "AuthClient" | "AuthLoginClient" | "NativeAppAuthClient" | "ConfidentialAppAuthClient" => {
            wait(usage_error(case))
        }
        _ => Outcome::Elsewhere,
    });
}

/// What became of a call with recorded arguments.
enum Called {
    /// It was made.
    Answered(Result<()>),
    /// The types here have no place for such arguments: the call does not compile.
    Unexpressible,
    /// There is no such method.
    NoSuchMethod,
}

async fn call(case: &Case, playback: &Playback) -> Called {
    let client = Client::of(case, playback);
    let (method, args) = (case.whole["method"].as_str().unwrap(), &case.whole["args"]);
    if let Client::User(client) = &client {
        match user_calls::call(client, method, args).await {
            Called::NoSuchMethod => developer::call(client, method, args).await,
            called => called,
        }
    } else {
        login_calls::call(&client, method, args, case.whole.get("response_json")).await
    }
}

async fn usage_error(case: &Case) -> Outcome {
    let playback = Playback::default();
    let called = match case.whole["method"].as_str().unwrap() {
        "oauth2_start_flow" => {
            let login = flows::Login::new(&case.whole["client"], &case.whole["client_args"], &playback);
            Called::Answered(login.start(&case.whole["args"]).map(drop))
        }
        // These are methods of a login that was started; of the client without one they do not compile.
        "oauth2_get_authorize_url" | "oauth2_exchange_code_for_tokens" if case.whole["setup"].is_null() => {
            Called::Unexpressible
        }
        _ => call(case, &playback).await,
    };
    match called {
        Called::Unexpressible => Outcome::Passed,
        Called::NoSuchMethod => Outcome::Pending,
        Called::Answered(Err(error)) if error.is_usage() && playback.sent().is_empty() => Outcome::Passed,
        Called::Answered(result) => {
            Outcome::Failed(format!("{result:?} after {} requests", playback.sent().len()))
        }
    }
}

/// Text arguments that a map of further ones holds, `query_params` or `additional_fields`.
fn map<'a>(args: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    args[name].as_object().into_iter().flatten()
}
