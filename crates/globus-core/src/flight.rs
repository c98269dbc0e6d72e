//! One piece of work under way that many wait for: a task of its own, which goes on when the one who started it goes
//! away.
//!
//! Whoever keeps a [`Flight`] where the others look for it, behind a lock, lets there be one at a time:
//!
//! ```
//! use std::sync::Mutex;
//!
//! use globus_core::flight::Flight;
//!
//! static UNDER_WAY: Mutex<Option<Flight<u32>>> = Mutex::new(None);
//!
//! async fn answer() -> globus_core::Result<u32> {
//!     let flight = {
//!         let mut under_way = UNDER_WAY.lock().unwrap();
//!         match under_way.as_ref().filter(|flight| !flight.has_ended()) {
//!             Some(flight) => flight.clone(),
//!             None => under_way.insert(Flight::launch(async { 6 * 7 })?).clone(),
//!         }
//!     };
//!     Ok(flight.outcome().await.expect("the runtime goes on"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! assert_eq!(answer().await.unwrap(), 42);
//! # }
//! ```

use std::future::Future;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::{Error, Result};

/// Where the outcome of a piece of work will show. It has ended when its task has let go of the other end, which it does
/// when it is done, when it panics, and when its runtime is shut down.
#[derive(Debug, Clone)]
pub struct Flight<T>(watch::Receiver<Option<T>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Starts the work on the runtime of whoever calls. Its outcome shows when it is done.
    ///
    /// # Errors
    ///
    /// A usage error outside of a tokio runtime.
    pub fn launch(work: impl Future<Output = T> + Send + 'static) -> Result<Self> {
        let runtime = Handle::try_current()
            .map_err(|_| Error::usage("this needs a tokio runtime; call it from inside one"))?;
        let (flight, announce) = Self::new();
        // Detached: whoever started the flight may go away without taking it with them.
        drop(runtime.spawn(async move {
            let outcome = work.await;
            announce.send_replace(Some(outcome));
        }));
        Ok(flight)
    }

    /// A flight, and the end that its task holds.
    pub(crate) fn new() -> (Self, watch::Sender<Option<T>>) {
        let (announce, outcome) = watch::channel(None);
        (Self(outcome), announce)
    }

    /// Whether the task is gone.
    pub fn has_ended(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Whether the outcome is known, though the task may still be tidying up.
    pub(crate) fn has_outcome(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits for the outcome. `None` when the flight ended without one: it panicked, or its runtime was shut down.
    pub async fn outcome(&self) -> Option<T> {
        match self.0.clone().wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        }
    }

    /// Waits until the task is gone.
    pub(crate) async fn ended(&self) {
        // Nothing satisfies this, so it answers when the other end is dropped.
        let _gone = self.0.clone().wait_for(|_| false).await.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_hear_the_same() {
        let flight = Flight::launch(async { "done".to_owned() }).unwrap();
        let other = flight.clone();
        assert_eq!(flight.outcome().await.as_deref(), Some("done"));
        assert_eq!(other.outcome().await.as_deref(), Some("done"));
        other.ended().await;
        assert!(flight.has_ended());
    }

    #[tokio::test]
    async fn a_panic_ends_it_without_an_outcome() {
        let flight = Flight::<u32>::launch(async { panic!("the work's own") }).unwrap();
        assert_eq!(flight.outcome().await, None);
        assert!(flight.has_ended());
    }

    #[test]
    fn outside_of_a_runtime_nothing_starts() {
        assert!(Flight::launch(async {}).unwrap_err().is_usage());
    }
}
