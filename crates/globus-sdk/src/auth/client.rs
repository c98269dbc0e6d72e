use std::fmt;

use globus_core::api_error::Service;
use globus_core::{Authorizer, BaseClient, Call, ClientBuilder, Result};
use http::Method;

/// The client of Globus Auth for somebody who has logged in: who am I, who is that.
///
/// It does no logins; that is what [`NativeAppAuthClient`](super::NativeAppAuthClient) and
/// [`ConfidentialAppAuthClient`](super::ConfidentialAppAuthClient) are for.
///
/// ```no_run
/// use globus_sdk::{AccessTokenAuthorizer, AuthClient};
///
/// # async fn example(auth_access_token: &str) -> globus_sdk::Result<()> {
/// // note that we don't provide the client ID in this case
/// // if you're using an Access Token you can't do the OAuth2 flows
/// let auth_client = AuthClient::new(AccessTokenAuthorizer::new(auth_access_token))?;
/// let me = auth_client.userinfo().send().await?;
/// println!("{} is {:?}", me.sub, me.preferred_username);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AuthClient {
    pub(super) base: BaseClient,
    app: Option<crate::GlobusApp>,
}

impl AuthClient {
    pub(super) const SERVICE: Service = Service::Auth;
    /// Of the operations that need no other.
    pub(super) const SCOPE: &'static str = "openid";

    /// A client with this authorizer, for the environment of the `GLOBUS_SDK_*` variables.
    ///
    /// # Errors
    ///
    /// A usage error when a variable is not usable.
    pub fn new(authorizer: impl Into<Authorizer>) -> Result<Self> {
        Self::builder().authorizer(authorizer).build()
    }

    /// Sets up a client.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Self::SERVICE, Some("auth"), |base| Self { base, app: None })
    }

    /// A request to Globus Auth that has no method of its own.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Call {
        self.base.request(method, path)
    }
}

crate::app::service_client!(AuthClient, AuthScopes);

impl fmt::Debug for AuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthClient").field("base", &self.base).finish_non_exhaustive()
    }
}
