use globus_core::decode::{Text, Time};
use globus_core::{ClientId, ClientSecret, CredentialId, document, page};

document! {
    /// A credential of a client, without its secret: that is told once, to whoever made it.
    pub struct ClientCredential {
        /// The credential's id.
        pub id: CredentialId,
        /// The client that it belongs to.
        pub client: ClientId,
        /// The credential's name, for people.
        pub name: Text,
        /// When it was made.
        pub created: Option<Time>,
    }
}

document! {
    /// The answer to [`get_client_credentials`](crate::AuthClient::get_client_credentials).
    pub struct CredentialList {
        /// The client's credentials.
        pub credentials: Vec<ClientCredential>,
    }
}

page!(CredentialList, credentials: ClientCredential);

/// A credential that was just made. Keep the secret: it is told once.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CreatedClientCredential {
    /// The credential.
    pub credential: ClientCredential,
    /// Its secret, with which the client proves itself.
    pub secret: ClientSecret,
}
