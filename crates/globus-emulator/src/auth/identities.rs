//! Identities and identity providers.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client_auth;
use crate::call::{Call, Params};
use crate::exchange;
use crate::failure::Failure;
use crate::world::World;
use crate::world::accounts::{HOME_PROVIDER, Identity, LAB_PROVIDER, PROVIDERS};

/// How many identities one call may ask for.
const MAX_IDENTITIES: usize = 100;

/// Anyone with a token for Auth, or a client with its secret, may look identities up.
fn require_caller(call: &Call) -> Result<(), Failure> {
    if exchange::basic(&call.headers).is_some() {
        let empty = Params::default();
        return call.app.world.read(|world| client_auth::confidential(world, call, &empty).map(drop));
    }
    call.bearer().map(drop)
}

pub(super) async fn identities(call: Call) -> Result<Json<Value>, Failure> {
    require_caller(&call)?;
    let ids = call.query.list("ids").unwrap_or_default();
    let usernames = call.query.list("usernames").unwrap_or_default();
    if ids.len() + usernames.len() > MAX_IDENTITIES {
        let message = format!("At most {MAX_IDENTITIES} identities can be asked for at once");
        return Err(Failure::bad_request("BAD_REQUEST", message));
    }
    let provision = call.query.boolean("provision").unwrap_or(false);
    let documents = call.app.world.change(|world| {
        if provision {
            for username in &usernames {
                make_provisioned(world, username);
            }
        }
        let found = ids
            .iter()
            .filter_map(|id| Uuid::try_parse(id).ok())
            .filter_map(|id| world.identities.get(&id.to_string()))
            .chain(usernames.iter().filter_map(|username| world.find_identity(username)));
        let mut documents: Vec<Value> = Vec::new();
        for identity in found {
            if documents.iter().all(|known| known["id"] != identity.id) {
                documents.push(identity.document());
            }
        }
        Ok::<_, Failure>(documents)
    })?;
    Ok(Json(json!({"identities": documents})))
}

pub(super) async fn identity(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    require_caller(&call)?;
    let document = call.app.world.read(|world| world.identities.get(&id).map(Identity::document));
    let document = document.ok_or_else(|| Failure::not_found("NOT_FOUND", "There is no such identity"))?;
    Ok(Json(json!({"identity": document})))
}

fn make_provisioned(world: &mut World, username: &str) {
    let is_email =
        username.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
    if !is_email || world.find_identity(username).is_some() {
        return;
    }
    let id = Uuid::new_v4().to_string();
    let provider = PROVIDERS
        .iter()
        .find(|provider| username.to_ascii_lowercase().ends_with(&format!("@{}", provider.3)));
    let identity = Identity {
        id: id.clone(),
        username: username.to_owned(),
        name: None,
        email: None,
        organization: None,
        status: "provisioned".to_owned(),
        identity_provider: provider.map_or(HOME_PROVIDER, |provider| provider.0).to_owned(),
        identity_type: "login".to_owned(),
        account: id.clone(),
        added: true,
    };
    world.identities.insert(id, identity);
}

pub(super) async fn providers(call: Call) -> Result<Json<Value>, Failure> {
    require_caller(&call)?;
    let (ids, domains) = (call.query.list("ids"), call.query.list("domains"));
    if ids.is_some() && domains.is_some() {
        return Err(Failure::bad_request("BAD_REQUEST", "Give either ids or domains, not both"));
    }
    let listed: Vec<Value> = PROVIDERS
        .iter()
        .filter(|(id, _, _, domain)| {
            ids.as_ref().is_none_or(|ids| ids.iter().any(|given| given.eq_ignore_ascii_case(id)))
                && domains
                    .as_ref()
                    .is_none_or(|domains| domains.iter().any(|given| given.eq_ignore_ascii_case(domain)))
        })
        .map(|(id, name, short_name, domain)| {
            json!({
                "id": id, "name": name, "short_name": short_name, "domains": [domain],
                "alternative_names": [], "mfa": *id == LAB_PROVIDER,
            })
        })
        .collect();
    Ok(Json(json!({"identity_providers": listed})))
}
