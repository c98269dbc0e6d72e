use std::fmt;

use globus_core::{
    ClientBuilder, Error, RefreshToken, Result, Scopes, TokenGrants, TokenResponse, api_error::Service,
};
use uuid::Uuid;

use super::client::{AuthLoginClient, login_client};
use super::flow::StartFlow;
use super::native_app_instance::CreateNativeAppInstance;

/// The login client of a program that cannot keep a secret: one that people install. It proves each login
/// with a key of its own (PKCE).
///
/// ```no_run
/// # use globus_sdk::NativeAppAuthClient;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?;
/// let flow = client
///     .oauth2_start_flow("openid profile urn:globus:auth:scope:transfer.api.globus.org:all")
///     .refresh_tokens(true)
///     .start()?;
///
/// println!("Please go to this URL and log in: {}", flow.authorize_url()?);
/// let mut code = String::new();
/// std::io::stdin().read_line(&mut code)?;
///
/// let token_response = flow.oauth2_exchange_code_for_tokens(code.trim()).await?;
/// let by_rs = token_response.by_resource_server();
/// println!("{:?}", by_rs.get("transfer.api.globus.org"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NativeAppAuthClient {
    pub(crate) login: AuthLoginClient,
}

impl NativeAppAuthClient {
    /// A client for the environment of the `GLOBUS_SDK_*` variables.
    ///
    /// # Errors
    ///
    /// A usage error when a variable is not usable.
    pub fn new(client_id: impl fmt::Display) -> Result<Self> {
        Self::builder(client_id).build()
    }

    /// Sets up a client.
    pub fn builder(client_id: impl fmt::Display) -> ClientBuilder<Self> {
        let client_id = client_id.to_string();
        ClientBuilder::new(Service::Auth, Some("auth"), move |base| Self {
            login: AuthLoginClient { base, client_id: Some(client_id.clone()) },
        })
        .with_own_authorizer(None)
    }

    /// The client's id.
    pub fn client_id(&self) -> &str {
        self.login.client_id.as_deref().unwrap_or_default()
    }

    /// Starts a login: authorization code with proof key (RFC 6749, section 4.1; RFC 7636).
    ///
    /// The redirect goes to Globus Auth's own page, which shows the code for copying, unless
    /// [`redirect_uri`](StartFlow::redirect_uri) names another place.
    pub fn oauth2_start_flow(&self, requested_scopes: impl Into<Scopes>) -> StartFlow {
        StartFlow::native(self.login.clone(), requested_scopes.into())
    }

    /// Makes a client for this installation of the app, with a secret of its own, after the template that the
    /// app's developer registered. Sent without credentials.
    pub fn create_native_app_instance(
        &self,
        template_id: Uuid,
        name: impl AsRef<str>,
    ) -> CreateNativeAppInstance {
        CreateNativeAppInstance::new(&self.login.base, template_id, name.as_ref())
    }

    fn login(&self) -> &AuthLoginClient {
        &self.login
    }

    fn refresh_request(&self, refresh_token: &RefreshToken) -> super::TokenRequest {
        self.login.refresh_request(refresh_token).body_param("client_id", self.client_id())
    }
}

login_client!(NativeAppAuthClient);

impl TokenGrants for NativeAppAuthClient {
    async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenResponse> {
        self.refresh_request(refresh_token).send().await
    }

    async fn client_credentials(&self, _scopes: &Scopes) -> Result<TokenResponse> {
        Err(Error::usage(
            "a native app has no credentials of its own; use a ConfidentialAppAuthClient, or log a user in",
        ))
    }
}

impl fmt::Debug for NativeAppAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeAppAuthClient").field("client_id", &self.client_id()).finish_non_exhaustive()
    }
}
