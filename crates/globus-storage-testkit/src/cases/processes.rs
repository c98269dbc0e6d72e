//! Several processes, and processes that die.

use std::time::Duration;

use globus_core::storage::StoreKind;

use crate::child::batch;
use crate::sample::{number, stored_number, token};
use crate::{Backend, Place};

/// Eight processes store records of their own.
pub async fn processes_lose_nothing<B: Backend>(place: &Place<B>) {
    if !place.capabilities().shared {
        return;
    }
    let servers: Vec<String> = (0..8).map(|process| format!("process-{process}")).collect();
    let mut children: Vec<_> =
        servers.iter().map(|server| place.start(&["store-many", server, "20"])).collect();
    for child in &mut children {
        child.expect("done");
    }
    let loaded = place.open().await.get_all().await.unwrap();
    assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (160, 0));
    for server in &servers {
        for expected in 0..20 {
            assert_eq!(number(&loaded.tokens[format!("{server}-{expected}").as_str()]), expected);
        }
    }
}

/// Four processes refresh the same record; no step is lost and none is taken twice.
pub async fn processes_count_together<B: Backend>(place: &Place<B>) {
    if !(place.capabilities().shared && place.capabilities().cas) {
        return;
    }
    let storage = place.open().await;
    storage.store(vec![token("rs", 0)], StoreKind::Login).await.unwrap();
    let mut children: Vec<_> = (0..4).map(|_| place.start(&["count", "rs", "10"])).collect();
    for child in &mut children {
        child.expect("done");
    }
    assert_eq!(stored_number(&storage, "rs").await, Some(40));
}

/// A lease ends with its time when its holder was killed.
pub async fn the_lease_of_a_killed_process_ends<B: Backend>(place: &Place<B>) {
    if !place.capabilities().shared {
        return;
    }
    let time = Duration::from_secs(2);
    let milliseconds = time.as_millis().to_string();
    let mut holder = place.start(&["hold-lease", "rs", &milliseconds]);
    let said = holder.next().unwrap();
    let fencing: u64 = said.strip_prefix("holds ").unwrap().parse().unwrap();
    let storage = place.open_with_leases_of(time).await;
    holder.kill();
    let lease = storage.lock_refresh("rs").await.unwrap();
    assert!(lease.fencing() > fencing);
    lease.release().await.unwrap();
}

/// The process dies at a step of its write. The old batch is there afterwards, or the new one, and the next write
/// works.
pub async fn a_crash_at_any_step_leaves_old_or_new<B: Backend>(place: &Place<B>) {
    let storage = place.open_with_leases_of(Duration::from_secs(2)).await;
    if place.backend().steps().is_empty() {
        println!("not checked: no steps of a write are given");
    }
    for (turn, step) in (1..).zip(place.backend().steps()) {
        let (old, new, next) = (turn * 10, turn * 10 + 1, turn * 10 + 2);
        storage.store(batch(old), StoreKind::Login).await.unwrap();
        let mut child =
            place.start_with_failpoint(&["store-batch", &new.to_string()], &format!("{step}=crash"));
        child.expect("ready");
        assert_eq!(child.next(), None, "the process dies at {step}");
        assert!(!child.wait().success());
        let loaded = place.open().await.get_all().await.unwrap();
        assert!(loaded.damaged.is_empty(), "{step}: {:?}", loaded.damaged);
        let numbers: Vec<_> = loaded.tokens.values().map(number).collect();
        assert_eq!(numbers.len(), 3, "{step}");
        assert!(numbers.iter().all(|number| [old, new].contains(number)), "{step}: {numbers:?}");
        if place.capabilities().atomic_batch {
            assert!(numbers.iter().all(|number| *number == numbers[0]), "{step}: half a batch, {numbers:?}");
        }
        storage.store(batch(next), StoreKind::Login).await.unwrap();
        assert_eq!(stored_number(&storage, "batch-2").await, Some(next), "{step}");
    }
}

/// A step of a write fails, as on a full or a broken disk. What is told as not stored may only be the new batch
/// where it was already in place; nothing is lost or mixed, and the next write works.
pub async fn a_failure_at_any_step_leaves_the_old<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    for failure in ["full", "broken"] {
        for (turn, step) in (1..).zip(place.backend().steps()) {
            let (old, new) = (turn * 10, turn * 10 + 1);
            storage.store(batch(old), StoreKind::Login).await.unwrap();
            let failpoint = format!("{step}={failure}");
            let mut child = place.start_with_failpoint(&["store-batch", &new.to_string()], &failpoint);
            child.expect("ready");
            let said = child.next().unwrap();
            assert!(said.starts_with("refused ") || said == "stored", "{failpoint}: {said}");
            child.wait();
            let loaded = place.open().await.get_all().await.unwrap();
            let numbers: Vec<_> = loaded.tokens.values().map(number).collect();
            let expected: &[i64] = if said == "stored" { &[new] } else { &[old, new] };
            assert_eq!(numbers.len(), 3, "{failpoint}");
            assert!(
                numbers.iter().all(|number| expected.contains(number)),
                "{failpoint}: {said}, {numbers:?}"
            );
            if place.capabilities().atomic_batch {
                assert!(numbers.iter().all(|number| *number == numbers[0]), "{failpoint}: {numbers:?}");
            }
        }
    }
}

/// The process dies at a step of a removal, or the step fails. The token is there afterwards or gone, the others stay,
/// and the next removal works.
pub async fn a_removal_that_is_cut_short_leaves_the_others<B: Backend>(place: &Place<B>) {
    let storage = place.open_with_leases_of(Duration::from_secs(2)).await;
    if place.backend().removal_steps().is_empty() {
        println!("not checked: no steps of a removal are given");
    }
    for failure in ["crash", "full", "broken"] {
        for step in place.backend().removal_steps() {
            storage.store(batch(1), StoreKind::Login).await.unwrap();
            let failpoint = format!("{step}={failure}");
            let mut child = place.start_with_failpoint(&["remove", "batch-2"], &failpoint);
            child.expect("ready");
            let said = child.next();
            assert_eq!(said.is_none(), failure == "crash", "{failpoint}: {said:?}");
            child.wait();
            let is_left = stored_number(&storage, "batch-2").await.is_some();
            if said.as_deref() == Some("removed true") {
                assert!(!is_left, "{failpoint}: what is told as removed is gone");
            }
            for other in ["batch-1", "batch-3"] {
                assert_eq!(stored_number(&storage, other).await, Some(1), "{failpoint}: {other} stays");
            }
            assert_eq!(storage.remove("batch-2").await.unwrap(), is_left, "{failpoint}");
            assert_eq!(stored_number(&storage, "batch-2").await, None, "{failpoint}");
        }
    }
}
