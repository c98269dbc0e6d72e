use globus_core::call::OperationInfo;
use globus_core::{BaseClient, Error, Response, Result};
use http::Method;
use url::Url;

use super::GetOpenIdConfiguration;
use crate::auth::{AuthClient, JsonWebKeySet, OpenIdConfiguration};

impl AuthClient {
    /// Reads the keys that sign id tokens. Sent without credentials.
    pub fn get_jwk(&self) -> GetJwk {
        GetJwk::of(&self.base)
    }
}

/// `GET` of the address that the service's description names for its keys, without credentials.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct GetJwk {
    client: BaseClient,
    configuration: Option<OpenIdConfiguration>,
}

impl GetJwk {
    /// What is the same for every call of this operation.
    pub const INFO: OperationInfo =
        OperationInfo::new("get_jwk", AuthClient::SERVICE, Method::GET, "/jwk.json");

    /// The login clients ask for it too, at whatever address they speak to.
    pub(in crate::auth) fn of(client: &BaseClient) -> Self {
        Self { client: client.clone(), configuration: None }
    }

    /// Uses this description of the service in place of fetching it first.
    pub fn openid_configuration(mut self, configuration: OpenIdConfiguration) -> Self {
        self.configuration = Some(configuration);
        self
    }

    /// Sends the request, after one for the description of the service if that was not given.
    ///
    /// # Errors
    ///
    /// The service's error or the failure to reach it; a refusal when the description names an address of
    /// somebody else; a decode error when the answer holds no keys.
    pub async fn send(self) -> Result<Response<JsonWebKeySet>> {
        let configuration = match self.configuration {
            Some(configuration) => configuration,
            None => GetOpenIdConfiguration::of(&self.client).send().await?.into_inner(),
        };
        let address = key_address(&self.client, &configuration)?;
        self.client.request(Method::GET, address).without_authorization().send_document().await
    }
}

/// Keys are believed only from the service itself or its issuer.
fn key_address(client: &BaseClient, configuration: &OpenIdConfiguration) -> Result<Url> {
    let keys = Url::parse(&configuration.jwks_uri)
        .map_err(|_| Error::refused("the service's description names no address for its keys"))?;
    let same_as = |home: &Url| home.origin() == keys.origin();
    if same_as(client.base_url()) || Url::parse(&configuration.issuer).is_ok_and(|issuer| same_as(&issuer)) {
        return Ok(keys);
    }
    Err(Error::refused(
        "the service's description names an address of somebody else for its keys; the keys were not fetched",
    ))
}
