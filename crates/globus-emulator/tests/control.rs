//! The control interface, and the journal.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use globus_emulator::{Clock, Service};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Setup, TRANSFER, VERIFIER, json, setup, text};

async fn control(setup: &Setup, method: Method, path: &str, body: Option<Value>, status: u16) -> Value {
    let mut request = setup.http.request(method, setup.control(path));
    if let Some(body) = body {
        request = request.json(&body);
    }
    json(request.send().await.unwrap(), status).await
}

#[tokio::test]
async fn health_environment_and_state_are_told() {
    let setup = setup().await;
    assert_eq!(control(&setup, Method::GET, "health", None, 200).await["status"], "ready");
    let environment = control(&setup, Method::GET, "env", None, 200).await;
    let variables = &environment["variables"];
    assert_eq!(variables["GLOBUS_SDK_ENVIRONMENT"], "emulator");
    assert_eq!(variables["GLOBUS_SDK_SERVICE_URL_TIMER"], setup.emulator.service_url("timers"));
    assert_eq!(variables.as_object().unwrap().len(), setup.emulator.variables().len());
    assert!(setup.emulator.variables().iter().all(|(name, value)| variables[name] == **value));
    let state = control(&setup, Method::GET, "state", None, 200).await;
    assert_eq!(state["collections"].as_array().unwrap().len(), 2);
    let all = format!("{environment}{state}");
    assert!(!all.contains(setup.emulator.confidential_client().secret()));
    control(&setup, Method::GET, "nonsense", None, 404).await;
}

#[tokio::test]
async fn the_clock_moves_and_the_date_follows() {
    let setup = setup().await;
    let set = json!({"set": "2031-04-05T06:07:08Z", "freeze": true});
    // Frozen first, then set, so that not a second passes.
    let clock = control(&setup, Method::POST, "clock", Some(set), 200).await;
    assert_eq!(clock, json!({"now": "2031-04-05T06:07:08+00:00", "frozen": true}));
    control(&setup, Method::POST, "clock", Some(json!({"advance_seconds": 60})), 200).await;
    let answer = setup.http.get(setup.auth("jwk.json")).send().await.unwrap();
    assert_eq!(answer.headers()["date"], "Sat, 05 Apr 2031 06:08:08 GMT");
    assert_eq!(answer.headers().get_all("date").iter().count(), 1);
    assert_eq!(setup.emulator.clock().now().to_string(), "2031-04-05T06:08:08Z");
    let clock = control(&setup, Method::POST, "clock", Some(json!({"freeze": false})), 200).await;
    assert_eq!(clock["frozen"], false);
    control(&setup, Method::POST, "clock", Some(json!({"advance_seconds": -1})), 400).await;
    control(&setup, Method::POST, "clock", Some(json!({"advance": 1})), 400).await;
}

