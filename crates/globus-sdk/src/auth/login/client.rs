use std::fmt;

use globus_core::api_error::Service;
use globus_core::{BaseClient, ClientBuilder, RefreshToken, Result};
use http::Method;

use super::requests::{RevokeToken, TokenRequest};

/// The base of the login clients: the token endpoint without any knowledge of who the client is.
///
/// Use [`NativeAppAuthClient`](super::NativeAppAuthClient) or
/// [`ConfidentialAppAuthClient`](super::ConfidentialAppAuthClient); this one is for services that only
/// discover and forward.
#[derive(Clone)]
pub struct AuthLoginClient {
    pub(crate) base: BaseClient,
    pub(crate) client_id: Option<String>,
}

impl AuthLoginClient {
    /// A client for the environment of the `GLOBUS_SDK_*` variables.
    ///
    /// # Errors
    ///
    /// A usage error when a variable is not usable.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Sets up a client.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Service::Auth, Some("auth"), |base| Self { base, client_id: None })
    }

    /// The same client, knowing its id.
    #[must_use]
    pub fn with_client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }
}

/// The methods that every login client has. The type has `login()`, its base, and `refresh_request()`.
macro_rules! login_client {
    ($name:ident) => {
        impl $name {
            /// Reads the service's description of itself (OpenID Connect Discovery). Sent without
            /// credentials.
            pub fn get_openid_configuration(&self) -> $crate::auth::GetOpenIdConfiguration {
                $crate::auth::GetOpenIdConfiguration::of(&self.login().base)
            }

            /// Reads the keys that sign id tokens. Sent without credentials.
            pub fn get_jwk(&self) -> $crate::auth::GetJwk {
                $crate::auth::GetJwk::of(&self.login().base)
            }

            /// Asks the token endpoint with a form of your own (RFC 6749, section 3.2).
            pub fn oauth2_token<N, V>(
                &self,
                form: impl IntoIterator<Item = (N, V)>,
            ) -> $crate::auth::TokenRequest
            where
                N: Into<String>,
                V: Into<String>,
            {
                let form = form.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
                self.login().token(form)
            }

            /// Trades a refresh token for a new access token (RFC 6749, section 6).
            pub fn oauth2_refresh_token(
                &self,
                refresh_token: impl Into<globus_core::RefreshToken>,
            ) -> $crate::auth::TokenRequest {
                self.refresh_request(&refresh_token.into())
            }

            /// Makes a token useless (RFC 7009). A refresh token takes its access tokens with it.
            pub fn oauth2_revoke_token(&self, token: impl Into<String>) -> $crate::auth::RevokeToken {
                self.login().revoke(token.into())
            }

            /// A request to Globus Auth that has no method of its own.
            pub fn request(&self, method: http::Method, path: impl Into<String>) -> globus_core::Call {
                self.login().base.request(method, path)
            }
        }
    };
}

pub(super) use login_client;

login_client!(AuthLoginClient);

impl AuthLoginClient {
    fn login(&self) -> &Self {
        self
    }

    pub(super) fn token(&self, form: Vec<(String, String)>) -> TokenRequest {
        TokenRequest::new(self.base.request(Method::POST, "/v2/oauth2/token"), form)
    }

    pub(super) fn refresh_request(&self, refresh_token: &RefreshToken) -> TokenRequest {
        self.token(vec![
            ("refresh_token".to_owned(), refresh_token.expose().to_owned()),
            ("grant_type".to_owned(), "refresh_token".to_owned()),
        ])
    }

    pub(super) fn revoke(&self, token: String) -> RevokeToken {
        let mut form = vec![("token".to_owned(), token)];
        // A client that does not prove itself says at least who it is.
        if let (Some(client_id), None) = (&self.client_id, self.base.authorizer()) {
            form.push(("client_id".to_owned(), client_id.clone()));
        }
        RevokeToken::new(self.base.request(Method::POST, "/v2/oauth2/token/revoke"), form)
    }
}

impl fmt::Debug for AuthLoginClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLoginClient")
            .field("client_id", &self.client_id)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
