//! One piece of work under way, and those who wait for it.

use tokio::sync::watch;

use crate::authorizer::Authorization;
use crate::error::Result;

/// What a flight is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Store what is not stored yet, then renew if that is still due.
    Renew,
    /// Only store.
    Store,
}

/// What a flight comes to. `None` before it has, and for good when it brings no header.
pub(super) type Outcome = Option<Result<Authorization>>;

/// A flight as the state keeps it: where its outcome will show. It has ended when its task has let go of the
/// other end, which it does when it is done, when it panics, and when its runtime is shut down.
#[derive(Debug, Clone)]
pub(super) struct Flight(watch::Receiver<Outcome>);

impl Flight {
    /// A flight, and the end that its task holds.
    pub(super) fn new() -> (Self, watch::Sender<Outcome>) {
        let (announce, outcome) = watch::channel(None);
        (Self(outcome), announce)
    }

    /// Whether the task is gone.
    pub(super) fn has_ended(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Whether the outcome is known, though the task may still be tidying up.
    pub(super) fn has_outcome(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits for the outcome. `None` when the flight ended without one.
    pub(super) async fn outcome(&self) -> Outcome {
        match self.0.clone().wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        }
    }

    /// Waits until the task is gone.
    pub(super) async fn ended(&self) {
        // Nothing satisfies this, so it answers when the other end is dropped.
        let _gone = self.0.clone().wait_for(|_| false).await.is_err();
    }
}
