//! What is in the database: damaged records, the set of namespaces, keys that stay.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::fmt;

use globus_core::OnRefresh;
use globus_core::storage::{Namespace, StorageErrorKind, StoreKind, TokenStorage};
use globus_storage_redis::{Client, ConnectionManager, RedisTokenStorage};
use redis::{AsyncCommands, cmd};
use support::{connect, log_in, open, shown, stored, token};
use test_services::redis::{shared_url, unique_prefix};

/// A storage in keys of its own, what its keys begin with, and a connection to look at them.
async fn fresh() -> (RedisTokenStorage, Begin, ConnectionManager) {
    let (url, prefix) = (shared_url(), unique_prefix());
    let storage = open(&url).await.key_prefix(&prefix).unwrap();
    (storage, Begin(format!("{prefix}{{{prefix}}}")), connect(&url).await)
}

/// What the keys of a test begin with. They are removed with it.
struct Begin(String);

impl fmt::Display for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Drop for Begin {
    fn drop(&mut self) {
        let mut connection = Client::open(shared_url()).unwrap().get_connection().unwrap();
        let keys: Vec<Vec<u8>> = cmd("KEYS").arg(format!("{self}*")).query(&mut connection).unwrap();
        for key in keys {
            cmd("DEL").arg(key).exec(&mut connection).unwrap();
        }
    }
}

async fn keys(begin: &Begin, connection: &mut ConnectionManager) -> Vec<String> {
    let mut keys: Vec<String> = cmd("KEYS").arg(format!("{begin}*")).query_async(connection).await.unwrap();
    keys.sort();
    keys
}

#[tokio::test]
async fn damaged_records_hide_no_good_ones_and_are_replaced() {
    let (storage, begin, mut connection) = fresh().await;
    let namespace = Namespace::default();
    let hash = format!("{begin}tokens:DEFAULT");
    log_in(&storage, "good", 1).await.unwrap();
    let record = token("x", 1).to_record();
    for (name, value) in [
        (&b"empty"[..], &b""[..]),
        (b"no-json", b"AgSecret"),
        (b"no-text", b"AgSecret\xff"),
        (b"no-object", b"[\"AgSecret\"]"),
        (b"name-\xff", record.as_bytes()),
    ] {
        let () = connection.hset(&hash, name, value).await.unwrap();
    }
    let loaded = storage.load_all(&namespace).await.unwrap();
    assert_eq!(loaded.tokens.keys().map(AsRef::as_ref).collect::<Vec<&str>>(), ["good"]);
    assert_eq!(loaded.damaged.len(), 5);
    for error in &loaded.damaged {
        assert!(matches!(error.kind(), StorageErrorKind::InvalidRecord { .. }), "{error}");
        assert!(!shown(error).contains(support::SECRET), "{error}");
    }
    for name in ["empty", "no-json", "no-text", "no-object"] {
        let error = storage.load_fresh(&namespace, &name.into()).await.unwrap_err();
        assert_eq!(error.resource_server(), Some(&name.into()));
        // It counts as none.
        let of = StoreKind::RefreshOf(token(name, 1).generation());
        let conflict = storage.store(&namespace, vec![token(name, 2)], of).await.unwrap_err();
        assert!(conflict.is_conflict());
        log_in(&storage, name, 7).await.unwrap();
        assert_eq!(stored(&storage, name).await, Some(token(name, 7)));
        let () = connection.hset(&hash, name, b"\xff").await.unwrap();
        assert!(storage.remove(&namespace, &name.into()).await.unwrap());
        assert!(!storage.remove(&namespace, &name.into()).await.unwrap());
    }
}

#[tokio::test]
async fn the_set_of_namespaces_never_drifts() {
    let (storage, begin, mut connection) = fresh().await;
    assert_eq!(storage.list().await.unwrap(), [""; 0]);
    for namespace in ["b", "a", "c:{d}"] {
        storage
            .store(&namespace.into(), vec![token("rs", 1), token("rs2", 1)], StoreKind::Login)
            .await
            .unwrap();
    }
    assert_eq!(storage.list().await.unwrap(), ["a", "b", "c:{d}"]);

    // A hash that somebody has deleted by hand.
    let () = connection.del(format!("{begin}tokens:b")).await.unwrap();
    assert_eq!(storage.list().await.unwrap(), ["a", "c:{d}"]);
    storage.store(&"b".into(), vec![token("rs", 1)], StoreKind::Login).await.unwrap();

    for (namespace, names) in [("a", vec!["rs", "rs2"]), ("b", vec!["rs"]), ("c:{d}", vec!["rs2", "rs"])] {
        for name in names {
            assert!(storage.list().await.unwrap().contains(&namespace.into()));
            assert!(storage.remove(&namespace.into(), &name.into()).await.unwrap());
        }
        assert!(!storage.list().await.unwrap().contains(&namespace.into()));
    }
    assert_eq!(keys(&begin, &mut connection).await, Vec::<String>::new(), "nothing is left behind");
}

#[tokio::test]
async fn only_leases_expire() {
    let (storage, begin, mut connection) = fresh().await;
    log_in(&storage, "rs", 1).await.unwrap();
    let lease = storage.lock_refresh(&Namespace::default(), &"rs".into()).await.unwrap();
    for (key, expires) in
        [("fencing", false), ("lease:7:DEFAULT:rs", true), ("namespaces", false), ("tokens:DEFAULT", false)]
    {
        let left: i64 = connection.pttl(format!("{begin}{key}")).await.unwrap();
        assert_eq!((left > 0, left == -1), (expires, !expires), "{key}: {left}");
    }
    assert_eq!(keys(&begin, &mut connection).await.len(), 4);
    lease.release().await.unwrap();
}

#[tokio::test]
async fn a_batch_may_name_a_resource_server_twice() {
    let (storage, _begin, _) = fresh().await;
    let without = globus_core::TokenData::new("rs", "scope", "AgSecret2", 2);
    storage.store(&Namespace::default(), vec![token("rs", 1), without], StoreKind::Refresh).await.unwrap();
    let token = stored(&storage, "rs").await.unwrap();
    assert_eq!(token.expires_at_seconds, 2);
    assert_eq!(token.refresh_token.unwrap().expose(), "AgSecretR1", "one was stored after the other");
    storage.store(&Namespace::default(), Vec::new(), StoreKind::Login).await.unwrap();
}

#[tokio::test]
async fn prefixes_are_apart() {
    let (one, _one_begin, _) = fresh().await;
    let (other, _other_begin, _) = fresh().await;
    log_in(&one, "rs", 1).await.unwrap();
    assert_eq!(stored(&other, "rs").await, None);
    assert_eq!(other.list().await.unwrap(), [""; 0]);
    let lease = one.lock_refresh(&Namespace::default(), &"rs".into()).await.unwrap();
    other.lock_refresh(&Namespace::default(), &"rs".into()).await.unwrap().release().await.unwrap();
    lease.release().await.unwrap();
    assert!(one.key_prefix("no braces {}").is_err());
}

#[tokio::test]
async fn only_the_user_can_say_that_it_is_durable() {
    let (storage, _begin, _) = fresh().await;
    assert!(!storage.capabilities().durable);
    assert!(storage.clone().durable(true).capabilities().durable);
    // It is a refresh callback as it stands.
    let _callback = OnRefresh::from(storage);
}
