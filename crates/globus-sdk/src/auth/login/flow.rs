//! One login: from the address that the person opens to the tokens.

use std::fmt;

use globus_core::{AuthorizationCode, CodeVerifier, Error, Result, Scopes, Shown, TokenResponse};
use url::Url;

use crate::gare::GlobusAuthorizationParameters;

use super::client::AuthLoginClient;
use super::error::LoginError;
use super::pkce;

/// Where Globus Auth shows the code for copying.
const CODE_PAGE: &str = "/v2/web/auth-code";

/// A login about to start. From `oauth2_start_flow` of a login client.
#[must_use = "call start()"]
pub struct StartFlow {
    login: AuthLoginClient,
    scopes: Scopes,
    redirect_uri: Option<String>,
    state: Option<String>,
    refresh_tokens: bool,
    native: bool,
    verifier: Option<CodeVerifier>,
    prefill_named_grant: Option<String>,
}

impl StartFlow {
    pub(super) fn native(login: AuthLoginClient, scopes: Scopes) -> Self {
        Self {
            login,
            scopes,
            redirect_uri: None,
            state: None,
            refresh_tokens: false,
            native: true,
            verifier: None,
            prefill_named_grant: None,
        }
    }

    pub(super) fn confidential(login: AuthLoginClient, redirect_uri: String, scopes: Scopes) -> Self {
        Self { native: false, redirect_uri: Some(redirect_uri), ..Self::native(login, scopes) }
    }

    /// Where the browser goes with the code. An empty text means Globus Auth's own page.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Uses this `state` in place of a random one. It must be hard to guess, and used once.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// Asks for refresh tokens too, so that the login outlives the access tokens. False by default.
    pub fn refresh_tokens(mut self, wanted: bool) -> Self {
        self.refresh_tokens = wanted;
        self
    }

    /// Uses this proof key in place of a random one. Native apps only.
    pub fn verifier(mut self, verifier: impl Into<CodeVerifier>) -> Self {
        self.verifier = Some(verifier.into());
        self
    }

    /// What the consent page calls this login at first, such as the name of the machine.
    pub fn prefill_named_grant(mut self, name: impl Into<String>) -> Self {
        self.prefill_named_grant = Some(name.into());
        self
    }

    /// The login, with a fresh random `state` and, for native apps, a fresh proof key. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A usage error when no scope is asked for, the client id is empty, a confidential client names no
    /// redirect, or the given proof key does not follow RFC 7636.
    pub fn start(self) -> Result<AuthorizationFlow> {
        let client_id = self.login.client_id.clone().filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::usage("the client id is empty; register a client with Globus Auth and give its id")
        })?;
        if self.scopes.is_empty() {
            return Err(Error::usage("name at least one scope to log in for"));
        }
        let redirect_uri = match self.redirect_uri.filter(|uri| !uri.is_empty()) {
            Some(uri) => uri,
            None if self.native => {
                globus_core::config::url::join(self.login.base.base_url().as_str(), CODE_PAGE)
            }
            None => return Err(Error::usage("name the address that the browser comes back to")),
        };
        let verifier = match (self.native, self.verifier) {
            (true, Some(verifier)) => {
                pkce::check(&verifier)?;
                Some(verifier)
            }
            (true, None) => Some(pkce::generate()?),
            (false, None) => None,
            (false, Some(_)) => return Err(Error::usage("a confidential client's login has no proof key")),
        };
        Ok(AuthorizationFlow {
            client_id,
            redirect_uri,
            // 128 random bits.
            state: self.state.map_or_else(pkce::random_text::<16>, Ok)?,
            scopes: self.scopes,
            refresh_tokens: self.refresh_tokens,
            verifier,
            prefill_named_grant: self.prefill_named_grant,
            login: self.login,
        })
    }
}

