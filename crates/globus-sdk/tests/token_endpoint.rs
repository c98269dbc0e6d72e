//! The token endpoint and its neighbours: where secrets go, and what counts as an answer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod playback;

use globus_sdk::{ConfidentialAppAuthClient, Error, NativeAppAuthClient};
use playback::{Playback, Step};
use serde_json::json;
use uuid::Uuid;

fn native(playback: &Playback) -> NativeAppAuthClient {
    NativeAppAuthClient::builder("cid").transport(playback.clone()).build().unwrap()
}

fn confidential(playback: &Playback, base_url: &str) -> ConfidentialAppAuthClient {
    ConfidentialAppAuthClient::builder("cid", "s3cr3t")
        .transport(playback.clone())
        .base_url(base_url)
        .build()
        .unwrap()
}

/// Every call with a secret in it, as the client `confidential` makes it.
async fn every_secret_call(client: &ConfidentialAppAuthClient) -> Vec<(&'static str, Result<(), Error>)> {
    let form = [("grant_type", "password")];
    vec![
        ("oauth2_refresh_token", client.oauth2_refresh_token("RT").send().await.map(drop)),
        ("oauth2_token", client.oauth2_token(form).send().await.map(drop)),
        (
            "oauth2_client_credentials_tokens",
            client.oauth2_client_credentials_tokens("openid").send().await.map(drop),
        ),
        ("oauth2_get_dependent_tokens", client.oauth2_get_dependent_tokens("AT").send().await.map(drop)),
        ("oauth2_token_introspect", client.oauth2_token_introspect("AT").send().await.map(drop)),
        ("oauth2_revoke_token", client.oauth2_revoke_token("AT").send().await.map(drop)),
    ]
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        for target in ["https://evil.example.org/v2/oauth2/token", "/v2/oauth2/elsewhere"] {
            let redirect = Step::headers(status, &[("location", target)]);
            let playback = Playback::new(vec![redirect; 6]);
            for (name, result) in
                every_secret_call(&confidential(&playback, "https://auth.globus.org/")).await
            {
                assert!(result.unwrap_err().is_refused(), "{name}, {status} to {target}");
            }
            let sent = playback.sent();
            assert_eq!(sent.len(), 6);
            assert!(sent.iter().all(|sent| sent.request.url.host_str() == Some("auth.globus.org")));
        }
    }
}

#[tokio::test]
async fn nothing_goes_out_unencrypted() {
    let playback = Playback::default();
    for (name, result) in every_secret_call(&confidential(&playback, "http://auth.example.org/")).await {
        assert!(result.unwrap_err().is_refused(), "{name}");
    }
    // A native app has no secret of its own; the refresh token and the code are secrets all the same.
    let client = NativeAppAuthClient::builder("cid")
        .transport(playback.clone())
        .base_url("http://auth.example.org/")
        .build()
        .unwrap();
    assert!(client.oauth2_refresh_token("RT").send().await.unwrap_err().is_refused());
    assert!(client.oauth2_revoke_token("RT").send().await.unwrap_err().is_refused());
    let flow = client.oauth2_start_flow("openid").start().unwrap();
    assert!(flow.oauth2_exchange_code_for_tokens("CODE").await.unwrap_err().is_refused());
    assert!(client.create_native_app_instance(Uuid::nil(), "n").send().await.unwrap_err().is_refused());
    assert!(playback.sent().is_empty());
}

#[tokio::test]
async fn this_machine_may_be_reached_without_encryption() {
    for base_url in ["http://127.0.0.1:8080/auth/", "http://localhost/", "http://[::1]:9/"] {
        let playback = Playback::new([Step::json(200, &json!({"active": false}))]);
        let answer = confidential(&playback, base_url).oauth2_revoke_token("AT").send().await;
        assert!(!answer.unwrap().active, "{base_url}");
        assert_eq!(playback.sent().len(), 1);
    }
}

