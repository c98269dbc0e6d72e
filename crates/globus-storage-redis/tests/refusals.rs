//! What a server refuses: the kind of the error, and that it shows neither token nor password.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::error::Error;

use globus_core::storage::{StorageErrorKind, TokenStorage};
use globus_storage_redis::RedisTokenStorage;
use redis::{Connection, cmd};
use support::{SECRET, admin, log_in, open, open_lazily, shown, stored};
use test_services::redis::RedisServer;

const PASSWORD: &str = "hunter2";

fn set(connection: &mut Connection, name: &str, value: &str) {
    cmd("CONFIG").arg(&["SET", name, value]).exec(connection).unwrap();
}

/// Storing is refused like this, and the cause says so.
async fn refuses_to_store(storage: &RedisTokenStorage, kind: StorageErrorKind, word: &str) {
    let error = log_in(storage, "rs", 2).await.unwrap_err();
    let shown = shown(&error);
    assert_eq!(*error.kind(), kind, "{shown}");
    assert!(error.source().unwrap().to_string().contains(word), "{shown}");
    assert!(!shown.contains(SECRET) && !shown.contains(PASSWORD), "{shown}");
    let debug = format!("{storage:?} {storage:#?}");
    assert!(!debug.contains(PASSWORD), "{debug}");
}

#[tokio::test]
async fn a_login_that_is_wrong_or_missing() {
    let server = RedisServer::in_memory();
    let mut admin = admin(&server);
    set(&mut admin, "requirepass", PASSWORD);
    refuses_to_store(&open_lazily(&server.url()), StorageErrorKind::Denied, "NOAUTH").await;
    let wrong = format!("{}?pass={PASSWORD}x", server.url());
    refuses_to_store(&open_lazily(&wrong), StorageErrorKind::Denied, "password").await;
    let right = format!("{}?pass={PASSWORD}", server.url());
    log_in(&open_lazily(&right), "rs", 1).await.unwrap();
}

#[tokio::test]
async fn a_user_without_rights() {
    let server = RedisServer::in_memory();
    let mut admin = admin(&server);
    let url = format!("{}?user=u&pass={PASSWORD}", server.url());
    let mut allow = |rules: &[&str]| {
        cmd("ACL")
            .arg(&["SETUSER", "u", "reset", "on", &format!(">{PASSWORD}")])
            .arg(rules)
            .exec(&mut admin)
            .unwrap();
    };
    let read = ["~globus:*", "+hmget", "+eval", "+evalsha"];
    allow(&["~globus:*"]);
    refuses_to_store(&open_lazily(&url), StorageErrorKind::Denied, "NOPERM").await;
    allow(&read);
    refuses_to_store(&open_lazily(&url), StorageErrorKind::Denied, "NOPERM").await;
    allow(&["~other:*", "+@all"]);
    refuses_to_store(&open_lazily(&url), StorageErrorKind::Denied, "NOPERM").await;

    // The commands that the documentation names are enough.
    let documented =
        "eval evalsha hget hmget hgetall hset hdel sadd srem smembers exists get set del pexpire time";
    let documented: Vec<String> = documented.split(' ').map(|command| format!("+{command}")).collect();
    let rules: Vec<&str> = ["~globus:*"].into_iter().chain(documented.iter().map(String::as_str)).collect();
    allow(&rules);
    let storage = open_lazily(&url);
    let (namespace, name) = ("DEFAULT".into(), "rs".into());
    log_in(&storage, "rs", 1).await.unwrap();
    assert_eq!(storage.list().await.unwrap().len(), 1);
    assert_eq!(storage.load_all(&namespace).await.unwrap().tokens.len(), 1);
    let mut lease = storage.lock_refresh(&namespace, &name).await.unwrap();
    assert!(lease.extend().await.unwrap());
    lease.release().await.unwrap();
    assert!(storage.remove(&namespace, &name).await.unwrap());
}

#[tokio::test]
async fn a_full_memory_leaves_the_old_and_lets_it_be_removed() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await;
    log_in(&storage, "rs", 1).await.unwrap();
    set(&mut admin(&server), "maxmemory", "1");
    refuses_to_store(&storage, StorageErrorKind::NoSpace, "OOM").await;
    assert_eq!(stored(&storage, "rs").await, Some(support::token("rs", 1)));
    assert!(storage.remove(&"DEFAULT".into(), &"rs".into()).await.unwrap());
}

#[tokio::test]
async fn a_disk_that_cannot_be_written() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await;
    let mut admin = admin(&server);
    log_in(&storage, "rs", 1).await.unwrap();
    set(&mut admin, "save", "3600 1");
    // Takes the directory away from under it.
    std::fs::remove_dir_all(server.directory()).unwrap();
    cmd("BGSAVE").exec(&mut admin).unwrap();
    loop {
        let facts: String = cmd("INFO").arg("persistence").query(&mut admin).unwrap();
        if facts.contains("rdb_last_bgsave_status:err") {
            break;
        }
        std::thread::yield_now();
    }
    refuses_to_store(&storage, StorageErrorKind::NoSpace, "MISCONF").await;
    assert_eq!(stored(&storage, "rs").await, Some(support::token("rs", 1)));
}

#[tokio::test]
async fn a_replica() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await;
    log_in(&storage, "rs", 1).await.unwrap();
    // Of a primary that is not there.
    cmd("REPLICAOF").arg(&["127.0.0.1", "1"]).exec(&mut admin(&server)).unwrap();
    refuses_to_store(&storage, StorageErrorKind::Unavailable, "connect to the primary").await;
    assert_eq!(stored(&storage, "rs").await, Some(support::token("rs", 1)));
    set(&mut admin(&server), "replica-serve-stale-data", "no");
    refuses_to_store(&storage, StorageErrorKind::Unavailable, "MASTERDOWN").await;
}

#[tokio::test]
async fn keys_of_somebody_else() {
    let server = RedisServer::in_memory();
    let storage = open(&server.url()).await;
    let mut admin = admin(&server);
    for key in ["globus:{globus:}namespaces", "globus:{globus:}tokens:DEFAULT"] {
        cmd("SET").arg(&[key, "x"]).exec(&mut admin).unwrap();
        refuses_to_store(&storage, StorageErrorKind::Database, "another key prefix").await;
        cmd("DEL").arg(key).exec(&mut admin).unwrap();
        assert_eq!(stored(&storage, "rs").await, None, "nothing was stored");
    }
}
