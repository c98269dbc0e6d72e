use globus_core::call::OperationInfo;
use globus_core::{Call, ClientId, ClientSecret, Error, Result};
use http::Method;

use super::MANAGE_PROJECTS;
use crate::auth::login::send_secret;
use crate::auth::{AuthClient, ClientCredential, CreatedClientCredential};
use crate::operation::{body_setters, call_options};

impl AuthClient {
    /// Makes a secret for a client. Needs the scope `manage_projects`.
    ///
    /// It is not sent again once it may have been processed: each makes another secret. Where the answer was lost,
    /// the credential whose secret nobody knows is in
    /// [`get_client_credentials`](Self::get_client_credentials), and can be deleted.
    ///
    /// ```no_run
    /// # use globus_sdk::{AuthClient, ClientId, ConfidentialAppAuthClient};
    /// # async fn example(client: AuthClient, portal: ClientId) -> globus_sdk::Result<()> {
    /// let made = client.create_client_credential(portal, "second").send().await?;
    /// let portal_client = ConfidentialAppAuthClient::new(portal, &made.secret)?;
    /// # drop(portal_client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_client_credential(
        &self,
        client_id: impl Into<ClientId>,
        name: impl Into<String>,
    ) -> CreateClientCredential {
        let path = format!("/v2/api/clients/{}/credentials", client_id.into());
        let call = self.base.operation(&CreateClientCredential::INFO, path);
        CreateClientCredential { call }.field("name", name.into())
    }
}

/// `POST /v2/api/clients/{client_id}/credentials`. From
/// [`AuthClient::create_client_credential`](crate::AuthClient::create_client_credential).
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct CreateClientCredential {
    call: Call,
}

call_options!(CreateClientCredential);

impl CreateClientCredential {
    /// What is the same for every call of this operation.
    pub const INFO: OperationInfo = OperationInfo::new(
        "create_client_credential",
        AuthClient::SERVICE,
        Method::POST,
        "/v2/api/clients/{client_id}/credentials",
    )
    .needing(MANAGE_PROJECTS);

    body_setters! { ("credential") }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// The service's refusal, the failure to reach it, or an answer that holds no secret.
    pub async fn send(self) -> Result<CreatedClientCredential> {
        // The answer is read here and dropped: it holds the secret.
        let answer = send_secret(self.call).await?;
        let mut credential = answer.member::<ClientCredential>("credential")?.into_inner();
        let secret = credential.extra.remove("secret");
        match secret.as_ref().and_then(|secret| secret.as_str()).filter(|secret| !secret.is_empty()) {
            Some(secret) => Ok(CreatedClientCredential { secret: ClientSecret::new(secret), credential }),
            None => Err(Error::unexpected_answer(format!(
                "the credential {} was made, but the answer holds no secret; delete it and make another one",
                credential.id
            ))),
        }
    }
}
