//! What developers register: projects, and in them policies, clients and scopes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::accounts::Client;
use super::consents::{self, Consent};
use crate::auth::scopes::{self, ScopeTree};
use crate::failure::Failure;
use crate::transfer::collection::CollectionRecord;

/// What clients and policies belong to, with those who may change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) contact_email: String,
    /// The identities that administer it. It has at least one administrator, or group of them.
    pub(crate) admin_ids: Vec<String>,
    /// The groups whose members administer it; as nobody knows their members, they give no right.
    pub(crate) admin_group_ids: Vec<String>,
}

/// What a login must be like to be good enough for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) high_assurance: bool,
    /// Seconds for which an authentication is recent enough; any is when absent.
    pub(crate) authentication_assurance_timeout: Option<i64>,
    pub(crate) required_mfa: bool,
    /// The domains that identities must be of; any when absent.
    pub(crate) domain_constraints_include: Option<Vec<String>>,
    /// The domains that identities must not be of.
    pub(crate) domain_constraints_exclude: Option<Vec<String>>,
    /// Made by a call and not by the emulator's owner.
    pub(crate) added: bool,
}

impl Policy {
    pub(crate) fn document(&self) -> Value {
        json!({
            "id": self.id, "project_id": self.project_id, "display_name": self.display_name,
            "description": self.description, "high_assurance": self.high_assurance,
            "authentication_assurance_timeout": self.authentication_assurance_timeout,
            "required_mfa": self.required_mfa, "domain_constraints_include": self.domain_constraints_include,
            "domain_constraints_exclude": self.domain_constraints_exclude,
        })
    }
}

/// A scope that a client offers as a resource server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RegisteredScope {
    pub(crate) id: String,
    /// The client that offers it.
    pub(crate) client: String,
    pub(crate) scope_string: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) advertised: bool,
    pub(crate) allows_refresh_token: bool,
    /// The domains of which one of a person's identities must be; any when empty.
    pub(crate) required_domains: Vec<String>,
    pub(crate) dependent_scopes: Vec<DependentScope>,
}

/// A scope that the service behind another one needs to do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DependentScope {
    /// The id of the scope.
    pub(crate) scope: String,
    pub(crate) optional: bool,
    pub(crate) requires_refresh_token: bool,
}

impl RegisteredScope {
    pub(crate) fn document(&self) -> Value {
        json!({
            "id": self.id, "client": self.client, "scope_string": self.scope_string, "name": self.name,
            "description": self.description, "advertised": self.advertised,
            "allows_refresh_token": self.allows_refresh_token, "required_domains": self.required_domains,
            "dependent_scopes": self.dependent_scopes,
        })
    }
}

/// How many consents one login may ask for with everything that its scopes depend on: registered scopes can stand
/// for more than anybody would ever write out.
const MAX_SCOPES: usize = 1000;

/// What projects contain.
impl World {
    pub(crate) fn project_document(&self, project: &Project) -> Value {
        let identities: Vec<Value> = project
            .admin_ids
            .iter()
            .filter_map(|id| self.identities.get(id))
            .map(super::accounts::Identity::document)
            .collect();
        // Of groups only the ids are known here.
        let groups: Vec<Value> = project
            .admin_group_ids
            .iter()
            .map(|id| json!({"id": id, "name": id, "description": "", "organization": ""}))
            .collect();
        let or_null = |ids: &Vec<String>| if ids.is_empty() { Value::Null } else { json!(ids) };
        json!({
            "id": project.id, "display_name": project.display_name, "project_name": project.display_name,
            "contact_email": project.contact_email, "admin_ids": or_null(&project.admin_ids),
            "admin_group_ids": or_null(&project.admin_group_ids),
            "admins": {"identities": identities, "groups": groups},
        })
    }

    pub(crate) fn client_document(&self, client: &Client) -> Value {
        let mut document = client.own_document();
        document["scopes"] = self
            .scopes
            .values()
            .filter(|scope| scope.client == client.id)
            .map(|scope| json!(scope.id))
            .collect();
        document
    }

    /// Whether an identity, or one linked to it, administers a project.
    pub(crate) fn administers(&self, identity: &str, project: &Project) -> bool {
        self.linked(identity).iter().any(|linked| project.admin_ids.contains(&linked.id))
    }

    /// The project that a client belongs to: its own, or that of the client that made it.
    pub(crate) fn project_of(&self, client: &Client) -> Option<&Project> {
        let parent = || self.clients.get(client.parent.as_deref()?)?.project.as_ref();
        self.projects.get(client.project.as_ref().or_else(parent)?)
    }

    /// Removes a project that has no clients, with its policies.
    pub(crate) fn remove_project(&mut self, id: &str) {
        self.policies.retain(|_, policy| policy.project_id != id);
        self.projects.retain(|known, _| known != id);
    }

    /// Removes a client with everything that is or rests on it: its identity, scopes, consents and tokens.
    pub(crate) fn remove_client(&mut self, id: &str) {
        let offered = |scope: &str| scopes::resource_server(scope).as_deref() == Some(id);
        let mut strings: Vec<String> = self
            .consents
            .values()
            .map(|consent| consent.scope.clone())
            .filter(|scope| offered(scope))
            .collect();
        strings.sort_unstable();
        strings.dedup();
        for scope in strings {
            self.end_scope(&scope);
        }
        let registered: Vec<String> =
            self.scopes.values().filter(|scope| scope.client == id).map(|scope| scope.id.clone()).collect();
        for scope in registered {
            self.remove_scope(&scope);
        }
        self.consents.retain(|_, consent| consent.root_client != id);
        self.sessions.retain(|_, session| session.client != id);
        self.codes.retain(|_, code| code.client != id && code.login.identity != id);
        self.families.change_each(|_, family| {
            let newly = !family.revoked
                && (family.client == id || family.resource_server == id || family.login.identity == id);
            family.revoked |= newly;
            newly
        });
        self.clients.retain(|known, _| known != id);
        self.identities.retain(|known, _| known != id);
    }
}

