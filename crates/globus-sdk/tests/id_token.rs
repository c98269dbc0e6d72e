//! Which id tokens are believed. The tokens are signed here, with keys of this run.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod playback;

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globus_sdk::auth::{IdTokenClaims, IdTokenDecoder, IdTokenError};
use globus_sdk::{ManualClock, NativeAppAuthClient};
use playback::{Playback, Step};
use serde_json::{Value, json};

const NOW: i64 = 1_760_000_000;

static FIRST: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static SECOND: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(header: &Value, claims: &Value, key: &RsaKeyPair) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of a good token, with some of them replaced; null takes one away.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "https://auth.globus.org", "sub": "u1", "aud": "cid", "exp": NOW + 1000, "iat": NOW - 10,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// A public key as it is published.
fn published(key: &RsaKeyPair, kid: Option<&str>) -> Value {
    // The DER form of a key of 2048 bits: head, length and a zero take 9 bytes, then comes the modulus.
    let der = key.public_key().as_ref();
    assert_eq!(der.len(), 270);
    let mut document =
        json!({"kty": "RSA", "use": "sig", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(&der[9..265])});
    if let Some(kid) = kid {
        document["kid"] = kid.into();
    }
    document
}

fn keys(keys: &[Value]) -> Step {
    Step::json(200, &json!({"keys": keys}))
}

fn configuration(algorithms: &[&str]) -> Step {
    Step::json(
        200,
        &json!({
            "issuer": "https://auth.globus.org", "jwks_uri": "https://auth.globus.org/jwk.json",
            "id_token_signing_alg_values_supported": algorithms,
        }),
    )
}

fn decoder(playback: &Playback) -> IdTokenDecoder {
    let client = NativeAppAuthClient::builder("cid")
        .transport(playback.clone())
        .clock(ManualClock::at(NOW))
        .build()
        .unwrap();
    IdTokenDecoder::new(&client)
}

/// Decodes one token against one published key.
async fn decode(header: Value, changes: Value) -> Result<IdTokenClaims, IdTokenError> {
    let playback = Playback::new([configuration(&["RS512"]), keys(&[published(&FIRST, None)])]);
    let token = signed(&header, &claims(&changes), &FIRST);
    decoder(&playback).decode(&token.as_str().into()).await
}

fn rs512() -> Value {
    json!({"alg": "RS512", "typ": "JWT"})
}

#[tokio::test]
async fn a_good_token_is_read_and_what_was_fetched_is_kept() {
    let playback = Playback::new([configuration(&["RS512"]), keys(&[published(&FIRST, None)])]);
    let decoder = decoder(&playback);
    for name in ["ana@example.org", "ben@example.org"] {
        let token = signed(&rs512(), &claims(&json!({"preferred_username": name, "x": 1})), &FIRST);
        let claims = decoder.decode(&token.as_str().into()).await.unwrap();
        assert_eq!(claims.preferred_username.unwrap(), name);
        assert_eq!(claims.extra["x"], 1);
    }
    assert_eq!(playback.sent().len(), 2);
    assert!(playback.sent().iter().all(|sent| sent.authorization().is_none()));
}

#[tokio::test]
async fn the_key_is_chosen_by_its_name() {
    let both = [published(&FIRST, Some("k1")), published(&SECOND, Some("k2"))];
    let playback = Playback::new([configuration(&["RS512"]), keys(&both)]);
    let decoder = decoder(&playback);
    for (kid, key) in [("k1", &*FIRST), ("k2", &*SECOND)] {
        let token = signed(&json!({"alg": "RS512", "kid": kid}), &claims(&json!({})), key);
        assert!(decoder.decode(&token.as_str().into()).await.is_ok(), "{kid}");
    }
    // The name of another key does not help.
    let token = signed(&json!({"alg": "RS512", "kid": "k1"}), &claims(&json!({})), &SECOND);
    let error = decoder.decode(&token.as_str().into()).await.unwrap_err();
    assert!(matches!(error, IdTokenError::Signature), "{error:?}");
    assert_eq!(playback.sent().len(), 2);
}

