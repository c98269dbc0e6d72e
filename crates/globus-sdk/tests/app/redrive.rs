//! A service that refuses a call and says which login would help.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use globus_sdk::{BaseClient, LoginError, MemoryTokenStorage, NextStep, RetryPolicy, Storage, UserApp};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::globus::{BEN, TRANSFER};
use crate::world::{TRANSFER_ALL, World, call, chain, client, search, transfer, until};

const MORE: &str = "https://auth.globus.org/scopes/00000000-0000-4000-8000-000000000140/data_access";

fn redriving(world: &World) -> UserApp {
    world.builder().auto_redrive_gares(true).build().unwrap()
}

/// A client that has logged in.
async fn logged_in(app: &UserApp) -> BaseClient {
    let client = transfer(app);
    call(&client).await.unwrap();
    client
}

fn consent_required() -> Value {
    json!({"code": "ConsentRequired", "authorization_parameters": {
        "required_scopes": [format!("{TRANSFER_ALL}[*{MORE}]")], "session_message": "more needed",
    }})
}

fn policy_required(policy: &str) -> Value {
    json!({"code": "AuthorizationRequired", "authorization_parameters": {
        "session_required_policies": [policy], "prompt": "login",
    }})
}

#[tokio::test]
async fn a_requirement_is_fulfilled_and_the_call_made_once_more() {
    for refresh_tokens in [false, true] {
        let world = World::new();
        let app =
            world.builder().auto_redrive_gares(true).request_refresh_tokens(refresh_tokens).build().unwrap();
        let client = logged_in(&app).await;
        let old = world.stored(TRANSFER).await.unwrap();
        world.globus.answer(TRANSFER, 403, consent_required());
        let token = call(&client).await.unwrap();
        assert_ne!(token, old.access_token.expose(), "the call is made again with the new token");
        assert_eq!(world.person.logins(), 2);
        assert_eq!(world.person.last_scopes(), ["openid", &format!("{TRANSFER_ALL}[*{MORE}]")]);
        assert_eq!(world.person.last().session_message.unwrap(), "more needed");
        assert_eq!(world.globus.sent("/things").len(), 3);
        assert_eq!(world.clock.sleeps(), []);
        // Later logins of this process do not lose it, and it is no requirement of its own.
        app.login().force().await.unwrap();
        assert_eq!(world.person.last_scopes(), ["openid", &format!("{TRANSFER_ALL}[*{MORE}]")]);
        assert_eq!(app.scope_requirements()[TRANSFER].len(), 1);
        // Until somebody has left.
        app.logout().await.unwrap();
        app.login().await.unwrap();
        assert_eq!(world.person.last_scopes(), ["openid", TRANSFER_ALL]);
    }
}

#[tokio::test]
async fn it_is_done_once_for_a_call() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    for _ in 0..2 {
        world.globus.answer(TRANSFER, 403, consent_required());
    }
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    assert_eq!(error.code(), Some("ConsentRequired"));
    assert!(!error.is_login_required(), "{error:?}");
    assert_eq!(error.attempts(), 2);
    assert_eq!(world.person.logins(), 2);
    // The next call may ask again.
    world.globus.answer(TRANSFER, 403, consent_required());
    call(&client).await.unwrap();
    assert_eq!(world.person.logins(), 3);
}

#[tokio::test]
async fn other_refusals_and_other_statuses_start_no_login() {
    for (status, document) in [
        (403, json!({"code": "PermissionDenied", "message": "no"})),
        (403, json!(["ConsentRequired"])),
        (403, json!("no")),
        (403, json!({"errors": []})),
        (400, consent_required()),
        (404, consent_required()),
        (502, consent_required()),
    ] {
        let world = World::new();
        let app = world.builder().auto_redrive_gares(true).retry(RetryPolicy::default().max_retries(1));
        let client = logged_in(&app.build().unwrap()).await;
        for _ in 0..2 {
            world.globus.answer(TRANSFER, status, document.clone());
        }
        let error = call(&client).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status, "{document}");
        assert_eq!(world.person.logins(), 1, "{status} {document}");
    }
}

/// A 401 is about the token, whatever its document says.
#[tokio::test]
async fn a_401_is_never_a_requirement() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    for _ in 0..2 {
        world.globus.answer(TRANSFER, 401, policy_required("p"));
    }
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(world.person.last().session_required_policies, None);
}

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let world = World::new();
    let client = logged_in(&world.app()).await;
    world.globus.answer(TRANSFER, 403, consent_required());
    assert_eq!(call(&client).await.unwrap_err().code(), Some("ConsentRequired"));
    assert_eq!(world.person.logins(), 1);
}

