//! Services that are called with a user's token: checking it, and acting on the user's behalf.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checking;
mod costs;
mod dependent;
#[path = "../playback/mod.rs"]
mod playback;

use globus_sdk::{ConfidentialAppAuthClient, ManualClock, RetryPolicy};
use playback::{Playback, Step};
use serde_json::{Value, json};

/// The service's own client.
const SERVICE: &str = "61338d24-54d5-408f-a10d-66c06b59f6d2";
const ANA: &str = "00000000-0000-4000-8000-00000000000a";
const NOW: i64 = 1_700_000_000;
const SCOPE: &str = "https://auth.globus.org/scopes/61338d24-54d5-408f-a10d-66c06b59f6d2/portal";

/// The token that Ana presents.
const TOKEN: &str = "AgPresented";

fn clock() -> ManualClock {
    ManualClock::at(NOW)
}

fn client(playback: &Playback, clock: &ManualClock) -> ConfidentialAppAuthClient {
    ConfidentialAppAuthClient::builder(SERVICE, "AgSecretOfClient")
        .transport(playback.clone())
        .clock(clock.clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// What Globus Auth says of Ana's token, good for an hour, with these members changed.
fn introspection(changes: &Value) -> Step {
    let mut document = json!({
        "active": true, "scope": SCOPE, "client_id": "browser", "sub": ANA, "username": "ana@example.edu",
        "name": "Ana", "email": "ana@example.edu", "aud": [SERVICE, "browser"], "iss": "https://auth.globus.org",
        "exp": NOW + 3600, "iat": NOW, "nbf": NOW, "token_type": "Bearer", "identity_set": [ANA],
        "session_info": {"session_id": "s", "authentications": {ANA: {"auth_time": NOW, "amr": ["pwd"]}}},
    });
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    Step::json(200, &document)
}

fn inactive() -> Step {
    Step::json(200, &json!({"active": false}))
}

/// How many questions about tokens were sent.
fn introspections(playback: &Playback) -> usize {
    playback.sent().iter().filter(|sent| sent.path().ends_with("/introspect")).count()
}

/// How many caller's tokens were traded.
fn trades(playback: &Playback) -> usize {
    let grant = "urn:globus:auth:grant_type:dependent_token";
    playback.sent().iter().filter(|sent| sent.form_field("grant_type").as_deref() == Some(grant)).count()
}
