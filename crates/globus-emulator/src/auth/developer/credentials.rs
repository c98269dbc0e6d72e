//! `/v2/api/clients/{id}/credentials`: the secrets of a client, of which several are good at the same time.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Caller, Document, id, not_found};
use crate::call::Call;
use crate::clock;
use crate::failure::Failure;
use crate::random;
use crate::world::accounts::Credential;

/// Like all further looks at credentials, only for those who may change the client.
pub(super) async fn list(call: Call, Path(client): Path<String>) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    call.app.world.read(|world| {
        let client = caller.manages(world, &client)?;
        let documents: Vec<Value> =
            client.credentials.iter().map(|credential| credential.document(&client.id, None)).collect();
        Ok(Json(json!({"credentials": documents})))
    })
}

/// Makes a secret. This answer alone shows it.
pub(super) async fn create(
    call: Call,
    Path(client): Path<String>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let caller = Caller::of(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = caller.changes(world, &client, now)?.clone();
        let mut wanted = Document::of(&call, "credential")?;
        let name = wanted.required_text("name");
        if client.public {
            wanted.fault("name", "a public client has no credentials");
        }
        wanted.check()?;
        let secret = random::secret("");
        let credential = Credential {
            id: Uuid::new_v4().to_string(),
            name,
            fingerprint: random::fingerprint(&secret),
            created: clock::text(now),
        };
        let document = credential.document(&client.id, Some(&secret));
        if let Some(client) = world.clients.get_mut(&client.id) {
            client.credentials.push(credential);
        }
        Ok((StatusCode::CREATED, Json(json!({"credential": document}))))
    })
}

/// Ends a secret at once. The tokens that were got with it stay good until they expire.
pub(super) async fn delete(
    call: Call,
    Path((client, credential)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let caller = Caller::of(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = caller.changes(world, &client, now)?.clone();
        let wanted = id(&credential);
        let found = client.credentials.iter().find(|credential| credential.id == wanted);
        let document = found.ok_or_else(|| not_found("credential"))?.document(&client.id, None);
        if let Some(client) = world.clients.get_mut(&client.id) {
            client.credentials.retain(|credential| credential.id != wanted);
        }
        Ok(Json(json!({"credential": document})))
    })
}
