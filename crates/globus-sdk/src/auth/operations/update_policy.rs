use globus_core::{PolicyId, ProjectId};

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, AuthenticationPolicy};
use crate::operation::operation;

operation! {
    /// Changes a policy; what is not set stays. Whether it is for high assurance cannot be changed. Needs the
    /// scope `manage_projects`.
    AuthClient.update_policy(policy_id: PolicyId) -> UpdatePolicy;
    PUT "/v2/api/policies/{policy_id}" => AuthenticationPolicy, member "policy";
    needs MANAGE_PROJECTS;
    envelope "policy";
    body {
        /// The project that it belongs to.
        project_id: (ProjectId),
        /// After how many seconds the person must log in again.
        authentication_assurance_timeout: u64,
        /// Whether a second factor is asked for.
        required_mfa: bool,
        /// The policy's name, for people.
        display_name: text,
        /// What it asks for, for people.
        description: text,
        /// The domains whose identities meet it. With an empty list none do.
        domain_constraints_include: [String],
        /// Lets identities of all domains meet it again: sends null.
        clear_domain_constraints_include as "domain_constraints_include": null,
        /// The domains whose identities do not meet it.
        domain_constraints_exclude: [String],
        /// Excludes no domain any more: sends null.
        clear_domain_constraints_exclude as "domain_constraints_exclude": null,
    }
}
