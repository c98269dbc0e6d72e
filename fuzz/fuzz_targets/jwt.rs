//! Any text as an id token, and any three parts encoded into one. The key is one whose other half is nowhere here, and
//! the client none that a token was ever made for: nothing may be accepted.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globus_sdk::auth::IdTokenDecoder;
use globus_sdk::transport::{Body, Request, Response, Transport, TransportError};
use globus_sdk::{IdToken, ManualClock, NativeAppAuthClient};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Answers with what Globus Auth publishes.
#[derive(Debug)]
struct Published;

const CONFIGURATION: &str = r#"{"issuer": "https://auth.globus.org", "jwks_uri": "https://auth.globus.org/jwk.json",
    "id_token_signing_alg_values_supported": ["RS256", "RS512", "HS256", "HS512", "none"]}"#;

const KEYS: &str = r#"{"keys": [{"kty": "RSA", "use": "sig", "alg": "RS512", "kid": "k", "e": "AQAB", "n": "tFUSA-vieoN_hwQSlOlO0niOvCRqw__1WX8sx2386N3qOMKYkRD-bQ-Anym47QfrerZljxeN6-fxs0IX3_a62HVsxeyo9-XGtkAtulwdwFWOUXyCX3P1-oojPmkWl8tnkrPouKG293xSbrF-1rCmPGb3lk07VqLEsw3rMyJx0TrIRKUo_8ysv6bWbAAI0OO5c6flE4xlCPjtNAdQkN8jVJ-NibYFashZc_Us8SB9fLFDuANcYcWQlXDArBcCe_MLisKt8iL9TKoX-oMJM403K2ieQY_TFqIOqMIjxx7W1HbDQc2uMYl9mkXULoqKdNdZnaCFZRaENpArSC03vSGpcw"}]}"#;

impl Transport for Published {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let body = if request.url.path() == "/jwk.json" { KEYS } else { CONFIGURATION };
        let json = (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Response::new(StatusCode::OK, HeaderMap::from_iter([json]), Body::full(body)))
    }
}

static DECODER: LazyLock<IdTokenDecoder> = LazyLock::new(|| {
    let client = NativeAppAuthClient::builder("a client that no token was made for")
        .transport(Published)
        .clock(ManualClock::at(1_760_000_000))
        .build()
        .expect("a client");
    IdTokenDecoder::new(&client)
});

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));

fn refused(token: String) {
    let decoded = RUNTIME.block_on(DECODER.decode(&IdToken::new(token)));
    let error = decoded.expect_err("no token can be good");
    assert!(!error.to_string().contains(char::is_control), "{error}");
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut parts = text.splitn(3, '\n');
    if let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) {
        refused([header, claims, signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join("."));
    }
    refused(text.to_owned());
});
