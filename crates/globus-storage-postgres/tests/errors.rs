//! What is said about what goes wrong, and that no secret is in it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use globus_core::Storage;
use globus_core::storage::{StorageErrorKind, StoreKind, TokenStorage};
use globus_storage_postgres::PostgresTokenStorage;
use globus_storage_postgres::deadpool_postgres::Runtime;
use globus_storage_postgres::tokio_postgres::Config;

use crate::support::{SECRET, Schema, pool, pool_builder, shown, token};

const PASSWORD: &str = "AgTestPassword";

/// A port at which nobody listens.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let mut config = Config::new();
    config.host("127.0.0.1").port(free_port()).user("postgres").password(PASSWORD);
    let storage = PostgresTokenStorage::new(pool(config, 1)).restart_wait(Duration::ZERO);
    let debug = format!("{storage:?} {storage:#?}");
    assert!(debug.contains("globus_tokens") && !debug.contains(PASSWORD), "{debug}");
    let handle = Storage::from(storage.clone());
    let errors = [
        storage.migrate().await.unwrap_err(),
        handle.get("rs").await.unwrap_err(),
        handle.get_all().await.unwrap_err(),
        handle.list().await.unwrap_err(),
        handle.remove("rs").await.unwrap_err(),
        handle.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap_err(),
        handle.lock_refresh("rs").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
        let shown = shown(&error);
        assert!(shown.contains("connection refused"), "{shown}");
        assert!(!shown.contains(PASSWORD) && !shown.contains(SECRET), "{shown}");
    }
}

/// However short the wait for somebody's lease is, and also of those in line behind the one who asks.
#[tokio::test]
async fn a_lease_of_a_server_that_is_not_there_is_unavailable_and_not_locked() {
    let mut config = Config::new();
    config.host("127.0.0.1").port(free_port()).user("postgres");
    let storage = PostgresTokenStorage::new(pool(config, 1)).restart_wait(Duration::from_secs(60));
    let storage = Storage::from(storage.lock_wait(Duration::from_secs(1)));
    tokio::time::pause();
    let (first, second) = tokio::join!(storage.lock_refresh("rs"), storage.lock_refresh("rs"));
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert_eq!(*error.kind(), StorageErrorKind::Unavailable, "{}", shown(&error));
    }
}

#[tokio::test]
async fn a_role_that_does_not_exist_is_denied() {
    let schema = Schema::new();
    let mut config = schema.config();
    config.user("globus_test_nobody").password(PASSWORD);
    let error = Storage::from(schema.storage_on(pool(config, 1))).get("rs").await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Denied);
    assert!(!shown(&error).contains(PASSWORD), "{}", shown(&error));
}

#[tokio::test]
async fn a_pool_that_lends_no_connection_in_time_is_unavailable() {
    let schema = Schema::new();
    schema.storage().await;
    let builder = pool_builder(schema.config(), 1).runtime(Runtime::Tokio1);
    let pool = builder.wait_timeout(Some(Duration::ZERO)).build().unwrap();
    let storage = Storage::from(schema.storage_on(pool.clone()));
    let expect_all = async |words: &str| {
        let errors = [
            storage.get("rs").await.unwrap_err(),
            storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap_err(),
            storage.lock_refresh("rs").await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
            assert!(shown(&error).contains(words), "{}", shown(&error));
        }
    };
    let held = pool.get().await.unwrap();
    expect_all("the pool had no connection in time").await;
    drop(held);
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    pool.close();
    expect_all("the pool is closed").await;
    schema.remove().await;
}

#[tokio::test]
async fn missing_tables_are_told_with_what_to_do() {
    let schema = Schema::new();
    let storage = schema.storage_on(pool(schema.config(), 1));
    let handle = Storage::from(storage.clone());
    let errors = [
        handle.get("rs").await.unwrap_err(),
        handle.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap_err(),
        handle.lock_refresh("rs").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(*error.kind(), StorageErrorKind::Database);
        assert!(shown(&error).contains("call `migrate()`"), "{}", shown(&error));
    }
    // The one connection of the pool is as good as before.
    storage.migrate().await.unwrap();
    handle.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    schema.remove().await;
}

