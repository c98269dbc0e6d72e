use super::VIEW_IDENTITIES;
use crate::auth::{AuthClient, IdentityProviderList};
use crate::operation::operation;

operation! {
    /// Looks identity providers up, by the domains that they vouch for or by their ids.
    AuthClient.get_identity_providers() -> GetIdentityProviders;
    GET "/v2/api/identity_providers" => IdentityProviderList, list "identity_providers";
    needs VIEW_IDENTITIES;
    not both "domains", "ids";
    query {
        /// The providers that vouch for usernames of these domains.
        domains: list,
        /// The providers with these ids.
        ids: list,
    }
}
