use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, ProjectList};
use crate::operation::operation;

operation! {
    /// Lists the projects that the caller administers. Needs the scope `manage_projects`.
    ///
    /// ```no_run
    /// # async fn example(client: globus_sdk::AuthClient) -> globus_sdk::Result<()> {
    /// for project in &client.get_projects().send().await?.projects {
    ///     println!("{} {}", project.id, project.display_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    AuthClient.get_projects() -> GetProjects;
    GET "/v2/api/projects" => ProjectList, list "projects";
    needs MANAGE_PROJECTS;
}
