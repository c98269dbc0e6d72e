use std::fmt::Display;
use std::ops::Deref;
use std::sync::Arc;

use globus_core::storage::{HasRefreshTokens, NotExpired, UnchangingIdentity};
use globus_core::{ClientSecret, Namespace, Result, TokenResponse};

use super::GlobusApp;
use super::builder::{Options, Resolved, app_options};
use super::parts::{Kind, Parts, UserLogin};
use crate::auth::{ConfidentialAppAuthClient, LoginClient, LoginError, NativeAppAuthClient};
use crate::gare::GlobusAuthorizationParameters;
use crate::login::{AutomaticLogin, LoginUi, NeverPrompt, SharedLoginUi, StartedLogin, named_grant};

/// An app in which a person logs in. See the [module](super) for an example.
///
/// All tokens are of one person: a login as somebody else is refused before anything is stored, until
/// [`logout`](GlobusApp::logout).
#[derive(Clone, Debug)]
pub struct UserApp(GlobusApp);

impl UserApp {
    /// An app with a client of the kind that people install, with everything else as it is by default.
    ///
    /// # Errors
    ///
    /// As [`UserAppBuilder::build`].
    pub fn new(app_name: impl Into<String>, client_id: impl Display) -> Result<Self> {
        Self::builder(app_name).client_id(client_id).build()
    }

    /// Sets up an app. The name stands in the path of its tokens, on the consent page, and in the `User-Agent`.
    pub fn builder(app_name: impl Into<String>) -> UserAppBuilder {
        UserAppBuilder {
            options: Options::new(app_name.into()),
            client_secret: None,
            login_ui: None,
            redirect_uri: None,
            refresh_tokens: false,
            prefill_named_grant: None,
        }
    }
}

impl UserApp {
    /// The same app for another person or account: with the tokens of another profile, and what clients have asked for so
    /// far. For portals, which have one for each user; it costs little.
    #[must_use]
    pub fn with_profile(&self, profile: impl Into<Namespace>) -> Self {
        Self(GlobusApp(self.0.0.with_profile(profile.into())))
    }

    /// Begins a login for everything that the app needs, to be finished by the program itself: now, or later and elsewhere
    /// (`StartedLogin::suspend`, with the feature `seal`). Nothing is sent.
    ///
    /// A portal sends the browser to [`authorize_url`](StartedLogin::authorize_url), and keeps
    /// [`state`](StartedLogin::state) in its session:
    ///
    /// ```no_run
    /// # async fn example(portal: globus_sdk::UserApp, user: &str, called: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let app = portal.with_profile(user);
    /// let login = app.begin_login(globus_sdk::GlobusAuthorizationParameters::default())?;
    /// // … the browser comes back with the address `called`:
    /// app.finish_login(login.finish(called).await?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoginError::Start`] when scopes cannot be read or the client is not usable.
    pub fn begin_login(
        &self,
        parameters: impl Into<GlobusAuthorizationParameters>,
    ) -> Result<StartedLogin, LoginError> {
        self.0.0.begin_login(&parameters.into())
    }

    /// Finishes a login with its tokens: verifies whose they are, and stores them. They may be those of
    /// [`begin_login`](Self::begin_login), also in another process.
    ///
    /// # Errors
    ///
    /// When the id token is not to be believed; when the tokens are somebody else's, lack what is needed, or cannot be
    /// stored. Tokens that are refused are revoked.
    pub async fn finish_login(&self, tokens: TokenResponse) -> Result<()> {
        self.0.0.finish_login(tokens).await
    }
}

impl Deref for UserApp {
    type Target = GlobusApp;

    fn deref(&self) -> &GlobusApp {
        &self.0
    }
}

impl From<&UserApp> for GlobusApp {
    fn from(app: &UserApp) -> Self {
        app.0.clone()
    }
}

/// Sets up a [`UserApp`]. A client is needed; the rest is optional.
#[must_use = "call build()"]
#[doc(alias = "GlobusAppConfig")]
pub struct UserAppBuilder {
    options: Options,
    client_secret: Option<ClientSecret>,
    login_ui: Option<SharedLoginUi>,
    redirect_uri: Option<String>,
    refresh_tokens: bool,
    prefill_named_grant: Option<String>,
}

