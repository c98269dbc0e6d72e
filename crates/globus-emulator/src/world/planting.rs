//! Making the projects that the emulator's owner wants.

use uuid::Uuid;

use super::World;
use super::accounts::{CLIENT_TYPES, Client, Credential, Identity, PROVIDERS};
use super::consents::scope_id;
use super::developer::{DependentScope, Policy, Project, RegisteredScope};
use super::seed;
use crate::auth::scopes;
use crate::random;
use crate::registration::{
    NewClient, NewPolicy, NewProject, NewScope, RegisteredClient, RegisteredPolicy, RegisteredProject,
    RegistrationError,
};

/// When what the owner wants was made: before everything else.
const CREATED: &str = "2024-01-01T00:00:00+00:00";

impl World {
    /// Makes a project with everything in it, or nothing of it. What is there already under the same id stays as
    /// it is.
    ///
    /// `added` says that it was made while the emulator ran and goes with a reset.
    pub(crate) fn plant_project(
        &mut self,
        wanted: &NewProject,
        added: bool,
    ) -> Result<RegisteredProject, RegistrationError> {
        let refused = |reason| RegistrationError { project: wanted.name.clone(), reason };
        let planting = Planting::of(self, wanted, added).map_err(refused)?;
        for policy in planting.policies {
            self.policies.insert(policy.id.clone(), policy);
        }
        for client in planting.clients {
            self.identities.insert(client.id.clone(), Identity::of_client(&client));
            self.clients.insert(client.id.clone(), client);
        }
        for scope in planting.scopes {
            self.scopes.insert(scope.id.clone(), scope);
        }
        if let Some(project) = planting.project {
            self.projects.insert(project.id.clone(), project);
        }
        Ok(planting.registered)
    }
}

/// What is to be put into a world.
struct Planting {
    project: Option<Project>,
    policies: Vec<Policy>,
    clients: Vec<Client>,
    scopes: Vec<RegisteredScope>,
    registered: RegisteredProject,
}

impl Planting {
    fn of(world: &World, wanted: &NewProject, added: bool) -> Result<Self, String> {
        let id = wanted.id.unwrap_or_else(|| derived_id(world, &["project", &wanted.name]));
        let project = Project {
            id: id.to_string(),
            display_name: wanted.name.clone(),
            contact_email: wanted.contact_email.clone().unwrap_or_else(|| seed::USERNAME.to_owned()),
            admin_ids: administrators(world, wanted)?,
            admin_group_ids: wanted.admin_groups.iter().map(Uuid::to_string).collect(),
        };
        let mut planting = Self {
            project: world.projects.get(&project.id).is_none().then_some(project),
            policies: Vec::new(),
            clients: Vec::new(),
            scopes: Vec::new(),
            registered: RegisteredProject {
                id,
                name: wanted.name.clone(),
                clients: Vec::new(),
                policies: Vec::new(),
            },
        };
        for policy in &wanted.policies {
            planting.add_policy(world, policy, added)?;
        }
        for client in &wanted.clients {
            planting.add_client(world, client, added)?;
        }
        Ok(planting)
    }

    fn add_policy(&mut self, world: &World, wanted: &NewPolicy, added: bool) -> Result<(), String> {
        let path = ["policy", &self.registered.name, &wanted.name];
        let id = wanted.id.unwrap_or_else(|| derived_id(world, &path));
        if self.registered.policies.iter().any(|other| other.id == id) {
            return Err(format!("it has two policies called {:?}", wanted.name));
        }
        if wanted.max_age_seconds == Some(0) {
            return Err(format!("the policy {:?} must allow more than 0 seconds", wanted.name));
        }
        let domains = |domains: &Vec<String>| (!domains.is_empty()).then(|| domains.clone());
        let policy = Policy {
            id: id.to_string(),
            project_id: self.registered.id.to_string(),
            display_name: wanted.name.clone(),
            description: wanted.description.clone(),
            high_assurance: wanted.high_assurance,
            authentication_assurance_timeout: wanted.max_age_seconds.map(i64::from),
            required_mfa: wanted.required_mfa,
            domain_constraints_include: domains(&wanted.domains),
            domain_constraints_exclude: domains(&wanted.forbidden_domains),
            added,
        };
        if world.policies.get(&policy.id).is_none() {
            self.policies.push(policy);
        }
        self.registered.policies.push(RegisteredPolicy { id, name: wanted.name.clone() });
        Ok(())
    }

