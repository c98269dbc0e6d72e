use globus_core::ScopeId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, RegisteredScope};
use crate::operation::operation;

operation! {
    /// Reads a scope. Needs the scope `manage_projects`.
    AuthClient.get_scope(scope_id: ScopeId) -> GetScope;
    GET "/v2/api/scopes/{scope_id}" => RegisteredScope, member "scope";
    needs MANAGE_PROJECTS;
}
