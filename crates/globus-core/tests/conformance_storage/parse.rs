//! Token responses.

use globus_core::TokenResponse;
use globus_core::token::Grant;
use serde_json::{Map, Value, json};

use crate::conformance::{Case, Outcome as Verdict};
use crate::outcome;

pub(crate) fn check(case: &Case) -> Verdict {
    let input = &case.input;
    let grant = outcome::grant(input["grant"].as_str().unwrap());
    let body = input["body"].as_str().unwrap();
    let parsed = TokenResponse::parse(grant, body.as_bytes(), outcome::timestamp(&input["now"]));
    let actual = match &parsed {
        Ok(response) => shown(response, &input["lookups"]),
        Err(error) => json!({"error": "MalformedTokenResponse", "field": error.field()}),
    };
    case.expect_by(|expected| {
        let is_empty_object = body.trim().starts_with('{') && !body.contains("access_token");
        let same = outcome::same_value(expected, &actual)
            // Where all required members are missing, any of them may be named.
            || is_empty_object && expected["error"] == actual["error"];
        (!same).then(|| format!("expected {expected}, got {actual}"))
    })
}

fn shown(response: &TokenResponse, lookups: &Value) -> Value {
    let by_resource_server: Map<_, _> = response
        .by_resource_server()
        .iter()
        .map(|token| (token.resource_server.to_string(), Value::Object(outcome::response_shape(token))))
        .collect();
    let by_scopes = response.by_scopes();
    let mut scopes: Vec<&str> = by_scopes.iter().collect();
    scopes.sort_unstable();
    let lookups: Vec<Value> = lookups
        .as_array()
        .unwrap()
        .iter()
        .map(|key| match by_scopes.get(key.as_str().unwrap()) {
            Ok(token) => json!([key, {
                "resource_server": token.resource_server.as_str(),
                "access_token": token.access_token.expose(),
            }]),
            Err(_) => json!([key, {"error": "KeyError"}]),
        })
        .collect();
    let kind = match response.grant() {
        Grant::AuthorizationCode => "OAuthAuthorizationCodeResponse",
        Grant::RefreshToken => "OAuthRefreshTokenResponse",
        Grant::ClientCredentials => "OAuthClientCredentialsResponse",
        Grant::DependentToken => "OAuthDependentTokenResponse",
        other => panic!("an unknown grant {other:?}"),
    };
    json!({"type": kind, "by_resource_server": by_resource_server, "scopes": scopes, "lookups": lookups})
}
