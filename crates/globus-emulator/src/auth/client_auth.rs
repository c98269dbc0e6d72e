//! Which client is calling, and whether it proved so.

use crate::call::{Call, Params};
use crate::exchange;
use crate::failure::Failure;
use crate::world::World;
use crate::world::accounts::Client;

/// The calling client. A confidential client must prove itself with its secret, in a Basic header or in the
/// form; a public one only names itself.
pub(super) fn client(world: &World, call: &Call, form: &Params) -> Result<Client, Failure> {
    let unknown = || Failure::invalid_client("The client is unknown or its secret is wrong");
    let (id, secret) = if let Some((id, secret)) = exchange::basic(&call.headers) {
        (id, Some(secret))
    } else {
        let id = form.get("client_id").ok_or_else(|| {
            Failure::invalid_client("The client names itself neither by Basic nor by client_id")
        })?;
        (id.to_owned(), form.get("client_secret").map(str::to_owned))
    };
    let client = world.clients.get(&id.to_ascii_lowercase()).ok_or_else(unknown)?;
    let proved = match secret {
        Some(secret) => client.accepts_secret(&secret) || (client.public && secret.is_empty()),
        None => client.public,
    };
    if proved { Ok(client.clone()) } else { Err(unknown()) }
}

/// A confidential client that proved itself.
pub(super) fn confidential(world: &World, call: &Call, form: &Params) -> Result<Client, Failure> {
    let client = client(world, call, form)?;
    if client.public {
        return Err(Failure::oauth("unauthorized_client", "A public client may not do this"));
    }
    Ok(client)
}
