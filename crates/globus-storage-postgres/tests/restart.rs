//! The server stops at once and starts again, in the middle of stores.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use globus_core::Storage;
use globus_core::storage::{StorageErrorKind, StoreKind};
use globus_storage_postgres::PostgresTokenStorage;
use test_services::postgres::{Durability, Server};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::support::{number, pool, token};

const WRITERS: u32 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_store_is_there_after_a_restart() {
    let mut server = Server::start(Durability::On);
    let storage = PostgresTokenStorage::new(pool(server.connection().parse().unwrap(), 4));
    storage.migrate().await.unwrap();
    let storage = Storage::from(storage);
    // A permit for each store that is done, so that the server is stopped while some are under way.
    let done = Arc::new(Semaphore::new(0));
    let restarts = Arc::new(AtomicU32::new(0));
    let mut writing = Vec::new();
    for writer in 0..WRITERS {
        let (storage, done, restarts) = (storage.clone(), Arc::clone(&done), Arc::clone(&restarts));
        writing.push(tokio::spawn(async move {
            let name = format!("rs-{writer}");
            for turn in 1.. {
                let is_last = restarts.load(Ordering::SeqCst) == 3;
                // A batch: both records are there or none.
                let batch = vec![token(&name, turn), token(&format!("{name}-too"), turn)];
                loop {
                    match storage.store(batch.clone(), StoreKind::Login).await {
                        Ok(()) => break,
                        Err(error) => {
                            assert_eq!(*error.kind(), StorageErrorKind::Unavailable, "{error:?}");
                            tokio::task::yield_now().await;
                        }
                    }
                    // What was acknowledged before is there, or what was just not acknowledged.
                    if let Ok(stored) = storage.get_fresh(&*name).await {
                        let stored = stored.as_ref().map_or(0, number);
                        assert!([turn - 1, turn].contains(&stored), "{stored} after {turn}");
                    }
                }
                done.add_permits(1);
                let stored = storage.get_all().await;
                if let Ok(loaded) = stored {
                    assert_eq!(number(&loaded.tokens[name.as_str()]), turn);
                    assert_eq!(number(&loaded.tokens[format!("{name}-too").as_str()]), turn);
                }
                if is_last {
                    return turn;
                }
            }
            unreachable!("turns do not end")
        }));
    }
    for _ in 0..3 {
        done.acquire_many(3 * WRITERS).await.unwrap().forget();
        server = tokio::task::spawn_blocking(move || {
            server.restart();
            server
        })
        .await
        .unwrap();
        restarts.fetch_add(1, Ordering::SeqCst);
    }
    for (writer, task) in writing.into_iter().enumerate() {
        let last = task.await.unwrap();
        let stored = storage.get_fresh(format!("rs-{writer}")).await.unwrap().unwrap();
        assert_eq!(number(&stored), last);
    }
}

/// As long as it is told to, and no longer.
#[tokio::test]
async fn a_server_that_is_starting_is_waited_for() {
    let mut server = Server::start(Durability::On);
    let wait = Duration::from_secs(100);
    let storage = PostgresTokenStorage::new(pool(server.connection().parse().unwrap(), 2)).restart_wait(wait);
    storage.migrate().await.unwrap();
    let storage = Storage::from(storage);
    server.stop();
    tokio::time::pause();
    let begin = Instant::now();
    let error = storage.get_fresh("rs").await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
    assert!(begin.elapsed() >= wait, "given up after {:?}", begin.elapsed());

    // A time in which it is tried again and again, in vain.
    let mut asking = pin!(futures_util::future::join3(
        storage.get_fresh("rs"),
        storage.store(vec![token("other", 1)], StoreKind::Login),
        storage.lock_refresh("rs"),
    ));
    assert!(tokio::time::timeout(wait / 2, asking.as_mut()).await.is_err());
    tokio::time::resume();
    server.start_again();
    let (read, stored, lease) = asking.await;
    assert!(read.unwrap().is_none());
    stored.unwrap();
    lease.unwrap().release().await.unwrap();
}