app_options!(UserAppBuilder);

impl UserAppBuilder {
    /// The id under which the program is registered with Globus Auth.
    pub fn client_id(mut self, id: impl Display) -> Self {
        self.options.client_id = Some(id.to_string());
        self
    }

    /// The client's secret, where the program can keep one, such as a portal.
    pub fn client_secret(mut self, secret: impl Into<ClientSecret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// How people log in, in place of [`AutomaticLogin`]: the browser of this machine where there is one, else they open an
    /// address and copy a code.
    #[doc(alias = "login_flow_manager")]
    pub fn login_ui(mut self, login_ui: impl LoginUi) -> Self {
        self.login_ui = Some(Arc::new(login_ui));
        self
    }

    /// Never asks anybody to log in: calls that would need it fail, and
    /// [`is_login_required`](globus_core::Error::is_login_required) says so.
    pub fn never_prompt(self) -> Self {
        self.login_ui(NeverPrompt)
    }

    /// Where the browser goes with the code. A client with a secret needs it.
    #[doc(alias = "login_redirect_uri")]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Asks for refresh tokens and uses them, so that a login lasts until it is not used for half a year. False by default:
    /// then it lasts for two days.
    pub fn request_refresh_tokens(mut self, wanted: bool) -> Self {
        self.refresh_tokens = wanted;
        self
    }

    /// What the consent page calls the login at first, in place of the names of program and machine.
    pub fn prefill_named_grant(mut self, name: impl Into<String>) -> Self {
        self.prefill_named_grant = Some(name.into());
        self
    }

    /// The app. Nothing is sent or stored.
    ///
    /// # Errors
    ///
    /// A usage error: no client, or both an id and a login client; scopes that cannot be read; a client with a secret and
    /// without redirect; a name that gives no path; variables that are not usable.
    pub fn build(self) -> Result<UserApp> {
        use globus_core::Error;
        let template = self.options.template();
        let login_client: LoginClient = match (&self.options.login_client, &self.options.client_id) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("give either `client_id` or `login_client`, not both"));
            }
            (Some(_), None) if self.client_secret.is_some() => {
                return Err(Error::usage("a login client brings its own secret; do not give another"));
            }
            (Some(client), None) => client.clone(),
            (None, None) => return Err(super::handle::no_client_id()),
            (None, Some(id)) => match self.client_secret {
                Some(secret) if secret.is_empty() => {
                    return Err(Error::usage("the client's secret is empty"));
                }
                Some(secret) => {
                    ConfidentialAppAuthClient::builder(id, secret).like(&template).build()?.into()
                }
                None => NativeAppAuthClient::builder(id).like(&template).build()?.into(),
            },
        };
        if !login_client.is_native() && self.redirect_uri.is_none() {
            return Err(Error::usage(
                "a client with a secret needs a redirect that is registered with it; give it with `redirect_uri`",
            ));
        }
        let id_token_decoder =
            self.options.id_token_decoder.clone().unwrap_or_else(|| login_client.id_token_decoder());
        let (name, auto_redrive_gares) = (self.options.name.clone(), self.options.auto_redrive_gares);
        let Resolved { template, clock, requirements, storage } =
            self.options.resolve(&login_client, template)?;
        let refresh_tokens = self.refresh_tokens;
        let login = UserLogin {
            login_ui: self.login_ui.unwrap_or_else(|| Arc::new(AutomaticLogin::new())),
            refresh_tokens,
            redirect_uri: self.redirect_uri,
            prefill_named_grant: Some(self.prefill_named_grant.unwrap_or_else(|| named_grant(&name))),
        };
        let expiry = NotExpired::new().clock(clock.clone());
        Ok(UserApp(GlobusApp(Parts::new(
            name,
            Kind::User(login),
            login_client,
            id_token_decoder,
            template,
            clock,
            requirements,
            auto_redrive_gares,
            storage,
            Arc::new(move |storage, scopes| {
                let storage = if refresh_tokens {
                    storage.validator(HasRefreshTokens)
                } else {
                    storage.validator(expiry.clone())
                };
                storage.validator(scopes).validator(UnchangingIdentity)
            }),
        ))))
    }
}
