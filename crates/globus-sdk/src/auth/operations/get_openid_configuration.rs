use globus_core::call::OperationInfo;
use globus_core::{BaseClient, Call, Response, Result};
use http::Method;

use crate::auth::{AuthClient, OpenIdConfiguration};
use crate::operation::call_options;

impl AuthClient {
    /// Reads the service's description of itself (OpenID Connect Discovery). Sent without credentials.
    pub fn get_openid_configuration(&self) -> GetOpenIdConfiguration {
        GetOpenIdConfiguration::of(&self.base)
    }
}

/// `GET /.well-known/openid-configuration`, without credentials.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct GetOpenIdConfiguration {
    call: Call,
}

call_options!(GetOpenIdConfiguration);

impl GetOpenIdConfiguration {
    /// What is the same for every call of this operation.
    pub const INFO: OperationInfo = OperationInfo::new(
        "get_openid_configuration",
        AuthClient::SERVICE,
        Method::GET,
        "/.well-known/openid-configuration",
    );

    /// The login clients ask for it too, at whatever address they speak to.
    pub(in crate::auth) fn of(client: &BaseClient) -> Self {
        Self { call: client.operation(&Self::INFO, Self::INFO.path).without_authorization() }
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// The service's error, the failure to reach it, or an answer that is not the document expected.
    pub async fn send(self) -> Result<Response<OpenIdConfiguration>> {
        self.call.send_document().await
    }
}
