use globus_core::{GroupId, IdentityId, ProjectId};

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, Project};
use crate::operation::operation;

operation! {
    /// Changes a project; what is not set stays. Needs the scope `manage_projects`.
    AuthClient.update_project(project_id: ProjectId) -> UpdateProject;
    PUT "/v2/api/projects/{project_id}" => Project, member "project";
    needs MANAGE_PROJECTS;
    envelope "project";
    body {
        /// The project's name, for people.
        display_name: text,
        /// Whom to ask about it.
        contact_email: text,
        /// The identities that administer it, in place of those who did.
        admin_ids: [IdentityId],
        /// The groups whose members administer it, in place of those who did.
        admin_group_ids: [GroupId],
    }
}
