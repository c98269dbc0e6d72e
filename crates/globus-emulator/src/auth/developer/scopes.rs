//! `/v2/api/scopes`, and the scopes of a client.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Caller, Document, conflict, id, input, not_administrator, not_found};
use crate::auth::scopes;
use crate::call::Call;
use crate::failure::Failure;
use crate::world::World;
use crate::world::consents::scope_id;
use crate::world::developer::{DependentScope, RegisteredScope};

/// The scopes that the caller asks for by id or string, as far as there are such and they may be seen; without
/// either those of the clients that the caller manages.
pub(super) async fn list(call: Call) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    let (ids, strings) = (call.query.list("ids"), call.query.list("scope_strings"));
    if ids.is_some() && strings.is_some() {
        return Err(Failure::bad_request("BAD_REQUEST", "Give either ids or scope_strings, not both"));
    }
    let documents: Vec<Value> = call.app.world.read(|world| {
        let visible = |scope: &&RegisteredScope| caller.sees_scope(world, scope);
        match (ids, strings) {
            (Some(ids), _) => ids.iter().filter_map(|text| document(world, &caller, &id(text))).collect(),
            (None, Some(strings)) => strings
                .iter()
                .filter_map(|string| match world.registered(string) {
                    Some(scope) => Some(scope).filter(visible).map(RegisteredScope::document),
                    None => world.is_known_scope(string).then(|| of_service(string)),
                })
                .collect(),
            (None, None) => {
                let own = |scope: &&RegisteredScope| {
                    world.clients.get(&scope.client).is_some_and(|client| caller.sees(world, client))
                };
                world.scopes.values().filter(own).map(RegisteredScope::document).collect()
            }
        }
    });
    Ok(Json(json!({"scopes": documents})))
}

/// The document of the scope with this id, if there is one that the caller may see.
fn document(world: &World, caller: &Caller, id: &str) -> Option<Value> {
    match world.scopes.get(id) {
        Some(scope) => caller.sees_scope(world, scope).then(|| scope.document()),
        None => world.scope_string(id).map(of_service),
    }
}

/// The document of a scope that nobody had to register.
fn of_service(scope: &str) -> Value {
    let name = scope.rsplit([':', '/']).next().unwrap_or(scope);
    json!({
        "id": scope_id(scope), "scope_string": scope, "name": name, "description": "",
        "client": scopes::resource_server(scope), "advertised": true, "allows_refresh_token": true,
        "required_domains": [], "dependent_scopes": [],
    })
}

impl Caller {
    /// Advertised scopes and those of visible clients are for everybody's eyes.
    fn sees_scope(&self, world: &World, scope: &RegisteredScope) -> bool {
        scope.advertised
            || world
                .clients
                .get(&scope.client)
                .is_some_and(|client| client.visible || self.sees(world, client))
    }
}

/// The scopes that a client registered.
pub(super) async fn of_client(call: Call, Path(client): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    call.app.world.read(|world| {
        let client = caller.reads(world, &client)?;
        let own = |scope: &&RegisteredScope| scope.client == client.id && caller.sees_scope(world, scope);
        let documents: Vec<Value> =
            world.scopes.values().filter(own).map(RegisteredScope::document).collect();
        Ok(Json(json!({"scopes": documents})))
    })
}

pub(super) async fn show(call: Call, Path(scope): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    call.app.world.read(|world| {
        let scope = id(&scope);
        match document(world, &caller, &scope) {
            Some(document) => Ok(Json(json!({"scope": document}))),
            None if world.scopes.get(&scope).is_some() => Err(not_administrator()),
            None => Err(not_found("scope")),
        }
    })
}

/// Registers a scope of a client. The answer is a list, as the service's is.
pub(super) async fn create(
    call: Call,
    Path(client): Path<String>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let caller = Caller::of(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = caller.changes(world, &client, now)?.id.clone();
        let mut wanted = Document::of(&call, "scope")?;
        let mut scope = RegisteredScope {
            id: String::new(),
            client,
            scope_string: String::new(),
            name: wanted.required_text("name"),
            description: wanted.required_prose("description"),
            advertised: false,
            allows_refresh_token: true,
            required_domains: Vec::new(),
            dependent_scopes: Vec::new(),
        };
        if !wanted.has("scope_suffix") {
            wanted.fault("scope_suffix", "is missing");
        }
        read_suffix(world, &mut wanted, &mut scope)?;
        scope.id = scope_id(&scope.scope_string).to_string();
        if world.scopes.get(&scope.id).is_some() {
            // It has been given another string since.
            scope.id = Uuid::new_v4().to_string();
        }
        read_rest(world, &mut wanted, &mut scope);
        wanted.check()?;
        let document = scope.document();
        world.scopes.insert(scope.id.clone(), scope);
        Ok((StatusCode::CREATED, Json(json!({"scopes": [document]}))))
    })
}

