use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use globus_core::{Error, ResourceServer, Result, Timestamp, TokenData};

use super::parts::Parts;

/// A logout, about to be done. From [`GlobusApp::logout`](super::GlobusApp::logout); `await` it.
#[derive(Debug)]
#[must_use = "a logout does nothing until it is awaited"]
pub struct Logout<'a> {
    app: &'a Arc<Parts>,
    sweep: bool,
    keep_unrevoked: bool,
}

/// What became of a logout.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogoutReport {
    /// The resource servers whose tokens are no longer stored.
    pub removed: Vec<ResourceServer>,
    /// Tokens that could not be made useless, those that earlier logouts have kept included. Whoever has a copy can use
    /// them until they end. Unless they are [kept](StillValid::is_kept) to be tried again, they are no longer stored.
    pub still_valid: Vec<StillValid>,
}

/// A token that could not be made useless.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StillValid {
    /// What it is good for.
    pub resource_server: ResourceServer,
    /// When the access token ends. The refresh token, if there is one, ends when it is not used for half a year, or when
    /// the consent is withdrawn at <https://auth.globus.org/v2/web/consents>.
    pub until: Option<Timestamp>,
    /// Whether there is a refresh token.
    pub has_refresh_token: bool,
    /// Whether it is kept, and the next logout tries again; see [`Logout::keep_unrevoked`].
    pub is_kept: bool,
    /// Why.
    pub error: Error,
}

impl StillValid {
    pub(super) fn new(
        resource_server: ResourceServer,
        token: &TokenData,
        error: Error,
        is_kept: bool,
    ) -> Self {
        Self {
            resource_server,
            until: Timestamp::from_second(token.expires_at_seconds).ok(),
            has_refresh_token: token.usable_refresh_token().is_some(),
            is_kept,
            error,
        }
    }
}

impl<'a> Logout<'a> {
    pub(super) fn new(app: &'a Arc<Parts>) -> Self {
        Self { app, sweep: false, keep_unrevoked: false }
    }

    /// Also removes tokens of this profile that the app does not need (any more).
    pub fn sweep(mut self) -> Self {
        self.sweep = true;
        self
    }

    /// Keeps tokens that could not be made useless, such as while Globus Auth cannot be reached, in the namespace
    /// `<profile>/unrevoked` of the same storage. The next logout, or
    /// [`revoke_remembered`](super::GlobusApp::revoke_remembered), tries again, and removes what is done or has ended by
    /// itself. Without it such tokens are forgotten: whoever has a copy can use them until they end, and nobody can revoke
    /// them but the person, at <https://auth.globus.org/v2/web/consents>.
    ///
    /// The price is that tokens which are still good stay on the disk after the logout, as well protected as they were
    /// before and no better. On a machine that others will use leave it off, and withdraw the consents on that page.
    pub fn keep_unrevoked(mut self) -> Self {
        self.keep_unrevoked = true;
        self
    }
}

impl<'a> IntoFuture for Logout<'a> {
    type Output = Result<LogoutReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<LogoutReport>> + Send + 'a>>;

    /// # Errors
    ///
    /// When a token cannot be removed: the others are removed all the same. That tokens could not be made useless is no
    /// error, but in the [report](LogoutReport::still_valid).
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.app.log_out(self.sweep, self.keep_unrevoked))
    }
}

impl Parts {
    async fn log_out(self: &Arc<Self>, sweep: bool, keep_unrevoked: bool) -> Result<LogoutReport> {
        let stored = self.plain.get_all().await?;
        let needed = self.requirements.all();
        let mut report = LogoutReport { removed: Vec::new(), still_valid: Vec::new() };
        let mut failed = None;
        match self.revoke_remembered().await {
            Ok(earlier) => report.still_valid = earlier.still_valid,
            Err(error) => failed = Some(error),
        }
        for token in stored.tokens.values() {
            let server = &token.resource_server;
            if !sweep && !needed.contains_key(server) {
                continue;
            }
            let revoked = self.revoke(token).await;
            let mut is_kept = false;
            if revoked.is_err() && keep_unrevoked {
                match self.remember_unrevoked(token).await {
                    Ok(()) => is_kept = true,
                    Err(error) => failed = Some(error.into()),
                }
            }
            // Whatever became of that: here it is gone.
            match self.plain.remove(server).await {
                Ok(_) => report.removed.push(server.clone()),
                Err(error) => failed = Some(Error::from(error)),
            }
            if let Err(error) = revoked {
                report.still_valid.push(StillValid::new(server.clone(), token, error, is_kept));
            }
        }
        self.forget_authorizers();
        failed.map_or(Ok(report), Err)
    }

    /// Makes a token and its refresh token useless.
    pub(super) async fn revoke(&self, token: &TokenData) -> Result<()> {
        let access = self.login_client.oauth2_revoke_token(token.access_token.expose()).send().await;
        let refresh = match token.usable_refresh_token() {
            Some(refresh_token) => {
                self.login_client.oauth2_revoke_token(refresh_token.expose()).send().await.map(drop)
            }
            None => Ok(()),
        };
        access.map(drop).and(refresh)
    }
}
