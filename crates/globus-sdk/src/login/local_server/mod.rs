//! A login by the browser of this machine, which comes back to a port of this machine.

mod page;
mod server;

use std::future::pending;
use std::io::Write;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use globus_core::TokenResponse;
use globus_core::config::Variables;

use self::server::{Outcome, Port, Server};
use super::browser::{Browser, Choice};
use super::screen::Screen;
use super::{LoginRequest, LoginUi, StartedLogin};
use crate::auth::{LoginError, Unsuitable};

/// How long a person may take.
const TIME_LIMIT: Duration = Duration::from_secs(3600);

/// How long opening a browser may take.
const BROWSER_LIMIT: Duration = Duration::from_secs(15);

/// A login by the browser of this machine: opens it, and gets the code from it without any copying.
///
/// The browser comes back to a port of `127.0.0.1`, which is open for as long as the login takes. Only a request with the
/// login's own `state` means anything there; whatever else comes is not found, and never ends the login. The port is closed
/// however the login ends, also when its future is dropped.
///
/// ```no_run
/// use globus_sdk::login::{LocalServerLogin, LoginRequest, LoginUi, PasteLogin};
/// # use globus_sdk::{GlobusAuthorizationParameters, NativeAppAuthClient};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?;
/// let request =
///     LoginRequest::new(client, GlobusAuthorizationParameters::default().required_scopes("openid"));
/// let tokens = match LocalServerLogin::new().log_in(&request).await {
///     // What `AutomaticLogin` does too.
///     Err(error) if error.unsuitable().is_some() => PasteLogin::new().log_in(&request).await?,
///     done => done?,
/// };
/// # let _ = tokens;
/// # Ok(())
/// # }
/// ```
///
/// It is refused as [`LoginError::Unsuitable`] in SSH sessions, for a fixed redirect, for confidential clients, and where
/// there is no browser. The address is written to the standard error output, so that a person whose browser shows nothing
/// can open it by hand.
///
/// Other users of the machine can see the address, with the `state` of the login, in the list of processes. It is no
/// use for getting at tokens, as these need the proof key, which stays here. But somebody could answer in the person's
/// place, and have them work with another account: check who has logged in where that matters.
#[doc(alias = "LocalServerLoginFlowManager")]
#[derive(Clone, Debug)]
pub struct LocalServerLogin {
    browser: Browser,
    time_limit: Duration,
    end_on_ctrl_c: bool,
    variables: Variables,
    screen: Screen,
}

impl LocalServerLogin {
    /// A login by the person's usual browser.
    pub fn new() -> Self {
        Self {
            browser: Browser::default(),
            time_limit: TIME_LIMIT,
            end_on_ctrl_c: false,
            variables: Variables::process(),
            screen: Screen::stderr(),
        }
    }

    /// Opens the address with this.
    #[must_use]
    pub fn browser(mut self, browser: Browser) -> Self {
        self.browser = browser;
        self
    }

    /// How long to wait for the browser to come back, by real time; an hour by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Whether Ctrl-C ends the login with [`LoginError::Cancelled`], in place of the program. Not by default: once this
    /// was asked for, Ctrl-C no longer ends the *process* by itself, even after the login, because handlers of signals
    /// cannot be given back. For programs that go on after a login that was cancelled, or that handle Ctrl-C anyway.
    #[must_use]
    pub fn end_on_ctrl_c(mut self, end: bool) -> Self {
        self.end_on_ctrl_c = end;
        self
    }

    /// Where `SSH_TTY`, `SSH_CONNECTION`, `BROWSER`, `DISPLAY` and `WAYLAND_DISPLAY` are read, in place of the
    /// process's environment. The desktop's own browser sees that of the process all the same.
    #[must_use]
    pub fn variables(mut self, variables: Variables) -> Self {
        self.variables = variables;
        self
    }

    /// Where the address is written for the person, in place of the standard error output; [`std::io::sink()`] for
    /// nowhere.
    #[must_use]
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.screen = Screen::to(writer);
        self
    }

    /// What will open the browser, if this login is possible here.
    pub(in crate::login) fn choose(&self, request: &LoginRequest) -> Result<Choice, Unsuitable> {
        if !request.login_client().is_native() {
            return Err(Unsuitable::ConfidentialClient);
        }
        if request.fixed_redirect_uri().is_some() {
            return Err(Unsuitable::FixedRedirect);
        }
        let is_set = |name: &&str| self.variables.get(name).is_some_and(|value| !value.is_empty());
        if ["SSH_TTY", "SSH_CONNECTION"].iter().any(is_set) {
            return Err(Unsuitable::RemoteSession);
        }
        self.browser.choose(&self.variables)
    }

    /// Opens the browser and waits for it to come back.
    async fn wait(&self, server: &mut Server, browser: Choice, login: &StartedLogin) -> Outcome {
        let mut ctrl_c = pin!(self.ctrl_c());
        let mut opening = pin!(browser.open(login.authorize_url(), BROWSER_LIMIT));
        let mut time_limit = pin!(tokio::time::sleep(self.time_limit));
        let mut is_opening = true;
        loop {
            tokio::select! {
                // The signal first: from then on it is listened to.
                biased;
                () = &mut ctrl_c => return Err(LoginError::Cancelled),
                outcome = server.redirect() => return outcome,
                opened = &mut opening, if is_opening => {
                    opened.map_err(LoginError::Unsuitable)?;
                    is_opening = false;
                }
                () = &mut time_limit => return Err(LoginError::TimedOut { after: self.time_limit }),
            }
        }
    }

    async fn ctrl_c(&self) {
        if !self.end_on_ctrl_c || tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    }

    /// The login, with what was chosen to open the browser. Where it is unsuitable but for
    /// [`NoPort`](Unsuitable::NoPort), the address was shown.
    pub(in crate::login) async fn log_in_by(
        &self,
        browser: Choice,
        request: &LoginRequest,
    ) -> Result<TokenResponse, LoginError> {
        let port = Port::open().await.map_err(|error| LoginError::Unsuitable(Unsuitable::NoPort(error)))?;
        let login = Arc::new(request.start_with_redirect(&port.redirect_uri())?);
        let mut server = port.serve(Arc::clone(&login));
        // Only an aid: the login works without.
        drop(self.screen.write(&introduction(request, &login)));
        match self.wait(&mut server, browser, &login).await {
            Ok(code) => join(login.exchange(code), server.last_page()).await.0,
            Err(error) => {
                if matches!(error, LoginError::Refused { .. }) {
                    server.last_page().await;
                }
                Err(error)
            }
        }
    }
}

impl Default for LocalServerLogin {
    fn default() -> Self {
        Self::new()
    }
}

impl LoginUi for LocalServerLogin {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        let browser = self.choose(request).map_err(LoginError::Unsuitable)?;
        self.log_in_by(browser, request).await
    }
}

fn introduction(request: &LoginRequest, login: &StartedLogin) -> String {
    let message =
        request.message().map(|message| format!("The service says: {message}\n")).unwrap_or_default();
    format!(
        "{message}Log in to Globus in the browser that opens. If none does, open this address on this machine:\n{}\n",
        login.authorize_url()
    )
}
