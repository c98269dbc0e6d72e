use globus_core::ProjectId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, Project};
use crate::operation::operation;

operation! {
    /// Reads a project. Needs the scope `manage_projects`.
    AuthClient.get_project(project_id: ProjectId) -> GetProject;
    GET "/v2/api/projects/{project_id}" => Project, member "project";
    needs MANAGE_PROJECTS;
}
