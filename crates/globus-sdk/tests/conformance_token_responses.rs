//! Renewal, expiry, proof keys, authorize URLs and code exchange, as recorded from the Python SDK. How token
//! responses are read is judged where they are read, in `globus-core`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "conformance_support/compare.rs"]
mod compare;
#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
#[path = "conformance_support/errors.rs"]
mod errors;
#[path = "conformance_support/flows.rs"]
mod flows;
mod playback;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use compare::same_pairs;
use conformance::{Case, Outcome, difference};
use errors::error_name;
use globus_sdk::{
    Authorization, Authorizer, ClientCredentialsAuthorizer, ConfidentialAppAuthClient, Error, HeldTokens,
    ManualClock, NativeAppAuthClient, PendingPersist, RefreshTokenAuthorizer, RefreshWindows, Result,
    RetryPolicy, Scopes, TokenData, TokenGrants, TokenResponse, authorizer::RenewingBuilder,
};
use playback::{Playback, Sent, Step, clock_at, text_of, timestamp, wait};
use serde_json::{Value, json};

/// The recorded times are those of the Python SDK: renewal from 60 seconds before the expiry, nothing before.
fn recorded_windows() -> RefreshWindows {
    RefreshWindows::fixed(Duration::from_secs(60))
}

#[test]
fn conformance_of_token_responses() {
    conformance::run("token_responses.json", |case| match case.op() {
        "renew" => wait(renew(case)),
        "expiry" => wait(expiry(case)),
        "pkce" => wait(pkce(case)),
        "authorize_url" => authorize_url(case),
        "exchange" => wait(exchange(case)),
        "parse" => Outcome::Elsewhere,
        _ => Outcome::Pending,
    });
}

// Renewal

/// Either of the two renewing authorizers.
#[derive(Clone)]
enum Renewing {
    Refresh(RefreshTokenAuthorizer),
    Credentials(ClientCredentialsAuthorizer),
}

impl Renewing {
    fn held(&self) -> HeldTokens {
        match self {
            Self::Refresh(authorizer) => authorizer.held(),
            Self::Credentials(authorizer) => authorizer.held(),
        }
    }

    fn pending_persist(&self) -> Option<PendingPersist> {
        match self {
            Self::Refresh(authorizer) => authorizer.pending_persist(),
            Self::Credentials(authorizer) => authorizer.pending_persist(),
        }
    }

    fn handle(&self) -> Authorizer {
        match self {
            Self::Refresh(authorizer) => authorizer.into(),
            Self::Credentials(authorizer) => authorizer.into(),
        }
    }
}

/// What the callback was given, and how often it still fails.
#[derive(Default)]
struct Callback {
    given: Vec<Value>,
    failures_left: u32,
}

