use globus_core::BaseClient;
use http::Method;

use crate::auth::OpenIdConfiguration;
use crate::operation::operation;

operation! {
    /// `GET /.well-known/openid-configuration`, without credentials.
    GetOpenIdConfiguration -> OpenIdConfiguration
}

impl GetOpenIdConfiguration {
    pub(crate) fn new(client: &BaseClient) -> Self {
        Self {
            call: client.request(Method::GET, "/.well-known/openid-configuration").without_authorization(),
        }
    }
}
