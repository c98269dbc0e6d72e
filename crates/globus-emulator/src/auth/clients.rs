//! Clients: instances of a template, children of a confidential client.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client_auth;
use crate::call::{Call, Params};
use crate::clock;
use crate::exchange;
use crate::failure::Failure;
use crate::random;
use crate::world::accounts::{Client, Credential, Identity};

#[derive(Debug, Deserialize)]
struct Wanted {
    client: WantedClient,
}

#[derive(Debug, Deserialize)]
struct WantedClient {
    name: String,
    template_id: Option<String>,
    public_client: Option<bool>,
    client_type: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
}

/// Makes a client: of a public template without authentication (the first login of the Globus CLI), or as a
/// child of the confidential client that calls.
pub(super) async fn create(call: Call) -> Result<(StatusCode, Json<Value>), Failure> {
    let Wanted { client: wanted } = call.json()?;
    let body = call.app.world.change(|world| {
        let (parent, public) = if let Some(template) = &wanted.template_id {
            let known = world.clients.get(template).filter(|client| client.public && !client.added);
            let known = known.ok_or_else(|| Failure::not_found("NOT_FOUND", "There is no such template"))?;
            (known.id.clone(), false)
        } else {
            let parent = client_auth::confidential(world, &call, &Params::default())?;
            let by_type = wanted.client_type.as_deref() == Some("public_installed_client");
            (parent.id, wanted.public_client.unwrap_or(by_type))
        };
        let id = Uuid::new_v4().to_string();
        let secret = random::secret("");
        let credential = Credential {
            id: Uuid::new_v4().to_string(),
            name: "initial".to_owned(),
            fingerprint: random::fingerprint(&secret),
            created: clock::text(call.app.now()),
        };
        let mut body = json!({});
        if !public {
            body["included"] = json!({"client_credential": {
                "client": id, "id": credential.id, "name": credential.name, "created": credential.created,
                "secret": secret,
            }});
        }
        let client = Client {
            id: id.clone(),
            name: wanted.name,
            public,
            credentials: if public { Vec::new() } else { vec![credential] },
            redirect_uris: wanted.redirect_uris,
            parent: Some(parent),
            added: true,
        };
        body["client"] = client.document();
        world.identities.insert(id.clone(), Identity::of_client(&client));
        world.clients.insert(id, client);
        Ok::<_, Failure>(body)
    })?;
    Ok((StatusCode::CREATED, Json(body)))
}

/// The client that calls with its secret, and its children.
pub(super) async fn list(call: Call) -> Result<Json<Value>, Failure> {
    let own = caller(&call)?;
    let documents: Vec<Value> = call.app.world.read(|world| {
        let mine = |client: &&Client| client.id == own || client.parent.as_ref() == Some(&own);
        world.clients.values().filter(mine).map(Client::document).collect()
    });
    Ok(Json(json!({"clients": documents})))
}

pub(super) async fn show(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let own = caller(&call)?;
    let document = call.app.world.read(|world| {
        let client = world.clients.get(&id)?;
        (client.id == own || client.parent.as_ref() == Some(&own)).then(|| client.document())
    });
    let document = document.ok_or_else(|| Failure::not_found("NOT_FOUND", "There is no such client"))?;
    Ok(Json(json!({"client": document})))
}

fn caller(call: &Call) -> Result<String, Failure> {
    if exchange::basic(&call.headers).is_some() {
        let client =
            call.app.world.read(|world| client_auth::confidential(world, call, &Params::default()))?;
        return Ok(client.id);
    }
    let bearer = call.bearer()?;
    if !bearer.has_scope("urn:globus:auth:scope:auth.globus.org:manage_projects") {
        return Err(Failure::forbidden("FORBIDDEN", "The access token lacks the scope manage_projects"));
    }
    Ok(bearer.identity().to_owned())
}
