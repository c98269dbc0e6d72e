use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use crate::error::Result;
use crate::scope::Scopes;
use crate::secret::RefreshToken;
use crate::token::TokenResponse;

/// What a renewing authorizer asks of a login client: the two grants that need no person.
///
/// `NativeAppAuthClient` and `ConfidentialAppAuthClient` of `globus-sdk` implement it. Implement it to renew
/// tokens through something else, such as a vault.
///
/// The expiry in an answer is reckoned by the service's clock, which is said along with it
/// ([`TokenResponse::with_server_time`]), so that a machine whose clock is off renews neither late nor all the
/// time.
pub trait TokenGrants: Debug + Send + Sync + 'static {
    /// Trades a refresh token for a new access token (RFC 6749, section 6).
    ///
    /// # Errors
    ///
    /// The token endpoint's refusal, or the failure to reach it. An error for which
    /// [`Error::is_invalid_grant`](crate::Error::is_invalid_grant) holds means that the refresh token is dead.
    fn refresh(&self, refresh_token: &RefreshToken) -> impl Future<Output = Result<TokenResponse>> + Send;

    /// Asks for tokens as the client itself (RFC 6749, section 4.4).
    ///
    /// # Errors
    ///
    /// The token endpoint's refusal, or the failure to reach it.
    fn client_credentials(&self, scopes: &Scopes) -> impl Future<Output = Result<TokenResponse>> + Send;
}

/// Marks the login clients that have a secret, and so can use the client credentials grant.
pub trait ConfidentialGrants: TokenGrants {}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<TokenResponse>> + Send + 'a>>;

/// [`TokenGrants`] as it can stand behind a pointer.
pub(crate) trait DynTokenGrants: Debug + Send + Sync {
    fn refresh<'a>(&'a self, refresh_token: &'a RefreshToken) -> Pending<'a>;
    fn client_credentials<'a>(&'a self, scopes: &'a Scopes) -> Pending<'a>;
}

impl<G: TokenGrants> DynTokenGrants for G {
    fn refresh<'a>(&'a self, refresh_token: &'a RefreshToken) -> Pending<'a> {
        Box::pin(TokenGrants::refresh(self, refresh_token))
    }

    fn client_credentials<'a>(&'a self, scopes: &'a Scopes) -> Pending<'a> {
        Box::pin(TokenGrants::client_credentials(self, scopes))
    }
}
