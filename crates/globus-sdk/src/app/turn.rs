use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use globus_core::Result;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::gare::GlobusAuthorizationParameters;

/// Lets one login serve all callers that need it at the same time.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// How many logins have ended, well or not.
    ended: Arc<AtomicU64>,
    last: Arc<Mutex<Option<Ended>>>,
}

/// What somebody knew when they looked whether a login is needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    ended: u64,
    needs: u64,
}

/// What became of the last login.
#[derive(Debug)]
struct Ended {
    asked_for: GlobusAuthorizationParameters,
    /// What the app needed when it began.
    needs: u64,
    outcome: Result<()>,
}

/// The right to log in. Given up by dropping it; then it is the next one's.
#[derive(Debug)]
pub(super) struct OwnTurn {
    ended: Arc<AtomicU64>,
    last: OwnedMutexGuard<Option<Ended>>,
}

impl Seen {
    /// For a login that is needed for what it is for alone.
    pub(super) fn whatever_else_is_needed(self) -> Self {
        Self { needs: 0, ..self }
    }
}

impl Turn {
    /// What to remember before looking whether a login is needed. `needs` is the version of what the app needs: a login
    /// that began with less is of no use.
    pub(super) fn seen(&self, needs: u64) -> Seen {
        Seen { ended: self.ended.load(Ordering::Acquire), needs }
    }

    /// Waits for the login under way, if there is one. Answers its outcome where it was for the same, and otherwise the
    /// right to log in.
    pub(super) async fn take(
        &self,
        seen: Seen,
        wanted: &GlobusAuthorizationParameters,
    ) -> std::result::Result<OwnTurn, Result<()>> {
        let last = Arc::clone(&self.last).lock_owned().await;
        let since = self.ended.load(Ordering::Acquire) > seen.ended;
        match &*last {
            Some(ended) if since && ended.needs >= seen.needs && ended.serves(wanted) => {
                Err(ended.outcome.clone())
            }
            _ => Ok(OwnTurn { ended: Arc::clone(&self.ended), last }),
        }
    }
}

impl Ended {
    /// Whether this login's outcome is that of one for `wanted`.
    fn serves(&self, wanted: &GlobusAuthorizationParameters) -> bool {
        // Whatever a login was for, it was for what the app needs, too.
        (self.outcome.is_ok() && wanted.is_empty())
            || without_message(&self.asked_for) == without_message(wanted)
    }
}

/// What is asked of the person's login: the words that go with it do not count.
fn without_message(parameters: &GlobusAuthorizationParameters) -> GlobusAuthorizationParameters {
    GlobusAuthorizationParameters { session_message: None, ..parameters.clone() }
}

impl OwnTurn {
    /// The login has ended. `needs` is the version of what the app needed when it began.
    pub(super) fn end(mut self, asked_for: GlobusAuthorizationParameters, needs: u64, outcome: &Result<()>) {
        *self.last = Some(Ended { asked_for, needs, outcome: outcome.clone() });
        self.ended.fetch_add(1, Ordering::Release);
    }
}
