//! Identities and clients.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use crate::random;

/// The identity provider of the seeded users.
pub(crate) const LAB_PROVIDER: &str = "a1a96d6f-7cf5-4a6f-9e1c-2f0d6b7b7c11";
/// The identity provider of the linked second identity.
pub(crate) const HOME_PROVIDER: &str = "b2b07e80-8d06-4b70-8f2d-301e7c8c8d22";
/// The identity provider of clients.
pub(crate) const CLIENT_PROVIDER: &str = "3a9a8a44-0f0c-4d62-9f8f-6a3f6a4a0f33";

/// Id, name, short name and domain of every identity provider.
pub(crate) const PROVIDERS: [(&str, &str, &str, &str); 3] = [
    (LAB_PROVIDER, "Example Laboratory", "example-lab", "lab.example.org"),
    (HOME_PROVIDER, "Example Home", "example-home", "home.example.com"),
    (CLIENT_PROVIDER, "Globus Auth Clients", "clients", "clients.auth.globus.org"),
];

#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the members of the service's document")]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) organization: Option<String>,
    /// `used`, `unused` or `provisioned`.
    pub(crate) status: String,
    pub(crate) identity_provider: String,
    /// `login`, or `service` for clients.
    pub(crate) identity_type: String,
    /// Linked identities share this id: that of the first of them.
    pub(crate) account: String,
    /// Made by a call and not part of the seed.
    pub(crate) added: bool,
}

impl Identity {
    /// The identity that a client acts as.
    pub(crate) fn of_client(client: &Client) -> Self {
        let username = format!("{}@clients.auth.globus.org", client.id);
        Self {
            id: client.id.clone(),
            email: Some(username.clone()),
            username,
            name: Some(client.name.clone()),
            organization: None,
            status: "used".to_owned(),
            identity_provider: CLIENT_PROVIDER.to_owned(),
            identity_type: "service".to_owned(),
            account: client.id.clone(),
            added: client.added,
        }
    }

    pub(crate) fn provider_name(&self) -> &'static str {
        PROVIDERS.iter().find(|provider| provider.0 == self.identity_provider).map_or("Example", |p| p.1)
    }

    /// The domain part of the username.
    pub(crate) fn domain(&self) -> &str {
        self.username.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    pub(crate) fn document(&self) -> Value {
        json!({
            "id": self.id, "username": self.username, "name": self.name, "email": self.email,
            "organization": self.organization, "status": self.status,
            "identity_provider": self.identity_provider, "identity_type": self.identity_type,
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    /// A public client cannot keep a secret and must use PKCE.
    pub(crate) public: bool,
    /// Name, fingerprint and time of each secret.
    pub(crate) credentials: Vec<Credential>,
    pub(crate) redirect_uris: Vec<String>,
    /// The template that an instance was made of, or the client that made this one.
    pub(crate) parent: Option<String>,
    pub(crate) added: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) fingerprint: String,
    pub(crate) created: String,
}

impl Client {
    pub(crate) fn accepts_secret(&self, secret: &str) -> bool {
        // Fingerprints are compared, so the time taken tells nothing about the secret.
        let fingerprint = random::fingerprint(secret);
        self.credentials.iter().any(|credential| credential.fingerprint == fingerprint)
    }

    pub(crate) fn document(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "public_client": self.public, "redirect_uris": self.redirect_uris,
            "client_type": if self.public { "public_installed_client" } else { "confidential_client" },
            "visibility": "private", "fqdns": [], "links": {"privacy_policy": null, "terms_and_conditions": null},
            "required_idp": null, "preselect_idp": null, "parent_client": self.parent, "project": null,
            "scopes": [], "grant_types": [
                "authorization_code", "client_credentials", "refresh_token",
                "urn:globus:auth:grant_type:dependent_token",
            ], "userinfo_from_effective_identity": true, "prompt_for_named_grant": self.public,
        })
    }
}

impl World {
    /// The identity with this id or username; usernames match in any case.
    pub(crate) fn find_identity(&self, id_or_username: &str) -> Option<&Identity> {
        if let Ok(id) = Uuid::try_parse(id_or_username) {
            return self.identities.get(&id.to_string());
        }
        self.identities.values().find(|identity| identity.username.eq_ignore_ascii_case(id_or_username))
    }

    /// An identity and those linked to it, itself first.
    pub(crate) fn linked(&self, id: &str) -> Vec<&Identity> {
        let Some(own) = self.identities.get(id) else { return Vec::new() };
        let others = self.identities.values().filter(|other| other.account == own.account && other.id != id);
        std::iter::once(own).chain(others).collect()
    }
}
