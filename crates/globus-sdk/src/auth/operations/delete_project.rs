use globus_core::ProjectId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, Project};
use crate::operation::operation;

operation! {
    /// Deletes a project that holds no clients. Answers with the project as it was. Needs the scope
    /// `manage_projects`.
    AuthClient.delete_project(project_id: ProjectId) -> DeleteProject;
    DELETE "/v2/api/projects/{project_id}" => Project, member "project";
    needs MANAGE_PROJECTS;
}
