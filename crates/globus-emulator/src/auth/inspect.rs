//! What a token is worth: revoke, validate, introspect.

use axum::Json;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::client_auth;
use super::discovery;
use super::scopes;
use super::userinfo;
use crate::call::Call;
use crate::failure::Failure;
use crate::random;
use crate::world::World;
use crate::world::tokens::Login;

/// Revokes a token for whoever holds it. The answer is the same whatever the token was: the Globus CLI logs
/// out through a client that does not own the tokens, and without a token at all.
pub(super) async fn revoke(call: Call) -> Result<Json<Value>, Failure> {
    if let Some(token) = call.form().get("token") {
        let fingerprint = random::fingerprint(token);
        call.app.world.change(|world| {
            if let Some(token) = world.access_tokens.get_mut(&fingerprint) {
                token.revoked = true;
            }
            if let Some(family) = world.refresh_tokens.get(&fingerprint).map(|token| token.family.clone()) {
                world.revoke_family(&family);
            }
            Ok::<_, Failure>(())
        })?;
    }
    Ok(Json(json!({"active": false})))
}

/// Whether a token, usually a refresh token, of the calling client is still good.
pub(super) async fn validate(call: Call) -> Result<Json<Value>, Failure> {
    let form = call.form();
    let now = call.app.now();
    call.app.world.read(|world| {
        let client = client_auth::client(world, &call, &form)?;
        let fingerprint = random::fingerprint(form.get("token").unwrap_or_default());
        let refresh = world
            .live_refresh_token(&fingerprint, now)
            .is_some_and(|(token, family)| token.rotated_at.is_none() && family.client == client.id);
        let access = world.bearer(&fingerprint, now).is_some_and(|bearer| bearer.family.client == client.id);
        Ok(Json(json!({"active": refresh || access})))
    })
}

/// What an access token stands for, told to its resource server and to the client that has it.
pub(super) async fn introspect(call: Call) -> Result<Json<Value>, Failure> {
    let form = call.form();
    let now = call.app.now();
    let include: Vec<String> =
        form.list("include").or_else(|| call.query.list("include")).unwrap_or_default();
    let issuer = discovery::issuer(&call);
    call.app.world.read(|world| {
        let client = client_auth::confidential(world, &call, &form)?;
        let fingerprint = random::fingerprint(form.get("token").unwrap_or_default());
        let bearer = world.bearer(&fingerprint, now).filter(|bearer| {
            bearer.family.resource_server == client.id || bearer.family.client == client.id
        });
        let Some(bearer) = bearer else { return Ok(Json(json!({"active": false}))) };
        let login = &bearer.family.login;
        let identity = world.identities.get(&login.identity);
        let linked = world.linked(&login.identity);
        let mut body = json!({
            "active": true, "sub": login.identity, "client_id": bearer.family.client,
            "username": identity.map(|identity| &identity.username),
            "name": identity.map(|identity| &identity.name), "email": identity.map(|identity| &identity.email),
            "scope": scopes::top_level(&bearer.family.scopes),
            "aud": [bearer.family.resource_server, bearer.family.client], "iss": issuer,
            "exp": bearer.token.expires_at.as_second(), "iat": bearer.token.issued_at.as_second(),
            "nbf": bearer.token.issued_at.as_second(), "token_type": "Bearer", "dependent_tokens_cache_id":
            bearer.family_id,
        });
        let wants = |names: &[&str]| include.iter().any(|name| names.contains(&name.as_str()));
        if wants(&["identity_set", "identities_set"]) {
            let ids: Vec<&str> = linked.iter().map(|identity| identity.id.as_str()).collect();
            body["identity_set"] = json!(ids);
            body["identities_set"] = json!(ids);
        }
        if wants(&["identity_set_detail"]) {
            body["identity_set_detail"] =
                linked.iter().map(|identity| userinfo::member(world, identity, login)).collect();
        }
        let session = wants(&["session_info"]);
        if session {
            body["session_info"] = world.session_info(&login.session);
        }
        let named = form.list("authentication_policies");
        if session || named.is_some() || wants(&["policy_evaluations"]) {
            body["policy_evaluations"] = evaluations(world, login, named.as_deref(), now);
        }
        Ok(Json(body))
    })
}

/// How a login fares with these policies, or with all that there are.
fn evaluations(world: &World, login: &Login, named: Option<&[String]>, now: Timestamp) -> Value {
    let asked = world.policies.values().filter(|policy| named.is_none_or(|ids| ids.contains(&policy.id)));
    let evaluated =
        asked.map(|policy| (policy.id.clone(), json!({"evaluation": world.meets(policy, login, now)})));
    Value::Object(evaluated.collect())
}