#[tokio::test]
async fn without_an_attempt_left_there_is_no_login() {
    let world = World::new();
    let app = world.builder().auto_redrive_gares(true).retry(RetryPolicy::default().max_retries(0));
    let client = logged_in(&app.build().unwrap()).await;
    world.globus.answer(TRANSFER, 403, consent_required());
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.code(), Some("ConsentRequired"));
    assert_eq!(world.person.logins(), 1);
}

#[tokio::test]
async fn it_works_after_failures_that_were_tried_again() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    world.globus.answer(TRANSFER, 503, json!({}));
    world.globus.answer(TRANSFER, 403, consent_required());
    world.globus.answer(TRANSFER, 503, json!({}));
    call(&client).await.unwrap();
    assert_eq!(world.person.logins(), 2);
    assert_eq!(world.globus.sent("/things").len(), 5);
}

#[tokio::test]
async fn requirements_in_parts_of_an_error_count() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    world.globus.answer(
        TRANSFER,
        403,
        json!({"errors": [
            {"code": "Other", "detail": "no"},
            {"code": "AuthorizationRequired", "authorization_parameters": {"session_required_mfa": true}},
        ]}),
    );
    call(&client).await.unwrap();
    assert_eq!(world.person.last().session_required_mfa, Some(true));
}

#[tokio::test]
async fn many_with_the_same_requirement_make_one_login() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    for number in 0..10 {
        let mut document = policy_required("p");
        // The words for the person do not make it another one.
        document["authorization_parameters"]["session_message"] = format!("for thing {number}").into();
        world.globus.answer(TRANSFER, 403, document);
    }
    for outcome in join_all((0..10).map(|_| call(&client))).await {
        outcome.unwrap();
    }
    assert_eq!(world.person.logins(), 2);
}

/// The refusal was on its way while another call logged in for the same.
#[tokio::test]
async fn a_requirement_that_was_fulfilled_meanwhile_makes_no_second_login() {
    let world = World::new();
    let app = redriving(&world);
    let client = logged_in(&app).await;
    world.globus.answer(TRANSFER, 403, policy_required("p"));
    world.globus.answer(TRANSFER, 403, policy_required("p"));
    world.person.thinks();
    let spawn = || {
        let client = client.clone();
        tokio::spawn(async move { call(&client).await })
    };
    let first = spawn();
    world.person.begun(2).await;
    // Sent with the old token, which is still in force.
    let second = spawn();
    until("the second is sent", || world.globus.sent("/things").len() == 3).await;
    world.person.goes_on();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(world.person.logins(), 2);
}

/// A login for something else does not do, though the token is another one since.
#[tokio::test]
async fn another_requirement_makes_another_login() {
    let world = World::new();
    let app = redriving(&world);
    let client = logged_in(&app).await;
    world.globus.answer(TRANSFER, 403, policy_required("p"));
    world.globus.answer(TRANSFER, 403, policy_required("q"));
    for outcome in join_all([call(&client), call(&client)]).await {
        outcome.unwrap();
    }
    assert_eq!(world.person.logins(), 3);
}

/// A renewal between a call and its refusal is no login.
#[tokio::test]
async fn a_renewed_token_fulfils_nothing() {
    let world = World::new();
    let app = world.builder().auto_redrive_gares(true).request_refresh_tokens(true).build().unwrap();
    let client = logged_in(&app).await;
    // So near to its end that the call sends the old token and lets it be renewed meanwhile.
    world.advance(172_600);
    world.globus.answer(TRANSFER, 403, policy_required("p"));
    world.globus.wait_at_random(5);
    call(&client).await.unwrap();
    app.close().await.unwrap();
    assert_eq!(world.globus.grants("refresh_token"), 1);
    assert_eq!(world.person.logins(), 2);
    assert_eq!(world.person.last().session_required_policies, Some(vec!["p".to_owned()]));
}

#[tokio::test]
async fn that_more_is_needed_meanwhile_fulfils_nothing() {
    let world = World::new();
    let app = redriving(&world);
    let client = logged_in(&app).await;
    world.globus.answer(TRANSFER, 403, policy_required("p"));
    world.person.thinks();
    let calling = tokio::spawn({
        let client = client.clone();
        async move { call(&client).await }
    });
    world.person.begun(2).await;
    app.add_scope_requirements(TRANSFER, format!("*{MORE}")).unwrap();
    world.person.goes_on();
    calling.await.unwrap().unwrap();
    assert_eq!(world.person.last().session_required_policies, Some(vec!["p".to_owned()]));
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn a_login_that_fails_keeps_what_the_service_said() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    world.globus.answer(TRANSFER, 403, consent_required());
    world.person.refuses.store(true, SeqCst);
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    assert_eq!(error.code(), Some("ConsentRequired"));
    assert!(error.api().is_some() && !error.is_login_required());
    assert_eq!(error.attempts(), 1);
    let refused = error.find_cause::<LoginError>();
    assert!(matches!(refused, Some(LoginError::Refused { .. })), "{}", chain(&error));
    assert!(error.to_string().contains("403") && error.to_string().contains("login"), "{error}");
    assert_eq!(world.person.logins(), 2);
    // No loop: one attempt, one login.
    assert_eq!(world.globus.sent("/things").len(), 2);
}