/// The server quotes the row in its details, and a trigger quotes what it likes.
#[tokio::test]
async fn an_error_about_a_row_shows_nothing_of_it() {
    let schema = Schema::new();
    let storage = Storage::from(schema.storage().await);
    storage.store(vec![token("old", 1)], StoreKind::Login).await.unwrap();
    let (client, name) = (schema.client().await, &schema.name);
    let expect = async |kind: StorageErrorKind, words: &str| {
        for server in ["old", "new"] {
            let error = storage.store(vec![token(server, 2)], StoreKind::Login).await.unwrap_err();
            assert_eq!(*error.kind(), kind);
            let shown = shown(&error);
            assert!(shown.contains(words), "{shown}");
            assert!(!shown.contains(SECRET), "{shown}");
            // Nothing is stored, of a batch neither.
            let batch = vec![token("also-new", 2), token(server, 2)];
            storage.store(batch, StoreKind::Login).await.unwrap_err();
            let tokens = storage.get_all().await.unwrap().tokens;
            assert_eq!(tokens.into_values().collect::<Vec<_>>(), [token("old", 1)]);
        }
    };

    let add = format!(
        "ALTER TABLE {name}.globus_tokens ADD CONSTRAINT small CHECK (record NOT LIKE '%{SECRET}2%')"
    );
    client.batch_execute(&add).await.unwrap();
    expect(
        StorageErrorKind::Database,
        "PostgreSQL error 23514: see the log of the server (constraint \\\"small\\\")",
    )
    .await;
    client.batch_execute(&format!("ALTER TABLE {name}.globus_tokens DROP CONSTRAINT small")).await.unwrap();

    let refuse = async |code: &str| {
        let sql = format!(
            "CREATE OR REPLACE FUNCTION {name}.refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'refused %', NEW.record USING ERRCODE = '{code}', DETAIL = NEW.record; END $$;
             CREATE OR REPLACE TRIGGER refuse BEFORE INSERT OR UPDATE ON {name}.globus_tokens
                FOR EACH ROW EXECUTE FUNCTION {name}.refuse()"
        );
        client.batch_execute(&sql).await.unwrap();
    };
    refuse("P0001").await;
    expect(StorageErrorKind::Database, "PostgreSQL error P0001").await;
    refuse("53100").await;
    expect(StorageErrorKind::NoSpace, "PostgreSQL error 53100").await;
    refuse("42501").await;
    expect(StorageErrorKind::Denied, "PostgreSQL error 42501").await;
    refuse("25006").await;
    expect(StorageErrorKind::Database, "connect to the primary").await;

    // One that leaves rows out without a word would lose tokens: all, or the last ones of the batches.
    for left_out in ["true", "NEW.resource_server IN ('old', 'new')"] {
        let sql = format!(
            "CREATE OR REPLACE FUNCTION {name}.refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN IF {left_out} THEN RETURN NULL; END IF; RETURN NEW; END $$"
        );
        client.batch_execute(&sql).await.unwrap();
        expect(StorageErrorKind::Database, "left the record out").await;
    }
    schema.remove().await;
}

/// A name that the database cannot keep is refused; the connection stays good.
#[tokio::test]
async fn a_name_with_a_zero_is_refused() {
    let schema = Schema::new();
    let storage = Storage::from(schema.storage_on(pool(schema.config(), 1)));
    schema.storage().await;
    let error = storage.store(vec![token("a\0b", 1)], StoreKind::Login).await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Database);
    assert!(shown(&error).contains("cannot keep one of the characters"), "{}", shown(&error));
    // The server compresses what repeats itself.
    let parts: Vec<_> =
        (0..2000_u32).map(|number| format!("{:08x}", number.wrapping_mul(2_654_435_761))).collect();
    let long = parts.concat();
    let error = storage.store(vec![token(&long, 1)], StoreKind::Login).await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Database);
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    schema.remove().await;
}

/// What a hand or another program has written is damaged, not fatal.
#[tokio::test]
async fn a_damaged_record_is_told_and_replaced() {
    let schema = Schema::new();
    let storage = schema.storage().await;
    let handle = Storage::from(storage.clone());
    handle.store(vec![token("bad", 1), token("good", 1)], StoreKind::Login).await.unwrap();
    let sql = format!("UPDATE {}.globus_tokens SET record = '[]' WHERE resource_server = 'bad'", schema.name);
    schema.client().await.batch_execute(&sql).await.unwrap();
    let loaded = storage.load_all(handle.namespace()).await.unwrap();
    assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (1, 1));
    assert_eq!(loaded.damaged[0].resource_server().unwrap(), "bad");
    assert!(handle.get("bad").await.is_err());
    let of_old = StoreKind::RefreshOf(token("bad", 1).generation());
    assert!(handle.store(vec![token("bad", 2)], of_old).await.unwrap_err().is_conflict());
    handle.store(vec![token("bad", 2)], StoreKind::Login).await.unwrap();
    assert_eq!(handle.get("bad").await.unwrap(), Some(token("bad", 2)));
    schema.remove().await;
}
