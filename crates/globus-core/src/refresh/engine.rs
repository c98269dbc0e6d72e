//! The engine of a renewing authorizer: who waits, who renews, and in which order things happen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::flight::{Flight, Outcome};
use super::on_refresh::OnRefresh;
use super::state::{HeldTokens, PendingPersist, State, Token, Zone};
use super::windows::RefreshWindows;
use crate::authorizer::{Authorization, DynTokenGrants};
use crate::clock::{Clock, clock_offset};
use crate::error::{Error, Result};
use crate::secret::{AccessToken, RefreshToken};
use crate::token::{ResourceServer, Scopes, TokenData, TokenResponse};

/// How many flights in a row may die before a caller gives up.
const DEAD_FLIGHTS: u32 = 3;

/// What is asked of the token endpoint.
#[derive(Debug)]
pub(crate) enum RenewalGrant {
    Refresh(Arc<dyn DynTokenGrants>),
    ClientCredentials(Arc<dyn DynTokenGrants>, Scopes),
}

/// Keeps one token good. See the module's documentation.
#[derive(Debug)]
pub(crate) struct Engine {
    grant: RenewalGrant,
    on_refresh: Option<OnRefresh>,
    clock: Arc<dyn Clock>,
    windows: RefreshWindows,
    state: Mutex<State>,
}

/// How a renewal came out.
struct Renewed {
    token: Token,
    refresh_token: Option<RefreshToken>,
    record: TokenData,
    /// The response and why it is not stored.
    owed: Option<(TokenResponse, Error)>,
}

impl Engine {
    pub(crate) fn new(
        grant: RenewalGrant,
        on_refresh: Option<OnRefresh>,
        clock: Arc<dyn Clock>,
        windows: RefreshWindows,
        refresh_token: Option<RefreshToken>,
        resource_server: Option<ResourceServer>,
    ) -> Self {
        let state = State::new(refresh_token, resource_server);
        Self { grant, on_refresh, clock, windows, state: Mutex::new(state) }
    }

    /// Starts with this token.
    pub(crate) fn hold(&self, access_token: AccessToken, expires_at: i64) -> Result<()> {
        let token = Token::new(access_token, expires_at, None, &self.windows)?;
        self.state().publish(token);
        Ok(())
    }

    /// The state. The lock is held for a few lines at a time and never across an await; what it guards is
    /// whole after every step, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header, if it can be had without waiting. Starts a renewal in the background when one is due.
    pub(crate) fn cached(self: &Arc<Self>) -> Option<Authorization> {
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(header) = state.quiet(now) {
            return Some(header);
        }
        match state.zone(now) {
            Zone::Fresh(header) => Some(header),
            Zone::Advisory(header) => {
                // Outside a runtime nothing can run in the background; the token is good all the same.
                if let Ok(runtime) = Handle::try_current() {
                    let _flight = self.join(&mut state, &runtime);
                }
                Some(header)
            }
            Zone::Mandatory => None,
        }
    }

    /// The header, after a renewal if one is needed.
    pub(crate) async fn authorization(self: &Arc<Self>) -> Result<Authorization> {
        for _ in 0..DEAD_FLIGHTS {
            if let Some(header) = self.cached() {
                return Ok(header);
            }
            let runtime = Handle::try_current().map_err(|_| {
                Error::usage("renewing a token needs a tokio runtime; call this from inside one")
            })?;
            let flight = self.join(&mut self.state(), &runtime);
            match flight.outcome().await {
                Some(Ok(header)) => return Ok(header),
                Some(Err(error)) => return self.good_enough().ok_or(error),
                None => tracing::debug!("a token renewal ended without an outcome; starting another"),
            }
        }
        self.good_enough()
            .ok_or_else(|| Error::other("the token renewal ended without an outcome, several times", None))
    }

    /// The token in use, if the service would still take it: better than an error.
    fn good_enough(&self) -> Option<Authorization> {
        let state = self.state();
        let now = state.corrected(self.clock.now());
        state.token.as_ref().filter(|token| token.is_good(now)).map(|token| token.header.clone())
    }

    /// The service refused `used`. A token that has been replaced since needs no second renewal.
    pub(crate) fn rejected(&self, used: &Authorization) -> bool {
        if self.state().invalidate(used) {
            tracing::debug!("the service refused the access token; it will be renewed");
        }
        true
    }

    pub(crate) fn observe_server_time(&self, server_time: Timestamp) {
        let Some(offset) = clock_offset(server_time, self.clock.now()) else {
            tracing::warn!(%server_time, "the service's clock is too far from this machine's to be believed");
            return;
        };
        let mut state = self.state();
        // Two readings of the same difference vary by a second or two.
        if (offset - state.offset()).abs() >= SignedDuration::from_secs(5) || offset.is_zero() {
            if !offset.is_zero() {
                tracing::warn!(
                    ?offset,
                    "this machine's clock is off; token expiry follows the service's clock"
                );
            }
            state.set_offset(offset);
        }
    }

