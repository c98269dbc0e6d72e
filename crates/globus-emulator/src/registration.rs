//! Projects with what is in them, as the owner of an emulator gives them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::world::accounts::{HYBRID, PUBLIC_INSTALLED};

/// A project that an emulator is to have, with its clients and policies.
///
/// Give it to [`EmulatorBuilder::project`](crate::EmulatorBuilder::project) or
/// [`Emulator::add_project`](crate::Emulator::add_project). Over HTTP the same is a JSON document, whose members are
/// named like the methods here.
///
/// ```
/// use globus_emulator::{NewClient, NewPolicy, NewProject, NewScope};
///
/// let transfer = "urn:globus:auth:scope:transfer.api.globus.org:all";
/// let project = NewProject::new("Portal")
///     .client(
///         NewClient::confidential("Portal server")
///             .redirect_uri("https://portal.example.org/callback")
///             .scope(NewScope::new("all").depends_on(transfer)),
///     )
///     .client(NewClient::public("Portal app"))
///     .policy(NewPolicy::new("Staff").domain("lab.example.org").max_age_seconds(3600));
/// # let _ = project;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) id: Option<Uuid>,
    #[serde(default)]
    pub(crate) contact_email: Option<String>,
    #[serde(default)]
    pub(crate) admins: Vec<String>,
    #[serde(default)]
    pub(crate) admin_groups: Vec<Uuid>,
    #[serde(default)]
    pub(crate) clients: Vec<NewClient>,
    #[serde(default)]
    pub(crate) policies: Vec<NewPolicy>,
}

impl NewProject {
    /// A project under a name of your choice. Unless you name its administrators, they are the emulator's
    /// [user](crate::Emulator::user) and its [confidential client](crate::Emulator::confidential_client).
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            contact_email: None,
            admins: Vec::new(),
            admin_groups: Vec::new(),
            clients: Vec::new(),
            policies: Vec::new(),
        }
    }

    /// Sets the id; by default it follows from the name, and is another one in every emulator.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the contact address.
    #[must_use]
    pub fn contact_email(mut self, address: impl Into<String>) -> Self {
        self.contact_email = Some(address.into());
        self
    }

    /// Adds an administrator, by username or identity id.
    #[must_use]
    pub fn admin(mut self, identity: impl Into<String>) -> Self {
        self.admins.push(identity.into());
        self
    }

    /// Adds a group of administrators. It is shown, and gives nobody any right.
    #[must_use]
    pub fn admin_group(mut self, group: Uuid) -> Self {
        self.admin_groups.push(group);
        self
    }

    /// Adds a client.
    #[must_use]
    pub fn client(mut self, client: NewClient) -> Self {
        self.clients.push(client);
        self
    }

    /// Adds a policy.
    #[must_use]
    pub fn policy(mut self, policy: NewPolicy) -> Self {
        self.policies.push(policy);
        self
    }
}

/// A client of a [`NewProject`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) id: Option<Uuid>,
    #[serde(default = "hybrid")]
    pub(crate) client_type: String,
    #[serde(default)]
    pub(crate) secret: Option<String>,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    #[serde(default)]
    pub(crate) fqdns: Vec<String>,
    #[serde(default)]
    pub(crate) visible: bool,
    #[serde(default)]
    pub(crate) required_idp: Option<Uuid>,
    #[serde(default)]
    pub(crate) scopes: Vec<NewScope>,
}

fn hybrid() -> String {
    HYBRID.to_owned()
}

/// Shows whether there is a secret, not which.
impl std::fmt::Debug for NewClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewClient")
            .field("name", &self.name)
            .field("client_type", &self.client_type)
            .field("secret", &self.secret.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

impl NewClient {
    /// A client of one of the types that Globus Auth knows, such as `resource_server`.
    pub fn of_type(name: impl Into<String>, client_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            client_type: client_type.into(),
            secret: None,
            redirect_uris: Vec::new(),
            fqdns: Vec::new(),
            visible: false,
            required_idp: None,
            scopes: Vec::new(),
        }
    }

    /// A client with a secret that may log people in, act as itself and offer scopes.
    pub fn confidential(name: impl Into<String>) -> Self {
        Self::of_type(name, HYBRID)
    }

    /// A client without secret, such as a native app.
    pub fn public(name: impl Into<String>) -> Self {
        Self::of_type(name, PUBLIC_INSTALLED)
    }

    /// Sets the id; by default it follows from the names of project and client, and is another one in every
    /// emulator.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the secret; one is made up by default.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Adds an address that people may be sent back to after their login.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Adds the name of a host under which the client can be looked up.
    #[must_use]
    pub fn fqdn(mut self, name: impl Into<String>) -> Self {
        self.fqdns.push(name.into());
        self
    }

    /// Lets everyone who is logged in look at the client and its scopes.
    #[must_use]
    pub fn visible(mut self) -> Self {
        self.visible = true;
        self
    }

    /// Lets only people with an identity of this provider log in.
    #[must_use]
    pub fn required_idp(mut self, provider: Uuid) -> Self {
        self.required_idp = Some(provider);
        self
    }

    /// Adds a scope that the client offers.
    #[must_use]
    pub fn scope(mut self, scope: NewScope) -> Self {
        self.scopes.push(scope);
        self
    }
}

