use globus_core::decode::Text;
use globus_core::{GroupId, IdentityId, ProjectId, document, page};

use super::identity::Identity;

document! {
    /// A project: what holds clients and policies, and has people who administer them.
    pub struct Project {
        /// The project's id.
        pub id: ProjectId,
        /// The project's name, for people.
        pub display_name: Text,
        /// The same name under an older member.
        pub project_name: Option<Text>,
        /// Whom to ask about it.
        pub contact_email: Text,
        /// The identities that administer it.
        pub admin_ids: Vec<IdentityId>,
        /// The groups whose members administer it.
        pub admin_group_ids: Vec<GroupId>,
        /// The same identities and groups, with their names.
        pub admins: ProjectAdmins,
    }
}

document! {
    /// Who administers a project.
    pub struct ProjectAdmins {
        /// Identities.
        pub identities: Vec<Identity>,
        /// Groups.
        pub groups: Vec<ProjectAdminGroup>,
    }
}

document! {
    /// A group whose members administer a project.
    pub struct ProjectAdminGroup {
        /// The group's id.
        pub id: GroupId,
        /// The group's name.
        pub name: Text,
        /// What it is for.
        pub description: Option<Text>,
        /// The organization that it belongs to.
        pub organization: Option<Text>,
    }
}

document! {
    /// The answer to [`get_projects`](crate::AuthClient::get_projects).
    pub struct ProjectList {
        /// The projects that the caller administers.
        pub projects: Vec<Project>,
    }
}

page!(ProjectList, projects: Project);
