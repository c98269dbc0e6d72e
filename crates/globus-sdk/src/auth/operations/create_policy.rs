use globus_core::ProjectId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, AuthenticationPolicy};
use crate::operation::operation;

operation! {
    /// Makes a policy in a project. Needs the scope `manage_projects`.
    ///
    /// It is not sent again once it may have been processed: each makes another policy.
    ///
    /// ```no_run
    /// # use globus_sdk::{AuthClient, ProjectId};
    /// # async fn example(client: AuthClient, project: ProjectId) -> globus_sdk::Result<()> {
    /// let policy = client
    ///     .create_policy(project, "Staff only", "Log in at example.org, at most an hour ago")
    ///     .high_assurance(true)
    ///     .authentication_assurance_timeout(3600)
    ///     .domain_constraints_include(["example.org"])
    ///     .send()
    ///     .await?;
    /// println!("{}", policy.id);
    /// # Ok(())
    /// # }
    /// ```
    AuthClient.create_policy(project_id: ProjectId, display_name: String, description: String) -> CreatePolicy;
    POST "/v2/api/policies" => AuthenticationPolicy, member "policy";
    needs MANAGE_PROJECTS;
    envelope "policy";
    send { "project_id": project_id, "display_name": display_name, "description": description }
    body {
        /// Whether it is one for protected data, whose logins end after a time.
        high_assurance: bool,
        /// After how many seconds the person must log in again.
        authentication_assurance_timeout: u64,
        /// Whether a second factor is asked for.
        required_mfa: bool,
        /// The domains whose identities meet it.
        domain_constraints_include: [String],
        /// Says explicitly that all domains may meet it: sends null.
        clear_domain_constraints_include as "domain_constraints_include": null,
        /// The domains whose identities do not meet it.
        domain_constraints_exclude: [String],
        /// Says explicitly that no domain is excluded: sends null.
        clear_domain_constraints_exclude as "domain_constraints_exclude": null,
    }
}
