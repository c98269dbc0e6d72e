//! The right to refresh: one holder at a time, and never for longer than its life.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{Backend, Options, Place};

/// Of many who want the lease, one has it at a time.
pub async fn one_lease_at_a_time<B: Backend>(place: &Place<B>) {
    let held = Arc::new(AtomicBool::new(false));
    let mut holding = Vec::new();
    for _ in 0..8 {
        let (storage, held) = (place.open().await, Arc::clone(&held));
        holding.push(tokio::spawn(async move {
            for _ in 0..5 {
                let lease = storage.lock_refresh("rs").await.unwrap();
                assert!(!held.swap(true, Ordering::SeqCst), "two hold the lease");
                tokio::task::yield_now().await;
                held.store(false, Ordering::SeqCst);
                lease.release().await.unwrap();
            }
        }));
    }
    for task in holding {
        task.await.unwrap();
    }
}

/// A lease that is dropped without being released need not be waited for until it ends.
pub async fn a_dropped_lease_is_given_back<B: Backend>(place: &Place<B>) {
    // So long that waiting for its end would be waiting for ever.
    let storage = place
        .open_with(Options { lease_time: Duration::from_secs(3600), lock_wait: Duration::from_secs(60) })
        .await;
    for _ in 0..3 {
        drop(storage.lock_refresh("rs").await.unwrap());
    }
}

/// Each holder has a greater number than the one before, through whichever handle.
pub async fn fencing_grows<B: Backend>(place: &Place<B>) {
    let mut last = 0;
    for _ in 0..5 {
        let lease = place.open().await.lock_refresh("rs").await.unwrap();
        assert!(lease.fencing() > last, "{} after {last}", lease.fencing());
        last = lease.fencing();
        lease.release().await.unwrap();
    }
}

/// Who cannot have the lease in time is told that somebody has it, and it is not lost by that.
pub async fn a_busy_lease_is_told_as_one<B: Backend>(place: &Place<B>) {
    let mut lease = place.open().await.lock_refresh("rs").await.unwrap();
    let impatient =
        place.open_with(Options { lock_wait: Duration::from_millis(50), ..Options::default() }).await;
    let error = impatient.lock_refresh("rs").await.unwrap_err();
    assert!(error.is_locked(), "{error}");
    assert!(lease.extend().await.unwrap());
    lease.release().await.unwrap();
    impatient.lock_refresh("rs").await.unwrap().release().await.unwrap();
}

/// A living holder keeps its lease beyond its time; when it stops, the next one gets it.
pub async fn an_extended_lease_is_kept<B: Backend>(place: &Place<B>) {
    // A place that only this process has ends its leases with their holders, not by time.
    if !place.capabilities().shared {
        return;
    }
    let time = Duration::from_secs(4);
    let storage = place.open_with_leases_of(time).await;
    let mut lease = storage.lock_refresh("rs").await.unwrap();
    let waiting = {
        let storage = place.open_with_leases_of(time).await;
        tokio::spawn(async move { storage.lock_refresh("rs").await })
    };
    let mut extended = Instant::now();
    for _ in 0..12 {
        tokio::time::sleep(time / 8).await;
        let now = Instant::now();
        let kept = lease.extend().await.unwrap();
        if extended.elapsed() >= time {
            // The machine stood still for longer than a lease lasts: nothing can be said of a holder that did not.
            println!("not checked: the machine is too slow for it at this moment");
            break;
        }
        extended = now;
        assert!(kept, "the lease of a living holder is kept");
        assert!(!waiting.is_finished());
    }
    lease.release().await.unwrap();
    waiting.await.unwrap().unwrap().release().await.unwrap();
}

/// Whoever stops waiting leaves nothing behind that others would wait for.
pub async fn an_abandoned_wait_takes_no_lease<B: Backend>(place: &Place<B>) {
    let storage = place
        .open_with(Options { lease_time: Duration::from_secs(3600), lock_wait: Duration::from_secs(60) })
        .await;
    let lease = storage.lock_refresh("rs").await.unwrap();
    for _ in 0..8 {
        let waiting = tokio::time::timeout(Duration::from_millis(20), storage.lock_refresh("rs"));
        assert!(waiting.await.is_err(), "the lease is held");
    }
    lease.release().await.unwrap();
    let lease = storage.lock_refresh("rs").await.unwrap();
    lease.release().await.unwrap();
}
