//! Servers that crash, connections that are cut, scripts and leases that get lost.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use globus_core::storage::{Namespace, RefreshLease, StorageErrorKind, TokenStorage};
use globus_core::token::ResourceServer;
use globus_storage_redis::RedisTokenStorage;
use redis::cmd;
use support::{admin, connect, log_in, open, open_lazily, refresh, shown, stored};
use test_services::redis::RedisServer;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Logs in under ever new names until it is told to stop; answers how many were acknowledged, and says each.
fn keep_storing(
    storage: RedisTokenStorage,
    stop: Arc<AtomicBool>,
    said: mpsc::UnboundedSender<()>,
    name: usize,
) -> JoinHandle<i64> {
    tokio::spawn(async move {
        let mut acknowledged = 0;
        while !stop.load(Ordering::Relaxed) {
            match log_in(&storage, &format!("{name}-{acknowledged}"), acknowledged).await {
                Ok(()) => {
                    acknowledged += 1;
                    said.send(()).unwrap();
                }
                Err(error) => assert_eq!(*error.kind(), StorageErrorKind::Unavailable, "{error}"),
            }
        }
        acknowledged
    })
}

/// Lets four writers store while `disturb` happens eight times; nothing acknowledged may be missing afterwards.
async fn disturbed(server: &mut RedisServer, mut disturb: impl FnMut(&mut RedisServer)) {
    let stop = Arc::new(AtomicBool::new(false));
    let (said, mut heard) = mpsc::unbounded_channel();
    let mut writers = Vec::new();
    for name in 0..4 {
        writers.push(keep_storing(open(&server.url()).await, Arc::clone(&stop), said.clone(), name));
    }
    for _ in 0..8 {
        // Each time in the middle of the work.
        for _ in 0..25 {
            heard.recv().await.unwrap();
        }
        tokio::task::block_in_place(|| disturb(server));
    }
    heard.recv().await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let storage = open(&server.url()).await;
    for (name, writer) in writers.into_iter().enumerate() {
        for number in 0..writer.await.unwrap() {
            let token = stored(&storage, &format!("{name}-{number}")).await;
            assert_eq!(
                token.map(|token| token.expires_at_seconds),
                Some(number),
                "{name}-{number} was stored"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_server_that_crashes_loses_nothing_that_was_acknowledged() {
    let mut server = RedisServer::durable();
    disturbed(&mut server, |server| {
        server.kill();
        server.start_again();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_nothing_that_was_acknowledged() {
    let mut server = RedisServer::in_memory();
    disturbed(&mut server, |server| server.drop_connections()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_may_be_forgotten_at_any_time() {
    let mut server = RedisServer::in_memory();
    disturbed(&mut server, |server| {
        cmd("SCRIPT").arg("FLUSH").exec(&mut admin(server)).unwrap();
    })
    .await;
}

/// Of one who counts, each step is taken once, though its connection is cut all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_count_nothing_twice() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await;
    log_in(&storage, "rs", 0).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let cutting = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(Ordering::Relaxed) {
                server.drop_connections();
                std::thread::sleep(Duration::from_millis(3));
            }
            server
        }
    });
    for number in 0..100 {
        let old = loop {
            match storage.load_fresh(&"DEFAULT".into(), &"rs".into()).await {
                Ok(token) => break token.unwrap(),
                Err(error) => assert_eq!(*error.kind(), StorageErrorKind::Unavailable),
            }
        };
        assert_eq!(old.expires_at_seconds, number);
        while let Err(error) = refresh(&storage, &old).await {
            assert_eq!(*error.kind(), StorageErrorKind::Unavailable, "{error}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    drop(cutting.join().unwrap());
}

fn names() -> (Namespace, ResourceServer) {
    ("DEFAULT".into(), "rs".into())
}

async fn lock(storage: &RedisTokenStorage) -> RefreshLease {
    let (namespace, server) = names();
    storage.lock_refresh(&namespace, &server).await.unwrap()
}

const LEASE: &str = "globus:{globus:}lease:7:DEFAULT:rs";

/// Whoever has lost its lease without knowing cannot overwrite what its successor has stored, and does not take
/// the successor's lease away.
#[tokio::test]
async fn a_holder_that_lost_its_lease_is_kept_out() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await;
    let mut connection = connect(&server.url()).await;
    log_in(&storage, "rs", 1).await.unwrap();
    for is_deleted in [true, false] {
        let mut late = lock(&storage).await;
        let old = stored(&storage, "rs").await.unwrap();
        if is_deleted {
            let () = cmd("DEL").arg(LEASE).query_async(&mut connection).await.unwrap();
        } else {
            let () = cmd("PEXPIRE").arg(LEASE).arg(1).query_async(&mut connection).await.unwrap();
        }
        let next = lock(&storage).await;
        assert!(next.fencing() > late.fencing());
        refresh(&storage, &old).await.unwrap();
        let new = stored(&storage, "rs").await.unwrap();

        assert!(!late.extend().await.unwrap());
        let other = support::token("rs", 99);
        let kind = globus_core::storage::StoreKind::RefreshOf(old.generation());
        let error = storage.store(&"DEFAULT".into(), vec![other], kind).await.unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(stored(&storage, "rs").await.unwrap(), new);
        late.release().await.unwrap();
        let is_held: bool = cmd("EXISTS").arg(LEASE).query_async(&mut connection).await.unwrap();
        assert!(is_held, "the successor still has its lease");
        next.release().await.unwrap();
    }
}

#[tokio::test]
async fn a_busy_lease_names_its_holder() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await.lock_wait(Duration::from_millis(20));
    let held = lock(&storage).await;
    let (namespace, name) = names();
    let error = storage.lock_refresh(&namespace, &name).await.unwrap_err();
    let holder = format!("process {} on host", std::process::id());
    assert!(error.is_locked() && error.to_string().contains(&holder), "{error}");
    held.release().await.unwrap();

    // What somebody else has put there is not shown.
    let () = cmd("SET")
        .arg(LEASE)
        .arg("\u{1b}AgSecret")
        .query_async(&mut connect(&server.url()).await)
        .await
        .unwrap();
    let error = storage.lock_refresh(&namespace, &name).await.unwrap_err();
    assert!(error.is_locked() && !shown(&error).contains("AgSecret"), "{error}");
}

/// The number of a lease is greater than that of every earlier one, even if the server has forgotten them all.
#[tokio::test]
async fn fencing_grows_on_a_server_that_forgot_everything() {
    let mut server = RedisServer::in_memory();
    let storage = open(&server.url()).await;
    let before = lock(&storage).await.fencing();
    server.start_again();
    let storage = open(&server.url()).await;
    let after = lock(&storage).await.fencing();
    assert!(after > before, "{after} after {before}");
}

/// A lease that is dropped on a thread without a runtime is given back all the same.
#[tokio::test]
async fn a_lease_may_be_dropped_anywhere() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await.lease_time(Duration::from_secs(3600));
    let lease = lock(&storage).await;
    std::thread::spawn(move || drop(lease)).join().unwrap();
    lock(&storage).await.release().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_and_comes_back() {
    let mut server = RedisServer::in_memory();
    let storage = open_lazily(&server.url());
    log_in(&storage, "rs", 1).await.unwrap();
    server.kill();
    let error = log_in(&storage, "rs", 2).await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
    assert!(!shown(&error).contains(support::SECRET));
    let (namespace, name) = names();
    for error in [
        storage.load_fresh(&namespace, &name).await.unwrap_err(),
        storage.remove(&namespace, &name).await.unwrap_err(),
        storage.list().await.unwrap_err(),
        storage.lock_refresh(&namespace, &name).await.unwrap_err(),
    ] {
        assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
    }
    // Lets the driver try again and be refused once more, which it remembers.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    server.start_again();
    // A refusal of an earlier time is looked through.
    log_in(&storage, "rs", 3).await.unwrap();
}
