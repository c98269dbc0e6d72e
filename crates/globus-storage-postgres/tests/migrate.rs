//! Making the tables.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use globus_core::Storage;
use globus_core::storage::{StorageErrorKind, StoreKind};

use crate::support::{Schema, pool, token};

#[tokio::test]
async fn many_at_once_make_the_tables_once() {
    let schema = Schema::new();
    let migrating: Vec<_> = (0..16)
        .map(|_| {
            let storage = schema.storage_on(pool(schema.config(), 1));
            tokio::spawn(async move { storage.migrate().await })
        })
        .collect();
    for task in migrating {
        task.await.unwrap().unwrap();
    }
    let storage = schema.storage().await;
    let sql = format!("SELECT value FROM {}.globus_meta WHERE name = 'schema_version'", schema.name);
    let rows = schema.client().await.query(&sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<_, &str>(0), "1");
    // What is stored outlives further calls.
    let handle = Storage::from(storage.clone());
    handle.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    storage.migrate().await.unwrap();
    assert!(handle.get("rs").await.unwrap().is_some());
    schema.remove().await;
}

#[tokio::test]
async fn prefixes_keep_storages_apart() {
    let schema = Schema::new();
    let storage = schema.storage().await;
    let other = storage.clone().table_prefix("other_").unwrap().lock_wait(Duration::ZERO);
    other.migrate().await.unwrap();
    let (storage, other) = (Storage::from(storage), Storage::from(other));
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    assert!(other.get("rs").await.unwrap().is_none());
    let lease = storage.lock_refresh("rs").await.unwrap();
    // Somebody is about to ask the server for this lease, and waits for the answer.
    let mut waiting = pin!(storage.lock_refresh("rs"));
    assert!(waiting.as_mut().now_or_never().is_none());
    other.lock_refresh("rs").await.unwrap().release().await.unwrap();
    lease.release().await.unwrap();
    schema.remove().await;
}

#[tokio::test]
async fn without_a_schema_the_search_path_decides() {
    let schema = Schema::new();
    schema.storage().await;
    let mut config = schema.config();
    config.options(format!("-c search_path={}", schema.name));
    let storage = globus_storage_postgres::PostgresTokenStorage::new(pool(config, 1));
    storage.migrate().await.unwrap();
    let storage = Storage::from(storage);
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let sql = format!("SELECT count(*) FROM {}.globus_tokens", schema.name);
    assert_eq!(schema.client().await.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0), 1);
    schema.remove().await;
}

#[tokio::test]
async fn newer_tables_are_left_alone() {
    let schema = Schema::new();
    let storage = schema.storage().await;
    let client = schema.client().await;
    for (version, found) in [("2", "2"), ("later", "later")] {
        let sql = format!("UPDATE {}.globus_meta SET value = '{version}'", schema.name);
        client.batch_execute(&sql).await.unwrap();
        let error = storage.migrate().await.unwrap_err();
        let is_told =
            matches!(error.kind(), StorageErrorKind::UnsupportedSchema { found: told, .. } if told == found);
        assert!(is_told, "{error}");
    }
    schema.remove().await;
}

/// The role of a program that may use the tables but not make any.
#[tokio::test]
async fn a_role_that_may_make_no_tables_can_check_them() {
    let schema = Schema::new();
    let (client, name) = (schema.client().await, &schema.name);
    let role = format!("{name}_role");
    client.batch_execute(&format!("CREATE SCHEMA {name}; CREATE ROLE {role} LOGIN")).await.unwrap();
    let mut config = schema.config();
    config.user(&role);
    let restricted = schema.storage_on(pool(config, 2));
    assert_eq!(*restricted.migrate().await.unwrap_err().kind(), StorageErrorKind::Denied);

    schema.storage().await;
    let rights = format!(
        "GRANT USAGE ON SCHEMA {name} TO {role};
         GRANT SELECT ON {name}.globus_meta TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.globus_tokens, {name}.globus_leases TO {role}"
    );
    client.batch_execute(&rights).await.unwrap();
    restricted.migrate().await.unwrap();
    let storage = Storage::from(restricted);
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    storage.lock_refresh("rs").await.unwrap().release().await.unwrap();
    assert!(storage.remove("rs").await.unwrap());
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    schema.remove().await;
}
