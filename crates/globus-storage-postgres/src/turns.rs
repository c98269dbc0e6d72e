//! Of the tasks of this process that wait for the same lease, one at a time asks the server.
//!
//! However many wait, the server is asked by one of each process, and the pool lends one connection for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// What a lease is for: a namespace and a resource server.
pub(crate) type Key = (String, String);

/// Who is asking, by what for.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the turn, in the order of coming. It ends when it is dropped.
    pub(crate) async fn take(self: &Arc<Self>, key: Key) -> Turn {
        let lock = Arc::clone(self.all().entry(key.clone()).or_default());
        let mut turn = Turn { turns: Arc::clone(self), key, lock, guard: None };
        turn.guard = Some(Arc::clone(&turn.lock).lock_owned().await);
        turn
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<tokio::sync::Mutex<()>>>> {
        // Every step leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One task's turn, or its place in the line.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    key: Key,
    lock: Arc<tokio::sync::Mutex<()>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut all = self.turns.all();
        // The map's own and this one: nobody else is in the line.
        if Arc::strong_count(&self.lock) == 2 {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        (name.to_owned(), "rs".to_owned())
    }

    #[tokio::test]
    async fn one_at_a_time_for_each_key_and_nothing_is_left() {
        let turns = Arc::new(Turns::default());
        let first = turns.take(key("a")).await;
        drop(turns.take(key("b")).await);
        let second = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take(key("a")).await }
        });
        let gone = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take(key("a")).await }
        });
        while Arc::strong_count(&first.lock) < 6 {
            tokio::task::yield_now().await;
        }
        assert!(!second.is_finished());
        gone.abort();
        assert!(gone.await.is_err());
        drop(first);
        drop(second.await.unwrap());
        assert!(turns.all().is_empty());
    }
}
