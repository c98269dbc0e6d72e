use globus_core::decode::Text;
use globus_core::{PolicyId, ProjectId, document, page};

document! {
    /// An authentication policy: how somebody must have logged in.
    #[doc(alias = "Policy")]
    pub struct AuthenticationPolicy {
        /// The policy's id.
        pub id: PolicyId,
        /// The project that it belongs to.
        pub project_id: ProjectId,
        /// The policy's name, for people.
        pub display_name: Text,
        /// What it asks for, for people.
        pub description: Text,
        /// Whether it is one for protected data, whose logins end after a time.
        pub high_assurance: bool,
        /// After how many seconds the person must log in again.
        pub authentication_assurance_timeout: Option<u64>,
        /// Whether a second factor is asked for.
        pub required_mfa: bool,
        /// The domains whose identities meet it. `None`: all; an empty list: none of them.
        pub domain_constraints_include: Option<Vec<Text>>,
        /// The domains whose identities do not meet it.
        pub domain_constraints_exclude: Option<Vec<Text>>,
    }
}

document! {
    /// The answer to [`get_policies`](crate::AuthClient::get_policies).
    pub struct PolicyList {
        /// The policies of the projects that the caller administers.
        pub policies: Vec<AuthenticationPolicy>,
    }
}

page!(PolicyList, policies: AuthenticationPolicy);