#[tokio::test]
async fn tokens_consents_and_logins_are_controlled() {
    let setup = setup().await;
    let lifetime = json!({"access_seconds": 60});
    control(&setup, Method::PUT, "tokens/lifetime", Some(lifetime), 200).await;
    let rotation = json!({"rotate": true, "reuse_grace_seconds": 5});
    control(&setup, Method::PUT, "tokens/rotation", Some(rotation), 200).await;
    let tokens = setup.login(&format!("openid {TRANSFER}")).await;
    assert_eq!(tokens["expires_in"], 60);
    let new = json(setup.refresh(&text(&tokens["refresh_token"])).await, 200).await;
    assert_ne!(new["refresh_token"], tokens["refresh_token"]);

    let filter = json!({"kind": "access", "resource_server": "auth.globus.org"});
    assert_eq!(control(&setup, Method::POST, "tokens/expire", Some(filter), 200).await["expired"], 2);
    assert_eq!(setup.userinfo(&text(&new["access_token"])).await.status(), 401);
    let transfer = &tokens["other_tokens"][0];
    let list = async || {
        let request =
            setup.http.get(setup.transfer("task_list")).bearer_auth(text(&transfer["access_token"]));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(list().await, 200);
    let withdrawal = json!({"identity": setup.emulator.user().id, "scope": TRANSFER});
    assert_eq!(control(&setup, Method::POST, "consents/revoke", Some(withdrawal), 200).await["revoked"], 1);
    assert_eq!(list().await, 401);

    let script = json!([{"deny": true}, {"user": "jon@lab.example.org"}]);
    assert_eq!(control(&setup, Method::POST, "authorize/script", Some(script), 200).await["waiting"], 2);
    assert!(setup.emulator.login(setup.authorize_url("openid", &[])).await.is_err());
    setup.login("openid").await;
    control(&setup, Method::PUT, "transfer/limits", Some(json!({"fail_fast": true})), 200).await;
    let state = control(&setup, Method::GET, "state", None, 200).await;
    assert_eq!(state["transfer_limits"]["fail_fast"], true);
    assert_eq!(state["scripted_decisions"], 0);
}

#[tokio::test]
async fn faults_are_added_listed_and_removed() {
    let setup = setup().await;
    let faults = json!([
        {"service": "transfer", "path": "task_list", "status": 503, "headers": {"Retry-After": "1"}, "count": 1},
        {"service": "timer", "cut": "before"},
        {"service": "auth", "path": "jwk", "truncate_body": 5, "latency_ms": 1, "seed": 3, "probability": 1.0},
    ]);
    let ids = control(&setup, Method::POST, "faults", Some(faults), 200).await["ids"].clone();
    assert_eq!(ids.as_array().unwrap().len(), 3);
    let answer = setup.http.get(setup.transfer("task_list")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(setup.http.get(setup.emulator.service_url("timers")).send().await.is_err());
    assert!(setup.http.get(setup.auth("jwk.json")).send().await.unwrap().bytes().await.is_err());
    let listed = control(&setup, Method::GET, "faults", None, 200).await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    control(&setup, Method::DELETE, &format!("faults/{}", ids[1]), None, 200).await;
    control(&setup, Method::DELETE, &format!("faults/{}", ids[1]), None, 404).await;
    assert_eq!(control(&setup, Method::DELETE, "faults", None, 200).await["left"], 0);
    for wrong in [json!({"path": "("}), json!({"status": 500, "cut": "after"}), json!({"stauts": 500})] {
        control(&setup, Method::POST, "faults", Some(wrong), 400).await;
    }
}

#[tokio::test]
async fn the_journal_shows_who_asked_what_and_no_secret() {
    let setup = setup().await;
    let login = setup.authorize(TRANSFER).await;
    let tokens = json(setup.exchange(&login.code).await, 200).await;
    let token = text(&tokens["access_token"]);
    setup.http.get(setup.transfer("task_list?limit=3")).bearer_auth(&token).send().await.unwrap();
    setup
        .http
        .get(login.url.as_str().replace(support::REDIRECT, &setup.auth("v2/web/auth-code")))
        .send()
        .await
        .unwrap();
    setup.service_token().await;

    let list = setup.emulator.requests().service(Service::Transfer);
    let request = list.last().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/v0.10/task_list"));
    assert_eq!(request.query_value("limit"), Some("3"));
    assert_eq!(request.client.as_deref(), Some(setup.native().as_str()));
    assert_eq!(request.identity, Some(setup.emulator.user().id.to_string()));
    let fingerprint = globus_core::AccessToken::new(token.as_str()).fingerprint();
    assert_eq!(request.token_id.as_deref(), Some(fingerprint.as_str()));
    assert_eq!(request.status, Some(200));

    let journal = format!("{:?}", setup.emulator.requests());
    let over_http = control(&setup, Method::GET, "requests", None, 200).await;
    for secret in [
        token.as_str(),
        &login.code,
        VERIFIER,
        &text(&tokens["refresh_token"]),
        setup.emulator.confidential_client().secret(),
    ] {
        assert!(!journal.contains(secret) && !over_http.to_string().contains(secret));
    }
    let some =
        control(&setup, Method::GET, "requests?service=auth&grant_type=client_credentials", None, 200).await;
    assert_eq!(some["requests"].as_array().unwrap().len(), 1);
    let number = some["requests"][0]["number"].as_u64().unwrap();
    let later = control(&setup, Method::GET, &format!("requests?since={number}"), None, 200).await;
    assert!(later["requests"].as_array().unwrap().is_empty());
    let path = control(&setup, Method::GET, "requests?path=task_.*t$&method=get", None, 200).await;
    assert_eq!(path["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reset_leads_back_to_the_start_with_the_same_ids() {
    let setup = setup().await;
    let tokens = setup.login("openid").await;
    let before =
        (setup.native(), setup.id("laptop"), setup.emulator.user(), setup.emulator.confidential_client());
    control(&setup, Method::POST, "clock", Some(json!({"advance_seconds": 1_000_000})), 200).await;
    control(&setup, Method::POST, "faults", Some(json!({"status": 500})), 200).await;
    control(&setup, Method::POST, "reset", Some(json!({})), 200).await;
    let after =
        (setup.native(), setup.id("laptop"), setup.emulator.user(), setup.emulator.confidential_client());
    assert_eq!(before, after);
    assert!(setup.emulator.requests().is_empty() && setup.emulator.faults().is_empty());
    assert!(setup.emulator.clock().now().duration_since(jiff::Timestamp::now()).as_secs() < 1000);
    json(setup.refresh(&text(&tokens["refresh_token"])).await, 400).await;
    setup.login("openid").await;
}