/// What is told is complete: who keeps it can fulfil it later.
#[tokio::test]
async fn where_nobody_may_be_asked_the_requirement_is_all_there() {
    let world = World::new();
    logged_in(&world.app()).await;
    let app = world.builder().auto_redrive_gares(true).never_prompt().build().unwrap();
    let client = transfer(&app);
    let mut document = policy_required("p");
    document["authorization_parameters"]["required_scopes"] = json!([MORE]);
    world.globus.answer(TRANSFER, 403, document);
    let error = call(&client).await.unwrap_err();
    assert!(error.is_login_required(), "{error:?}");
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    let Some(LoginError::PersonNeeded { parameters, .. }) = error.find_cause::<LoginError>() else {
        panic!("{}", chain(&error))
    };
    assert_eq!(parameters.session_required_policies, Some(vec!["p".to_owned()]));
    let mut scopes = parameters.required_scopes.clone().unwrap();
    scopes.sort();
    assert_eq!(scopes, [MORE, "openid", TRANSFER_ALL]);
    assert!(matches!(NextStep::of(&error), Some(NextStep::LogIn(_))));
    // The rest of the work goes on.
    call(&client).await.unwrap();
}

#[tokio::test]
async fn somebody_else_does_not_fulfil_it() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    let before = world.stored(TRANSFER).await;
    world.globus.answer(TRANSFER, 403, consent_required());
    world.globus.set(|globus| globus.identity = BEN.to_owned());
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    assert!(error.storage().unwrap().to_string().contains(BEN), "{}", chain(&error));
    assert_eq!(world.stored(TRANSFER).await, before);
}

/// The caller's time is over while the person still thinks.
#[tokio::test]
async fn a_deadline_holds_during_the_login() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    world.globus.answer(TRANSFER, 403, consent_required());
    world.person.thinks();
    let request = client.request(Method::GET, "/things").with_timeout(Duration::from_millis(20));
    let error = request.send().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN), "{error:?}");
    // Nobody holds the login: the next one can be made.
    world.globus.answer(TRANSFER, 403, consent_required());
    world.person.goes_on();
    call(&client).await.unwrap();
    assert_eq!(world.person.logins(), 3);
}

#[tokio::test]
async fn calls_without_authorization_are_left_alone() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    world.globus.answer(TRANSFER, 403, consent_required());
    let error = client.request(Method::GET, "/things").without_authorization().send().await.unwrap_err();
    assert_eq!(error.code(), Some("ConsentRequired"));
    assert_eq!(world.person.logins(), 1);
}

#[tokio::test]
async fn other_services_of_the_app_have_the_new_tokens_too() {
    let world = World::new();
    let app = redriving(&world);
    let (transfer, search) = (transfer(&app), search(&app));
    call(&transfer).await.unwrap();
    let old = call(&search).await.unwrap();
    world.globus.answer(TRANSFER, 403, policy_required("p"));
    call(&transfer).await.unwrap();
    assert_ne!(call(&search).await.unwrap(), old);
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn a_requirement_with_scopes_that_cannot_be_read_is_the_services_error() {
    let world = World::new();
    let client = logged_in(&redriving(&world)).await;
    world.globus.answer(
        TRANSFER,
        403,
        json!({"code": "ConsentRequired", "authorization_parameters": {
            "required_scopes": ["a[b"],
        }}),
    );
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN), "{}", chain(&error));
    assert_eq!(world.person.logins(), 1);
}

#[tokio::test]
async fn without_an_app_there_is_nobody_who_could_log_in() {
    let world = World::new();
    let storage = Storage::from(MemoryTokenStorage::new());
    let app = world.builder().token_storage(storage).auto_redrive_gares(true).build().unwrap();
    let client = client(&app, TRANSFER, TRANSFER_ALL);
    world.globus.answer(TRANSFER, 403, consent_required());
    // Even the very first call is redriven: a login to send it, and one for what it needs.
    call(&client).await.unwrap();
    assert_eq!(world.person.logins(), 2);
}
