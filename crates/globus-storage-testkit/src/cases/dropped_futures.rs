//! Callers who go away: a future dropped at each point where it waits.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use globus_core::storage::StoreKind;

use crate::child::batch;
use crate::sample::number;
use crate::{Backend, Options, Place};

/// Polls a future this often, then drops it. Answers whether it was done by then.
async fn poll_and_drop<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(done) =
            std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
        {
            return Some(done);
        }
        // Lets what it waits for happen, so that the next poll comes to the next point.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    None
}

/// The write is done as a whole or not at all, and the next one works.
pub async fn a_dropped_store_is_done_or_not<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    for turn in 1..=24 {
        let (old, new) = (turn * 10, turn * 10 + 1);
        storage.store(batch(old), StoreKind::Login).await.unwrap();
        let polls = usize::try_from(turn - 1).unwrap();
        let done = poll_and_drop(storage.store(batch(new), StoreKind::Login), polls).await;
        // A write may still be on its way; a later one of the same handle comes after it, or replaces it.
        storage.remove("no-such").await.unwrap();
        let loaded = storage.get_all().await.unwrap();
        let numbers: Vec<_> = loaded.tokens.values().map(number).collect();
        assert_eq!((numbers.len(), loaded.damaged.len()), (3, 0), "after {polls} polls");
        if done.is_some_and(|stored| stored.is_ok()) {
            assert_eq!(numbers, [new; 3], "after {polls} polls");
        }
        assert!(numbers.iter().all(|number| [old, new].contains(number)), "after {polls} polls: {numbers:?}");
        if place.capabilities().atomic_batch {
            assert!(numbers.iter().all(|number| *number == numbers[0]), "after {polls} polls: {numbers:?}");
        }
        // Waits until it is through before the next turn begins.
        settle(&storage, new).await;
    }
}

/// Waits until the dropped write is through: it was decided by the call, so it comes.
async fn settle(storage: &globus_core::Storage, new: i64) {
    for _ in 0..60_000 {
        let loaded = storage.get_all().await.unwrap();
        if loaded.tokens.values().all(|token| number(token) == new) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("a store that was called is never done");
}

/// Asking for the lease, and going away at any point, keeps nobody from it for longer than a lease lasts.
pub async fn a_dropped_lease_request_blocks_nobody<B: Backend>(place: &Place<B>) {
    let options = Options { lease_time: Duration::from_secs(2), lock_wait: Duration::from_secs(120) };
    let storage = place.open_with(options).await;
    for polls in 0..12 {
        if let Some(lease) = poll_and_drop(storage.lock_refresh("rs"), polls).await {
            drop(lease.unwrap());
        }
        storage.lock_refresh("rs").await.unwrap().release().await.unwrap();
    }
}
