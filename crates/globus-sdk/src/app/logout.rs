use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use globus_core::detached_job::run_detached;
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
    /// When the access token ends; `None` where that cannot be read. The refresh token, if there is one, ends when it is
    /// not used for half a year, or when the consent is withdrawn at <https://auth.globus.org/v2/web/consents>.
    pub until: Option<Timestamp>,
    /// Whether there is a refresh token. Where that cannot be read there may be one.
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
        let app = Arc::clone(self.app);
        // Begun is done: a caller who goes away leaves no tokens behind of which half are dead.
        Box::pin(run_detached(async move { app.log_out(self.sweep, self.keep_unrevoked).await }))
    }
}

impl Parts {
    async fn log_out(&self, sweep: bool, keep_unrevoked: bool) -> Result<LogoutReport> {
        let stored = self.plain.get_all().await?;
        let needed = self.requirements.all();
        let concerned = |server: &ResourceServer| sweep || needed.contains_key(server);
        let tokens: Vec<_> =
            stored.tokens.values().filter(|token| concerned(&token.resource_server)).collect();
        let unreadable: Vec<_> = stored
            .damaged
            .iter()
            .filter_map(|error| Some((error.resource_server().filter(|server| concerned(server))?, error)))
            .collect();
        let mut report = LogoutReport { removed: Vec::new(), still_valid: Vec::new() };
        let mut failed = None;
        let mut not_kept = Vec::new();
        for token in &tokens {
            if !keep_unrevoked {
                not_kept.push(token);
            } else if let Err(error) = self.remember_unrevoked(token).await {
                failed = Some(Error::from(error));
                not_kept.push(token);
            }
        }
        // Whatever becomes of the rest: here they are gone, at once.
        let servers = tokens.iter().map(|token| &token.resource_server);
        for server in servers.chain(unreadable.iter().map(|(server, _)| *server)) {
            match self.plain.remove(server).await {
                Ok(_) => report.removed.push(server.clone()),
                Err(error) => failed = Some(Error::from(error)),
            }
        }
        self.forget_authorizers();
        self.requirements.forget_asked_for();
        match self.revoke_remembered().await {
            Ok(kept) => report.still_valid = kept.still_valid,
            Err(error) => failed = Some(error),
        }
        for token in not_kept {
            if let Err(error) = self.revoke(token).await {
                report.still_valid.push(StillValid::new(token.resource_server.clone(), token, error, false));
            }
        }
        for (server, error) in unreadable {
            report.still_valid.push(StillValid {
                resource_server: server.clone(),
                until: None,
                has_refresh_token: true,
                is_kept: false,
                error: Error::from(error.clone()),
            });
        }
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