impl fmt::Debug for StartFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartFlow")
            .field("client_id", &self.login.client_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// A login that has started: it knows its own `state` and proof key, and belongs to nobody else. Several can
/// run beside each other.
///
/// 1. Send the person to [`authorize_url`](Self::authorize_url).
/// 2. Where the browser comes back to the program, give the address it came with to
///    [`finish`](Self::finish), which checks the `state`. Where the person copies a code, give that to
///    [`oauth2_exchange_code_for_tokens`](Self::oauth2_exchange_code_for_tokens).
pub struct AuthorizationFlow {
    pub(super) login: AuthLoginClient,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: String,
    pub(super) scopes: Scopes,
    pub(super) refresh_tokens: bool,
    pub(super) verifier: Option<CodeVerifier>,
    pub(super) prefill_named_grant: Option<String>,
}

impl AuthorizationFlow {
    /// The address that the person opens to log in.
    ///
    /// # Errors
    ///
    /// A usage error when the client's base address cannot carry it.
    #[doc(alias = "oauth2_get_authorize_url")]
    pub fn authorize_url(&self) -> Result<Url> {
        self.oauth2_get_authorize_url().url()
    }

    /// The address that the person opens to log in, with conditions on the session.
    pub fn oauth2_get_authorize_url(&self) -> AuthorizeUrl<'_> {
        AuthorizeUrl { flow: self, parameters: Vec::new(), scopes: Scopes::from("") }
    }

    /// The random text that ties the redirect to this login.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Where the browser goes with the code.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Takes the code from the address that the browser came back with, after checking that it belongs to
    /// this login. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`LoginError::StateMismatch`], [`LoginError::Refused`], [`LoginError::NoCode`] or
    /// [`LoginError::NotAnAddress`]. A mismatch must not end the login: the right redirect may still come.
    pub fn code_from(&self, redirected: &str) -> Result<AuthorizationCode, LoginError> {
        let url = Url::parse(redirected.trim()).map_err(|_| LoginError::NotAnAddress)?;
        let parameter = |name: &str| {
            url.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
        };
        // Compared as secrets are, so that the time it takes tells nothing.
        let state = CodeVerifier::new(parameter("state").unwrap_or_default());
        if state != CodeVerifier::new(self.state.as_str()) {
            return Err(LoginError::StateMismatch);
        }
        if let Some(error) = parameter("error") {
            let shown = |text: &str| Shown::new(text, 300).to_string();
            return Err(LoginError::Refused {
                error: shown(&error),
                description: parameter("error_description").map(|text| shown(&text)),
            });
        }
        parameter("code")
            .filter(|code| !code.is_empty())
            .map(AuthorizationCode::new)
            .ok_or(LoginError::NoCode)
    }

    /// Takes the code from what a person pasted: the bare code, or the whole address that the browser was sent to, in
    /// which case its `state` is checked. Blanks around it do not matter. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As [`code_from`](Self::code_from); [`LoginError::NoCode`] when nothing was pasted.
    pub fn code_from_pasted(&self, pasted: &str) -> Result<AuthorizationCode, LoginError> {
        let pasted = pasted.trim();
        if pasted.contains("://") {
            return self.code_from(pasted);
        }
        // A code is one word. More than that was copied from around it.
        match pasted.split_whitespace().count() {
            1 => Ok(AuthorizationCode::new(pasted)),
            _ => Err(LoginError::NoCode),
        }
    }

    /// Ends the login with the address that the browser came back with: checks the `state` and exchanges the
    /// code.
    ///
    /// # Errors
    ///
    /// As [`code_from`](Self::code_from), and [`LoginError::Exchange`].
    pub async fn finish(&self, redirected: &str) -> Result<TokenResponse, LoginError> {
        let code = self.code_from(redirected)?;
        self.oauth2_exchange_code_for_tokens(code).await.map_err(LoginError::Exchange)
    }

    /// Exchanges a code that the person copied (RFC 6749, section 4.1.3). A code is good once: after a
    /// failure, start a new login.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid_grant`] when the code is wrong, used or too old.
    pub async fn oauth2_exchange_code_for_tokens(
        &self,
        auth_code: impl Into<AuthorizationCode>,
    ) -> Result<TokenResponse> {
        let mut form = Vec::new();
        let mut field = |name: &str, value: &str| form.push((name.to_owned(), value.to_owned()));
        if let Some(verifier) = &self.verifier {
            field("client_id", &self.client_id);
            field("code_verifier", verifier.expose());
        }
        field("grant_type", "authorization_code");
        field("code", auth_code.into().expose());
        field("redirect_uri", &self.redirect_uri);
        self.login.token(form).send().await
    }
}

impl fmt::Debug for AuthorizationFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationFlow")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// The address of a login with conditions on the session, under construction.
#[must_use = "call url()"]
pub struct AuthorizeUrl<'a> {
    flow: &'a AuthorizationFlow,
    parameters: Vec<(String, String)>,
    /// Asked for beside those of the flow.
    scopes: Scopes,
}