    pub(crate) fn clock_offset(&self) -> SignedDuration {
        self.state().offset()
    }

    pub(crate) fn held(&self) -> HeldTokens {
        let state = self.state();
        HeldTokens {
            access_token: state.token.as_ref().map(|token| token.text.clone()),
            expires_at_seconds: state.token.as_ref().and_then(|token| token.expires_at),
            refresh_token: state.refresh_token.clone(),
        }
    }

    pub(crate) fn pending_persist(&self) -> Option<PendingPersist> {
        let state = self.state();
        state.owed.as_ref().map(|owed| PendingPersist { failures: owed.failures, error: owed.error.clone() })
    }

    /// Waits for the flight under way, then stores what is owed.
    pub(crate) async fn settle(self: &Arc<Self>) -> Result<()> {
        let flight = self.state().flight.clone();
        if let Some(flight) = flight {
            // Its own callers hear of a failure; here only the end of it counts.
            let _outcome: Outcome = flight.outcome().await;
        }
        self.pay().await
    }

    /// Stores what is owed, if anything is.
    async fn pay(&self) -> Result<()> {
        let Some(owed) = self.state().owed.clone() else { return Ok(()) };
        let Some(on_refresh) = &self.on_refresh else { return Ok(()) };
        let result = on_refresh.persist(owed.response.clone()).await;
        let mut state = self.state();
        match result {
            Ok(()) => {
                state.paid();
                Ok(())
            }
            Err(error) => {
                state.owe(owed.response, error.clone(), self.clock.now());
                Err(error)
            }
        }
    }

    /// The flight under way, or a new one.
    fn join(self: &Arc<Self>, state: &mut State, runtime: &Handle) -> Flight {
        if let Some(flight) = state.flight.as_ref().filter(|flight| !flight.has_ended()) {
            return flight.clone();
        }
        let number = state.flight.as_ref().map_or(0, |flight| flight.number + 1);
        let (flight, announce) = Flight::new(number);
        state.flight = Some(flight.clone());
        let engine = Arc::clone(self);
        // Detached: whoever started the flight may go away without taking the renewal with them.
        drop(runtime.spawn(async move { engine.fly(number, announce).await }));
        flight
    }

    async fn fly(self: Arc<Self>, number: u64, announce: watch::Sender<Outcome>) {
        if let Err(error) = self.pay().await {
            tracing::debug!(%error, "a renewed token still cannot be stored");
        }
        // Only storing was due, or somebody renewed in the meantime.
        let still_good = match self.state().zone(self.clock.now()) {
            Zone::Fresh(header) => Some(header),
            Zone::Advisory(_) | Zone::Mandatory => None,
        };
        let outcome = match still_good {
            Some(header) => Ok(header),
            None => self.renew().await,
        };
        let mut state = self.state();
        if let Err(error) = &outcome {
            tracing::warn!(%error, "renewing a token failed");
            state.advisory_failed(self.clock.now());
        }
        if state.flight.as_ref().is_some_and(|flight| flight.number == number) {
            // The number stays for the next flight; the outcome reaches those who wait already.
            announce.send_replace(Some(outcome));
        }
    }

