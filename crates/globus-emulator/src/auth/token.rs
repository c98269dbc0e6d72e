//! `POST /v2/oauth2/token`.

use axum::Json;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::grants;
use super::keys;
use super::userinfo;
use crate::call::Call;
use crate::failure::Failure;
use crate::service::Service;
use crate::world::settings::JwtTime;
use crate::world::tokens::{Issued, Login};

pub(super) async fn token(call: Call) -> Result<Json<Value>, Failure> {
    let form = call.form();
    let grant = match form.get("grant_type") {
        Some("authorization_code") => grants::code(&call, &form)?,
        Some("refresh_token") => grants::refresh(&call, &form)?,
        Some("client_credentials") => grants::client_credentials(&call, &form)?,
        Some("urn:globus:auth:grant_type:dependent_token") => {
            let tokens = grants::dependent(&call, &form)?;
            return Ok(Json(tokens.iter().map(document).collect()));
        }
        Some(_) => return Err(Failure::oauth("unsupported_grant_type", "The grant type is not supported")),
        None => return Err(Failure::oauth("invalid_request", "grant_type is missing")),
    };
    answer(&call, &grant).await.map(Json)
}

/// The outcome of a grant: already kept, still to be worded.
pub(super) struct Granted {
    pub(super) client: String,
    pub(super) login: Login,
    pub(super) tokens: Vec<Issued>,
    pub(super) state: Option<String>,
    /// Whether an id token is due when `openid` is among the scopes.
    pub(super) identifies: bool,
}

async fn answer(call: &Call, granted: &Granted) -> Result<Value, Failure> {
    let Some((first, others)) = granted.tokens.split_first() else {
        return Err(Failure::oauth("invalid_scope", "No token can be given for these scopes"));
    };
    let mut body = document(first);
    body["other_tokens"] = others.iter().map(document).collect();
    if let Some(state) = &granted.state {
        body["state"] = json!(state);
    }
    let openid = first.resource_server == Service::Auth.resource_server()
        && first.scope.split(' ').any(|scope| scope == "openid");
    if granted.identifies && openid {
        body["id_token"] = json!(id_token(call, granted, first).await?);
    }
    Ok(body)
}

fn document(token: &Issued) -> Value {
    let mut body = json!({
        "access_token": token.access_token, "scope": token.scope, "expires_in": token.expires_in,
        "token_type": "Bearer", "resource_server": token.resource_server,
    });
    if let Some(refresh_token) = &token.refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    body
}

async fn id_token(call: &Call, granted: &Granted, token: &Issued) -> Result<String, Failure> {
    let (mut claims, real) = call.app.world.read(|world| {
        // The identity set stands in the id token whether or not the scope for userinfo was asked for.
        let claims = userinfo::claims(world, &granted.login, &|_| true);
        (claims, world.settings.jwt_time == JwtTime::Real)
    });
    let now = if real { Timestamp::now() } else { call.app.now() };
    let lifetime = SignedDuration::from_secs(i64::try_from(token.expires_in).unwrap_or(i64::MAX));
    let key = call.app.keys.ready().await?;
    claims["iss"] = json!(super::discovery::issuer(call));
    claims["aud"] = json!(granted.client);
    claims["iat"] = json!(now.as_second());
    claims["exp"] = json!(now.saturating_add(lifetime).unwrap_or(Timestamp::MAX).as_second());
    claims["at_hash"] = json!(keys::token_hash(&token.access_token));
    key.sign(&claims)
}
