use globus_core::{GroupId, IdentityId};

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, Project};
use crate::operation::operation;

operation! {
    /// Makes a project. Needs the scope `manage_projects`, and a login of not long ago. Name at least one
    /// administrator, an identity or a group.
    ///
    /// It is not sent again once it may have been processed: each makes another project.
    ///
    /// ```no_run
    /// # async fn example(client: globus_sdk::AuthClient) -> globus_sdk::Result<()> {
    /// let me = client.userinfo().send().await?;
    /// let project = client.create_project("My lab", "lab@example.org").admin_ids([me.sub]).send().await?;
    /// println!("{}", project.id);
    /// # Ok(())
    /// # }
    /// ```
    AuthClient.create_project(display_name: String, contact_email: String) -> CreateProject;
    POST "/v2/api/projects" => Project, member "project";
    needs MANAGE_PROJECTS;
    envelope "project";
    send { "display_name": display_name, "contact_email": contact_email }
    body {
        /// The identities that administer it.
        admin_ids: [IdentityId],
        /// The groups whose members administer it.
        admin_group_ids: [GroupId],
    }
}
