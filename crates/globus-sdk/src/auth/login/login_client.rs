use globus_core::{RefreshToken, Result, Scopes, TokenGrants, TokenResponse};

use super::{
    AuthLoginClient, ConfidentialAppAuthClient, NativeAppAuthClient, RevokeToken, StartFlow, TokenRequest,
};
use crate::auth::IdTokenDecoder;

/// Either of the clients that log people in, for what works with both.
///
/// ```
/// use globus_sdk::NativeAppAuthClient;
/// use globus_sdk::auth::LoginClient;
///
/// # fn example() -> globus_sdk::Result<()> {
/// let login_client = LoginClient::from(NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?);
/// assert!(login_client.is_native());
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoginClient {
    /// A program that people install.
    Native(NativeAppAuthClient),
    /// A program with a secret.
    Confidential(ConfidentialAppAuthClient),
}

impl LoginClient {
    /// The client's id.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Native(client) => client.client_id(),
            Self::Confidential(client) => client.client_id(),
        }
    }

    /// Whether it is a native client: one without a secret, whose browser may come back to any port of this machine.
    pub fn is_native(&self) -> bool {
        matches!(self, Self::Native(_))
    }

    /// Starts a login. A confidential client needs a redirect that is registered with it; a native one uses Globus Auth's
    /// own page without.
    pub fn oauth2_start_flow(
        &self,
        redirect_uri: Option<&str>,
        requested_scopes: impl Into<Scopes>,
    ) -> StartFlow {
        match (self, redirect_uri) {
            (Self::Native(client), None) => client.oauth2_start_flow(requested_scopes),
            (Self::Native(client), Some(uri)) => client.oauth2_start_flow(requested_scopes).redirect_uri(uri),
            (Self::Confidential(client), uri) => {
                client.oauth2_start_flow(uri.unwrap_or_default(), requested_scopes)
            }
        }
    }

    /// Makes a token useless (RFC 7009). A refresh token takes its access tokens with it.
    pub fn oauth2_revoke_token(&self, token: impl Into<String>) -> RevokeToken {
        match self {
            Self::Native(client) => client.oauth2_revoke_token(token),
            Self::Confidential(client) => client.oauth2_revoke_token(token),
        }
    }

    /// Trades a refresh token for a new access token (RFC 6749, section 6).
    pub fn oauth2_refresh_token(&self, refresh_token: impl Into<RefreshToken>) -> TokenRequest {
        match self {
            Self::Native(client) => client.oauth2_refresh_token(refresh_token),
            Self::Confidential(client) => client.oauth2_refresh_token(refresh_token),
        }
    }

    /// A decoder for the id tokens of this client's logins.
    pub fn id_token_decoder(&self) -> IdTokenDecoder {
        match self {
            Self::Native(client) => IdTokenDecoder::new(client),
            Self::Confidential(client) => IdTokenDecoder::new(client),
        }
    }

    pub(crate) fn login(&self) -> &AuthLoginClient {
        match self {
            Self::Native(client) => &client.login,
            Self::Confidential(client) => &client.login,
        }
    }
}

impl From<NativeAppAuthClient> for LoginClient {
    fn from(client: NativeAppAuthClient) -> Self {
        Self::Native(client)
    }
}

impl From<ConfidentialAppAuthClient> for LoginClient {
    fn from(client: ConfidentialAppAuthClient) -> Self {
        Self::Confidential(client)
    }
}

impl From<&Self> for LoginClient {
    fn from(client: &Self) -> Self {
        client.clone()
    }
}

impl From<&NativeAppAuthClient> for LoginClient {
    fn from(client: &NativeAppAuthClient) -> Self {
        Self::Native(client.clone())
    }
}

impl From<&ConfidentialAppAuthClient> for LoginClient {
    fn from(client: &ConfidentialAppAuthClient) -> Self {
        Self::Confidential(client.clone())
    }
}

impl TokenGrants for LoginClient {
    async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenResponse> {
        match self {
            Self::Native(client) => client.refresh(refresh_token).await,
            Self::Confidential(client) => client.refresh(refresh_token).await,
        }
    }

    async fn client_credentials(&self, scopes: &Scopes) -> Result<TokenResponse> {
        match self {
            Self::Native(client) => client.client_credentials(scopes).await,
            Self::Confidential(client) => client.client_credentials(scopes).await,
        }
    }
}
