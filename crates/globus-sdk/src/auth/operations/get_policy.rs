use globus_core::PolicyId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, AuthenticationPolicy};
use crate::operation::operation;

operation! {
    /// Reads a policy. Needs the scope `manage_projects`.
    AuthClient.get_policy(policy_id: PolicyId) -> GetPolicy;
    GET "/v2/api/policies/{policy_id}" => AuthenticationPolicy, member "policy";
    needs MANAGE_PROJECTS;
}
