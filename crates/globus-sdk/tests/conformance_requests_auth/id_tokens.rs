//! Id tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globus_sdk::AuthLoginClient;
use globus_sdk::auth::{IdTokenDecoder, IdTokenError};
use serde_json::{Value, json};

use crate::clients::NOW;
use crate::conformance::{Case, Outcome, difference};
use crate::discovery::unauthenticated;
use crate::playback::clock_at;
use crate::requests::{self, only, requests_difference, text};

pub(crate) async fn id_token(case: &Case) -> Outcome {
    if case.whole["method"] != "decode" {
        return Outcome::Pending;
    }
    let playback = requests::playback(case);
    let args = &case.whole["client_args"];
    let client = AuthLoginClient::builder().transport(playback.clone()).clock(clock_at(NOW)).build().unwrap();
    let client = match args["client_id"].as_str() {
        Some(id) => client.with_client_id(id),
        None => client,
    };
    only(&case.whole["args"], &["id_token"]);
    let token = text(&case.whole["args"], "id_token");
    let found = IdTokenDecoder::new(&client).decode(&token.into()).await;

    if !is_signed_token(token) && playback.sent().is_empty() {
        // What is no token at all may be refused without fetching anything.
        return refused_as(found.as_ref().err(), &case.whole["raises"]);
    }
    if let Some(difference) = requests_difference(case, &unauthenticated(case), &playback) {
        return Outcome::Failed(difference);
    }
    if case.whole.get("raises").is_some() {
        return refused_as(found.as_ref().err(), &case.whole["raises"]);
    }
    let claims = &case.whole["returns"];
    let issuer =
        case.whole["responses"].as_array().unwrap().iter().find_map(|step| step["json"].get("issuer"));
    if claims.get("exp").is_none() || issuer.is_some_and(|issuer| *issuer != claims["iss"]) {
        // A token that never expires, or that somebody else issued, is refused here.
        return match found {
            Err(IdTokenError::Claim("exp") | IdTokenError::Issuer) => Outcome::Passed,
            other => Outcome::Failed(format!("expected a refusal, found {other:?}")),
        };
    }
    match found {
        Ok(found) => {
            let mut found = serde_json::to_value(&found).unwrap();
            // Claims that the token does not have are null or empty here.
            found.as_object_mut().unwrap().retain(|name, value| {
                claims.get(name).is_some() || !(value.is_null() || *value == json!([]) || *value == json!({}))
            });
            Outcome::of(difference(claims, &found))
        }
        Err(error) => Outcome::Failed(format!("{error:?}")),
    }
}

fn is_signed_token(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let document = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes).ok()
    };
    parts.len() == 3 && document(parts[0]).is_some() && document(parts[1]).is_some()
}

fn refused_as(error: Option<&IdTokenError>, recorded: &Value) -> Outcome {
    let name = match error {
        Some(IdTokenError::Audience) => "InvalidAudienceError",
        Some(IdTokenError::Expired) => "ExpiredSignatureError",
        Some(IdTokenError::NotYetValid) => "ImmatureSignatureError",
        Some(IdTokenError::Signature) => "InvalidSignatureError",
        Some(IdTokenError::Algorithm) => "InvalidAlgorithmError",
        Some(IdTokenError::NotAToken) => "DecodeError",
        _ => "another",
    };
    Outcome::of((name != *recorded).then(|| format!("expected {recorded}, found {error:?}")))
}
