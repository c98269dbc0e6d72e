//! The OpenID Connect configuration and the signing key.

use axum::Json;
use serde_json::{Value, json};

use crate::call::Call;
use crate::failure::Failure;
use crate::service::Service;

/// The issuer, on the address that the caller used. That address has passed the gate.
pub(super) fn issuer(call: &Call) -> String {
    call.service_url(Service::Auth).trim_end_matches('/').to_owned()
}

pub(super) async fn configuration(call: Call) -> Json<Value> {
    let issuer = issuer(&call);
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v2/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/v2/oauth2/token"),
        "userinfo_endpoint": format!("{issuer}/v2/oauth2/userinfo"),
        "revocation_endpoint": format!("{issuer}/v2/oauth2/token/revoke"),
        "introspection_endpoint": format!("{issuer}/v2/oauth2/token/introspect"),
        "jwks_uri": format!("{issuer}/jwk.json"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS512"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "scopes_supported": ["openid", "email", "profile"],
        "claims_supported": [
            "at_hash", "aud", "email", "exp", "iat", "identity_provider", "identity_provider_display_name",
            "identity_set", "iss", "last_authentication", "name", "organization", "preferred_username", "sub",
        ],
    }))
}

pub(super) async fn jwks(call: Call) -> Result<Json<Value>, Failure> {
    let key = call.app.keys.ready().await?;
    Ok(Json(json!({"keys": [key.public_document()]})))
}
