use globus_core::ScopeId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, DependentScope, RegisteredScope};
use crate::operation::operation;

operation! {
    /// Changes a scope; what is not set stays. Needs the scope `manage_projects`.
    AuthClient.update_scope(scope_id: ScopeId) -> UpdateScope;
    PUT "/v2/api/scopes/{scope_id}" => RegisteredScope, member "scope";
    needs MANAGE_PROJECTS;
    envelope "scope";
    body {
        /// The scope's name, which people see when they consent.
        name: text,
        /// What it allows, for people.
        description: text,
        /// The end of its text. Tokens with the old text lose their worth.
        scope_suffix: text,
        /// The domains of which the person must have an identity, in place of those there were.
        required_domains: [String],
        /// The scopes of other services that it needs, in place of those there were.
        dependent_scopes: [DependentScope],
        /// Whether everybody can find it.
        advertised: bool,
        /// Whether refresh tokens are given out for it.
        allows_refresh_token: bool,
    }
}
