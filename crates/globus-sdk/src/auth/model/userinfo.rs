use globus_core::decode::Text;
use globus_core::document;

use super::identity::Identity;

document! {
    /// Who an access token stands for (OpenID Connect Core, section 5.3).
    pub struct UserInfo {
        /// The id of the identity, a UUID.
        pub sub: Text,
        /// The name that the identity logs in with. Needs the scope `profile`.
        pub preferred_username: Option<Text>,
        /// The person's name. Needs the scope `profile`.
        pub name: Option<Text>,
        /// The person's address. Needs the scope `email`.
        pub email: Option<Text>,
        /// The person's organization.
        pub organization: Option<Text>,
        /// The id of the identity provider that vouches for the identity.
        pub identity_provider: Option<Text>,
        /// The identity provider's name.
        pub identity_provider_display_name: Option<Text>,
        /// When the identity logged in last, in seconds since 1970-01-01 UTC.
        pub last_authentication: Option<i64>,
        /// All identities of the person. Needs the scope `view_identity_set`. Here `id` is empty; the id is
        /// in `extra` as `sub`.
        pub identity_set: Vec<Identity>,
    }
}
