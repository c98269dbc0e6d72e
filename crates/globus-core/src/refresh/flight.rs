//! One renewal under way, and those who wait for it.

use tokio::sync::watch;

use crate::authorizer::Authorization;
use crate::error::Result;

/// What a flight ends with. `None` until it has ended.
pub(super) type Outcome = Option<Result<Authorization>>;

/// A flight as the state keeps it: its number, and where its outcome will show.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) number: u64,
    outcome: watch::Receiver<Outcome>,
}

impl Flight {
    /// A flight, and the end that announces its outcome.
    pub(super) fn new(number: u64) -> (Self, watch::Sender<Outcome>) {
        let (announce, outcome) = watch::channel(None);
        (Self { number, outcome }, announce)
    }

    /// Whether the flight has ended, with an outcome or without.
    pub(super) fn has_ended(&self) -> bool {
        self.outcome.has_changed().is_err() || self.outcome.borrow().is_some()
    }

    /// Waits for the outcome. `None` when the flight died: its task panicked, or its runtime was shut down.
    pub(super) async fn outcome(mut self) -> Outcome {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        }
    }
}