    /// One renewal: lease, look, ask, store, publish.
    async fn renew(&self) -> Result<Authorization> {
        let server = self.state().resource_server.clone();
        let lease = match &self.on_refresh {
            Some(on_refresh) => on_refresh.lock(server.as_ref()).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "renewing without the storage's refresh lease");
                None
            }),
            None => None,
        };
        let header = match self.adopt().await {
            Some(header) => Ok(header),
            None => self.ask().await.map(|renewed| self.publish(renewed)),
        };
        if let Some(lease) = lease
            && let Err(error) = lease.release().await
        {
            tracing::debug!(%error, "the refresh lease could not be released; it ends by itself");
        }
        header
    }

    /// What the storage holds now, if it can say.
    async fn stored(&self) -> Option<TokenData> {
        let server = self.state().resource_server.clone();
        match self.on_refresh.as_ref()?.latest(server.as_ref()).await {
            Ok(stored) => stored,
            Err(error) => {
                tracing::warn!(%error, "renewing without looking at the stored tokens");
                None
            }
        }
    }

    /// Takes over what another process has stored: its refresh token always, its access token if that is
    /// good for more than a moment and is not the one we hold.
    async fn adopt(&self) -> Option<Authorization> {
        let stored = self.stored().await?;
        let mut state = self.state();
        if let (Some(refresh_token), RenewalGrant::Refresh(_)) = (stored.usable_refresh_token(), &self.grant)
        {
            state.refresh_token = Some(refresh_token.clone());
        }
        if state.token.as_ref().is_some_and(|token| token.text == stored.access_token) {
            return None;
        }
        let token = Token::new(stored.access_token, stored.expires_at_seconds, None, &self.windows).ok()?;
        let (_, mandatory) = self.windows.begin(stored.expires_at_seconds, None);
        if state.corrected(self.clock.now()) > mandatory {
            return None;
        }
        tracing::debug!("another process has renewed the token; using what it stored");
        state.resource_server.get_or_insert(stored.resource_server);
        let header = token.header.clone();
        state.publish(token);
        Some(header)
    }

    /// Asks the token endpoint and hands the answer to the storage.
    async fn ask(&self) -> Result<Renewed> {
        let (refresh_token, response) = match &self.grant {
            RenewalGrant::ClientCredentials(grants, scopes) => {
                (None, grants.client_credentials(scopes).await?)
            }
            RenewalGrant::Refresh(grants) => {
                let refresh_token = self.state().refresh_token.clone().ok_or_else(|| {
                    Error::usage("there is no refresh token to renew with; log the user in again")
                })?;
                match grants.refresh(&refresh_token).await {
                    Ok(response) => (Some(refresh_token), response),
                    Err(error) if error.is_invalid_grant() => {
                        self.ask_again(grants.as_ref(), &refresh_token, error).await?
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        // From here to the storage's job nothing waits: a token that has arrived is on its way to the disk.
        let response = match &refresh_token {
            Some(refresh_token) => response.keeping_refresh_token(refresh_token),
            None => response,
        };
        let record = single_record(&response)?.clone();
        let now = self.clock.now();
        let lifetime = self.lifetime(&record, now);
        let token =
            Token::new(record.access_token.clone(), record.expires_at_seconds, lifetime, &self.windows)?;
        let owed = match &self.on_refresh {
            Some(on_refresh) => match on_refresh.persist(response.clone()).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(
                        %error,
                        resource_server = %record.resource_server,
                        "a renewed token is in use but could not be stored; storing is tried again",
                    );
                    Some((response, error))
                }
            },
            None => None,
        };
        let refresh_token = record.refresh_token.clone().filter(|token| !token.is_empty()).or(refresh_token);
        Ok(Renewed { token, refresh_token, record, owed })
    }

    /// The refresh token was refused. Perhaps another process has rotated it: look once more.
    async fn ask_again(
        &self,
        grants: &dyn DynTokenGrants,
        refused: &RefreshToken,
        error: Error,
    ) -> Result<(Option<RefreshToken>, TokenResponse)> {
        let stored = self.stored().await.and_then(|stored| stored.refresh_token);
        let ended = |error| {
            let server = self.state().resource_server.as_ref().map(ToString::to_string);
            Error::login_required(server, error)
        };
        match stored {
            Some(stored) if stored != *refused && !stored.is_empty() => {
                let response = grants
                    .refresh(&stored)
                    .await
                    .map_err(|again| if again.is_invalid_grant() { ended(again) } else { again })?;
                Ok((Some(stored), response))
            }
            _ => Err(ended(error)),
        }
    }

    /// How long the token just received lives, by the service's clock.
    fn lifetime(&self, record: &TokenData, now: Timestamp) -> Option<Duration> {
        let seconds = record.expires_at_seconds.checked_sub(self.state().corrected(now).as_second())?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    fn publish(&self, renewed: Renewed) -> Authorization {
        let header = renewed.token.header.clone();
        let mut state = self.state();
        state.refresh_token = renewed.refresh_token;
        state.resource_server = Some(renewed.record.resource_server);
        state.publish(renewed.token);
        match renewed.owed {
            Some((response, error)) => state.owe(response, error, self.clock.now()),
            // This response replaces one that was still owed.
            None => state.paid(),
        }
        header
    }
}

/// An authorizer has one token, so a response must hold exactly one.
fn single_record(response: &TokenResponse) -> Result<&TokenData> {
    let tokens = response.by_resource_server();
    match (tokens.iter().next(), tokens.len()) {
        (Some(record), 1) => Ok(record),
        (_, count) => {
            let servers: Vec<_> = tokens.iter().map(|record| record.resource_server.as_str()).collect();
            Err(Error::not_one_token(format!(
                "the token endpoint answered {count} tokens ({}), where an authorizer needs exactly one; ask for \
                 scopes of one resource server",
                servers.join(", "),
            )))
        }
    }
}
