//! Faults: each kind, and what it leaves behind.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use globus_emulator::{Fault, Rotation, Service};
use serde_json::json;
use support::{TRANSFER, json, setup, setup_with, text};

#[tokio::test]
async fn a_status_is_answered_in_the_services_shape_without_an_effect() {
    let setup = setup().await;
    let login = setup.authorize("openid").await;
    setup.emulator.faults().add(
        Fault::status(503)
            .service(Service::Auth)
            .grant_type("authorization_code")
            .header("Retry-After", "7")
            .times(1),
    );
    let answer = setup.exchange(&login.code).await;
    assert_eq!(answer.headers()["retry-after"], "7");
    let refused = json(answer, 503).await;
    assert_eq!(refused["error"], "SERVICE_UNAVAILABLE");
    assert!(refused["errors"][0]["detail"].is_string());
    json(setup.exchange(&login.code).await, 200).await;
    assert!(setup.emulator.faults().is_empty());
}

#[tokio::test]
async fn every_service_has_an_error_shape_of_its_own() {
    let setup = setup().await;
    setup.emulator.faults().add(Fault::status(500));
    for (service, members) in [
        (Service::Auth, vec!["/error", "/errors/0/detail"]),
        (Service::Transfer, vec!["/code", "/message", "/request_id", "/resource"]),
        (Service::Groups, vec!["/code", "/detail", "/errors/0/code"]),
        (Service::Search, vec!["/@datatype", "/code", "/message", "/status"]),
        (Service::Flows, vec!["/error/code", "/error/detail", "/debug_id"]),
        (Service::Timers, vec!["/error/code", "/error/detail"]),
    ] {
        let url = setup.emulator.service_url(service.as_str());
        let body = json(setup.http.get(url).send().await.unwrap(), 500).await;
        for member in members {
            assert!(body.pointer(member).is_some_and(|value| !value.is_null()), "{service} {member}: {body}");
        }
    }
}

#[tokio::test]
async fn a_cut_before_the_effect_leaves_none_and_one_after_leaves_it() {
    let setup = setup_with(|builder| builder.rotation(Rotation::on())).await;
    let native = setup.native();
    let first = text(&setup.login("openid").await["refresh_token"]);
    let send = async |token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &native)];
        setup.http.post(setup.auth("v2/oauth2/token")).form(&form).send().await
    };
    setup.emulator.faults().add(Fault::cut_before().grant_type("refresh_token").times(1));
    let error = send(&first).await.unwrap_err();
    assert!(error.is_request() && error.status().is_none());
    // Nothing was rotated, so the token is still good.
    let second = text(&json(send(&first).await.unwrap(), 200).await["refresh_token"]);

    setup.emulator.faults().add(Fault::cut_after().grant_type("refresh_token").times(1));
    send(&second).await.unwrap_err();
    // It was rotated, so without grace the repetition counts as theft.
    assert_eq!(send(&second).await.unwrap().status(), 400);

    let recorded = setup.emulator.requests().form("grant_type", "refresh_token");
    let statuses: Vec<Option<u16>> = recorded.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [None, Some(200), None, Some(400)]);
    assert_eq!(recorded.iter().filter(|request| request.fault.is_some()).count(), 2);
}

#[tokio::test]
async fn bodies_are_cut_short_replaced_and_given_other_types() {
    let setup = setup().await;
    let url = setup.auth(".well-known/openid-configuration");
    let get = async || setup.http.get(&url).send().await.unwrap();
    setup.emulator.faults().add(Fault::truncate(10).times(1));
    let answer = get().await;
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());

    setup.emulator.faults().add(Fault::content_type("text/html").times(1));
    let answer = get().await;
    assert_eq!(answer.headers()["content-type"], "text/html");
    assert!(answer.text().await.unwrap().contains("jwks_uri"));

    setup.emulator.faults().add(Fault::replace_body("not { json").times(1));
    assert_eq!(get().await.text().await.unwrap(), "not { json");
    setup.emulator.faults().add(Fault::status(429).body(json!({"own": true})).times(1));
    assert_eq!(json(get().await, 429).await, json!({"own": true}));
    json(get().await, 200).await;
}

#[tokio::test]
async fn a_late_answer_has_had_its_effect() {
    let setup = setup().await;
    let login = setup.authorize("openid").await;
    let wait = Duration::from_millis(200);
    setup.emulator.faults().add(Fault::latency(wait).path("^/v2/oauth2/token$").times(1));
    let begun = Instant::now();
    json(setup.exchange(&login.code).await, 200).await;
    assert!(begun.elapsed() >= wait);

    // A caller that gives up cannot know that the code was spent.
    let login = setup.authorize("openid").await;
    setup
        .emulator
        .faults()
        .add(Fault::latency(Duration::from_secs(3600)).path("^/v2/oauth2/token$").times(1));
    let before = setup.emulator.requests().len();
    let arrived = async {
        while setup.emulator.requests().len() == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = setup.exchange(&login.code) => panic!("answered too early: {answer:?}"),
        () = arrived => {}
    }
    assert_eq!(json(setup.exchange(&login.code).await, 400).await["error"], "invalid_grant");
}

#[tokio::test]
async fn faults_meet_one_client_on_one_path_after_some_requests() {
    let setup = setup().await;
    let id = setup.emulator.confidential_client().id().to_string();
    let token = setup.service_token().await;
    setup
        .emulator
        .faults()
        .add(Fault::status(502).client(id).method("get").path("task_list").after(1).times(1));
    let list = async || {
        setup
            .http
            .get(setup.transfer("task_list"))
            .bearer_auth(&token)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let user = text(&setup.login(TRANSFER).await["access_token"]);
    let other = setup.http.get(setup.transfer("task_list")).bearer_auth(user).send().await.unwrap();
    assert_eq!(other.status(), 200);
    assert_eq!([list().await, list().await, list().await], [200, 502, 200]);
}
