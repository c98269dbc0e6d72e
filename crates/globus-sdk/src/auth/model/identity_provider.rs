use globus_core::decode::Text;
use globus_core::{IdentityProviderId, document, page};

document! {
    /// An identity provider: an organization whose logins Globus Auth takes.
    pub struct IdentityProvider {
        /// The provider's id.
        pub id: IdentityProviderId,
        /// The provider's name.
        pub name: Text,
        /// A short form of it.
        pub short_name: Text,
        /// Other names.
        pub alternative_names: Vec<Text>,
        /// The domains whose usernames it vouches for.
        pub domains: Vec<Text>,
    }
}

document! {
    /// The answer to [`get_identity_providers`](crate::AuthClient::get_identity_providers).
    pub struct IdentityProviderList {
        /// The providers found.
        pub identity_providers: Vec<IdentityProvider>,
    }
}

page!(IdentityProviderList, identity_providers: IdentityProvider);