async fn renew(case: &Case) -> Outcome {
    let input = &case.input;
    if input["initial"].get("access_token").is_some() != input["initial"].get("expires_at").is_some() {
        // An access token is given together with its expiry: the call does not compile.
        return passes_if_refused(case);
    }
    let script = input["script"].as_array().unwrap();
    let playback = Playback::new(
        script.iter().map(|step| Step::json(u16::try_from(step[0].as_u64().unwrap()).unwrap(), &step[1])),
    );
    let clock = ManualClock::default();
    let callback = Arc::new(Mutex::new(Callback::default()));
    if input["callback"] == "fails_once" {
        callback.lock().unwrap().failures_left = 1;
    }

    let mut authorizer = None;
    let mut steps = Vec::new();
    for call in input["calls"].as_array().unwrap() {
        clock.set(timestamp(call[1].as_f64().unwrap()));
        let result = match call[0].as_str().unwrap() {
            "construct" => match construct(input, &playback, &clock, &callback).await {
                Ok(built) => {
                    authorizer = Some(built);
                    json!({"ok": null})
                }
                Err(error) => failure(&error),
            },
            "header" => match authorizer.as_ref().unwrap().handle().authorization().await {
                Ok(authorization) => json!({"ok": authorization.header().unwrap().to_str().unwrap()}),
                Err(error) => failure(&error),
            },
            "handle_401" => {
                let authorizer = authorizer.as_ref().unwrap();
                let used = match authorizer.held().access_token {
                    Some(token) => Authorization::bearer(&token).unwrap(),
                    None => Authorization::none(),
                };
                json!({"ok": authorizer.handle().rejected(&used)})
            }
            other => panic!("no such call: {other}"),
        };
        steps.push(shown_step(input, &result, authorizer.as_ref(), &callback));
    }
    let requests: Vec<_> = playback.sent().iter().map(Sent::form).collect();
    case.expect_by(|expected| {
        steps_difference(&expected["steps"], &steps).or_else(|| {
            let expected: Vec<_> =
                expected["requests"].as_array().unwrap().iter().map(compare::recorded_pairs).collect();
            if expected.len() != requests.len() {
                return Some(format!("expected {} requests, found {}", expected.len(), requests.len()));
            }
            expected
                .into_iter()
                .zip(requests.clone())
                .find_map(|(expected, found)| same_pairs("form", expected, found, &[]))
        })
    })
}

fn passes_if_refused(case: &Case) -> Outcome {
    case.expect_by(|expected| {
        let refused = expected["error"] == "GlobusSDKUsageError"
            || expected["steps"][0]["result"]["error"] == "GlobusSDKUsageError";
        (!refused).then(|| "the types do not allow this call".to_owned())
    })
}

async fn construct(
    input: &Value,
    playback: &Playback,
    clock: &ManualClock,
    callback: &Arc<Mutex<Callback>>,
) -> Result<Renewing> {
    let initial = &input["initial"];
    let native = || {
        NativeAppAuthClient::builder("cid")
            .transport(playback.clone())
            .clock(clock.clone())
            .retry(RetryPolicy::never())
            .build()
            .unwrap()
    };
    let confidential = || {
        ConfidentialAppAuthClient::builder("cid", "secret")
            .transport(playback.clone())
            .clock(clock.clone())
            .retry(RetryPolicy::never())
            .build()
            .unwrap()
    };
    match (input["authorizer"].as_str().unwrap(), input["client"].as_str().unwrap()) {
        ("refresh_token", "native") => refresh(input, &native(), clock, callback).await,
        ("refresh_token", "confidential") => refresh(input, &confidential(), clock, callback).await,
        ("client_credentials", "confidential") => {
            let scopes: Scopes = match &initial["scopes"] {
                Value::Array(scopes) => scopes.iter().map(text_of).collect::<Vec<_>>().into(),
                text => text_of(text).as_str().into(),
            };
            let builder = ClientCredentialsAuthorizer::builder(&confidential(), scopes);
            finish(input, builder, clock, callback).await.map(Renewing::Credentials)
        }
        other => panic!("no such authorizer: {other:?}"),
    }
}

async fn refresh(
    input: &Value,
    login_client: &(impl TokenGrants + Clone),
    clock: &ManualClock,
    callback: &Arc<Mutex<Callback>>,
) -> Result<Renewing> {
    let refresh_token = input["initial"]["refresh_token"].as_str().unwrap();
    let builder = RefreshTokenAuthorizer::builder(refresh_token, login_client);
    finish(input, builder, clock, callback).await.map(Renewing::Refresh)
}