    fn add_client(&mut self, world: &World, wanted: &NewClient, added: bool) -> Result<(), String> {
        let path = ["client", &self.registered.name, &wanted.name];
        let id = wanted.id.unwrap_or_else(|| derived_id(world, &path));
        if self.registered.clients.iter().any(|other| other.id == id) {
            return Err(format!("it has two clients called {:?}", wanted.name));
        }
        if !CLIENT_TYPES.contains(&wanted.client_type.as_str()) {
            return Err(format!("client_type must be one of {}", CLIENT_TYPES.join(", ")));
        }
        let required_idp = wanted.required_idp.map(|id| id.to_string());
        if let Some(provider) = &required_idp
            && PROVIDERS.iter().all(|known| known.0 != provider)
        {
            return Err(format!("there is no identity provider {provider}"));
        }
        let mut client = Client::new(id, wanted.name.clone(), &wanted.client_type);
        // Derived, so that it is the same after a restart, though only its fingerprint is kept.
        let made_up = || random::successor(&world.settings.rotation_key, "", &format!("secret of {id}"));
        let secret = (!client.public).then(|| wanted.secret.clone().unwrap_or_else(made_up));
        client.credentials.extend(secret.as_ref().map(|secret| Credential {
            id: derived_id(world, &["credential", &client.id]).to_string(),
            name: "seed".to_owned(),
            fingerprint: random::fingerprint(secret),
            created: CREATED.to_owned(),
        }));
        client.redirect_uris.clone_from(&wanted.redirect_uris);
        client.project = Some(self.registered.id.to_string());
        client.visible = wanted.visible;
        client.required_idp = required_idp;
        client.fqdns.clone_from(&wanted.fqdns);
        client.added = added;
        let mut registered = RegisteredClient { id, name: wanted.name.clone(), secret, scopes: Vec::new() };
        for scope in &wanted.scopes {
            let scope = self.scope(world, &client.id, scope)?;
            registered.scopes.push(scope.scope_string.clone());
            if world.scopes.get(&scope.id).is_none() {
                self.scopes.push(scope);
            }
        }
        if world.clients.get(&client.id).is_none() {
            self.clients.push(client);
        }
        self.registered.clients.push(registered);
        Ok(())
    }

    fn scope(&self, world: &World, client: &str, wanted: &NewScope) -> Result<RegisteredScope, String> {
        if !scopes::is_suffix(&wanted.suffix) {
            return Err(format!(
                "the suffix {:?} of a scope must be of lowercase letters, digits and underscores",
                wanted.suffix
            ));
        }
        let mut dependent_scopes = Vec::new();
        let dependencies = wanted.depends_on.iter().map(|scope| (scope, false));
        for (string, optional) in dependencies.chain(wanted.may_depend_on.iter().map(|scope| (scope, true))) {
            let mut earlier = self.scopes.iter().chain(world.scopes.values());
            let registered =
                earlier.find(|scope| scope.scope_string == *string).map(|scope| scope.id.clone());
            let of_service =
                || scopes::OF_SERVICES.contains(&string.as_str()).then(|| scope_id(string).to_string());
            let scope = registered.or_else(of_service).ok_or_else(|| {
                format!("there is no scope {string:?} for {:?} to depend on", wanted.suffix)
            })?;
            dependent_scopes.push(DependentScope { scope, optional, requires_refresh_token: false });
        }
        let scope_string = scopes::of_client(client, &wanted.suffix);
        Ok(RegisteredScope {
            id: scope_id(&scope_string).to_string(),
            client: client.to_owned(),
            scope_string,
            name: wanted.name.clone().unwrap_or_else(|| wanted.suffix.clone()),
            description: wanted.description.clone(),
            advertised: wanted.advertised,
            allows_refresh_token: wanted.allows_refresh_token,
            required_domains: wanted.required_domains.clone(),
            dependent_scopes,
        })
    }
}

fn administrators(world: &World, wanted: &NewProject) -> Result<Vec<String>, String> {
    if wanted.admins.is_empty() {
        let settings = &world.settings;
        return Ok(vec![settings.user.to_string(), settings.confidential_client.to_string()]);
    }
    let found = wanted.admins.iter().map(|admin| {
        let identity = world.find_identity(admin).ok_or_else(|| format!("there is no identity {admin:?}"))?;
        Ok(identity.id.clone())
    });
    found.collect()
}

/// An id that follows from names and is another one in every emulator.
fn derived_id(world: &World, names: &[&str]) -> Uuid {
    let text = format!("{}{names:?}", world.settings.rotation_key);
    scope_id(&text)
}
