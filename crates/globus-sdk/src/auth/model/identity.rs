use globus_core::decode::Text;
use globus_core::{IdentityId, IdentityProviderId, document, page, string_enum};

string_enum! {
    /// How far an identity is in use.
    pub enum IdentityStatus {
        /// Somebody has logged in with it.
        Used = "used",
        /// It is known, and nobody has logged in with it.
        Unused = "unused",
        /// It was made in advance by somebody who wants to share with it.
        Provisioned = "provisioned",
        /// It belongs to a session that logged in just now.
        Private = "private",
        /// Its account is closed.
        Closed = "closed",
    }
}

document! {
    /// An identity: one login that a person or a client has.
    pub struct Identity {
        /// The identity's id.
        pub id: IdentityId,
        /// The name that it logs in with, such as `ana@example.org`.
        pub username: Text,
        /// The person's name.
        pub name: Option<Text>,
        /// The person's address.
        pub email: Option<Text>,
        /// The person's organization.
        pub organization: Option<Text>,
        /// How far the identity is in use.
        pub status: IdentityStatus,
        /// The id of the identity provider that vouches for it.
        pub identity_provider: Option<IdentityProviderId>,
        /// What kind of identity it is, such as `login` or `globus_app`.
        pub identity_type: Option<Text>,
    }
}

document! {
    /// One of a person's linked identities, as [`userinfo`](crate::AuthClient::userinfo) and
    /// [introspection](crate::ConfidentialAppAuthClient::oauth2_token_introspect) tell them.
    pub struct LinkedIdentity {
        /// The identity's id.
        pub sub: IdentityId,
        /// The name that it logs in with, such as `ana@example.org`.
        pub username: Option<Text>,
        /// The person's name.
        pub name: Option<Text>,
        /// The person's address.
        pub email: Option<Text>,
        /// The person's organization.
        pub organization: Option<Text>,
        /// How far the identity is in use.
        pub status: Option<IdentityStatus>,
        /// The id of the identity provider that vouches for it.
        pub identity_provider: Option<IdentityProviderId>,
        /// The identity provider's name.
        pub identity_provider_display_name: Option<Text>,
        /// What kind of identity it is, such as `login`.
        pub identity_type: Option<Text>,
        /// When it logged in last, in seconds since 1970-01-01 UTC.
        pub last_authentication: Option<i64>,
    }
}

document! {
    /// The answer to [`get_identities`](crate::AuthClient::get_identities). Unknown identities are absent.
    pub struct IdentityList {
        /// The identities found.
        pub identities: Vec<Identity>,
    }
}

page!(IdentityList, identities: Identity);