#[tokio::test]
async fn an_unknown_name_has_the_keys_fetched_once_more() {
    let before = [published(&FIRST, Some("k1"))];
    let after = [published(&FIRST, Some("k1")), published(&SECOND, Some("k2"))];
    let playback = Playback::new([configuration(&["RS512"]), keys(&before), keys(&after), keys(&after)]);
    let decoder = decoder(&playback);
    let rotated = signed(&json!({"alg": "RS512", "kid": "k2"}), &claims(&json!({})), &SECOND);
    assert!(decoder.decode(&rotated.as_str().into()).await.is_ok());
    assert_eq!(playback.sent().len(), 3);
    // They are kept.
    assert!(decoder.decode(&rotated.as_str().into()).await.is_ok());
    assert_eq!(playback.sent().len(), 3);

    // A name that stays unknown costs one more request and is refused.
    let unknown = signed(&json!({"alg": "RS512", "kid": "k9"}), &claims(&json!({})), &SECOND);
    let error = decoder.decode(&unknown.as_str().into()).await.unwrap_err();
    assert!(matches!(error, IdTokenError::UnknownKey), "{error:?}");
    assert_eq!(playback.sent().len(), 4);
}

#[tokio::test]
async fn without_a_name_only_a_sole_key_will_do() {
    let both = [published(&FIRST, Some("k1")), published(&SECOND, Some("k2"))];
    let playback = Playback::new([configuration(&["RS512"]), keys(&both), keys(&both)]);
    let token = signed(&rs512(), &claims(&json!({})), &FIRST);
    let error = decoder(&playback).decode(&token.as_str().into()).await.unwrap_err();
    assert!(matches!(error, IdTokenError::UnknownKey), "{error:?}");
}

