//! Globus Transfer: collections on local directories, listings, and tasks that move real files.

pub(crate) mod access;
pub(crate) mod collection;
mod copy;
mod delete;
mod document;
mod file;
mod filter;
mod job;
mod listing;
mod naming;
mod pace;
pub(crate) mod paths;
mod pattern;
mod problem;
pub(crate) mod record;
mod request;
pub(crate) mod runner;
mod submit;
mod tasks;
mod temporary;
mod verify;

use axum::Router;
use axum::routing::{get, post};

use crate::builder::EntityType;
use crate::call::Call;
use crate::failure::Failure;
use crate::world::tokens::Bearer;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/v0.10/submission_id", get(submit::submission_id))
        .route("/v0.10/endpoint_search", get(collection::search))
        .route("/v0.10/endpoint/{id}", get(collection::show))
        .route("/v0.10/operation/endpoint/{id}/ls", get(listing::ls))
        .route("/v0.10/operation/endpoint/{id}/stat", get(listing::stat))
        .route("/v0.10/operation/endpoint/{id}/mkdir", post(naming::mkdir))
        .route("/v0.10/operation/endpoint/{id}/rename", post(naming::rename))
        .route("/v0.10/transfer", post(submit::transfer))
        .route("/v0.10/delete", post(submit::delete))
        .route("/v0.10/task_list", get(tasks::list))
        .route("/v0.10/task/{id}", get(tasks::show).put(tasks::update))
        .route("/v0.10/task/{id}/cancel", post(tasks::cancel))
        .route("/v0.10/task/{id}/pause_info", get(tasks::pause_info))
        .route("/v0.10/task/{id}/event_list", get(tasks::events))
        .route("/v0.10/task/{id}/successful_transfers", get(tasks::successful))
        .route("/v0.10/task/{id}/skipped_errors", get(tasks::skipped))
}

/// The scope that all of this needs.
const ALL: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";

/// A caller whose token allows Transfer's calls.
fn caller(call: &Call) -> Result<Bearer, Failure> {
    let bearer = call.bearer()?;
    if bearer.has_scope(ALL) {
        return Ok(bearer);
    }
    Err(Failure::forbidden(
        "PermissionDenied",
        "The access token lacks the scope transfer.api.globus.org:all",
    ))
}