async fn finish<A>(
    input: &Value,
    mut builder: RenewingBuilder<A>,
    clock: &ManualClock,
    callback: &Arc<Mutex<Callback>>,
) -> Result<A> {
    let initial = &input["initial"];
    builder = builder.clock(clock.clone()).windows(recorded_windows());
    if let (Some(token), Some(expiry)) = (initial["access_token"].as_str(), initial["expires_at"].as_i64()) {
        builder = builder.access_token(token, expiry);
    }
    if input["callback"] != "none" {
        let callback = Arc::clone(callback);
        builder = builder.on_refresh_fn(move |response: &TokenResponse| {
            let mut callback = callback.lock().unwrap();
            let tokens = response.by_resource_server().iter();
            let given: serde_json::Map<_, _> = tokens
                .map(|token| (token.resource_server.to_string(), token.access_token.expose().into()))
                .collect();
            callback.given.push(given.into());
            if callback.failures_left > 0 {
                callback.failures_left -= 1;
                return Err("the callback fails this time");
            }
            Ok(())
        });
    }
    // As the Python SDK's constructor does: without a token, one is fetched at once.
    builder.fetch().await
}

fn failure(error: &Error) -> Value {
    if let Some(malformed) = error.malformed_token_response() {
        return json!({"error": "MalformedTokenResponse", "field": malformed.field()});
    }
    match error.status() {
        Some(status) => json!({"error": error_name(error), "http_status": status.as_u16()}),
        None => json!({"error": error_name(error)}),
    }
}

fn shown_step(
    input: &Value,
    result: &Value,
    authorizer: Option<&Renewing>,
    callback: &Mutex<Callback>,
) -> Value {
    let mut step = json!({"result": result, "callbacks": callback.lock().unwrap().given});
    if let Some(authorizer) = authorizer {
        let held = authorizer.held();
        step["access_token"] = json!(held.access_token.map(|token| token.expose().to_owned()));
        step["expires_at"] = json!(held.expires_at_seconds);
        if input["authorizer"] == "refresh_token" {
            step["refresh_token"] = json!(held.refresh_token.map(|token| token.expose().to_owned()));
        }
        step["owes_the_callback"] = authorizer.pending_persist().is_some().into();
    }
    step
}

fn steps_difference(expected: &Value, found: &[Value]) -> Option<String> {
    let expected = expected.as_array().unwrap();
    if expected.len() != found.len() {
        return Some(format!("expected {} steps, found {}", expected.len(), found.len()));
    }
    expected.iter().zip(found).enumerate().find_map(|(index, (expected, found))| {
        let mut expected = expected.clone();
        let mut found = found.clone();
        let owes = found.as_object_mut().unwrap().remove("owes_the_callback");
        if expected["result"]["error"] == "RuntimeError" {
            // The callback's own failure does not fail the call here: the new token is answered, and the
            // response is owed to the callback, which a later step shows to be called again.
            if owes != Some(Value::Bool(true)) {
                return Some(format!("step {index}: the failed callback is not owed"));
            }
            let token = found["access_token"].as_str().unwrap_or_default();
            let fetched = found["result"] == json!({"ok": null});
            if !fetched && found["result"] != json!({"ok": format!("Bearer {token}")}) {
                return Some(format!("step {index}: the new token was not answered"));
            }
            expected["result"] = found["result"].clone();
            if expected.get("access_token").is_none() {
                // Python has no object to look at after its constructor failed.
                found = json!({"result": found["result"], "callbacks": found["callbacks"]});
            }
        }
        difference(&expected, &found).map(|difference| format!("step {index}{difference}"))
    })
}

// Expiry

async fn expiry(case: &Case) -> Outcome {
    let expires_at = case.input["expires_at"].as_i64().unwrap();
    let now = case.input["now"].as_f64().unwrap();
    let clock = clock_at(now);
    let fresh = json!({
        "access_token": "AT_NEW", "scope": "s", "expires_in": 3600, "resource_server": "rs",
        "token_type": "Bearer", "other_tokens": [],
    });
    let playback = Playback::new([Step::json(200, &fresh)]);
    let client =
        NativeAppAuthClient::builder("cid").transport(playback.clone()).clock(clock.clone()).build().unwrap();
    let authorizer = RefreshTokenAuthorizer::builder("RT", &client)
        .access_token("AT", expires_at)
        .clock(clock)
        .windows(recorded_windows())
        .build()
        .unwrap();
    authorizer.ensure_valid_token().await.unwrap();

    let stored = TokenData::new("rs", "s", "AT", expires_at);
    let expired = stored.is_expired(timestamp(now));
    let mut found = json!({
        "renewing_authorizer": if playback.sent().is_empty() { "keep" } else { "renew" },
        "stored_token": if expired { "ExpiredTokenError" } else { "valid" },
        // What decides whether a cached authorizer is kept is the same question.
        "cached_access_token_authorizer": if expired { "dropped" } else { "kept" },
    });
    case.expect_by(|expected| {
        if expected.get("cached_access_token_authorizer").is_none() {
            found.as_object_mut().unwrap().remove("cached_access_token_authorizer");
        }
        difference(expected, &found)
    })
}

