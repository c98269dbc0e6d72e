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

/// The kinds of clients, as their documents name them.
pub(crate) const CLIENT_TYPES: [&str; 7] = [
    "client_identity",
    "confidential_client",
    "globus_connect_server",
    HYBRID,
    PUBLIC_INSTALLED,
    "public_webapp_client",
    "resource_server",
];
/// A native app, which cannot keep a secret.
pub(crate) const PUBLIC_INSTALLED: &str = "public_installed_client";
/// A client that may do everything: log people in, act as itself, offer scopes.
pub(crate) const HYBRID: &str = "hybrid_confidential_client_resource_server";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "the members of the service's document"
)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    /// One of [`CLIENT_TYPES`].
    pub(crate) client_type: String,
    /// A public client cannot keep a secret and must use PKCE.
    pub(crate) public: bool,
    /// Name, fingerprint and time of each secret.
    pub(crate) credentials: Vec<Credential>,
    pub(crate) redirect_uris: Vec<String>,
    /// The template that an instance was made of, or the client that made this one.
    pub(crate) parent: Option<String>,
    /// The project whose administrators may change it.
    pub(crate) project: Option<String>,
    /// Whether everyone who is logged in may look at it.
    pub(crate) visible: bool,
    pub(crate) links: Links,
    /// The identity provider of which one of a person's identities must be.
    pub(crate) required_idp: Option<String>,
    pub(crate) preselect_idp: Option<String>,
    /// The names of hosts that the client has shown to be its own.
    pub(crate) fqdns: Vec<String>,
    pub(crate) userinfo_from_effective_identity: bool,
    pub(crate) prompt_for_named_grant: bool,
    pub(crate) added: bool,
}

/// Pages that people may read before they consent: both or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Links {
    pub(crate) terms_and_conditions: Option<String>,
    pub(crate) privacy_policy: Option<String>,
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

    /// A client of this kind with nothing yet.
    pub(crate) fn new(id: impl Into<String>, name: impl Into<String>, client_type: &str) -> Self {
        let public = client_type.starts_with("public_");
        Self {
            id: id.into(),
            name: name.into(),
            client_type: client_type.to_owned(),
            public,
            credentials: Vec::new(),
            redirect_uris: Vec::new(),
            parent: None,
            project: None,
            visible: false,
            links: Links::default(),
            required_idp: None,
            preselect_idp: None,
            fqdns: Vec::new(),
            userinfo_from_effective_identity: true,
            prompt_for_named_grant: public,
            added: true,
        }
    }

    fn grant_types(&self) -> &'static [&'static str] {
        const ALL: [&str; 4] = [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:globus:auth:grant_type:dependent_token",
        ];
        match self.client_type.as_str() {
            _ if self.public => &["authorization_code", "refresh_token"],
            HYBRID | "resource_server" => &ALL,
            _ => &ALL[..3],
        }
    }

    /// The document without the ids of the client's scopes: [`World::client_document`] has them.
    pub(super) fn own_document(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "public_client": self.public, "client_type": self.client_type,
            "redirect_uris": self.redirect_uris, "visibility": if self.visible { "public" } else { "private" },
            "fqdns": self.fqdns, "links": self.links, "required_idp": self.required_idp,
            "preselect_idp": self.preselect_idp, "parent_client": self.parent, "project": self.project,
            "grant_types": self.grant_types(),
            "userinfo_from_effective_identity": self.userinfo_from_effective_identity,
            "prompt_for_named_grant": self.prompt_for_named_grant,
        })
    }
}

impl Credential {
    /// The document of a credential, with its secret when that has just been made.
    pub(crate) fn document(&self, client: &str, secret: Option<&str>) -> Value {
        json!({
            "id": self.id, "name": self.name, "client": client, "created": self.created, "secret": secret,
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
