//! Many at once, on few connections.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use globus_core::Storage;
use globus_core::storage::{Namespace, StoreKind};

use crate::support::{Schema, number, pool, token};

/// However many wait for a lease, a pool of one connection serves everybody else.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_for_a_lease_hold_no_connection() {
    let schema = Schema::new();
    schema.storage().await;
    let pool = pool(schema.config(), 1);
    let storage = Storage::from(schema.storage_on(pool.clone()).lock_wait(Duration::from_secs(600)));
    let lease = storage.lock_refresh("rs").await.unwrap();
    let waiting: Vec<_> = (0..256)
        .map(|number| {
            // Half of them want the one that is held, the others one of their own, which somebody holds as well.
            let storage = storage.with_namespace(if number % 2 == 0 {
                "DEFAULT".to_owned()
            } else {
                number.to_string()
            });
            tokio::spawn(async move {
                let first = storage.lock_refresh("rs").await.unwrap();
                let again = storage.lock_refresh("other").await.unwrap();
                again.release().await.unwrap();
                first.release().await.unwrap();
            })
        })
        .collect();
    for turn in 0..100 {
        storage.store(vec![token("rs", turn)], StoreKind::Login).await.unwrap();
        assert_eq!(number(&storage.get_fresh("rs").await.unwrap().unwrap()), turn);
    }
    assert!(!waiting[0].is_finished());
    lease.release().await.unwrap();
    for task in waiting {
        task.await.unwrap();
    }
    assert_eq!(pool.status().size, 1);
    schema.remove().await;
}

/// Batches that name the same records in another order, old and new ones, removed in between.
#[tokio::test(flavor = "multi_thread")]
async fn batches_across_each_other_are_all_stored() {
    let schema = Schema::new();
    let storage = Storage::from(schema.storage().await);
    let writing: Vec<_> = (0..16)
        .map(|writer| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for turn in 0..20 {
                    let mut names = ["a", "b", "c", "d", "e"];
                    names.rotate_left(writer % 5);
                    if writer % 2 == 0 {
                        names.reverse();
                    }
                    if turn % 4 == 0 {
                        storage.remove(names[0]).await.unwrap();
                    }
                    let batch = names.map(|name| token(name, u32::try_from(writer * 100 + turn).unwrap()));
                    storage.store(batch.into(), StoreKind::Login).await.unwrap();
                }
            })
        })
        .collect();
    for task in writing {
        task.await.unwrap();
    }
    schema.remove().await;
}

/// A server whose default is to be strict about transactions that overlap.
#[tokio::test(flavor = "multi_thread")]
async fn a_strict_default_of_the_server_changes_nothing() {
    let schema = Schema::new();
    schema.storage().await;
    let mut config = schema.config();
    config.options("-c default_transaction_isolation=serializable");
    let storage = Storage::from(schema.storage_on(pool(config, 8)));
    storage.store(vec![token("count", 0)], StoreKind::Login).await.unwrap();
    let counting: Vec<_> = (0..16)
        .map(|_| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    let lease = storage.lock_refresh("count").await.unwrap();
                    let stored = storage.get_fresh("count").await.unwrap().unwrap();
                    let next = token("count", number(&stored) + 1);
                    storage.store(vec![next], StoreKind::RefreshOf(stored.generation())).await.unwrap();
                    lease.release().await.unwrap();
                }
            })
        })
        .collect();
    for task in counting {
        task.await.unwrap();
    }
    assert_eq!(number(&storage.get("count").await.unwrap().unwrap()), 80);
    schema.remove().await;
}

/// A thousand users on a few connections, each with a record and a lease of its own.
#[tokio::test(flavor = "multi_thread")]
async fn many_users_share_a_few_connections() {
    let schema = Schema::new();
    let storage = Storage::from(schema.storage().await);
    let users: Vec<_> = (0..1000_u32)
        .map(|user| {
            let storage = storage.with_namespace(format!("user:{user:04}"));
            tokio::spawn(async move {
                let lease = storage.lock_refresh("rs").await.unwrap();
                storage.store(vec![token("rs", user)], StoreKind::Login).await.unwrap();
                lease.release().await.unwrap();
                assert_eq!(number(&storage.get_fresh("rs").await.unwrap().unwrap()), user);
            })
        })
        .collect();
    for task in users {
        task.await.unwrap();
    }
    let names = storage.list().await.unwrap();
    let expected: Vec<Namespace> = (0..1000).map(|user| format!("user:{user:04}").into()).collect();
    assert_eq!(names, expected);
    schema.remove().await;
}

/// Text is ordered by its bytes, whatever the database's own order is.
#[tokio::test]
async fn namespaces_are_listed_in_order() {
    let schema = Schema::new();
    let storage = Storage::from(schema.storage().await);
    for name in ["b", "B", "ä", "a", "a b", "A"] {
        storage.with_namespace(name).store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    }
    let expected: Vec<Namespace> = ["A", "B", "a", "a b", "b", "ä"].map(Namespace::from).into();
    assert_eq!(storage.list().await.unwrap(), expected);
    schema.remove().await;
}
