//! Logins: code and PKCE, what is refused, and what the tokens are worth.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use globus_emulator::{Decision, JwtTime, LoginError};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use std::time::Duration;
use support::{GROUPS, REDIRECT, TRANSFER, VERIFIER, json, setup, setup_with, text};

const ALL_OF_AUTH: &str = "openid profile email urn:globus:auth:scope:auth.globus.org:view_identity_set";

#[tokio::test]
async fn a_code_gives_one_token_per_resource_server_with_auth_first() {
    let setup = setup().await;
    let login = setup.authorize(&format!("{TRANSFER} openid email {GROUPS}")).await;
    assert_eq!(login.state.as_deref(), Some("some-state"));
    assert!(login.url.as_str().starts_with(REDIRECT));
    assert!(!format!("{login:?}").contains(&login.code));

    let tokens = json(setup.exchange(&login.code).await, 200).await;
    assert_eq!(tokens["resource_server"], "auth.globus.org");
    assert_eq!(tokens["scope"], "openid email");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 172_800);
    assert_eq!(tokens["state"], "some-state");
    let others = tokens["other_tokens"].as_array().unwrap();
    assert_eq!(others[0]["resource_server"], "transfer.api.globus.org");
    assert_eq!(others[1]["resource_server"], "groups.api.globus.org");
    assert!(others.iter().all(|token| token["refresh_token"].is_string() && token.get("id_token").is_none()));
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let setup = setup().await;
    let url = setup.authorize_url("openid", &[("access_type", "online")]);
    let login = setup.emulator.login(url).await.unwrap();
    let tokens = json(setup.exchange(&login.code).await, 200).await;
    assert!(tokens.get("refresh_token").is_none());
    assert_eq!(tokens["other_tokens"], json!([]));
}

#[tokio::test]
async fn the_id_token_verifies_with_the_published_key() {
    let setup = setup().await;
    let tokens = setup.login("openid profile").await;
    let configuration = setup.http.get(setup.auth(".well-known/openid-configuration")).send().await.unwrap();
    let configuration = json(configuration, 200).await;
    assert_eq!(configuration["id_token_signing_alg_values_supported"], json!(["RS512"]));
    let keys = setup.http.get(text(&configuration["jwks_uri"])).send().await.unwrap();
    let keys: JwkSet = serde_json::from_value(json(keys, 200).await).unwrap();
    assert_eq!(keys.keys[0].common.key_id.as_deref().map(str::len), Some(20));

    let mut validation = Validation::new(Algorithm::RS512);
    validation.set_audience(&[setup.native()]);
    validation.set_issuer(&[text(&configuration["issuer"])]);
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let decoded =
        jsonwebtoken::decode::<Value>(text(&tokens["id_token"]).as_str(), &key, &validation).unwrap();
    let user = setup.emulator.user();
    assert_eq!(decoded.claims["sub"], user.id.to_string());
    assert_eq!(decoded.claims["preferred_username"], user.username);
    let hash = text(&decoded.claims["at_hash"]);
    let token = text(&tokens["access_token"]);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, token.as_bytes());
    let expected =
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &digest.as_ref()[..32]);
    assert_eq!(hash, expected);
}

#[tokio::test]
async fn discovery_tells_everything_that_clients_look_for() {
    let setup = setup().await;
    let configuration = setup.http.get(setup.auth(".well-known/openid-configuration")).send().await.unwrap();
    let configuration = json(configuration, 200).await;
    for endpoint in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "revocation_endpoint",
        "jwks_uri",
    ] {
        assert!(
            text(&configuration[endpoint]).starts_with(setup.auth("").trim_end_matches('/')),
            "{endpoint}"
        );
    }
    for list in [
        "response_types_supported",
        "id_token_signing_alg_values_supported",
        "scopes_supported",
        "token_endpoint_auth_methods_supported",
        "claims_supported",
        "subject_types_supported",
    ] {
        assert!(!configuration[list].as_array().unwrap().is_empty(), "{list}");
    }
    let keys = json(setup.http.get(text(&configuration["jwks_uri"])).send().await.unwrap(), 200).await;
    for member in ["alg", "e", "kid", "kty", "n", "use"] {
        assert!(keys["keys"][0][member].is_string(), "{member}");
    }
}

