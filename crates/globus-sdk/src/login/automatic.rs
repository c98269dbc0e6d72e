use globus_core::TokenResponse;
use globus_core::config::Variables;

use super::{LocalServerLogin, LoginRequest, LoginUi, PasteLogin};
use crate::auth::{LoginError, Unsuitable};

/// Said where the address of the login by the browser stands on the terminal already: its port is closed.
const DEAD_ADDRESS: &str = "The address above leads nowhere now; use the one below.\n";

/// A login by the browser of this machine where there is one that can come back, and else at the terminal, which then says
/// why in one line. For programs that people start by hand.
///
/// ```no_run
/// use globus_sdk::login::{AutomaticLogin, LoginRequest, LoginUi};
/// # use globus_sdk::{GlobusAuthorizationParameters, NativeAppAuthClient};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?;
/// let request =
///     LoginRequest::new(client, GlobusAuthorizationParameters::default().required_scopes("openid"));
/// let tokens = AutomaticLogin::new().log_in(&request).await?;
/// # let _ = tokens;
/// # Ok(())
/// # }
/// ```
///
/// Where there is neither a browser nor a terminal it ends at once with [`LoginError::PersonNeeded`].
#[derive(Clone, Debug, Default)]
pub struct AutomaticLogin {
    local_server: LocalServerLogin,
    paste: PasteLogin,
}

impl AutomaticLogin {
    /// A login by the person's usual browser, or at the terminal of the process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Logs in by this where a browser can be used.
    #[must_use]
    pub fn local_server(mut self, local_server: LocalServerLogin) -> Self {
        self.local_server = local_server;
        self
    }

    /// Logs in by this where no browser can be used.
    #[must_use]
    pub fn paste(mut self, paste: PasteLogin) -> Self {
        self.paste = paste;
        self
    }

    /// Where the environment variables are read that say whether a browser can be used, in place of the process's
    /// environment. See [`LocalServerLogin::variables`].
    #[must_use]
    pub fn variables(mut self, variables: Variables) -> Self {
        self.local_server = self.local_server.variables(variables);
        self
    }
}

impl LoginUi for AutomaticLogin {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        let (why, address) = match self.local_server.choose(request) {
            Err(why) => (why, ""),
            Ok(browser) => match self.local_server.log_in_by(browser, request).await {
                Err(LoginError::Unsuitable(why @ Unsuitable::NoPort(_))) => (why, ""),
                Err(LoginError::Unsuitable(why)) => (why, DEAD_ADDRESS),
                done => return done,
            },
        };
        tracing::debug!(%why, "no browser is opened for the login");
        if self.paste.cannot_ask().is_none() {
            self.paste.say(&format!("No browser is opened: {why}.\n{address}"))?;
        }
        self.paste.log_in(request).await
    }
}
