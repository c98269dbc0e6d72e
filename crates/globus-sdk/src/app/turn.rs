use std::sync::atomic::{AtomicU64, Ordering};

use globus_core::Result;
use tokio::sync::{Mutex, MutexGuard};

use crate::gare::GlobusAuthorizationParameters;

/// Lets one login serve all callers that need it at the same time.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// How many logins have ended, well or not.
    ended: AtomicU64,
    last: Mutex<Option<Ended>>,
}

/// What became of the last login.
#[derive(Debug)]
struct Ended {
    asked_for: GlobusAuthorizationParameters,
    outcome: Result<()>,
}

/// The right to log in.
#[derive(Debug)]
pub(super) struct OwnTurn<'a> {
    turn: &'a Turn,
    last: MutexGuard<'a, Option<Ended>>,
}

impl Turn {
    /// What to remember before looking whether a login is needed.
    pub(super) fn seen(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits for the login under way, if there is one. Answers its outcome where it was for the same, and otherwise the
    /// right to log in.
    pub(super) async fn take(
        &self,
        seen: u64,
        wanted: &GlobusAuthorizationParameters,
    ) -> std::result::Result<OwnTurn<'_>, Result<()>> {
        let last = self.last.lock().await;
        match &*last {
            // Whatever a login was for, it was for what the app needs, too.
            Some(Ended { outcome: Ok(()), .. }) if self.seen() > seen && wanted.is_empty() => Err(Ok(())),
            Some(ended) if self.seen() > seen && ended.asked_for == *wanted => Err(ended.outcome.clone()),
            _ => Ok(OwnTurn { turn: self, last }),
        }
    }
}

impl OwnTurn<'_> {
    /// The login has ended.
    pub(super) fn end(mut self, asked_for: GlobusAuthorizationParameters, outcome: &Result<()>) {
        *self.last = Some(Ended { asked_for, outcome: outcome.clone() });
        self.turn.ended.fetch_add(1, Ordering::Release);
    }
}
