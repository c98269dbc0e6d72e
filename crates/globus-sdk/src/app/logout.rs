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
}

/// What became of a logout.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogoutReport {
    /// The resource servers whose tokens are no longer stored.
    pub removed: Vec<ResourceServer>,
    /// Tokens that could not be made useless. They are no longer stored, but whoever has a copy can use them until they
    /// end.
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
    /// Why.
    pub error: Error,
}

impl<'a> Logout<'a> {
    pub(super) fn new(app: &'a Arc<Parts>) -> Self {
        Self { app, sweep: false }
    }

    /// Also removes tokens of this profile that the app does not need (any more).
    pub fn sweep(mut self) -> Self {
        self.sweep = true;
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
        Box::pin(self.app.log_out(self.sweep))
    }
}

impl Parts {
    async fn log_out(self: &Arc<Self>, sweep: bool) -> Result<LogoutReport> {
        let stored = self.plain.get_all().await?;
        let needed = self.requirements.all();
        let mut report = LogoutReport { removed: Vec::new(), still_valid: Vec::new() };
        let mut failed = None;
        for token in stored.tokens.values() {
            let server = &token.resource_server;
            if !sweep && !needed.contains_key(server) {
                continue;
            }
            let revoked = self.revoke(token).await;
            // Whatever became of that: here it is gone.
            match self.plain.remove(server).await {
                Ok(_) => report.removed.push(server.clone()),
                Err(error) => failed = Some(Error::from(error)),
            }
            if let Err(error) = revoked {
                report.still_valid.push(StillValid {
                    resource_server: server.clone(),
                    until: Timestamp::from_second(token.expires_at_seconds).ok(),
                    has_refresh_token: token.usable_refresh_token().is_some(),
                    error,
                });
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
