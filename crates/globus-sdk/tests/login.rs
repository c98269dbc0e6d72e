//! The end of a login: what the browser comes back with, and the exchange of the code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod playback;

use globus_sdk::auth::AuthorizationFlow;
use globus_sdk::{Grant, LoginError, NativeAppAuthClient, RetryPolicy};
use playback::{Playback, Step};
use serde_json::json;

const CALLBACK: &str = "http://localhost:8000/callback";

fn login(playback: &Playback) -> AuthorizationFlow {
    NativeAppAuthClient::builder("cid")
        .transport(playback.clone())
        .clock(playback::clock_at(1000.0))
        .build()
        .unwrap()
        .oauth2_start_flow("openid")
        .redirect_uri(CALLBACK)
        .start()
        .unwrap()
}

fn tokens() -> Step {
    Step::json(
        200,
        &json!({
            "access_token": "AgAccess", "scope": "openid", "expires_in": 100, "token_type": "Bearer",
            "resource_server": "auth.globus.org", "other_tokens": [],
        }),
    )
}

#[tokio::test]
async fn the_right_redirect_ends_the_login() {
    let playback = Playback::new([tokens()]);
    let flow = login(&playback);
    let redirected = format!("{CALLBACK}?state={}&code=the+code%2F", flow.state());
    let response = flow.finish(&redirected).await.unwrap();
    assert_eq!(response.grant(), Grant::AuthorizationCode);
    assert_eq!(response.by_resource_server()["auth.globus.org"].expires_at_seconds, 1100);
    let sent = &playback.sent()[0];
    assert_eq!(sent.form_field("code").unwrap(), "the code/");
    assert_eq!(sent.form_field("redirect_uri").unwrap(), CALLBACK);
}

#[tokio::test]
async fn what_belongs_to_another_login_is_not_exchanged() {
    let playback = Playback::new([tokens()]);
    let (flow, other) = (login(&playback), login(&playback));
    for redirected in [
        format!("{CALLBACK}?state={}&code=CODE", other.state()),
        format!("{CALLBACK}?state={}x&code=CODE", flow.state()),
        format!("{CALLBACK}?state=&code=CODE"),
        format!("{CALLBACK}?code=CODE"),
        // Nor does somebody else's refusal end it.
        format!("{CALLBACK}?error=access_denied&state=_default"),
    ] {
        let error = flow.finish(&redirected).await.unwrap_err();
        assert!(matches!(error, LoginError::StateMismatch), "{redirected}: {error:?}");
    }
    assert!(playback.sent().is_empty());

    // And the right redirect still counts.
    let right = format!("{CALLBACK}?state={}&code=CODE", flow.state());
    assert!(flow.finish(&right).await.is_ok());
}

#[test]
fn a_refusal_is_told_in_one_clean_line() {
    let flow = login(&Playback::default());
    let long = "x".repeat(1000);
    let redirected = format!(
        "{CALLBACK}?state={}&error=access_denied&error_description=No%0A%1b[31mway%07{long}&code=CODE",
        flow.state()
    );
    let Err(LoginError::Refused { error, description }) = flow.code_from(&redirected) else {
        panic!("a refusal is expected, though a code stands beside it")
    };
    let description = description.unwrap();
    assert_eq!(error, "access_denied");
    assert!(description.starts_with("No  [31mway "), "{description}");
    assert!(description.chars().all(|c| !c.is_control()) && description.chars().count() == 301);
}

#[test]
fn a_redirect_without_a_code_or_no_address_at_all_says_so() {
    let flow = login(&Playback::default());
    for tail in ["", "&code="] {
        let redirected = format!("{CALLBACK}?state={}{tail}", flow.state());
        assert!(matches!(flow.code_from(&redirected), Err(LoginError::NoCode)), "{redirected}");
    }
    for text in ["", "CODE", "localhost", "/callback?code=CODE"] {
        assert!(matches!(flow.code_from(text), Err(LoginError::NotAnAddress)), "{text}");
    }
    // An address copied with blanks around it is an address.
    let copied = format!("  {CALLBACK}?state={}&code=CODE\n", flow.state());
    assert_eq!(flow.code_from(&copied).unwrap().expose(), "CODE");
}

#[tokio::test]
async fn a_dead_code_is_an_error_of_the_exchange() {
    let playback = Playback::new([Step::json(400, &json!({"error": "invalid_grant"}))]);
    let flow = login(&playback);
    let redirected = format!("{CALLBACK}?state={}&code=SECRETCODE", flow.state());
    let error = flow.finish(&redirected).await.unwrap_err();
    let LoginError::Exchange(cause) = &error else { panic!("{error:?}") };
    assert!(cause.is_invalid_grant());
    let shown = format!("{error} {error:?} {cause} {cause:?}");
    assert!(!shown.contains("SECRETCODE"), "{shown}");
}

/// A code that was received is spent: sending it again can only fail, or end a login that has succeeded.
#[tokio::test]
async fn a_code_that_may_have_been_received_is_never_sent_again() {
    for failure in [
        Step::json(500, &json!({})),
        Step::json(502, &json!({})),
        Step::json(504, &json!({})),
        Step::recorded(&json!({"exception": "ReadTimeout"})),
        Step::recorded(&json!({"exception": "ConnectionError"})),
        Step::recorded(&json!({"exception": "ChunkedEncodingError"})),
    ] {
        let playback = Playback::new([failure.clone(), tokens()]);
        let result = login(&playback).oauth2_exchange_code_for_tokens("CODE").await;
        assert!(result.is_err(), "{failure:?}");
        assert_eq!(playback.sent().len(), 1, "{failure:?}");
    }
}

#[tokio::test]
async fn a_code_that_was_not_received_is_sent_again() {
    for failure in [
        Step::json(429, &json!({})),
        Step::json(503, &json!({})),
        Step::recorded(&json!({"exception": "ConnectTimeout"})),
    ] {
        let playback = Playback::new([failure.clone(), tokens()]);
        let result = login(&playback).oauth2_exchange_code_for_tokens("CODE").await;
        assert!(result.is_ok(), "{failure:?}");
        assert_eq!(playback.sent().len(), 2, "{failure:?}");
    }
}

#[test]
fn a_login_needs_scopes_a_client_id_and_a_place_to_come_back_to() {
    let built = |id: &str| {
        NativeAppAuthClient::builder(id)
            .transport(Playback::default())
            .retry(RetryPolicy::never())
            .build()
            .unwrap()
    };
    assert!(built("cid").oauth2_start_flow("  ").start().unwrap_err().is_usage());
    assert!(built("").oauth2_start_flow("openid").start().unwrap_err().is_usage());
    let confidential = globus_sdk::ConfidentialAppAuthClient::builder("cid", "secret")
        .transport(Playback::default())
        .build()
        .unwrap();
    assert!(confidential.oauth2_start_flow("", "openid").start().unwrap_err().is_usage());
    let proof = confidential.oauth2_start_flow(CALLBACK, "openid").verifier("a".repeat(43));
    assert!(proof.start().unwrap_err().is_usage());
}
