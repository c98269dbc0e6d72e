use std::fmt;

use globus_core::{
    BasicAuthorizer, ClientBuilder, ClientSecret, ConfidentialGrants, RefreshToken, Result, Scopes,
    TokenGrants, TokenResponse, api_error::Service,
};
use http::Method;

use super::TokenRequest;
use super::client::{AuthLoginClient, login_client};
use super::dependent_tokens::GetDependentTokens;
use super::flow::StartFlow;
use super::introspect::IntrospectToken;

/// The login client of a program that can keep a secret: a service or a portal. It proves itself with its
/// id and secret.
///
/// ```no_run
/// # use globus_sdk::{ClientCredentialsAuthorizer, ConfidentialAppAuthClient, TransferClient};
/// # fn example(client_secret: &str) -> globus_sdk::Result<()> {
/// let client = ConfidentialAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2", client_secret)?;
/// let authorizer =
///     ClientCredentialsAuthorizer::new(&client, "urn:globus:auth:scope:transfer.api.globus.org:all")?;
/// let transfer_client = TransferClient::new(authorizer)?;
/// # let _ = transfer_client;
/// # Ok(())
/// # }
/// ```
///
/// It is not an [`AuthClient`](crate::AuthClient) with a [`BasicAuthorizer`], though its requests carry the
/// same header: the two have different methods.
#[derive(Clone)]
pub struct ConfidentialAppAuthClient {
    pub(crate) login: AuthLoginClient,
}

impl ConfidentialAppAuthClient {
    /// A client for the environment of the `GLOBUS_SDK_*` variables.
    ///
    /// # Errors
    ///
    /// A usage error when a variable is not usable.
    pub fn new(client_id: impl fmt::Display, client_secret: impl Into<ClientSecret>) -> Result<Self> {
        Self::builder(client_id, client_secret).build()
    }

    /// Sets up a client.
    pub fn builder(
        client_id: impl fmt::Display,
        client_secret: impl Into<ClientSecret>,
    ) -> ClientBuilder<Self> {
        let client_id = client_id.to_string();
        let authorizer = BasicAuthorizer::new(client_id.clone(), client_secret);
        ClientBuilder::new(Service::Auth, Some("auth"), move |base| Self {
            login: AuthLoginClient { base, client_id: Some(client_id.clone()) },
        })
        .with_own_authorizer(Some(authorizer.into()))
    }

    /// The client's id.
    pub fn client_id(&self) -> &str {
        self.login.client_id.as_deref().unwrap_or_default()
    }

    /// Starts a login of a user: authorization code (RFC 6749, section 4.1). The browser comes back to
    /// `redirect_uri`, which must be registered with the client.
    pub fn oauth2_start_flow(
        &self,
        redirect_uri: impl Into<String>,
        requested_scopes: impl Into<Scopes>,
    ) -> StartFlow {
        StartFlow::confidential(self.login.clone(), redirect_uri.into(), requested_scopes.into())
    }

    /// Asks for tokens as the client itself (RFC 6749, section 4.4).
    pub fn oauth2_client_credentials_tokens(&self, requested_scopes: impl Into<Scopes>) -> TokenRequest {
        self.login.token(vec![
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("scope".to_owned(), requested_scopes.into().as_str().to_owned()),
        ])
    }

    /// Trades a token that a caller presented to this service for tokens to act on the caller's behalf with
    /// the services that this one depends on. [`DependentTokens`](crate::auth::caller::DependentTokens) does it once per
    /// token, and keeps what came.
    ///
    /// ```no_run
    /// # use globus_sdk::ConfidentialAppAuthClient;
    /// # async fn example(client: ConfidentialAppAuthClient, presented: &str) -> globus_sdk::Result<()> {
    /// let tokens = client.oauth2_get_dependent_tokens(presented).refresh_tokens(true).send().await?;
    /// let for_transfer = tokens.by_resource_server().get("transfer.api.globus.org");
    /// # drop(for_transfer);
    /// # Ok(())
    /// # }
    /// ```
    pub fn oauth2_get_dependent_tokens(
        &self,
        token: impl Into<globus_core::AccessToken>,
    ) -> GetDependentTokens {
        GetDependentTokens::new(self.login.token(vec![
            ("grant_type".to_owned(), "urn:globus:auth:grant_type:dependent_token".to_owned()),
            ("token".to_owned(), token.into().expose().to_owned()),
        ]))
    }

    /// Asks what a token that a caller presented is worth (RFC 7662): whether it is good, whose it is, and for
    /// what. [`TokenChecker`](crate::auth::caller::TokenChecker) does it once per token, and judges the answer.
    ///
    /// The audience names the client that the token was given to, too: what follows is enough only for a service that
    /// logs nobody in itself.
    ///
    /// ```no_run
    /// # use globus_sdk::ConfidentialAppAuthClient;
    /// # async fn example(client: ConfidentialAppAuthClient, presented: &str) -> globus_sdk::Result<()> {
    /// let token = client.oauth2_token_introspect(presented).send().await?;
    /// let for_us = token.aud.iter().any(|audience| *audience == client.client_id());
    /// if token.active && for_us {
    ///     println!("{:?} calls", token.username);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn oauth2_token_introspect(&self, token: impl Into<globus_core::AccessToken>) -> IntrospectToken {
        let call = self.login.base.request(Method::POST, "/v2/oauth2/token/introspect");
        IntrospectToken::new(call, token.into().expose().to_owned())
    }

    fn login(&self) -> &AuthLoginClient {
        &self.login
    }

    fn refresh_request(&self, refresh_token: &RefreshToken) -> TokenRequest {
        self.login.refresh_request(refresh_token)
    }
}

login_client!(ConfidentialAppAuthClient);

impl TokenGrants for ConfidentialAppAuthClient {
    async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenResponse> {
        self.refresh_request(refresh_token).send().await
    }

    async fn client_credentials(&self, scopes: &Scopes) -> Result<TokenResponse> {
        self.oauth2_client_credentials_tokens(scopes).send().await
    }
}

impl ConfidentialGrants for ConfidentialAppAuthClient {}

impl fmt::Debug for ConfidentialAppAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfidentialAppAuthClient")
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}
