//! What developers do in Auth: projects, policies, clients with their credentials, scopes.
//!
//! Looking takes the scope `manage_projects` and an administrator of the project. Changing also takes a login of
//! that administrator within the last half hour; a client that administers a project logs in with its secret
//! each time, so nothing more is asked of it.

mod clients;
mod credentials;
mod input;
mod policies;
mod projects;
mod scopes;

use axum::Router;
use axum::routing::{delete, get};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::client_auth;
use crate::call::{Call, Params};
use crate::exchange;
use crate::failure::Failure;
use crate::world::World;
use crate::world::accounts::{CLIENT_PROVIDER, Client};
use crate::world::developer::Project;
use crate::world::seed::{RECENT_LOGIN, RECENT_LOGIN_POLICY};
use crate::world::tokens::Bearer;
use input::Document;

const MANAGE_PROJECTS: &str = "urn:globus:auth:scope:auth.globus.org:manage_projects";

pub(super) fn routes() -> Router {
    Router::new()
        .route("/v2/api/projects", get(projects::list).post(projects::create))
        .route("/v2/api/projects/{id}", get(projects::show).put(projects::update).delete(projects::delete))
        .route("/v2/api/policies", get(policies::list).post(policies::create))
        .route("/v2/api/policies/{id}", get(policies::show).put(policies::update).delete(policies::delete))
        .route("/v2/api/clients", get(clients::list).post(clients::create))
        .route("/v2/api/clients/{id}", get(clients::show).put(clients::update).delete(clients::delete))
        .route("/v2/api/clients/{id}/credentials", get(credentials::list).post(credentials::create))
        .route("/v2/api/clients/{id}/credentials/{credential}", delete(credentials::delete))
        .route("/v2/api/clients/{id}/scopes", get(scopes::of_client).post(scopes::create))
        .route("/v2/api/scopes", get(scopes::list))
        .route("/v2/api/scopes/{id}", get(scopes::show).put(scopes::update).delete(scopes::delete))
}

fn not_found(what: &str) -> Failure {
    Failure::not_found("NOT_FOUND", format!("There is no such {what}"))
}

fn conflict(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::CONFLICT, "CONFLICT", message)
}

/// An id as it is kept: texts that are no UUID find nothing.
fn id(text: &str) -> String {
    Uuid::try_parse(text).map(|id| id.to_string()).unwrap_or_default()
}

/// The token of somebody who may manage projects at all.
fn manager(call: &Call) -> Result<Bearer, Failure> {
    let bearer = call.bearer()?;
    if bearer.has_scope(MANAGE_PROJECTS) {
        return Ok(bearer);
    }
    let parameters = json!({"required_scopes": [MANAGE_PROJECTS]});
    Err(Failure::forbidden("FORBIDDEN", "The access token lacks the scope manage_projects")
        .with("authorization_parameters", parameters))
}

/// A project that the caller may look at.
fn readable<'w>(world: &'w World, bearer: &Bearer, project: &str) -> Result<&'w Project, Failure> {
    let project = world.projects.get(&id(project)).ok_or_else(|| not_found("project"))?;
    if world.administers(bearer.identity(), project) {
        return Ok(project);
    }
    Err(Failure::forbidden("FORBIDDEN", "Only administrators of the project may do this"))
}

/// A project that the caller may change now.
fn writable<'w>(
    world: &'w World,
    bearer: &Bearer,
    project: &str,
    now: Timestamp,
) -> Result<&'w Project, Failure> {
    let project = readable(world, bearer, project)?;
    let login = &bearer.family.login;
    let is_client =
        world.identities.get(&login.identity).is_some_and(|own| own.identity_provider == CLIENT_PROVIDER);
    let recent = world.authentications(login).any(|(id, known)| {
        project.admin_ids.iter().any(|admin| admin == id) && known.is_within(RECENT_LOGIN, now)
    });
    if is_client || recent {
        return Ok(project);
    }
    let message = "To access this project you must have an identity with admin privileges in session within the last \
         30 minutes.";
    let mut parameters =
        json!({"session_message": message, "session_required_policies": [RECENT_LOGIN_POLICY]});
    if !project.admin_ids.contains(&login.identity) {
        let linked = world.linked(&login.identity);
        let admins = linked.iter().map(|linked| &linked.id).filter(|id| project.admin_ids.contains(id));
        parameters["session_required_identities"] = admins.map(|id| json!(id)).collect();
    }
    Err(Failure::forbidden("FORBIDDEN", message).with("authorization_parameters", parameters))
}

/// Who calls about a client.
enum Caller {
    /// Somebody with a token.
    Token(Box<Bearer>),
    /// A client with its secret.
    Client(String),
}

impl Caller {
    fn of(call: &Call) -> Result<Self, Failure> {
        if exchange::basic(&call.headers).is_none() {
            return manager(call).map(Box::new).map(Self::Token);
        }
        let client =
            call.app.world.read(|world| client_auth::confidential(world, call, &Params::default()))?;
        Ok(Self::Client(client.id))
    }

    /// Whether the client is the caller or was made by it.
    fn owns(&self, client: &Client) -> bool {
        let own = match self {
            Self::Token(bearer) => bearer.identity(),
            Self::Client(id) => id,
        };
        client.id == own || client.parent.as_deref() == Some(own)
    }

    /// Whether the caller may look at a client.
    fn sees(&self, world: &World, client: &Client) -> bool {
        let administers = match self {
            Self::Token(bearer) => {
                world.project_of(client).is_some_and(|project| world.administers(bearer.identity(), project))
            }
            Self::Client(_) => false,
        };
        administers || self.owns(client)
    }

    /// A client that the caller may look at.
    fn reads<'w>(&self, world: &'w World, client: &str) -> Result<&'w Client, Failure> {
        match world.clients.get(&id(client)) {
            Some(client) if client.visible => Ok(client),
            _ => self.manages(world, client),
        }
    }

    /// A client of which the caller may see everything.
    fn manages<'w>(&self, world: &'w World, client: &str) -> Result<&'w Client, Failure> {
        let client = world.clients.get(&id(client)).ok_or_else(|| not_found("client"))?;
        if self.sees(world, client) { Ok(client) } else { Err(not_administrator()) }
    }

    /// A client that the caller may change now.
    fn changes<'w>(&self, world: &'w World, client: &str, now: Timestamp) -> Result<&'w Client, Failure> {
        let client = world.clients.get(&id(client)).ok_or_else(|| not_found("client"))?;
        if self.owns(client) {
            return Ok(client);
        }
        if let (Self::Token(bearer), Some(project)) = (self, world.project_of(client)) {
            writable(world, bearer, &project.id, now)?;
            return Ok(client);
        }
        Err(not_administrator())
    }
}

fn not_administrator() -> Failure {
    Failure::forbidden("FORBIDDEN", "Only administrators of the client's project may do this")
}
