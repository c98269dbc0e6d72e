//! `GET /v2/oauth2/userinfo`, and the claims that an id token shares with it.

use axum::Json;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::Call;
use crate::failure::Failure;
use crate::world::World;
use crate::world::accounts::Identity;
use crate::world::tokens::Login;

const IDENTITY_SET: &str = "urn:globus:auth:scope:auth.globus.org:view_identity_set";

pub(super) async fn userinfo(call: Call) -> Result<Json<Value>, Failure> {
    let bearer = call.bearer()?;
    if !bearer.has_scope("openid") {
        return Err(Failure::forbidden("FORBIDDEN", "The access token lacks the scope openid"));
    }
    let claims =
        call.app.world.read(|world| claims(world, &bearer.family.login, &|scope| bearer.has_scope(scope)));
    Ok(Json(claims))
}

/// What is told about a login, as far as the scopes allow.
pub(super) fn claims(world: &World, login: &Login, has_scope: &dyn Fn(&str) -> bool) -> Value {
    let mut claims = json!({"sub": login.identity});
    let Some(identity) = world.identities.get(&login.identity) else { return claims };
    if has_scope("profile") {
        claims["preferred_username"] = json!(identity.username);
        claims["name"] = json!(identity.name);
        claims["organization"] = json!(identity.organization);
        claims["identity_provider"] = json!(identity.identity_provider);
        claims["identity_provider_display_name"] = json!(identity.provider_name());
        claims["last_authentication"] = json!(last_authentication(world, login, &identity.id));
    }
    if has_scope("email") {
        claims["email"] = json!(identity.email);
    }
    if has_scope(IDENTITY_SET) {
        claims["identity_set"] =
            world.linked(&identity.id).into_iter().map(|linked| member(world, linked, login)).collect();
    }
    claims
}

fn last_authentication(world: &World, login: &Login, identity: &str) -> Option<i64> {
    world.auth_time(login, identity).map(Timestamp::as_second)
}

/// One of a person's identities, as userinfo and introspection tell it.
pub(super) fn member(world: &World, identity: &Identity, login: &Login) -> Value {
    json!({
        "sub": identity.id, "username": identity.username, "name": identity.name, "email": identity.email,
        "organization": identity.organization, "status": identity.status,
        "identity_provider": identity.identity_provider,
        "identity_provider_display_name": identity.provider_name(), "identity_type": identity.identity_type,
        "last_authentication": last_authentication(world, login, &identity.id),
    })
}