/// The claims, without looking at the signature.
fn claims(tokens: &Value) -> Value {
    jsonwebtoken::dangerous::insecure_decode::<Value>(text(&tokens["id_token"])).unwrap().claims
}

#[tokio::test]
async fn id_tokens_are_stamped_with_real_time_unless_asked_otherwise() {
    let day = Duration::from_secs(86_400);
    let setup = setup().await;
    setup.emulator.advance(day * 100);
    let real = claims(&setup.login("openid").await)["iat"].as_i64().unwrap();
    let now = jiff::Timestamp::now().as_second();
    assert!(real <= now && now - real < 86_400, "{real} is not about {now}");

    let setup = setup_with(|builder| builder.jwt_time(JwtTime::Emulated)).await;
    setup.emulator.advance(day * 100);
    let emulated = claims(&setup.login("openid").await)["iat"].as_i64().unwrap();
    assert!(emulated - now >= 99 * 86_400);
}

#[tokio::test]
async fn userinfo_tells_what_the_scopes_allow() {
    let setup = setup().await;
    let full = setup.login(ALL_OF_AUTH).await;
    let info = json(setup.userinfo(&text(&full["access_token"])).await, 200).await;
    assert_eq!(info["preferred_username"], setup.emulator.user().username);
    assert_eq!(info["identity_set"].as_array().unwrap().len(), 2);
    assert!(info["email"].is_string() && info["last_authentication"].is_i64());

    let little = setup.login("openid").await;
    let info = json(setup.userinfo(&text(&little["access_token"])).await, 200).await;
    assert_eq!(info, json!({"sub": setup.emulator.user().id.to_string()}));

    let none = setup.login("email").await;
    assert_eq!(setup.userinfo(&text(&none["access_token"])).await.status(), 403);
    let transfer = setup.login(TRANSFER).await;
    let refused = json(setup.userinfo(&text(&transfer["access_token"])).await, 401).await;
    assert_eq!(refused["errors"][0]["code"], "UNAUTHORIZED");
}