/// What is known of scopes.
impl World {
    /// The scope that a client registered under this string.
    pub(crate) fn registered(&self, scope: &str) -> Option<&RegisteredScope> {
        self.scopes.values().find(|known| known.scope_string == scope)
    }

    /// The string of the scope with this id: a registered one, or one of the services.
    pub(crate) fn scope_string(&self, id: &str) -> Option<&str> {
        let registered = self.scopes.get(id).map(|scope| scope.scope_string.as_str());
        registered.or_else(|| {
            scopes::OF_SERVICES.into_iter().find(|scope| consents::scope_id(scope).to_string() == id)
        })
    }

    /// Whether there is a scope of this string. Not every collection has a `data_access`. Clients in projects have the scopes that they registered; what
    /// any other id stands for needs no registration.
    pub(crate) fn is_known_scope(&self, scope: &str) -> bool {
        let Some(server) = scopes::resource_server(scope) else { return false };
        let collection = scopes::data_access_collection(scope).and_then(|id| self.collections.get(id));
        if !collection.is_none_or(CollectionRecord::has_data_access) {
            return false;
        }
        let must_register = self
            .clients
            .get(&server)
            .is_some_and(|client| client.project.is_some() && client.client_type != "globus_connect_server");
        !must_register || scopes::is_urn(scope) || self.registered(scope).is_some()
    }

    /// The document of a consent, which names the scope by the id that it is registered under.
    pub(crate) fn consent_document(&self, consent: &Consent) -> Value {
        let mut document = consent.document();
        if let Some(scope) = self.registered(&consent.scope) {
            document["scope"] = json!(scope.id);
        }
        document
    }

    /// The trees with what the registered scopes in them depend on; nothing may be in them that is unknown.
    pub(crate) fn complete_scopes(&self, trees: Vec<ScopeTree>) -> Result<Vec<ScopeTree>, Failure> {
        let mut left = MAX_SCOPES;
        self.complete_below(trees, &mut Vec::new(), &mut left)
    }

    fn complete_below(
        &self,
        trees: Vec<ScopeTree>,
        above: &mut Vec<String>,
        left: &mut usize,
    ) -> Result<Vec<ScopeTree>, Failure> {
        let mut completed = Vec::new();
        for mut tree in trees {
            if !self.is_known_scope(&tree.scope) {
                return Err(scopes::unknown(&tree.scope));
            }
            if *left == 0 || above.len() > scopes::MAX_DEPTH {
                return Err(scopes::invalid("it depends on too many scopes"));
            }
            *left -= 1;
            above.push(tree.scope.clone());
            let needed = self.registered(&tree.scope).map(|scope| scope.dependent_scopes.as_slice());
            for dependency in needed.unwrap_or_default().iter().filter(|dependency| !dependency.optional) {
                let scope = self.scope_string(&dependency.scope).unwrap_or_default();
                if !scope.is_empty() && !above.iter().any(|known| known == scope) {
                    scopes::join(&mut tree.dependencies, ScopeTree::required(scope));
                }
            }
            tree.dependencies = self.complete_below(tree.dependencies, above, left)?;
            above.pop();
            completed.push(tree);
        }
        Ok(completed)
    }

    /// Why a person may not use these scopes with a client, if they may not.
    pub(crate) fn objection(&self, client: &Client, identity: &str, trees: &[ScopeTree]) -> Option<String> {
        let linked = self.linked(identity);
        if let Some(provider) = &client.required_idp
            && linked.iter().all(|identity| identity.identity_provider != *provider)
        {
            return Some("This person has no identity of the provider that the client requires.".to_owned());
        }
        trees.iter().find_map(|tree| {
            let domains = self.registered(&tree.scope).map(|scope| scope.required_domains.as_slice());
            let fits = domains.is_none_or(|domains| {
                domains.is_empty()
                    || linked
                        .iter()
                        .any(|i| domains.iter().any(|domain| domain.eq_ignore_ascii_case(i.domain())))
            });
            if fits {
                return self.objection(client, identity, &tree.dependencies);
            }
            Some(format!("This person has no identity of a domain that the scope {} requires.", tree.scope))
        })
    }

    /// Removes a registered scope, with what rests on it; others depend on it no more.
    pub(crate) fn remove_scope(&mut self, id: &str) {
        let Some(scope) = self.scopes.get(id).map(|scope| scope.scope_string.clone()) else { return };
        self.end_scope(&scope);
        self.scopes.retain(|known, _| known != id);
        self.scopes.change_each(|_, other| {
            let before = other.dependent_scopes.len();
            other.dependent_scopes.retain(|dependency| dependency.scope != id);
            other.dependent_scopes.len() != before
        });
    }

    /// Withdraws everybody's consents to a scope.
    pub(crate) fn end_scope(&mut self, scope: &str) {
        let mut people: Vec<String> = self
            .consents
            .values()
            .filter(|consent| consent.scope == scope)
            .map(|consent| consent.identity.clone())
            .collect();
        people.sort_unstable();
        people.dedup();
        for identity in people {
            self.withdraw(&identity, scope);
        }
    }
}
