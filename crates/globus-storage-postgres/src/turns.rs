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
        let mut turn = Turn { turns: Arc::clone(self), key, lock: Some(Arc::clone(&lock)), guard: None };
        turn.guard = Some(lock.lock_owned().await);
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
    lock: Option<Arc<tokio::sync::Mutex<()>>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut all = self.turns.all();
        // They leave one after the other, so that the last one finds only the map's own.
        drop(self.lock.take());
        if all.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use futures_util::FutureExt;

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
        // The map's own, and two for each.
        while Arc::strong_count(first.lock.as_ref().unwrap()) < 7 {
            tokio::task::yield_now().await;
        }
        assert!(!second.is_finished());
        gone.abort();
        assert!(gone.await.is_err());
        drop(first);
        drop(second.await.unwrap());
        assert!(turns.all().is_empty());
    }

    /// Also where several leave at the same moment.
    #[test]
    fn those_who_leave_together_leave_nothing() {
        let turns = Arc::new(Turns::default());
        let arrived = AtomicU32::new(0);
        let come_and_go = || {
            for number in 0..100_000 {
                let mut taking = Box::pin(turns.take(key(&number.to_string())));
                // One has the turn, the other one is in the line.
                let turn = taking.as_mut().now_or_never();
                arrived.fetch_add(1, SeqCst);
                while arrived.load(SeqCst) < 2 * (number + 1) {
                    // Not asleep, so as to go on at the very moment.
                    std::thread::yield_now();
                }
                drop((turn, taking));
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(come_and_go);
            scope.spawn(come_and_go);
        });
        assert!(turns.all().is_empty());
    }
}