// Logins

async fn pkce(case: &Case) -> Outcome {
    let verifier = case.input["verifier"].as_str().unwrap();
    let playback = Playback::new([Step::json(200, &flows::tokens())]);
    let client = NativeAppAuthClient::builder("cid").transport(playback.clone()).build().unwrap();
    let found = match client.oauth2_start_flow("openid").verifier(verifier).start() {
        Err(error) => json!({"error": error_name(&error)}),
        Ok(flow) => {
            let url = flow.authorize_url().unwrap();
            let parameter = |name: &str| {
                url.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
            };
            flow.oauth2_exchange_code_for_tokens("CODE").await.unwrap();
            json!({"ok": {
                "verifier": playback.sent()[0].form_field("code_verifier"),
                "challenge": parameter("code_challenge"),
                "method": parameter("code_challenge_method"),
            }})
        }
    };
    case.expect(&found)
}

fn authorize_url(case: &Case) -> Outcome {
    if case.input["flow"].is_null() {
        // Only a flow that was started has an authorize URL: the call does not compile.
        return passes_if_refused(case);
    }
    let login = flows::Login::new(&case.input["client"], &case.input["client_args"], &Playback::default());
    let flow = match login.start(&case.input["flow"]) {
        Ok(flow) => flow,
        Err(error) => return case.expect(&json!({"error": error_name(&error)})),
    };
    let Some(url) = flows::authorize_url(&flow, &case.input["url_args"]) else { return Outcome::Pending };
    let url = match url {
        Ok(url) => url,
        Err(error) => return case.expect(&json!({"error": error_name(&error)})),
    };
    let again = login.start(&case.input["flow"]).unwrap();
    case.expect_by(|expected| {
        let Some(expected) = expected.get("ok") else {
            return Some(format!("expected {expected}, found {url}"));
        };
        let mut bare = url.clone();
        bare.set_query(None);
        difference(&expected["base"], &json!(bare)).or_else(|| {
            let expected = compare::recorded_pairs(&expected["params"]);
            flows::authorize_difference(expected, &case.input["flow"], &flow, &again, &url)
        })
    })
}

async fn exchange(case: &Case) -> Outcome {
    if case.input["flow"].is_null() {
        // Only a flow that was started can exchange a code: the call does not compile.
        return passes_if_refused(case);
    }
    let playback = Playback::new([Step::json(200, &flows::tokens())]);
    let client_args = json!({"client_id": "cid", "client_secret": "secret"});
    let flow =
        flows::Login::new(&case.input["client"], &client_args, &playback).start(&case.input["flow"]).unwrap();
    flow.oauth2_exchange_code_for_tokens(case.input["code"].as_str().unwrap()).await.unwrap();
    let sent = playback.sent();
    assert_eq!(sent.len(), 1);
    let scheme = sent[0].authorization().map_or("none", |value| value.split(' ').next().unwrap());
    case.expect_by(|expected| {
        let expected = &expected["ok"];
        difference(&expected["authorization"], &scheme.into())
            .or_else(|| same_pairs("form", compare::recorded_pairs(&expected["form"]), sent[0].form(), &[]))
    })
}