pub(super) async fn update(call: Call, Path(scope): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let mut scope = find_own(world, &caller, &scope, now)?;
        let before = scope.scope_string.clone();
        let mut wanted = Document::of(&call, "scope")?;
        scope.name = wanted.text("name").unwrap_or(scope.name);
        scope.description = wanted.prose("description").unwrap_or(scope.description);
        read_suffix(world, &mut wanted, &mut scope)?;
        read_rest(world, &mut wanted, &mut scope);
        wanted.check()?;
        if scope.scope_string != before {
            // Under the old string there is no scope any more.
            world.end_scope(&before);
        }
        let document = scope.document();
        world.scopes.insert(scope.id.clone(), scope);
        Ok(Json(json!({"scope": document})))
    })
}

pub(super) async fn delete(call: Call, Path(scope): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let scope = find_own(world, &caller, &scope, now)?;
        world.remove_scope(&scope.id);
        Ok(Json(json!({"scope": scope.document()})))
    })
}

/// A registered scope that the caller may change now.
fn find_own(
    world: &World,
    caller: &Caller,
    scope: &str,
    now: jiff::Timestamp,
) -> Result<RegisteredScope, Failure> {
    let scope = id(scope);
    let Some(found) = world.scopes.get(&scope) else {
        return Err(match world.scope_string(&scope) {
            Some(_) => not_administrator(),
            None => not_found("scope"),
        });
    };
    caller.changes(world, &found.client, now)?;
    Ok(found.clone())
}

/// The suffix, and with it the string, which no other scope may have.
fn read_suffix(world: &World, wanted: &mut Document, scope: &mut RegisteredScope) -> Result<(), Failure> {
    let Some(suffix) = wanted.text("scope_suffix") else { return Ok(()) };
    if !scopes::is_suffix(&suffix) {
        wanted.fault("scope_suffix", "must be of lowercase letters, digits and underscores");
        return Ok(());
    }
    let string = scopes::of_client(&scope.client, &suffix);
    if string != scope.scope_string && world.registered(&string).is_some() {
        return Err(conflict(format!("The client has a scope with the suffix {suffix}")));
    }
    scope.scope_string = string;
    Ok(())
}

fn read_rest(world: &World, wanted: &mut Document, scope: &mut RegisteredScope) {
    scope.advertised = wanted.boolean("advertised").unwrap_or(scope.advertised);
    scope.allows_refresh_token = wanted.boolean("allows_refresh_token").unwrap_or(scope.allows_refresh_token);
    let mut domains = Some(std::mem::take(&mut scope.required_domains));
    wanted.put_domains("required_domains", &mut domains);
    scope.required_domains = domains.unwrap_or_default();
    let Some(items) = wanted.objects("dependent_scopes") else { return };
    scope.dependent_scopes.clear();
    for item in items {
        match dependent_scope(&item) {
            None => wanted.fault(
                "dependent_scopes",
                "must each have the id of a scope as scope, and optional and requires_refresh_token",
            ),
            Some(dependency) if world.scope_string(&dependency.scope).is_none() => {
                wanted.fault("dependent_scopes", format!("there is no scope {}", dependency.scope));
            }
            Some(dependency) if depends(world, &dependency.scope, &scope.id) => {
                wanted
                    .fault("dependent_scopes", format!("the scope {} depends on this one", dependency.scope));
            }
            Some(dependency) => scope.dependent_scopes.push(dependency),
        }
    }
}

fn dependent_scope(item: &Map<String, Value>) -> Option<DependentScope> {
    Some(DependentScope {
        scope: input::uuid(item.get("scope")?)?,
        optional: item.get("optional")?.as_bool()?,
        requires_refresh_token: item.get("requires_refresh_token")?.as_bool()?,
    })
}

/// Whether a scope is another one or depends on it.
fn depends(world: &World, scope: &str, on: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![scope];
    while let Some(scope) = waiting.pop() {
        if scope == on {
            return true;
        }
        if seen.insert(scope)
            && let Some(scope) = world.scopes.get(scope)
        {
            waiting.extend(scope.dependent_scopes.iter().map(|dependency| dependency.scope.as_str()));
        }
    }
    false
}