/// Signed with nothing, or with the public key as a password, and even if the service's description allowed
/// that.
#[tokio::test]
async fn unsigned_and_symmetric_tokens_are_refused() {
    for algorithm in ["none", "None", "HS256", "HS512", "ES256", "RS256", "rs512", ""] {
        for allowed in [&["RS512"][..], &["RS512", "none", "None", "HS256", "HS512", "ES256"]] {
            let message = format!("{}.{}", part(&json!({"alg": algorithm})), part(&claims(&json!({}))));
            for signature in [String::new(), URL_SAFE_NO_PAD.encode([0; 32])] {
                let playback = Playback::new([configuration(allowed), keys(&[published(&FIRST, None)])]);
                let token = format!("{message}.{signature}");
                let error = decoder(&playback).decode(&token.as_str().into()).await.unwrap_err();
                assert!(matches!(error, IdTokenError::Algorithm), "{algorithm}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_description_without_algorithms_allows_none() {
    let description =
        json!({"issuer": "https://auth.globus.org", "jwks_uri": "https://auth.globus.org/jwk.json"});
    let playback = Playback::new([Step::json(200, &description), keys(&[published(&FIRST, None)])]);
    let token = signed(&rs512(), &claims(&json!({})), &FIRST);
    let error = decoder(&playback).decode(&token.as_str().into()).await.unwrap_err();
    assert!(matches!(error, IdTokenError::NoAlgorithms), "{error:?}");
}

#[tokio::test]
async fn keys_of_somebody_else_are_not_fetched() {
    let description = json!({
        "issuer": "https://auth.globus.org", "jwks_uri": "https://evil.example.org/jwk.json",
        "id_token_signing_alg_values_supported": ["RS512"],
    });
    let playback = Playback::new([Step::json(200, &description), keys(&[published(&FIRST, None)])]);
    let token = signed(&rs512(), &claims(&json!({})), &FIRST);
    let error = decoder(&playback).decode(&token.as_str().into()).await.unwrap_err();
    assert!(matches!(&error, IdTokenError::Discovery(cause) if cause.is_refused()), "{error:?}");
    assert_eq!(playback.sent().len(), 1);
}

#[tokio::test]
async fn the_issuer_must_be_the_services() {
    for issuer in [json!("https://evil.example.org"), json!(""), json!(null), json!(7)] {
        let error = decode(rs512(), json!({"iss": issuer})).await.unwrap_err();
        assert!(matches!(error, IdTokenError::Issuer), "{issuer}: {error:?}");
    }
}

#[tokio::test]
async fn claims_that_are_needed_must_be_there_and_of_their_type() {
    for (change, name) in [
        (json!({"exp": null}), "exp"),
        (json!({"exp": "4102444800"}), "exp"),
        (json!({"sub": null}), "sub"),
        (json!({"sub": 7}), "sub"),
        (json!({"iat": "soon"}), "iat"),
        (json!({"nbf": []}), "nbf"),
    ] {
        let error = decode(rs512(), change.clone()).await.unwrap_err();
        assert!(matches!(error, IdTokenError::Claim(claim) if claim == name), "{change}: {error:?}");
    }
}

#[tokio::test]
async fn the_audience_is_this_client() {
    for (audience, good) in [
        (json!("cid"), true),
        (json!(["other", "cid"]), true),
        (json!("other"), false),
        (json!(["other"]), false),
        (json!([]), false),
        (json!(null), false),
        (json!({"cid": "cid"}), false),
    ] {
        let result = decode(rs512(), json!({"aud": audience})).await;
        match result {
            Ok(_) => assert!(good, "{audience}"),
            Err(error) => assert!(!good && matches!(error, IdTokenError::Audience), "{audience}: {error:?}"),
        }
    }
}

/// 300 seconds either way, to the second.
#[tokio::test]
async fn clocks_may_be_five_minutes_apart() {
    for (change, good) in [
        (json!({"exp": NOW - 299}), true),
        (json!({"exp": NOW - 300}), false),
        (json!({"iat": NOW + 300}), true),
        (json!({"iat": NOW + 301}), false),
        (json!({"nbf": NOW + 300}), true),
        (json!({"nbf": NOW + 301}), false),
    ] {
        let result = decode(rs512(), change.clone()).await;
        match result {
            Ok(_) => assert!(good, "{change}"),
            Err(IdTokenError::Expired) => assert!(!good && change.get("exp").is_some(), "{change}"),
            Err(IdTokenError::NotYetValid) => assert!(!good && change.get("exp").is_none(), "{change}"),
            Err(error) => panic!("{change}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn another_leeway_can_be_asked_for() {
    let playback = Playback::new([configuration(&["RS512"]), keys(&[published(&FIRST, None)])]);
    let strict = decoder(&playback).leeway(std::time::Duration::ZERO);
    let token = signed(&rs512(), &claims(&json!({"exp": NOW})), &FIRST);
    assert!(matches!(strict.decode(&token.as_str().into()).await, Err(IdTokenError::Expired)));
}

#[tokio::test]
async fn what_is_no_token_is_refused_before_anything_is_fetched() {
    let playback = Playback::default();
    for text in ["", "a.b", "a.b.c.d", "not.a.jwt", "e30.e30.", &format!("{}.e30.", part(&json!({"alg": 7})))]
    {
        let error = decoder(&playback).decode(&text.into()).await.unwrap_err();
        assert!(matches!(error, IdTokenError::NotAToken), "{text}: {error:?}");
    }
    assert!(playback.sent().is_empty());
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let playback = Playback::new([configuration(&["RS512"]), keys(&[published(&FIRST, None)])]);
    let token = signed(&rs512(), &claims(&json!({})), &FIRST);
    let parts: Vec<_> = token.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], part(&claims(&json!({"sub": "u2"}))), parts[2]);
    let error = decoder(&playback).decode(&forged.as_str().into()).await.unwrap_err();
    assert!(matches!(error, IdTokenError::Signature), "{error:?}");
}
