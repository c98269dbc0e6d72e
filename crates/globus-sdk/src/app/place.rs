use std::sync::{Mutex, MutexGuard, PoisonError};

use globus_core::{Authorization, Authorizer, Clock};
use tokio::sync::MutexGuard as AsyncMutexGuard;

use super::service_clock::ServiceClock;
use super::turn::Seen;

/// Where the authorizer of one resource server is kept while it is good.
#[derive(Debug, Default)]
pub(super) struct Place {
    state: Mutex<State>,
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Current>,
    /// One that renews, from before what is needed has grown: good again if its tokens cover that. It may hold what
    /// could not be stored yet.
    former: Option<Authorizer>,
    /// Goes up when the place is cleared: what was being made until then is no longer wanted.
    version: u64,
    /// The fingerprint of a token that the service did not take.
    rejected: Option<String>,
    /// The last header that was given out.
    given_out: Option<Authorization>,
    /// The last header that was given out before the place was cleared, and what was seen then.
    before: Option<(Authorization, Seen)>,
}

/// An authorizer that was made of what is stored.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub(super) authorizer: Authorizer,
    /// Of a token that nothing renews.
    fixed: Option<Fixed>,
}

#[derive(Clone, Debug)]
struct Fixed {
    ends: i64,
    fingerprint: String,
    /// Whether it came in place of a token that the service did not take.
    after_rejection: bool,
}

impl Current {
    pub(super) fn renewing(authorizer: impl Into<Authorizer>) -> Self {
        Self { authorizer: authorizer.into(), fixed: None }
    }

    pub(super) fn until(
        authorizer: impl Into<Authorizer>,
        expires_at_seconds: i64,
        fingerprint: String,
    ) -> Self {
        let fixed = Fixed { ends: expires_at_seconds, fingerprint, after_rejection: false };
        Self { authorizer: authorizer.into(), fixed: Some(fixed) }
    }

    fn is_over(&self, clock: &ServiceClock) -> bool {
        self.fixed.as_ref().is_some_and(|fixed| fixed.ends < clock.now_second())
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
        (!current.is_over(clock)).then(|| current.authorizer.clone())
    }

    /// Its header, if it can be had without waiting.
    pub(super) fn cached(&self, clock: &ServiceClock) -> Option<Authorization> {
        let mut state = self.lock();
        let current = state.current.as_ref().filter(|current| !current.is_over(clock))?;
        let header = current.authorizer.cached()?;
        state.give_out(&header);
        Some(header)
    }

    /// This header is given out.
    pub(super) fn gives_out(&self, header: &Authorization) {
        self.lock().give_out(header);
    }

    /// The service did not take this header. Answers whether another one may be had.
    pub(super) fn rejected_header(&self, used: &Authorization, may_log_in: bool) -> bool {
        let mut state = self.lock();
        let Some(current) = &state.current else { return true };
        let Some(fixed) = &current.fixed else { return current.authorizer.rejected(used) };
        if current.authorizer.cached().as_ref() != Some(used) {
            // Somebody has logged in meanwhile.
            return true;
        }
        if !may_log_in || fixed.after_rejection {
            // It is not the token: one in its place would be refused like this one and the one before.
            return false;
        }
        state.rejected = Some(fixed.fingerprint.clone());
        state.current = None;
        true
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
    pub(super) fn keep(&self, mut made: Current, version: u64) {
        let mut state = self.lock();
        if state.version == version {
            if let Some(fixed) = &mut made.fixed {
                fixed.after_rejection = state.rejected.take().is_some();
            }
            state.former = None;
            state.current = Some(made);
        }
    }

    /// The authorizer is no longer wanted: there are other tokens, or none.
    pub(super) fn clear(&self, seen: Seen) {
        let mut state = self.lock();
        state.clear(seen);
        state.former = None;
    }

    /// The authorizer is no longer wanted unless its tokens cover what is needed by now.
    pub(super) fn question(&self, seen: Seen) {
        let mut state = self.lock();
        let renewing = state.current.as_ref().filter(|current| current.fixed.is_none());
        if let Some(renewing) = renewing {
            state.former = Some(renewing.authorizer.clone());
        }
        state.clear(seen);
    }

    /// What was seen when this header was in force, if it is one of those before the place was cleared.
    pub(super) fn seen_with(&self, used: &Authorization) -> Option<Seen> {
        self.lock().before.as_ref().filter(|(header, _)| header == used).map(|(_, seen)| *seen)
    }

    pub(super) fn former(&self) -> Option<Authorizer> {
        self.lock().former.clone()
    }

    /// The authorizer, or the one that may be in use again.
    pub(super) fn current(&self) -> Option<Authorizer> {
        let state = self.lock();
        let current = state.current.as_ref().map(|current| &current.authorizer);
        current.or(state.former.as_ref()).cloned()
    }
}

impl State {
    fn give_out(&mut self, header: &Authorization) {
        if self.given_out.as_ref() != Some(header) {
            self.given_out = Some(header.clone());
        }
    }

    fn clear(&mut self, seen: Seen) {
        self.version += 1;
        self.current = None;
        if let Some(header) = self.given_out.take() {
            self.before = Some((header, seen));
        }
    }
}
