//! What every emulator starts with.

use super::World;
use super::accounts::{Client, Credential, HOME_PROVIDER, HYBRID, Identity, LAB_PROVIDER, PUBLIC_INSTALLED};
use super::developer::Policy;
use crate::random;

/// The template client of the Globus CLI, known to every emulator as a public client.
pub(crate) const CLI_TEMPLATE_CLIENT: &str = "95fdeba8-fac2-42bd-a357-e068d82ff78e";
/// A second identity, linked to the first user.
pub(crate) const LINKED_IDENTITY: &str = "5e0b6f2c-1f1a-4b7e-9a3e-6f3c2d1b0a02";
/// A second user, who may use no collection.
pub(crate) const OTHER_USER: &str = "7c4d8e1a-2b3c-4d5e-8f60-718293a4b5c3";

/// The policy that those who change a project must meet: to have logged in within the last half hour.
pub(crate) const RECENT_LOGIN_POLICY: &str = "3c9e5d70-61f4-4e0b-8a52-94d1c2b3a4d4";
/// The project of that policy, which nobody administers.
const OWN_PROJECT: &str = "3c9e5d70-61f4-4e0b-8a52-94d1c2b3a4d5";
/// Seconds that count as recent for that policy.
pub(crate) const RECENT_LOGIN: i64 = 30 * 60;

pub(crate) const USERNAME: &str = "mira@lab.example.org";
const LINKED_USERNAME: &str = "mira@home.example.com";
const OTHER_USERNAME: &str = "jon@lab.example.org";

/// Adds what is missing of the seed: to an empty world everything, to a kept one nothing.
pub(crate) fn plant(world: &mut World) {
    let user = world.settings.user.to_string();
    let people = [
        (user.as_str(), USERNAME, "Mira Example", LAB_PROVIDER, user.as_str()),
        (LINKED_IDENTITY, LINKED_USERNAME, "Mira Example", HOME_PROVIDER, user.as_str()),
        (OTHER_USER, OTHER_USERNAME, "Jon Example", LAB_PROVIDER, OTHER_USER),
    ];
    for (id, username, name, provider, account) in people {
        if world.identities.get(id).is_none() {
            world.identities.insert(id, person(id, username, name, provider, account));
        }
    }
    let native = world.settings.native_client.to_string();
    let confidential = world.settings.confidential_client.to_string();
    let secret = random::fingerprint(&world.settings.confidential_secret);
    let clients = [
        client(CLI_TEMPLATE_CLIENT, "Globus CLI", None),
        client(&native, "Emulator native app", None),
        client(&confidential, "Emulator service", Some(secret)),
    ];
    for client in clients {
        if world.clients.get(&client.id).is_none() {
            world.identities.insert(client.id.clone(), Identity::of_client(&client));
            world.clients.insert(client.id.clone(), client);
        }
    }
    if world.policies.get(RECENT_LOGIN_POLICY).is_none() {
        let policy = Policy {
            id: RECENT_LOGIN_POLICY.to_owned(),
            project_id: OWN_PROJECT.to_owned(),
            display_name: "Project administration".to_owned(),
            description: "Whoever changes a project must have logged in within the last 30 minutes"
                .to_owned(),
            high_assurance: true,
            authentication_assurance_timeout: Some(RECENT_LOGIN),
            required_mfa: false,
            domain_constraints_include: None,
            domain_constraints_exclude: None,
            added: false,
        };
        world.policies.insert(RECENT_LOGIN_POLICY, policy);
    }
}

fn person(id: &str, username: &str, name: &str, provider: &str, account: &str) -> Identity {
    Identity {
        id: id.to_owned(),
        username: username.to_owned(),
        name: Some(name.to_owned()),
        email: Some(username.to_owned()),
        organization: Some("Example Laboratory".to_owned()),
        status: "used".to_owned(),
        identity_provider: provider.to_owned(),
        identity_type: "login".to_owned(),
        account: account.to_owned(),
        added: false,
    }
}

fn client(id: &str, name: &str, secret: Option<String>) -> Client {
    let mut client = Client::new(id, name, if secret.is_some() { HYBRID } else { PUBLIC_INSTALLED });
    client.credentials.extend(secret.map(|fingerprint| Credential {
        id: id.to_owned(),
        name: "seed".to_owned(),
        fingerprint,
        created: "2024-01-01T00:00:00+00:00".to_owned(),
    }));
    client.added = false;
    client
}