/// Setters for comma-joined lists; an empty list is not sent.
macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $($(#[$doc])*
        pub fn $name<T: AsRef<str>>(self, values: impl IntoIterator<Item = T>) -> Self {
            let values: Vec<String> = values.into_iter().map(|value| value.as_ref().to_owned()).collect();
            let joined = values.join(",");
            if joined.is_empty() { self } else { self.query_param(stringify!($name), joined) }
        })*
    };
}

impl AuthorizeUrl<'_> {
    lists! {
        /// Identities that must have logged in during the session.
        session_required_identities,
        /// Domains, of which an identity must have logged in.
        session_required_single_domain,
        /// Policies that the session must satisfy.
        session_required_policies,
    }

    /// Whether the session must have used more than one factor.
    pub fn session_required_mfa(self, required: bool) -> Self {
        // The spelling of the Python SDK, which is known to be accepted.
        self.query_param("session_required_mfa", if required { "True" } else { "False" })
    }

    /// What the login page says.
    pub fn session_message(self, message: impl Into<String>) -> Self {
        self.query_param("session_message", message)
    }

    /// `login` makes the person log in again even if a session exists.
    pub fn prompt(self, prompt: impl Into<String>) -> Self {
        self.query_param("prompt", prompt)
    }

    /// Asks for all that a service requires of the login. Its scopes are asked for beside those of the flow; what it
    /// leaves open stays as it was set before.
    pub fn authorization_parameters(mut self, parameters: &GlobusAuthorizationParameters) -> Self {
        self.scopes = Scopes::from([self.scopes, parameters.scopes_to_request()]);
        if let Some(message) = &parameters.session_message {
            self = self.session_message(message);
        }
        if let Some(identities) = &parameters.session_required_identities {
            self = self.session_required_identities(identities);
        }
        if let Some(policies) = &parameters.session_required_policies {
            self = self.session_required_policies(policies);
        }
        if let Some(domains) = &parameters.session_required_single_domain {
            self = self.session_required_single_domain(domains);
        }
        if let Some(required) = parameters.session_required_mfa {
            self = self.session_required_mfa(required);
        }
        if let Some(prompt) = &parameters.prompt {
            self = self.prompt(prompt);
        }
        self
    }

    /// Sets any parameter, in place of one of that name.
    #[doc(alias = "query_params")]
    pub fn query_param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.parameters.retain(|(other, _)| *other != name);
        self.parameters.push((name, value.into()));
        self
    }

    /// The address.
    ///
    /// # Errors
    ///
    /// A usage error when the client's base address cannot carry it, or when scopes that
    /// [`authorization_parameters`](Self::authorization_parameters) ask for cannot be read.
    pub fn url(self) -> Result<Url> {
        let flow = self.flow;
        let scopes = if self.scopes.is_empty() {
            flow.scopes.clone()
        } else {
            flow.scopes.merge(&self.scopes).map_err(|error| {
                Error::usage(format!(
                    "the scopes that the login is required to ask for cannot be read: {error}"
                ))
            })?
        };
        let mut parameters = vec![
            ("client_id".to_owned(), flow.client_id.clone()),
            ("redirect_uri".to_owned(), flow.redirect_uri.clone()),
            ("scope".to_owned(), scopes.as_str().to_owned()),
            ("state".to_owned(), flow.state.clone()),
            ("response_type".to_owned(), "code".to_owned()),
            ("access_type".to_owned(), if flow.refresh_tokens { "offline" } else { "online" }.to_owned()),
        ];
        if let Some(verifier) = &flow.verifier {
            parameters.push(("code_challenge".to_owned(), pkce::challenge(verifier)));
            parameters.push(("code_challenge_method".to_owned(), "S256".to_owned()));
        }
        if let Some(name) = &flow.prefill_named_grant {
            parameters.push(("prefill_named_grant".to_owned(), name.clone()));
        }
        parameters.retain(|(name, _)| self.parameters.iter().all(|(other, _)| other != name));
        parameters.extend(self.parameters);
        let mut url =
            globus_core::config::url::request_url(flow.login.base.base_url(), "/v2/oauth2/authorize")?;
        url.query_pairs_mut().extend_pairs(parameters);
        Ok(url)
    }
}

impl fmt::Debug for AuthorizeUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeUrl").field("flow", &self.flow).finish_non_exhaustive()
    }
}
