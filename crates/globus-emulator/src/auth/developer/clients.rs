//! `/v2/api/clients`: clients of a project, children of a confidential client, instances of a template.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Caller, Document, id, manager, not_found, writable};
use crate::call::Call;
use crate::clock;
use crate::failure::Failure;
use crate::random;
use crate::world::World;
use crate::world::accounts::{
    CLIENT_TYPES, Client, Credential, HYBRID, Identity, Links, PROVIDERS, PUBLIC_INSTALLED,
};

/// Makes a client: of a public template without authentication (the first login of the Globus CLI), in a project
/// for one of its administrators, or as a child of the confidential client that calls.
pub(super) async fn create(call: Call) -> Result<(StatusCode, Json<Value>), Failure> {
    let mut wanted = Document::of(&call, "client")?;
    let name = wanted.required_text("name");
    let body = if let Some(template) = wanted.text("template_id") {
        wanted.check()?;
        instance(&call, &template, name)?
    } else if let Some(project) = wanted.uuid("project") {
        in_project(&call, wanted, name, project)?
    } else {
        child(&call, wanted, name)?
    };
    Ok((StatusCode::CREATED, Json(body)))
}

fn instance(call: &Call, template: &str, name: String) -> Result<Value, Failure> {
    call.app.world.change(|world| {
        let known = world.clients.get(&id(template)).filter(|client| client.public && !client.added);
        let parent = known.ok_or_else(|| not_found("template"))?.id.clone();
        let mut client = Client::new(Uuid::new_v4(), name, "confidential_client");
        client.parent = Some(parent);
        Ok(insert_with_secret(world, call, client))
    })
}

/// Its secrets are made by further calls.
fn in_project(call: &Call, mut wanted: Document, name: String, project: String) -> Result<Value, Failure> {
    let bearer = manager(call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        writable(world, &bearer, &project, now)?;
        let mut client = read_new(&mut wanted, name);
        client.project = Some(project);
        read_details(&mut wanted, &mut client);
        wanted.check()?;
        let document = world.client_document(&client);
        insert(world, client);
        Ok(json!({"client": document}))
    })
}

fn child(call: &Call, mut wanted: Document, name: String) -> Result<Value, Failure> {
    let parent = match Caller::of(call)? {
        Caller::Client(id) => Some(id),
        Caller::Token(_) => None,
    };
    if parent.is_none() && !wanted.has("project") {
        wanted.fault("project", "is missing");
    }
    let mut client = read_new(&mut wanted, name);
    client.parent = parent;
    read_details(&mut wanted, &mut client);
    wanted.check()?;
    call.app.world.change(|world| {
        if client.public {
            let document = world.client_document(&client);
            insert(world, client);
            return Ok(json!({"client": document}));
        }
        Ok(insert_with_secret(world, call, client))
    })
}

fn insert(world: &mut World, client: Client) {
    world.identities.insert(client.id.clone(), Identity::of_client(&client));
    world.clients.insert(client.id.clone(), client);
}

/// Keeps a client with its first secret, which the answer shows.
fn insert_with_secret(world: &mut World, call: &Call, mut client: Client) -> Value {
    let secret = random::secret("");
    let credential = Credential {
        id: Uuid::new_v4().to_string(),
        name: "Auto-created at client creation".to_owned(),
        fingerprint: random::fingerprint(&secret),
        created: clock::text(call.app.now()),
    };
    let shown = credential.document(&client.id, Some(&secret));
    client.credentials.push(credential);
    let document = world.client_document(&client);
    insert(world, client);
    json!({"client": document, "included": {"client_credential": shown}})
}

/// A new client of the kind that is wanted.
fn read_new(wanted: &mut Document, name: String) -> Client {
    let by_type = wanted.one_of("client_type", &CLIENT_TYPES);
    let by_secrecy = wanted.boolean("public_client");
    if wanted.has("client_type") == wanted.has("public_client") {
        wanted.fault("client_type", "exactly one of client_type and public_client must be given");
    }
    let client_type = match (&by_type, by_secrecy) {
        (Some(client_type), _) => client_type.as_str(),
        (None, Some(true)) => PUBLIC_INSTALLED,
        (None, _) => HYBRID,
    };
    Client::new(Uuid::new_v4(), name, client_type)
}

/// What of a client can also be changed later.
fn read_details(wanted: &mut Document, client: &mut Client) {
    if let Some(visibility) = wanted.one_of("visibility", &["public", "private"]) {
        client.visible = visibility == "public";
    }
    if let Some(uris) = wanted.redirect_uris("redirect_uris") {
        client.redirect_uris = uris;
    }
    if let Some([terms_and_conditions, privacy_policy]) = wanted.links() {
        client.links = Links { terms_and_conditions, privacy_policy };
    }
    put_provider(wanted, "required_idp", &mut client.required_idp);
    put_provider(wanted, "preselect_idp", &mut client.preselect_idp);
    client.userinfo_from_effective_identity =
        wanted.boolean("userinfo_from_effective_identity").unwrap_or(client.userinfo_from_effective_identity);
    client.prompt_for_named_grant =
        wanted.boolean("prompt_for_named_grant").unwrap_or(client.prompt_for_named_grant);
}

fn put_provider(wanted: &mut Document, name: &str, place: &mut Option<String>) {
    wanted.put_uuid(name, place);
    if let Some(id) = place
        && PROVIDERS.iter().all(|known| known.0 != id)
    {
        wanted.fault(name, format!("there is no identity provider {id}"));
    }
}

/// The clients that the caller manages; the one client with a host name when that is asked for.
pub(super) async fn list(call: Call) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    call.app.world.read(|world| {
        if let Some(fqdn) = call.query.get("fqdn") {
            let named = |client: &&Client| client.fqdns.iter().any(|known| known.eq_ignore_ascii_case(fqdn));
            let client = world.clients.values().find(named).ok_or_else(|| not_found("client"))?;
            let client = caller.reads(world, &client.id)?;
            return Ok(Json(json!({"client": world.client_document(client)})));
        }
        let mine = |client: &&Client| caller.sees(world, client);
        let documents: Vec<Value> =
            world.clients.values().filter(mine).map(|client| world.client_document(client)).collect();
        Ok(Json(json!({"clients": documents})))
    })
}

pub(super) async fn show(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    call.app.world.read(|world| {
        let client = caller.reads(world, &id)?;
        Ok(Json(json!({"client": world.client_document(client)})))
    })
}

pub(super) async fn update(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let mut client = caller.changes(world, &id, now)?.clone();
        let mut wanted = Document::of(&call, "client")?;
        client.name = wanted.text("name").unwrap_or(client.name);
        if wanted.boolean("public_client").is_some_and(|public| public != client.public) {
            wanted.fault("public_client", "cannot be changed");
        }
        if wanted.one_of("client_type", &CLIENT_TYPES).is_some_and(|kind| kind != client.client_type) {
            wanted.fault("client_type", "cannot be changed");
        }
        read_details(&mut wanted, &mut client);
        wanted.check()?;
        let document = world.client_document(&client);
        if let Some(identity) = world.identities.get_mut(&client.id) {
            identity.name = Some(client.name.clone());
        }
        world.clients.insert(client.id.clone(), client);
        Ok(Json(json!({"client": document})))
    })
}

/// Removes a client with its scopes; its tokens and consents end with it.
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = caller.changes(world, &id, now)?.clone();
        let document = world.client_document(&client);
        world.remove_client(&client.id);
        Ok(Json(json!({"client": document})))
    })
}
