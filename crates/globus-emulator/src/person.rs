//! People, as tests make them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::emulator::User;
use crate::world::World;
use crate::world::accounts::{HOME_PROVIDER, Identity, PROVIDERS};

/// A person who can log in, with the identities that are linked to theirs.
///
/// ```
/// use globus_emulator::Person;
///
/// let ada = Person::new("ada@lab.example.org").name("Ada Example").linked("ada@home.example.com");
/// # let _ = ada;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    username: String,
    name: Option<String>,
    email: Option<String>,
    organization: Option<String>,
    #[serde(default)]
    linked: Vec<String>,
}

impl Person {
    /// A person by username, such as `ada@lab.example.org`. Who is known already stays the same.
    pub fn new(username: impl Into<String>) -> Self {
        Self { username: username.into(), name: None, email: None, organization: None, linked: Vec::new() }
    }

    /// Sets the name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the email address; it is the username otherwise.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets the organization.
    #[must_use]
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }

    /// Links one more identity, by username; it is made if there is none, and leaves whoever it was linked to.
    #[must_use]
    pub fn linked(mut self, username: impl Into<String>) -> Self {
        self.linked.push(username.into());
        self
    }

    /// The usernames, that of the person first.
    pub(crate) fn usernames(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.username).chain(&self.linked)
    }
}

impl World {
    /// Adds a person; answers their identities, their own first.
    pub(crate) fn add_person(&mut self, person: &Person, added: bool) -> Vec<User> {
        let mut account = None;
        let mut users = Vec::new();
        for username in person.usernames() {
            let known = self.find_identity(username).cloned();
            let mut identity = known.unwrap_or_else(|| person.identity(username, added));
            let account = account.get_or_insert_with(|| identity.account.clone());
            identity.account.clone_from(account);
            // The ids of the table are those that this crate made.
            let id = identity.id.parse::<Uuid>().unwrap_or_default();
            users.push(User { id, username: identity.username.clone() });
            self.identities.insert(identity.id.clone(), identity);
        }
        users
    }
}

impl Person {
    fn identity(&self, username: &str, added: bool) -> Identity {
        let id = Uuid::new_v4().to_string();
        let domain = username.rsplit_once('@').map(|(_, domain)| domain);
        let provider = PROVIDERS.iter().find(|provider| domain == Some(provider.3));
        Identity {
            id: id.clone(),
            username: username.to_owned(),
            name: self.name.clone(),
            email: Some(self.email.clone().unwrap_or_else(|| username.to_owned())),
            organization: self.organization.clone(),
            status: "used".to_owned(),
            identity_provider: provider.map_or(HOME_PROVIDER, |provider| provider.0).to_owned(),
            identity_type: "login".to_owned(),
            account: id,
            added,
        }
    }
}
