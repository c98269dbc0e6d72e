//! Scopes in the words of the consent page.

use uuid::Uuid;

use crate::world::World;

/// What somebody allows with a scope.
pub(super) fn of_scope(world: &World, scope: &str) -> String {
    if let Some(known) = FIXED.iter().find(|(known, _)| *known == scope) {
        return known.1.to_owned();
    }
    if let Some(known) = world.registered(scope) {
        let words = if known.description.is_empty() { &known.name } else { &known.description };
        return format!("{words} ({})", named(world, &known.client));
    }
    if let Some((server, name)) =
        scope.strip_prefix("urn:globus:auth:scope:").and_then(|rest| rest.split_once(':'))
    {
        if let Some((_, service)) = SERVICES.iter().find(|(known, _)| *known == server) {
            return format!("Use {service} for you ({})", name.replace('_', " "));
        }
        if name == "manage_collections" {
            return format!("Manage the collections of the endpoint {}", named(world, server));
        }
        return format!("Use {name} of {}", named(world, server));
    }
    let Some((id, name)) =
        scope.strip_prefix("https://auth.globus.org/scopes/").and_then(|rest| rest.split_once('/'))
    else {
        return "Use something that the emulator has no words for".to_owned();
    };
    match name {
        "data_access" => format!("Use your data on the collection {}", named(world, id)),
        "https" => format!("Read and write the collection {} over HTTPS", named(world, id)),
        name if name.starts_with("flow_") && name.ends_with("_user") => {
            format!("Start the flow {} and watch it", named(world, id))
        }
        name => format!("Use {name} of {}", named(world, id)),
    }
}

/// The name of a collection or client, or its id.
fn named(world: &World, id: &str) -> String {
    let known = Uuid::try_parse(id).map(|id| id.to_string()).unwrap_or_default();
    let collection = world.collections.get(&known).map(|collection| &collection.name);
    let name = collection.or_else(|| world.clients.get(&known).map(|client| &client.name));
    name.cloned().unwrap_or_else(|| id.to_owned())
}

const SERVICES: [(&str, &str); 5] = [
    ("auth.globus.org", "Globus Auth"),
    ("transfer.api.globus.org", "Globus Transfer"),
    ("groups.api.globus.org", "Globus Groups"),
    ("search.api.globus.org", "Globus Search"),
    ("nexus.api.globus.org", "Globus Nexus"),
];

const FIXED: [(&str, &str); 15] = [
    ("openid", "Know who you are"),
    ("profile", "Know your name and your organization"),
    ("email", "Know your email address"),
    ("urn:globus:auth:scope:auth.globus.org:view_identity_set", "See which identities are linked to yours"),
    ("urn:globus:auth:scope:auth.globus.org:view_identities", "Look up identities"),
    ("urn:globus:auth:scope:auth.globus.org:view_consents", "See what you consented to"),
    ("urn:globus:auth:scope:auth.globus.org:manage_projects", "Manage your projects, clients and policies"),
    ("urn:globus:auth:scope:transfer.api.globus.org:all", "Manage data with Globus Transfer"),
    ("urn:globus:auth:scope:groups.api.globus.org:all", "See and manage your groups"),
    ("urn:globus:auth:scope:search.api.globus.org:all", "Use Globus Search for you, and manage your indexes"),
    ("urn:globus:auth:scope:search.api.globus.org:search", "Search with Globus Search for you"),
    ("https://auth.globus.org/scopes/524230d7-ea86-4a52-8312-86065a9e0417/timer", "Run timers for you"),
    (
        "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/all",
        "Manage and run flows for you",
    ),
    ("https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/run", "Run flows for you"),
    ("https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all", "Use Globus Compute for you"),
];
