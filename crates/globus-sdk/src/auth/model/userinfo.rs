use globus_core::decode::Text;
use globus_core::{IdentityId, IdentityProviderId, document};

use super::identity::LinkedIdentity;

document! {
    /// Who an access token stands for (OpenID Connect Core, section 5.3).
    pub struct UserInfo {
        /// The id of the identity.
        pub sub: IdentityId,
        /// The name that the identity logs in with. Needs the scope `profile`.
        pub preferred_username: Option<Text>,
        /// The person's name. Needs the scope `profile`.
        pub name: Option<Text>,
        /// The person's address. Needs the scope `email`.
        pub email: Option<Text>,
        /// The person's organization.
        pub organization: Option<Text>,
        /// The id of the identity provider that vouches for the identity.
        pub identity_provider: Option<IdentityProviderId>,
        /// The identity provider's name.
        pub identity_provider_display_name: Option<Text>,
        /// When the identity logged in last, in seconds since 1970-01-01 UTC.
        pub last_authentication: Option<i64>,
        /// All identities of the person. Needs the scope
        /// `urn:globus:auth:scope:auth.globus.org:view_identity_set`.
        pub identity_set: Vec<LinkedIdentity>,
    }
}
