use std::sync::{Mutex, MutexGuard, PoisonError};

use globus_core::{Authorization, Authorizer, Clock};
use tokio::sync::MutexGuard as AsyncMutexGuard;

use super::service_clock::ServiceClock;

/// Where the authorizer of one resource server is kept while it is good.
#[derive(Debug, Default)]
pub(super) struct Place {
    state: Mutex<State>,
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Current>,
    /// Goes up when the place is cleared: what was being made until then is no longer wanted.
    version: u64,
    /// The fingerprint of a token that the service did not take.
    rejected: Option<String>,
    /// The header that was in force until the last login.
    before_login: Option<Authorization>,
}

/// An authorizer that was made of what is stored.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub(super) authorizer: Authorizer,
    /// Of a token that nothing renews: when it ends, and its fingerprint.
    ends: Option<(i64, String)>,
}

impl Current {
    pub(super) fn renewing(authorizer: impl Into<Authorizer>) -> Self {
        Self { authorizer: authorizer.into(), ends: None }
    }

    pub(super) fn until(
        authorizer: impl Into<Authorizer>,
        expires_at_seconds: i64,
        fingerprint: String,
    ) -> Self {
        Self { authorizer: authorizer.into(), ends: Some((expires_at_seconds, fingerprint)) }
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The authorizer, if there is one whose token is not over.
    pub(super) fn usable(&self, clock: &ServiceClock) -> Option<Authorizer> {
        let state = self.lock();
        let current = state.current.as_ref()?;
        let is_over = current.ends.as_ref().is_some_and(|(ends, _)| *ends < clock.now_second());
        (!is_over).then(|| current.authorizer.clone())
    }

    /// Its header, if it can be had without waiting.
    pub(super) fn cached(&self, clock: &ServiceClock) -> Option<Authorization> {
        let state = self.lock();
        let current = state.current.as_ref()?;
        let is_over = current.ends.as_ref().is_some_and(|(ends, _)| *ends < clock.now_second());
        if is_over { None } else { current.authorizer.cached() }
    }

    /// The service did not take this header. Answers whether another one may be had.
    pub(super) fn rejected_header(&self, used: &Authorization, may_log_in: bool) -> bool {
        let mut state = self.lock();
        let Some(current) = &state.current else { return true };
        let Some((_, fingerprint)) = &current.ends else { return current.authorizer.rejected(used) };
        if current.authorizer.cached().as_ref() != Some(used) {
            // Somebody has logged in meanwhile.
            return true;
        }
        state.rejected = Some(fingerprint.clone());
        state.current = None;
        may_log_in
    }

    pub(super) fn rejected(&self) -> Option<String> {
        self.lock().rejected.clone()
    }

    pub(super) async fn making(&self) -> AsyncMutexGuard<'_, ()> {
        self.making.lock().await
    }

    pub(super) fn version(&self) -> u64 {
        self.lock().version
    }

    /// Keeps an authorizer, unless the place was cleared since it was begun.
    pub(super) fn keep(&self, made: Current, version: u64) {
        let mut state = self.lock();
        if state.version == version {
            state.current = Some(made);
        }
    }

    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.version += 1;
        state.before_login = state.current.take().and_then(|current| current.authorizer.cached());
    }

    /// Whether this header is one from before the last login.
    pub(super) fn is_from_before_login(&self, used: &Authorization) -> bool {
        self.lock().before_login.as_ref() == Some(used)
    }

    pub(super) fn current(&self) -> Option<Authorizer> {
        self.lock().current.as_ref().map(|current| current.authorizer.clone())
    }
}
