use std::fmt;

use globus_core::{AuthorizationCode, Shown, TokenResponse};
use url::Url;

use crate::auth::{AuthorizationFlow, LoginClient, LoginError};
use crate::gare::GlobusAuthorizationParameters;

/// What a login is for: who asks, and for what. Given to a [`LoginUi`](super::LoginUi).
#[derive(Clone, Debug)]
pub struct LoginRequest {
    login_client: LoginClient,
    parameters: GlobusAuthorizationParameters,
    refresh_tokens: bool,
    redirect_uri: Option<String>,
    prefill_named_grant: Option<String>,
}

impl LoginRequest {
    /// A login of this client, for the scopes and under the conditions of these parameters. Scopes must be among them.
    pub fn new(
        login_client: impl Into<LoginClient>,
        parameters: impl Into<GlobusAuthorizationParameters>,
    ) -> Self {
        Self {
            login_client: login_client.into(),
            parameters: parameters.into(),
            refresh_tokens: false,
            redirect_uri: None,
            prefill_named_grant: None,
        }
    }

    /// Asks for refresh tokens too. False by default.
    #[must_use]
    pub fn refresh_tokens(mut self, wanted: bool) -> Self {
        self.refresh_tokens = wanted;
        self
    }

    /// Where the browser goes with the code, in place of what the user interface or Globus Auth would choose.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// What the consent page calls this login at first, such as the names of the program and the machine, as
    /// [`named_grant`](super::named_grant) makes it. Native apps only.
    #[must_use]
    pub fn prefill_named_grant(mut self, name: impl Into<String>) -> Self {
        self.prefill_named_grant = Some(name.into());
        self
    }

    /// The client that asks.
    pub fn login_client(&self) -> &LoginClient {
        &self.login_client
    }

    /// What is asked for.
    pub fn parameters(&self) -> &GlobusAuthorizationParameters {
        &self.parameters
    }

    /// Where the browser must go, if that is fixed.
    pub fn fixed_redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    /// Starts the login. The browser goes to the fixed redirect if there is one, else to Globus Auth's own page, which
    /// shows the code for copying. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`LoginError::Start`] when no scope is asked for, or a confidential client has no redirect.
    pub fn start(&self) -> Result<StartedLogin, LoginError> {
        self.start_towards(self.redirect_uri.as_deref())
    }

    /// Starts the login with a redirect of the user interface's own.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with_redirect(&self, redirect_uri: &str) -> Result<StartedLogin, LoginError> {
        self.start_towards(Some(redirect_uri))
    }

    /// What the service says to the person, fit to be shown in one line.
    pub(super) fn message(&self) -> Option<String> {
        let message = Shown::new(self.parameters.session_message.as_deref()?.trim(), 300).to_string();
        let message = message.trim();
        (!message.is_empty()).then(|| message.to_owned())
    }

    fn start_towards(&self, redirect_uri: Option<&str>) -> Result<StartedLogin, LoginError> {
        let scopes = self.parameters.scopes_to_request();
        let mut start =
            self.login_client.oauth2_start_flow(redirect_uri, scopes).refresh_tokens(self.refresh_tokens);
        if let (Some(name), true) = (&self.prefill_named_grant, self.login_client.is_native()) {
            start = start.prefill_named_grant(name);
        }
        let flow = start.start().map_err(LoginError::Start)?;
        let authorize_url = flow
            .oauth2_get_authorize_url()
            .authorization_parameters(&self.parameters)
            .url()
            .map_err(LoginError::Start)?;
        Ok(StartedLogin { flow, authorize_url })
    }
}

/// A login that waits for the person.
pub struct StartedLogin {
    flow: AuthorizationFlow,
    authorize_url: Url,
}

impl StartedLogin {
    #[cfg(feature = "seal")]
    pub(super) fn again(flow: AuthorizationFlow, authorize_url: Url) -> Self {
        Self { flow, authorize_url }
    }

    /// The address that the person opens to log in, with all conditions.
    pub fn authorize_url(&self) -> &Url {
        &self.authorize_url
    }

    /// The random text that ties the redirect to this login. A portal keeps it in the session of the browser.
    pub fn state(&self) -> &str {
        self.flow.state()
    }

    /// The login's own state and proof key.
    pub fn flow(&self) -> &AuthorizationFlow {
        &self.flow
    }

    /// Ends the login with what the person brings: the code, or the whole address that the browser was sent to. Blanks
    /// around it do not matter.
    ///
    /// # Errors
    ///
    /// [`LoginError::StateMismatch`] when the address is another login's; then nothing is sent and the login goes on.
    /// Otherwise as [`AuthorizationFlow::finish`].
    pub async fn finish(&self, code_or_address: &str) -> Result<TokenResponse, LoginError> {
        self.exchange(self.flow.code_from_pasted(code_or_address)?).await
    }

    pub(super) async fn exchange(&self, code: AuthorizationCode) -> Result<TokenResponse, LoginError> {
        self.flow.oauth2_exchange_code_for_tokens(code).await.map_err(LoginError::Exchange)
    }
}

/// The address holds no secret that is any good without the proof key, but is nobody else's business either.
impl fmt::Debug for StartedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartedLogin").field("flow", &self.flow).finish_non_exhaustive()
    }
}
