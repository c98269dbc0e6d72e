//! Connections that are lost, at the worst moments.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use futures_util::FutureExt;
use globus_core::Storage;
use globus_core::storage::{Namespace, StorageError, StorageErrorKind, StoreKind, TokenStorage};
use globus_storage_postgres::deadpool_postgres::Pool;

use crate::support::proxy::{Fault, Proxy};
use crate::support::{SECRET, Schema, number, pool, shown, token};

/// What is sent when token number 2 is stored.
const SECOND: &str = "AgTestSecret2";

/// What is said where nobody can find out.
const IN_DOUBT: &str = "nobody knows whether the change was made";

/// A storage behind a proxy, with token 1 in it, and one that is not.
async fn behind_a_proxy() -> (Schema, Proxy, Storage, Storage) {
    let schema = Schema::new();
    let direct = Storage::from(schema.storage().await);
    direct.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let proxy = Proxy::start(&schema.config()).await;
    let storage = schema.storage_on(pool(proxy.config(), 2)).into();
    (schema, proxy, storage, direct)
}

async fn stored(storage: &Storage) -> u32 {
    number(&storage.get_fresh("rs").await.unwrap().unwrap())
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_to_be_done() {
    for fault in [Fault::AnswerLost, Fault::BeforeSending] {
        for kind in [StoreKind::Login, StoreKind::RefreshOf(token("rs", 1).generation())] {
            let (schema, proxy, storage, direct) = behind_a_proxy().await;
            proxy.fail_at(fault, SECOND);
            proxy.mend();
            storage.store(vec![token("rs", 2)], kind).await.unwrap();
            proxy.failed().await;
            assert_eq!(stored(&direct).await, 2, "{fault:?} {kind:?}");
            schema.remove().await;
        }
    }
}

/// Of a batch, in the order of its names; the answer to the last write is that to the commit as well.
#[tokio::test]
async fn a_batch_is_stored_as_a_whole_whatever_is_lost() {
    let cases = [(Fault::AnswerLost, 2, 3), (Fault::BeforeSending, 2, 3), (Fault::BeforeSending, 3, 2)];
    for (fault, last, first) in cases {
        let (schema, proxy, storage, direct) = behind_a_proxy().await;
        proxy.fail_at(fault, SECOND);
        proxy.mend();
        let batch = vec![token("first", first), token("last", last)];
        storage.store(batch, StoreKind::Login).await.unwrap();
        proxy.failed().await;
        let tokens = direct.get_all().await.unwrap().tokens;
        let stored: Vec<_> = tokens.iter().map(|(name, token)| (name.as_str(), number(token))).collect();
        assert_eq!(stored, [("first", first), ("last", last), ("rs", 1)], "{fault:?}");
        schema.remove().await;
    }
}

/// The record is then another program's, which may have been made of the one whose answer was lost: it must not be
/// overwritten, and nobody can say whether the store was done.
#[tokio::test]
async fn what_another_program_has_stored_meanwhile_stays() {
    let of_first = StoreKind::RefreshOf(token("rs", 1).generation());
    for kind in [StoreKind::Login, StoreKind::Refresh, of_first] {
        let (schema, proxy, storage, direct) = behind_a_proxy().await;
        proxy.fail_at(Fault::AnswerLost, SECOND);
        let storing = tokio::spawn(async move { storage.store(vec![token("rs", 2)], kind).await });
        proxy.failed().await;
        direct.store(vec![token("rs", 3)], StoreKind::Login).await.unwrap();
        proxy.mend();
        let error = storing.await.unwrap().unwrap_err();
        let expected =
            if kind == of_first { StorageErrorKind::Conflict } else { StorageErrorKind::Unavailable };
        assert_eq!(*error.kind(), expected, "{kind:?}");
        assert_eq!(shown(&error).contains(IN_DOUBT), kind != of_first, "{}", shown(&error));
        assert_eq!(stored(&direct).await, 3, "{kind:?}");
        schema.remove().await;
    }
}

/// Any other error would say that nothing was stored.
#[tokio::test]
async fn whatever_keeps_from_looking_is_told_as_a_doubt() {
    let of_first = StoreKind::RefreshOf(token("rs", 1).generation());
    for kind in [StoreKind::Login, of_first] {
        for (sql, cause) in [
            ("BEGIN; LOCK TABLE globus_tokens", "kind: Locked"),
            ("ALTER TABLE globus_tokens RENAME TO gone", "call `migrate()`"),
        ] {
            let (schema, proxy, _, _) = behind_a_proxy().await;
            let storage = schema.storage_on(pool(proxy.config(), 2)).lock_wait(Duration::from_millis(1));
            proxy.fail_at(Fault::AnswerLost, SECOND);
            let storage = Storage::from(storage);
            let storing = tokio::spawn(async move { storage.store(vec![token("rs", 2)], kind).await });
            proxy.failed().await;
            let other = schema.client().await;
            other.batch_execute(&format!("SET search_path = {}; {sql}", schema.name)).await.unwrap();
            proxy.mend();
            expect_doubt(&storing.await.unwrap().unwrap_err(), cause);
            other.batch_execute("ROLLBACK").await.unwrap();
            schema.remove().await;
        }
    }
}

/// As with a server that stays away.
#[tokio::test]
async fn a_change_that_can_never_be_looked_for_is_told_as_a_doubt() {
    for is_removed in [false, true] {
        let (schema, proxy, _, _) = behind_a_proxy().await;
        let pool = pool(proxy.config(), 2);
        let storage = Storage::from(schema.storage_on(pool.clone()));
        proxy.fail_at(Fault::BeforeSending, if is_removed { "rs-removed" } else { SECOND });
        let changing = tokio::spawn(async move {
            if is_removed {
                storage.remove("rs-removed").await.map(drop)
            } else {
                storage.store(vec![token("rs", 2)], StoreKind::Login).await
            }
        });
        proxy.failed().await;
        pool.close();
        // It tries for a while.
        tokio::time::pause();
        expect_doubt(&changing.await.unwrap().unwrap_err(), "the pool is closed");
        tokio::time::resume();
        schema.remove().await;
    }
}

fn expect_doubt(error: &StorageError, cause: &str) {
    let shown = shown(error);
    assert_eq!(*error.kind(), StorageErrorKind::Unavailable, "{shown}");
    assert!(shown.contains(IN_DOUBT) && shown.contains(cause), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
}

/// As after the server was started anew while nothing was asked of it.
#[tokio::test]
async fn dead_connections_of_the_pool_are_replaced() {
    let schema = Schema::new();
    let name = format!("{}_dead", schema.name);
    let mut config = schema.config();
    config.application_name(&name);
    let storage = schema.storage_on(pool(config, 2));
    storage.migrate().await.unwrap();
    let storage = Storage::from(storage);
    let kill = async || {
        let sql = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = $1";
        assert!(!schema.client().await.query(sql, &[&name]).await.unwrap().is_empty());
    };
    for turn in 0..20 {
        kill().await;
        storage.store(vec![token("rs", turn)], StoreKind::Login).await.unwrap();
        kill().await;
        assert_eq!(stored(&storage).await, turn);
        kill().await;
        let mut lease = storage.lock_refresh("rs").await.unwrap();
        kill().await;
        assert!(lease.extend().await.unwrap());
        kill().await;
        lease.release().await.unwrap();
        kill().await;
        assert_eq!(storage.list().await.unwrap().len(), 1);
        kill().await;
        assert!(storage.remove("rs").await.unwrap());
    }
    schema.remove().await;
}

async fn backend(pool: &Pool) -> i32 {
    pool.get().await.unwrap().query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

/// Lets the time go by, which stands still, that is waited for an answer.
async fn given_up() {
    // Each time all tasks that can go on do: the one that asks begins to wait, and gives up.
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::task::yield_now().await;
    tokio::time::resume();
}

/// As those do that look for a token while they wait for something else.
#[tokio::test]
async fn reads_that_nobody_waits_for_cost_no_connection() {
    let schema = Schema::new();
    let pool = pool(schema.config(), 1);
    let storage = schema.storage_on(pool.clone());
    storage.migrate().await.unwrap();
    let (namespace, server) = (Namespace::default(), "rs".into());
    storage.load_fresh(&namespace, &server).await.unwrap();
    let first = backend(&pool).await;
    for _ in 0..20 {
        assert!(storage.load_fresh(&namespace, &server).now_or_never().is_none());
        assert_eq!(backend(&pool).await, first);
    }
    schema.remove().await;
}

/// The program hears nothing of it: no connection is lent on before it has answered.
#[tokio::test]
async fn a_connection_to_a_server_that_has_vanished_is_replaced() {
    let (schema, proxy, _, _) = behind_a_proxy().await;
    let pool = pool(proxy.config(), 1);
    let storage = schema.storage_on(pool.clone());
    let (namespace, server) = (Namespace::default(), "rs".into());
    storage.load_fresh(&namespace, &server).await.unwrap();
    let first = backend(&pool).await;
    proxy.halt();
    assert!(storage.load_fresh(&namespace, &server).now_or_never().is_none());
    tokio::time::pause();
    given_up().await;
    assert_eq!(pool.status().size, 0, "it is lent on");
    assert!(storage.load_fresh(&namespace, &server).await.unwrap().is_some());
    assert_ne!(backend(&pool).await, first);
    schema.remove().await;
}

/// Nobody is known to have the lease. The connection is replaced here as well.
#[tokio::test]
async fn a_lease_of_a_server_that_has_vanished_is_unavailable_and_not_locked() {
    let (schema, proxy, _, _) = behind_a_proxy().await;
    let pool = pool(proxy.config(), 1);
    let storage = Storage::from(schema.storage_on(pool.clone()).lock_wait(Duration::ZERO));
    storage.lock_refresh("rs").await.unwrap().release().await.unwrap();
    proxy.halt();
    tokio::time::pause();
    let error = storage.lock_refresh("rs").await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
    assert!(shown(&error).contains("the server did not answer in time"), "{}", shown(&error));
    given_up().await;
    assert_eq!(pool.status().size, 0, "it is lent on");
    storage.lock_refresh("rs").await.unwrap().release().await.unwrap();
    schema.remove().await;
}
