use globus_core::call::OperationInfo;
use globus_core::{BaseClient, Call, IdentityProviderId, ProjectId, Response, Result};
use http::Method;

use super::MANAGE_PROJECTS;
use super::update_client::links;
use crate::auth::{
    AuthClient, ClientKind, ClientVisibility, ConfidentialAppAuthClient, RegisteredClient,
};
use crate::operation::{body_setters, call_options};

impl AuthClient {
    /// Registers a client in a project. Needs the scope `manage_projects`. A client that proves itself then gets
    /// a secret with [`create_client_credential`](Self::create_client_credential).
    ///
    /// It is not sent again once it may have been processed: each makes another client.
    ///
    /// ```no_run
    /// # use globus_sdk::{AuthClient, ProjectId};
    /// use globus_sdk::auth::ClientType;
    ///
    /// # async fn example(client: AuthClient, project: ProjectId) -> globus_sdk::Result<()> {
    /// let portal = client
    ///     .create_client("Data portal", project, ClientType::ConfidentialClient)
    ///     .redirect_uris(["https://portal.example.org/callback"])
    ///     .send()
    ///     .await?;
    /// let credential = client.create_client_credential(portal.id, "first").send().await?;
    /// # drop(credential);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_client(
        &self,
        name: impl Into<String>,
        project: impl Into<ProjectId>,
        kind: impl Into<ClientKind>,
    ) -> CreateClient {
        CreateClient::new(&self.base, name.into(), kind.into()).field("project", project.into())
    }
}

impl ConfidentialAppAuthClient {
    /// Registers a client that belongs to this one, and is in no project. Otherwise as
    /// [`AuthClient::create_client`].
    pub fn create_child_client(&self, name: impl Into<String>, kind: impl Into<ClientKind>) -> CreateClient {
        CreateClient::new(&self.login.base, name.into(), kind.into())
    }
}

/// `POST /v2/api/clients`. From [`AuthClient::create_client`](crate::AuthClient::create_client) or
/// [`ConfidentialAppAuthClient::create_child_client`](crate::ConfidentialAppAuthClient::create_child_client).
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct CreateClient {
    call: Call,
}

call_options!(CreateClient);

impl CreateClient {
    /// What is the same for every call of this operation.
    pub const INFO: OperationInfo =
        OperationInfo::new("create_client", AuthClient::SERVICE, Method::POST, "/v2/api/clients")
            .needing(MANAGE_PROJECTS);

    fn new(base: &BaseClient, name: String, kind: ClientKind) -> Self {
        let new = Self { call: base.operation(&Self::INFO, Self::INFO.path) }.field("name", name);
        match kind {
            ClientKind::Type(client_type) => new.field("client_type", client_type),
            ClientKind::Public => new.field("public_client", true),
            ClientKind::Confidential => new.field("public_client", false),
        }
    }

    body_setters! {
        ("client")
        /// Who may see it.
        visibility: (ClientVisibility),
        /// The addresses to which a login may go back.
        redirect_uris: [String],
        /// The identity provider that people must log in with.
        required_idp: (IdentityProviderId),
        /// The identity provider that the login proposes.
        preselect_idp: (IdentityProviderId),
    }

    /// The addresses of the terms and conditions and of the privacy policy. A client has both or neither.
    pub fn links(self, terms_and_conditions: impl Into<String>, privacy_policy: impl Into<String>) -> Self {
        self.field("links", links(terms_and_conditions.into(), privacy_policy.into()))
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// The service's error, the failure to reach it, or an answer that is not a client. See
    /// [`Error`](globus_core::Error) for what to do about each.
    pub async fn send(self) -> Result<Response<RegisteredClient>> {
        self.call.send_member("client").await
    }
}
