use globus_core::decode::Text;
use globus_core::{ClientId, IdentityProviderId, ProjectId, document, page, string_enum};

string_enum! {
    /// What a client is for.
    pub enum ClientType {
        /// A program with a secret that acts for itself and logs nobody in.
        ClientIdentity = "client_identity",
        /// A program with a secret that logs people in, such as a portal.
        ConfidentialClient = "confidential_client",
        /// An endpoint of Globus Connect Server.
        GlobusConnectServer = "globus_connect_server",
        /// A program that people install; it keeps no secret.
        PublicInstalledClient = "public_installed_client",
        /// A portal that is a service for others, too.
        HybridConfidentialClientResourceServer = "hybrid_confidential_client_resource_server",
        /// A service that others call with tokens.
        ResourceServer = "resource_server",
    }
}

string_enum! {
    /// Who may see a client.
    pub enum ClientVisibility {
        /// Everybody.
        Public = "public",
        /// Those who administer its project.
        Private = "private",
    }
}

/// What kind of client is to be made: a [`ClientType`], or in the older way whether it keeps a secret.
///
/// Methods take `impl Into<ClientKind>`, so a bare [`ClientType`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientKind {
    /// Of this type.
    Type(ClientType),
    /// One that keeps no secret (`public_client` is true).
    Public,
    /// One that keeps a secret (`public_client` is false).
    Confidential,
}

impl From<ClientType> for ClientKind {
    fn from(client_type: ClientType) -> Self {
        Self::Type(client_type)
    }
}

document! {
    /// A client that is registered with Globus Auth: an app or a service.
    pub struct RegisteredClient {
        /// The client's id.
        pub id: ClientId,
        /// The client's name, which people see when they log in.
        pub name: Text,
        /// The project that it belongs to. A client that was made for one installation of an app has none.
        pub project: Option<ProjectId>,
        /// What it is for.
        pub client_type: ClientType,
        /// Whether it keeps no secret.
        pub public_client: bool,
        /// Who may see it.
        pub visibility: ClientVisibility,
        /// The addresses to which a login may go back.
        pub redirect_uris: Vec<Text>,
        /// What people can read about it before they log in.
        pub links: ClientLinks,
        /// The identity provider that people must log in with.
        pub required_idp: Option<IdentityProviderId>,
        /// The identity provider that the login proposes.
        pub preselect_idp: Option<IdentityProviderId>,
        /// The host names that it has proven to own.
        pub fqdns: Vec<Text>,
        /// The scopes that belong to it.
        pub scopes: Vec<Text>,
        /// The ways in which it may ask for tokens.
        pub grant_types: Vec<Text>,
        /// The client that made it.
        pub parent_client: Option<ClientId>,
        /// Whether people are asked for a name of each consent.
        pub prompt_for_named_grant: bool,
        /// Whether `userinfo` tells of the identity that the tokens act for.
        pub userinfo_from_effective_identity: bool,
    }
}

document! {
    /// What people can read about a client before they log in.
    pub struct ClientLinks {
        /// The address of the terms and conditions.
        pub terms_and_conditions: Option<Text>,
        /// The address of the privacy policy.
        pub privacy_policy: Option<Text>,
    }
}

document! {
    /// The answer to [`get_clients`](crate::AuthClient::get_clients).
    pub struct ClientList {
        /// The clients of the projects that the caller administers.
        pub clients: Vec<RegisteredClient>,
    }
}

page!(ClientList, clients: RegisteredClient);
