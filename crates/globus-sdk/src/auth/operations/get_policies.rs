use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, PolicyList};
use crate::operation::operation;

operation! {
    /// Lists the policies of the projects that the caller administers. Needs the scope `manage_projects`.
    AuthClient.get_policies() -> GetPolicies;
    GET "/v2/api/policies" => PolicyList, list "policies";
    needs MANAGE_PROJECTS;
}
