//! What developers register: projects, and in them policies, clients and scopes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What clients and policies belong to, with those who may change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) contact_email: String,
    /// The identities that administer it; one identity or group there always is.
    pub(crate) admin_ids: Vec<String>,
    /// The groups whose members administer it.
    pub(crate) admin_group_ids: Vec<String>,
    /// Made by a call and not by the emulator's owner.
    pub(crate) added: bool,
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
    /// Made by a call and not by the emulator's owner.
    pub(crate) added: bool,
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