#[tokio::test]
async fn a_wrong_verifier_or_redirect_or_client_is_an_invalid_grant() {
    let setup = setup().await;
    let native = setup.native();
    let right = [
        ("grant_type", "authorization_code"),
        ("client_id", native.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let wrong_verifier = "a".repeat(43);
    for (name, value) in [
        ("code_verifier", wrong_verifier.as_str()),
        ("code_verifier", ""),
        ("redirect_uri", "http://localhost:2/callback"),
        ("client_id", "95fdeba8-fac2-42bd-a357-e068d82ff78e"),
    ] {
        let login = setup.authorize("openid").await;
        let mut form: Vec<(&str, &str)> = right.iter().filter(|(known, _)| *known != name).copied().collect();
        form.extend([(name, value), ("code", login.code.as_str())]);
        let refused = json(setup.token(&form).await, 400).await;
        assert_eq!(refused["error"], "invalid_grant", "{name}");
        assert_eq!(refused["errors"][0]["detail"], "invalid_grant", "{name}");
        // The right client can still use the code: a failed guess must not spend it.
        json(setup.exchange(&login.code).await, 200).await;
    }
}

#[tokio::test]
async fn a_code_used_twice_is_refused_and_its_tokens_are_revoked() {
    let setup = setup().await;
    let login = setup.authorize("openid").await;
    let tokens = json(setup.exchange(&login.code).await, 200).await;
    assert_eq!(setup.userinfo(&text(&tokens["access_token"])).await.status(), 200);
    let refused = json(setup.exchange(&login.code).await, 400).await;
    assert_eq!(refused["error"], "invalid_grant");
    assert_eq!(setup.userinfo(&text(&tokens["access_token"])).await.status(), 401);
    json(setup.refresh(&text(&tokens["refresh_token"])).await, 400).await;
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes() {
    let setup = setup().await;
    let login = setup.authorize("openid").await;
    setup.emulator.advance(Duration::from_secs(601));
    assert_eq!(json(setup.exchange(&login.code).await, 400).await["error"], "invalid_grant");
}

#[tokio::test]
async fn an_unknown_client_or_redirect_ends_on_a_page_and_not_in_a_redirect() {
    let setup = setup().await;
    for replaced in [
        ("client_id", "00000000-0000-4000-8000-000000000000"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://localhost.evil.example/callback"),
        ("redirect_uri", "http://user@evil.example#localhost"),
        ("redirect_uri", "http://localhost:1/callback#fragment"),
        ("redirect_uri", "javascript://localhost/%0aalert(1)"),
    ] {
        let answer = setup.http.get(setup.authorize_url("openid", &[replaced])).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{replaced:?}");
        assert!(answer.headers().get("location").is_none(), "{replaced:?}");
    }
    let own = format!("{}v2/api/clients", setup.emulator.service_url("auth"));
    let error =
        setup.emulator.login(setup.authorize_url("openid", &[("redirect_uri", &own)])).await.unwrap_err();
    assert!(matches!(error, LoginError::Page { status: 400, .. }), "{error}");
}

#[tokio::test]
async fn wrong_requests_are_told_to_the_client_by_redirect() {
    let setup = setup().await;
    for (replaced, word) in [
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "openid["), "invalid_scope"),
        (("scope", "nonsense"), "invalid_scope"),
    ] {
        let error = setup.emulator.login(setup.authorize_url("openid", &[replaced])).await.unwrap_err();
        let LoginError::Refused { error, state, .. } = error else { panic!("{replaced:?}: {error}") };
        assert_eq!(error, word, "{replaced:?}");
        assert_eq!(state.as_deref(), Some("some-state"));
    }
}

#[tokio::test]
async fn scripted_people_deny_are_others_or_drop_scopes() {
    let setup = setup().await;
    setup.emulator.script_consent([
        Decision::deny(),
        Decision::approve().as_user("jon@lab.example.org"),
        Decision::approve().without_scope(TRANSFER),
    ]);
    let error = setup.emulator.login(setup.authorize_url("openid", &[])).await.unwrap_err();
    assert!(matches!(error, LoginError::Refused { error, .. } if error == "access_denied"));

    let jon = setup.login("openid profile").await;
    let info = json(setup.userinfo(&text(&jon["access_token"])).await, 200).await;
    assert_eq!(info["preferred_username"], "jon@lab.example.org");

    let less = setup.login(&format!("openid {TRANSFER}")).await;
    assert_eq!(less["other_tokens"], json!([]));
    let default = setup.login("openid profile").await;
    let info = json(setup.userinfo(&text(&default["access_token"])).await, 200).await;
    assert_eq!(info["preferred_username"], setup.emulator.user().username);

    let url = setup.authorize_url("openid profile", &[("emulator_user", "jon@lab.example.org")]);
    let login = setup.emulator.login(url).await.unwrap();
    let tokens = json(setup.exchange(&login.code).await, 200).await;
    assert_eq!(claims(&tokens)["preferred_username"], "jon@lab.example.org");
}

#[tokio::test]
async fn codes_can_be_copied_from_the_page_that_shows_them() {
    let setup = setup().await;
    let page = setup.auth("v2/web/auth-code");
    // One client leaves out the slash between the address and the path.
    let misspelt = format!("{}authv2/web/auth-code", setup.emulator.base_url());
    for redirect in [page, misspelt] {
        let url = setup.authorize_url("openid", &[("redirect_uri", &redirect)]);
        let login = setup.emulator.login(url).await.unwrap();
        let page = setup.http.get(login.url.clone()).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert_eq!(page.headers()["content-security-policy"], "default-src 'none'");
        assert!(page.text().await.unwrap().contains(&login.code));
    }
}

#[tokio::test]
async fn the_scripted_human_goes_nowhere_else() {
    let setup = setup().await;
    for url in ["http://127.0.0.1:1/auth/v2/oauth2/authorize", "https://auth.globus.org/v2/oauth2/authorize"]
    {
        assert!(matches!(setup.emulator.login(url).await.unwrap_err(), LoginError::Elsewhere));
    }
}
