//! The scopes of services of which there is one.

use globus_core::Scope;

/// A collection of constants.
macro_rules! scope_collection {
    (
        $(#[$doc:meta])*
        $name:ident on $server:literal, by default [$($default:ident),*];
        $($(#[$scope_doc:meta])* $constant:ident = $short:literal: $text:expr,)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[non_exhaustive]
        pub struct $name;

        impl $name {
            /// The resource server that these scopes belong to.
            pub const RESOURCE_SERVER: &'static str = $server;

            /// What a client asks for when it is attached to an app without scopes being named.
            pub const DEFAULTS: &'static [Scope] = &[$(Self::$default),*];

            /// All scopes with their short names.
            pub const ALL_SCOPES: &'static [(&'static str, Scope)] = &[$(($short, Self::$constant)),*];

            $($(#[$scope_doc])* pub const $constant: Scope = Scope::constant($text);)*
        }
    };
}

macro_rules! urn {
    ($server:literal, $name:literal) => {
        concat!("urn:globus:auth:scope:", $server, ":", $name)
    };
}

macro_rules! address {
    ($client:literal, $name:literal) => {
        concat!("https://auth.globus.org/scopes/", $client, "/", $name)
    };
}

scope_collection! {
    /// Globus Auth: who somebody is, and what they registered.
    AuthScopes on "auth.globus.org", by default [OPENID, PROFILE, EMAIL];
    /// Who logged in: an id token, and the `sub` of `userinfo`.
    OPENID = "openid": "openid",
    /// The email address.
    EMAIL = "email": "email",
    /// The name, the username and the organization.
    PROFILE = "profile": "profile",
    /// Projects, and the clients, scopes and policies in them.
    MANAGE_PROJECTS = "manage_projects": urn!("auth.globus.org", "manage_projects"),
    /// When and how somebody logged in.
    VIEW_AUTHENTICATIONS = "view_authentications": urn!("auth.globus.org", "view_authentications"),
    /// Registered clients.
    VIEW_CLIENTS = "view_clients": urn!("auth.globus.org", "view_clients"),
    /// Registered clients and their scopes.
    VIEW_CLIENTS_AND_SCOPES = "view_clients_and_scopes": urn!("auth.globus.org", "view_clients_and_scopes"),
    /// What somebody has consented to.
    VIEW_CONSENTS = "view_consents": urn!("auth.globus.org", "view_consents"),
    /// Who identities are.
    VIEW_IDENTITIES = "view_identities": urn!("auth.globus.org", "view_identities"),
    /// The identities linked to one's own.
    VIEW_IDENTITY_SET = "view_identity_set": urn!("auth.globus.org", "view_identity_set"),
}

scope_collection! {
    /// Globus Transfer: directories, files and tasks.
    TransferScopes on "transfer.api.globus.org", by default [ALL];
    /// Everything.
    ALL = "all": urn!("transfer.api.globus.org", "all"),
    /// Setting up Globus Connect Personal.
    GCP_INSTALL = "gcp_install": urn!("transfer.api.globus.org", "gcp_install"),
}

scope_collection! {
    /// Globus Groups.
    GroupsScopes on "groups.api.globus.org", by default [VIEW_MY_GROUPS_AND_MEMBERSHIPS];
    /// Everything.
    ALL = "all": urn!("groups.api.globus.org", "all"),
    /// Which groups one is in.
    VIEW_MY_GROUPS_AND_MEMBERSHIPS = "view_my_groups_and_memberships":
        urn!("groups.api.globus.org", "view_my_groups_and_memberships"),
}

scope_collection! {
    /// Nexus, the service before Globus Groups.
    NexusScopes on "nexus.api.globus.org", by default [GROUPS];
    /// Groups.
    GROUPS = "groups": urn!("nexus.api.globus.org", "groups"),
}

scope_collection! {
    /// Globus Search.
    SearchScopes on "search.api.globus.org", by default [SEARCH];
    /// Everything.
    ALL = "all": urn!("search.api.globus.org", "all"),
    /// What Globus Connect Server does.
    GLOBUS_CONNECT_SERVER = "globus_connect_server": urn!("search.api.globus.org", "globus_connect_server"),
    /// Putting records into indexes.
    INGEST = "ingest": urn!("search.api.globus.org", "ingest"),
    /// Searching.
    SEARCH = "search": urn!("search.api.globus.org", "search"),
}

scope_collection! {
    /// Globus Flows. To run a flow, see [`SpecificFlowScopes`](super::SpecificFlowScopes).
    FlowsScopes on "flows.globus.org", by default [ALL];
    /// Everything but running.
    ALL = "all": address!("eec9b274-0c81-4334-bdc2-54e90e689b9a", "all"),
    /// Making and changing flows.
    MANAGE_FLOWS = "manage_flows": address!("eec9b274-0c81-4334-bdc2-54e90e689b9a", "manage_flows"),
    /// Looking at flows.
    VIEW_FLOWS = "view_flows": address!("eec9b274-0c81-4334-bdc2-54e90e689b9a", "view_flows"),
    /// Running flows.
    RUN = "run": address!("eec9b274-0c81-4334-bdc2-54e90e689b9a", "run"),
    /// Looking at runs.
    RUN_STATUS = "run_status": address!("eec9b274-0c81-4334-bdc2-54e90e689b9a", "run_status"),
    /// Changing runs.
    RUN_MANAGE = "run_manage": address!("eec9b274-0c81-4334-bdc2-54e90e689b9a", "run_manage"),
}

impl FlowsScopes {
    /// The id of the service itself, as it stands in its scopes.
    pub const CLIENT_ID: &'static str = "eec9b274-0c81-4334-bdc2-54e90e689b9a";
}

scope_collection! {
    /// Globus Timers.
    TimersScopes on "524230d7-ea86-4a52-8312-86065a9e0417", by default [TIMER];
    /// Everything.
    TIMER = "timer": address!("524230d7-ea86-4a52-8312-86065a9e0417", "timer"),
}

scope_collection! {
    /// Globus Compute.
    ComputeScopes on "funcx_service", by default [ALL];
    /// Everything.
    ALL = "all": address!("facd7ccc-c5f4-42aa-916b-a0e270e2c2a9", "all"),
}

impl ComputeScopes {
    /// The id of the service itself, as it stands in its scopes.
    pub const CLIENT_ID: &'static str = "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9";
}
