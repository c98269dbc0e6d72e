use globus_core::ScopeId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, RegisteredScope};
use crate::operation::operation;

operation! {
    /// Deletes a scope. Answers with the scope as it was. Needs the scope `manage_projects`.
    AuthClient.delete_scope(scope_id: ScopeId) -> DeleteScope;
    DELETE "/v2/api/scopes/{scope_id}" => RegisteredScope, member "scope";
    needs MANAGE_PROJECTS;
}
