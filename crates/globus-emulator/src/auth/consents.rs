//! `GET /v2/api/identities/{id}/consents`.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use crate::call::Call;
use crate::failure::Failure;
use crate::world::consents::Consent;

const VIEW_CONSENTS: &str = "urn:globus:auth:scope:auth.globus.org:view_consents";

/// An identity's own consents: to the calling client, or to every client with `all`.
pub(super) async fn consents(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = call.bearer()?;
    let all = call.query.boolean("all").unwrap_or(false);
    if all && !bearer.has_scope(VIEW_CONSENTS) {
        return Err(Failure::forbidden(
            "FORBIDDEN",
            "The access token lacks the scope view_consents, which consents to other clients need",
        ));
    }
    let listed: Option<Vec<Value>> = call.app.world.read(|world| {
        let own = world.linked(bearer.identity()).iter().any(|identity| identity.id == id);
        own.then(|| {
            let shown = |consent: &&Consent| {
                consent.identity == id && (all || consent.root_client == bearer.family.client)
            };
            let mut consents: Vec<&Consent> = world.consents.values().filter(shown).collect();
            consents.sort_by_key(|consent| consent.id);
            consents.into_iter().map(|consent| world.consent_document(consent)).collect()
        })
    });
    match listed {
        Some(consents) => Ok(Json(json!({"consents": consents}))),
        None => Err(Failure::forbidden("FORBIDDEN", "Only an identity's own consents can be listed")),
    }
}