/// A scope of a [`NewClient`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewScope {
    pub(crate) suffix: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) advertised: bool,
    #[serde(default = "yes")]
    pub(crate) allows_refresh_token: bool,
    #[serde(default)]
    pub(crate) required_domains: Vec<String>,
    #[serde(default)]
    pub(crate) depends_on: Vec<String>,
    #[serde(default)]
    pub(crate) may_depend_on: Vec<String>,
}

fn yes() -> bool {
    true
}

impl NewScope {
    /// The scope `https://auth.globus.org/scopes/<client>/<suffix>`. The suffix is of lowercase letters, digits
    /// and underscores.
    pub fn new(suffix: impl Into<String>) -> Self {
        Self {
            suffix: suffix.into(),
            name: None,
            description: String::new(),
            advertised: false,
            allows_refresh_token: true,
            required_domains: Vec::new(),
            depends_on: Vec::new(),
            may_depend_on: Vec::new(),
        }
    }

    /// Sets the name that people see; the suffix by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the description that people see.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Lets everyone who is logged in look at the scope.
    #[must_use]
    pub fn advertised(mut self) -> Self {
        self.advertised = true;
        self
    }

    /// Has no refresh tokens given for the scope.
    #[must_use]
    pub fn without_refresh_tokens(mut self) -> Self {
        self.allows_refresh_token = false;
        self
    }

    /// Adds a domain: a person needs an identity of one of them to use the scope.
    #[must_use]
    pub fn required_domain(mut self, domain: impl Into<String>) -> Self {
        self.required_domains.push(domain.into());
        self
    }

    /// Adds a scope that the service behind this one needs: whoever consents to this one consents to that too. It
    /// is one of the Globus services' scopes, or one that was registered before.
    #[must_use]
    pub fn depends_on(mut self, scope: impl Into<String>) -> Self {
        self.depends_on.push(scope.into());
        self
    }

    /// Adds a scope that the service behind this one can use when a login asks for it.
    #[must_use]
    pub fn may_depend_on(mut self, scope: impl Into<String>) -> Self {
        self.may_depend_on.push(scope.into());
        self
    }
}

/// A policy of a [`NewProject`]: what a login must be like to be good enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) id: Option<Uuid>,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) high_assurance: bool,
    #[serde(default)]
    pub(crate) max_age_seconds: Option<u32>,
    #[serde(default)]
    pub(crate) required_mfa: bool,
    #[serde(default)]
    pub(crate) domains: Vec<String>,
    #[serde(default)]
    pub(crate) forbidden_domains: Vec<String>,
}

impl NewPolicy {
    /// A policy that any login meets.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            description: String::new(),
            high_assurance: false,
            max_age_seconds: None,
            required_mfa: false,
            domains: Vec::new(),
            forbidden_domains: Vec::new(),
        }
    }

    /// Sets the id; by default it follows from the names of project and policy, and is another one in every
    /// emulator.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Makes it a policy of high assurance.
    #[must_use]
    pub fn high_assurance(mut self) -> Self {
        self.high_assurance = true;
        self
    }

    /// Wants an authentication that is at most so many seconds old; above 0. Makes it a policy of high assurance.
    #[must_use]
    pub fn max_age_seconds(mut self, seconds: u32) -> Self {
        self.max_age_seconds = Some(seconds);
        self.high_assurance()
    }

    /// Wants more than one factor. Makes it a policy of high assurance.
    #[must_use]
    pub fn required_mfa(mut self) -> Self {
        self.required_mfa = true;
        self.high_assurance()
    }

    /// Adds a domain of which the identity may be; without any it may be of any.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// Adds a domain of which the identity must not be.
    #[must_use]
    pub fn forbidden_domain(mut self, domain: impl Into<String>) -> Self {
        self.forbidden_domains.push(domain.into());
        self
    }
}

/// A project of an emulator, with what was made in it for a [`NewProject`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RegisteredProject {
    /// The project's id.
    pub id: Uuid,
    /// The project's name.
    pub name: String,
    /// Its clients, in the order given.
    pub clients: Vec<RegisteredClient>,
    /// Its policies, in the order given.
    pub policies: Vec<RegisteredPolicy>,
}

impl RegisteredProject {
    /// The client of this name.
    pub fn client(&self, name: &str) -> Option<&RegisteredClient> {
        self.clients.iter().find(|client| client.name == name)
    }

    /// The policy of this name.
    pub fn policy(&self, name: &str) -> Option<&RegisteredPolicy> {
        self.policies.iter().find(|policy| policy.name == name)
    }
}

/// A client of a [`RegisteredProject`].
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RegisteredClient {
    /// The client's id.
    pub id: Uuid,
    /// The client's name.
    pub name: String,
    /// Its secret, if it is not a public client.
    pub secret: Option<String>,
    /// The strings of its scopes, in the order given.
    pub scopes: Vec<String>,
}

/// Shows no secret.
impl std::fmt::Debug for RegisteredClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegisteredClient")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// A policy of a [`RegisteredProject`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RegisteredPolicy {
    /// The policy's id.
    pub id: Uuid,
    /// The policy's name.
    pub name: String,
}

/// A [`NewProject`] cannot be made as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the project {project:?} cannot be made: {reason}")]
#[non_exhaustive]
pub struct RegistrationError {
    /// The name of the project.
    pub project: String,
    /// What is wrong.
    pub reason: String,
}
