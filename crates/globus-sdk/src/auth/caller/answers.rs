//! Answers about tokens that all callers share: asked once at a time, and kept while they last.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use globus_core::flight::Flight;
use globus_core::{Clock, Error, Timestamp};

use super::kept::{Kept, Key};
use super::refusal::Refusal;

/// How many flights a caller waits for before giving up.
const FLIGHTS: u32 = 3;

/// What was answered, and until when it is kept; `None`: for those who wait for it only.
pub(super) struct Answer<V> {
    pub(super) outcome: Result<V, Refusal>,
    pub(super) ends_at: Option<Timestamp>,
}

/// Good answers, refusals, and questions under way. Refusals have a memory of their own, so that a flood of wrong tokens
/// does not push out what is known of the right ones.
pub(super) struct Answers<V> {
    clock: Arc<dyn Clock>,
    state: Mutex<State<V>>,
}

struct State<V> {
    good: Kept<V>,
    refused: Kept<Refusal>,
    flights: HashMap<Key, (u64, Flight<Result<V, Refusal>>)>,
    started: u64,
}

impl<V: Clone + Send + Sync + 'static> Answers<V> {
    pub(super) fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        let state = State {
            good: Kept::new(capacity),
            refused: Kept::new(capacity),
            flights: HashMap::new(),
            started: 0,
        };
        Self { clock, state: Mutex::new(state) }
    }

    /// Held for a few lines at a time and never across an await. What it guards is whole after every step.
    fn state(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known without asking.
    pub(super) fn kept(&self, key: &Key) -> Option<Result<V, Refusal>> {
        self.state().kept(key, self.clock.now())
    }

    /// What is known if it is good enough for this caller, otherwise what is answered. `ask` is given what was known.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        key: Key,
        good_enough: impl Fn(&V) -> bool,
        ask: impl Fn(Option<V>) -> F,
    ) -> Result<V, Refusal>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        for _ in 0..FLIGHTS {
            let flight = {
                let mut state = self.state();
                let known = match state.kept(&key, self.clock.now()) {
                    Some(Ok(value)) if good_enough(&value) => return Ok(value),
                    Some(Ok(value)) => Some(value),
                    Some(Err(refusal)) => return Err(refusal),
                    None => None,
                };
                match state.flights.get(&key) {
                    Some((_, flight)) if !flight.has_ended() => flight.clone(),
                    _ => {
                        state.started += 1;
                        let number = state.started;
                        let flight = self.launch(key, number, ask(known))?;
                        state.flights.insert(key, (number, flight.clone()));
                        flight
                    }
                }
            };
            if let Some(outcome) = flight.outcome().await {
                return outcome;
            }
        }
        Err(Error::other(
            "a question to Globus Auth ended without an outcome, several times; try again",
            None,
        )
        .into())
    }

    fn launch(
        self: &Arc<Self>,
        key: Key,
        number: u64,
        asking: impl Future<Output = Answer<V>> + Send + 'static,
    ) -> Result<Flight<Result<V, Refusal>>, Refusal> {
        let answers = Arc::clone(self);
        let flight = Flight::launch(async move {
            let answer = asking.await;
            let mut state = answers.state();
            // Where it is another's turn by now, the token was forgotten: what came of the old question is not kept.
            if state.flights.get(&key).is_some_and(|(current, _)| *current == number) {
                state.flights.remove(&key);
                state.keep(key, &answer, answers.clock.now());
            }
            answer.outcome
        })?;
        Ok(flight)
    }

    /// Forgets what is known, and what is being asked.
    pub(super) fn forget(&self, key: &Key) {
        let mut state = self.state();
        state.good.remove(key);
        state.refused.remove(key);
        state.flights.remove(key);
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.good.len(), state.refused.len())
    }
}

impl<V: Clone> State<V> {
    fn kept(&mut self, key: &Key, now: Timestamp) -> Option<Result<V, Refusal>> {
        match self.good.get(key, now) {
            Some(value) => Some(Ok(value)),
            None => self.refused.get(key, now).map(Err),
        }
    }

    fn keep(&mut self, key: Key, answer: &Answer<V>, now: Timestamp) {
        match (&answer.outcome, answer.ends_at) {
            (Ok(value), Some(ends_at)) => self.good.insert(key, value.clone(), ends_at, now),
            (Err(refusal), Some(ends_at)) => {
                self.good.remove(&key);
                self.refused.insert(key, refusal.clone(), ends_at, now);
            }
            (_, None) => {}
        }
    }
}
