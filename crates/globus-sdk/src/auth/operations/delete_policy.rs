use globus_core::PolicyId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, AuthenticationPolicy};
use crate::operation::operation;

operation! {
    /// Deletes a policy. Answers with the policy as it was. Needs the scope `manage_projects`.
    AuthClient.delete_policy(policy_id: PolicyId) -> DeletePolicy;
    DELETE "/v2/api/policies/{policy_id}" => AuthenticationPolicy, member "policy";
    needs MANAGE_PROJECTS;
}
