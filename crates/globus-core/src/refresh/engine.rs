//! The engine of a renewing authorizer as callers meet it: who waits, and when a flight starts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use super::errand::{Errand, Flight};
use super::on_refresh::OnRefresh;
use super::state::{HeldTokens, PendingPersist, State, Token, Zone};
use super::windows::RefreshWindows;
use crate::authorizer::{Authorization, DynTokenGrants};
use crate::clock::{Clock, clock_offset};
use crate::error::{Error, Result};
use crate::scope::Scopes;
use crate::secret::{AccessToken, RefreshToken};
use crate::token::ResourceServer;

/// How many flights a caller waits for before giving up.
const FLIGHTS: u32 = 3;

/// What is asked of the token endpoint.
#[derive(Debug)]
pub(crate) enum RenewalGrant {
    Refresh(Arc<dyn DynTokenGrants>),
    ClientCredentials(Arc<dyn DynTokenGrants>, Scopes),
}

/// Keeps one token good. See the module's documentation.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(super) grant: RenewalGrant,
    pub(super) on_refresh: Option<OnRefresh>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) windows: RefreshWindows,
    state: Mutex<State>,
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

    /// Says whose tokens these are, where that is known.
    pub(crate) fn belongs_to(&self, identity_id: Option<String>) {
        self.state().identity_id = identity_id;
    }

    /// Starts with this token.
    pub(crate) fn hold(&self, access_token: AccessToken, expires_at: i64) -> Result<()> {
        let token = Token::new(access_token, expires_at, None, &self.windows)?;
        self.state().publish(token);
        Ok(())
    }

    /// The state. The lock is held for a few lines at a time and never across an await; what it guards is
    /// whole after every step, so a panic elsewhere does not spoil it.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header, if it can be had without waiting. Starts a renewal in the background when one is due.
    pub(crate) fn cached(self: &Arc<Self>) -> Option<Authorization> {
        let second = self.clock.now_second();
        let state = self.state();
        match state.quiet(second) {
            Some(header) => Some(header.clone()),
            None => self.look_closer(state),
        }
    }

    /// The rest of [`cached`](Self::cached), apart so that what every request goes through stays small.
    #[cold]
    fn look_closer(self: &Arc<Self>, mut state: MutexGuard<'_, State>) -> Option<Authorization> {
        match state.zone(self.clock.now()) {
            Zone::Fresh(header) => Some(header),
            Zone::Advisory(header) => {
                // Outside a runtime nothing can run in the background; the token is good all the same.
                if let Ok(runtime) = Handle::try_current() {
                    let _flight = self.join(&mut state, Errand::Renew, &runtime);
                }
                Some(header)
            }
            Zone::Mandatory => None,
        }
    }

    /// The header, after a renewal if one is needed.
    pub(crate) async fn authorization(self: &Arc<Self>) -> Result<Authorization> {
        let mut refused = None;
        let mut flights = 0;
        while flights < FLIGHTS {
            if let Some(header) = self.cached() {
                return Ok(header);
            }
            let runtime = Handle::try_current().map_err(|_| {
                Error::usage("renewing a token needs a tokio runtime; call this from inside one")
            })?;
            let flight = self.join(&mut self.state(), Errand::Renew, &runtime);
            if flight.has_outcome() {
                // It came to its outcome before this caller came, who is owed a newer one.
                flight.ended().await;
                continue;
            }
            flights += 1;
            match flight.outcome().await {
                // Refused between its arrival and here: only another flight helps.
                Some(Ok(header)) if self.state().is_refused(&header) => refused = Some(header),
                Some(Ok(header)) => return Ok(header),
                Some(Err(error)) => return self.good_enough().ok_or(error),
                None => tracing::debug!("a token renewal ended without an outcome; starting another"),
            }
        }
        // A service that refuses every new token says why when it is asked with one.
        self.good_enough().or(refused).ok_or_else(|| {
            Error::other("the token renewal ended without an outcome, several times; try again", None)
        })
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
        let offset = clock_offset(server_time, self.clock.now());
        let mut state = self.state();
        let Some(offset) = offset else {
            if !std::mem::replace(&mut state.disbelieves, true) {
                tracing::warn!(%server_time, "the service's clock is too far from this machine's to be believed");
            }
            return;
        };
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
            expires_at_seconds: state
                .token
                .as_ref()
                .filter(|token| !token.refused)
                .map(|token| token.expires_at),
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
            flight.ended().await;
        }
        let flight = {
            let mut state = self.state();
            if state.owed.is_none() && state.arrival.is_none() {
                return Ok(());
            }
            let runtime = Handle::try_current().map_err(|_| {
                Error::usage("storing a renewed token needs a tokio runtime; call this from inside one")
            })?;
            // Storing is a flight too: it must not cross a renewal, nor stop when this caller goes away.
            self.join(&mut state, Errand::Store, &runtime)
        };
        flight.ended().await;
        let state = self.state();
        // What has arrived with a later flight is that flight's.
        let later = state.flight.as_ref().is_some_and(|flight| !flight.has_ended());
        match (&state.owed, &state.arrival) {
            (Some(owed), _) => Err(owed.error.clone()),
            (None, Some(_)) if !later => {
                Err(Error::other("storing a renewed token was cut off; try again", None))
            }
            (None, _) => Ok(()),
        }
    }

    /// The flight under way, or a new one. There is never more than one.
    fn join(self: &Arc<Self>, state: &mut State, errand: Errand, runtime: &Handle) -> Flight {
        if let Some(flight) = state.flight.as_ref().filter(|flight| !flight.has_ended()) {
            return flight.clone();
        }
        let (flight, announce) = Flight::new();
        state.flight = Some(flight.clone());
        let engine = Arc::clone(self);
        // Detached: whoever started the flight may go away without taking the renewal with them.
        drop(runtime.spawn(engine.fly(errand, announce)));
        flight
    }
}