#[tokio::test]
async fn a_page_in_the_services_place_is_no_token_response() {
    let page = Step::Answer {
        status: 200,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: "<html>Welcome to the hotel, AgInPage</html>".into(),
    };
    let playback = Playback::new(vec![page; 2]);
    let error = native(&playback).oauth2_refresh_token("AgRefresh").send().await.unwrap_err();
    assert_eq!(error.malformed_token_response().unwrap().field(), "body");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("Ag"), "{shown}");

    // Nor does it say that a token has been revoked.
    let error = native(&playback).oauth2_revoke_token("AgRefresh").send().await.unwrap_err();
    assert!(error.is_decode(), "{error:?}");
}

#[tokio::test]
async fn a_refresh_is_sent_again_after_any_passing_failure() {
    let tokens = json!({
        "access_token": "AT", "scope": "s", "expires_in": 100, "token_type": "Bearer",
        "resource_server": "rs", "other_tokens": [],
    });
    let playback = Playback::new([
        Step::recorded(&json!({"exception": "ReadTimeout"})),
        Step::json(500, &json!({})),
        Step::json(200, &tokens),
    ]);
    let client = NativeAppAuthClient::builder("cid")
        .transport(playback.clone())
        .clock(playback::clock_at(1000.0))
        .build()
        .unwrap();
    client.oauth2_refresh_token("RT").send().await.unwrap();
    assert_eq!(playback.sent().len(), 3);
}

#[tokio::test]
async fn the_expiry_follows_the_services_clock() {
    let tokens = json!({
        "access_token": "AT", "scope": "s", "expires_in": 100, "token_type": "Bearer",
        "resource_server": "rs", "other_tokens": [],
    });
    let Step::Answer { mut headers, body, .. } = Step::json(200, &tokens) else { unreachable!() };
    headers.push(("date".to_owned(), "Thu, 01 Jan 1970 01:00:00 GMT".to_owned()));
    let playback = Playback::new([Step::Answer { status: 200, headers, body }]);
    let client = NativeAppAuthClient::builder("cid")
        .transport(playback.clone())
        .clock(playback::clock_at(1000.0))
        .build()
        .unwrap();
    let response = client.oauth2_refresh_token("RT").send().await.unwrap();
    assert_eq!(response.by_resource_server()["rs"].expires_at_seconds, 3700);
    assert_eq!(response.server_time().unwrap().as_second(), 3600);
}

#[tokio::test]
async fn an_introspection_is_read() {
    let answer = json!({
        "active": true, "scope": "a b", "client_id": "c", "sub": "s", "username": "ana@example.org",
        "aud": ["rs", "cid"], "iss": "https://auth.globus.org", "exp": 5, "iat": 1, "nbf": 1,
        "token_type": "Bearer", "identity_set": ["s"], "policy_evaluations": {
            "00000000-0000-0000-0000-000000000007": {"evaluation": true}, "00000000-0000-0000-0000-000000000008": {},
        },
        "identity_set_detail": [{"sub": "00000000-0000-0000-0000-000000000001", "username": "ana@example.org"}],
        "session_info": {"session_id": "x", "authentications": {"s": {"auth_time": 9, "amr": ["mfa"], "acr": null}}},
    });
    let playback = Playback::new([Step::json(200, &answer), Step::json(200, &json!({"active": false}))]);
    let client = confidential(&playback, "https://auth.globus.org/");
    let (met, unmet, unasked) = (Uuid::from_u128(7), Uuid::from_u128(8), Uuid::from_u128(9));
    let token = client
        .oauth2_token_introspect("AT")
        .include(["identity_set", "session_info"])
        .authentication_policies([met, unmet])
        .send()
        .await
        .unwrap();
    assert!(token.active && token.aud.iter().any(|audience| *audience == "cid"));
    assert_eq!(token.identity_set.len(), 1);
    assert_eq!(token.identity_set_detail[0].username.as_deref(), Some("ana@example.org"));
    assert_eq!(token.session_info.as_ref().unwrap().authentications["s"].auth_time, Some(9));
    assert!(token.meets_policy(met) && !token.meets_policy(unmet) && !token.meets_policy(unasked));
    assert!(token.extra.is_empty());
    assert_eq!(playback.sent()[0].form_field("authentication_policies").unwrap(), format!("{met},{unmet}"));
    assert_eq!(playback.sent()[0].form_field("include").unwrap(), "identity_set,session_info");

    let token = client.oauth2_token_introspect("AT").send().await.unwrap();
    assert!(!token.active && token.aud.is_empty());
}
