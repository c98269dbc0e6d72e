//! A change whose answer was lost, while others change the same: nothing of theirs is lost or undone, and the error
//! says that nobody knows what became of the change.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::error::Error;
use std::time::Duration;

use globus_core::storage::{Namespace, StorageError, StorageErrorKind, StoreKind, TokenStorage};
use globus_core::token::TokenData;
use redis::cmd;
use support::proxy::Lost;
use support::{SECRET, admin, behind_proxy, log_in, refresh, shown, stored, token};
use test_services::redis::RedisServer;

const HASH: &str = "globus:{globus:}tokens:DEFAULT";

fn kinds() -> [StoreKind; 4] {
    let refresh_of = StoreKind::RefreshOf(token("rs", 1).generation());
    [StoreKind::Login, StoreKind::LoginOfSameIdentity, StoreKind::Refresh, refresh_of]
}

/// What another program does to the record `rs`: it stores this one, or removes what is there.
fn by_others(server: &RedisServer, record: Option<TokenData>) -> impl FnOnce() + Send + 'static {
    let mut admin = admin(server);
    move || match record {
        Some(record) => {
            cmd("HSET").arg(HASH).arg("rs").arg(record.to_record().as_bytes()).exec(&mut admin).unwrap();
        }
        None => cmd("HDEL").arg(HASH).arg("rs").exec(&mut admin).unwrap(),
    }
}

fn default() -> Namespace {
    Namespace::default()
}

/// Says that another program has stored since; a refresh of a record is a conflict.
fn is_overtaken(error: &StorageError, kind: StoreKind) {
    let shown = shown(error);
    assert!(!shown.contains(SECRET), "{shown}");
    if matches!(kind, StoreKind::RefreshOf(_)) {
        assert!(error.is_conflict(), "{shown}");
    } else {
        assert_eq!(*error.kind(), StorageErrorKind::Unavailable, "{kind:?}: {shown}");
        assert!(shown.contains("another program has stored since; read again"), "{kind:?}: {shown}");
    }
}

/// Says that it could not be looked up, and why.
fn is_in_doubt(error: &StorageError, why: &str) {
    let shown = shown(error);
    assert!(!shown.contains(SECRET), "{shown}");
    assert_eq!(*error.kind(), StorageErrorKind::Unavailable, "{shown}");
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("connection was lost") && cause.contains("could not be looked up"), "{cause}");
    assert!(shown.contains(why), "{shown}");
}

#[tokio::test]
async fn what_others_have_stored_or_removed_before_the_look_stays() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    for kind in kinds() {
        for lost in [Lost::Question, Lost::Answer] {
            for others in [Some(token("rs", 7)), None] {
                log_in(&storage, "rs", 1).await.unwrap();
                proxy.lose("EVALSHA", lost);
                proxy.before("HMGET", by_others(&server, others.clone()));
                let error = storage.store(&default(), vec![token("rs", 2)], kind).await.unwrap_err();
                assert!(proxy.is_done());
                is_overtaken(&error, kind);
                assert_eq!(stored(&storage, "rs").await, others, "{kind:?} {lost:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_others_have_stored_after_the_look_stays() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    let storage = storage.lock_wait(Duration::ZERO);
    for kind in kinds() {
        log_in(&storage, "rs", 1).await.unwrap();
        proxy.lose("EVALSHA", Lost::Question);
        proxy.before("EVALSHA", by_others(&server, Some(token("rs", 7))));
        let error = storage.store(&default(), vec![token("rs", 2)], kind).await.unwrap_err();
        assert!(proxy.is_done());
        is_overtaken(&error, kind);
        assert_eq!(stored(&storage, "rs").await, Some(token("rs", 7)), "{kind:?}");
    }
}

/// Of a batch, one record was replaced since.
#[tokio::test]
async fn a_batch_is_not_repeated_in_part() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    for lost in [Lost::Question, Lost::Answer] {
        storage.store(&default(), vec![token("other", 1), token("rs", 1)], StoreKind::Login).await.unwrap();
        proxy.lose("EVALSHA", lost);
        proxy.before("HMGET", by_others(&server, Some(token("rs", 7))));
        let batch = vec![token("other", 2), token("rs", 2)];
        let error = storage.store(&default(), batch, StoreKind::Login).await.unwrap_err();
        is_overtaken(&error, StoreKind::Login);
        assert_eq!(stored(&storage, "rs").await, Some(token("rs", 7)));
        let other = if lost == Lost::Answer { 2 } else { 1 };
        assert_eq!(stored(&storage, "other").await, Some(token("other", other)));
    }
}

#[tokio::test]
async fn what_has_arrived_after_the_look_is_done() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    let storage = storage.lock_wait(Duration::ZERO);
    for kind in kinds() {
        log_in(&storage, "rs", 1).await.unwrap();
        proxy.lose("EVALSHA", Lost::Question);
        // As if the lost question had found its way.
        proxy.before("EVALSHA", by_others(&server, Some(token("rs", 2))));
        storage.store(&default(), vec![token("rs", 2)], kind).await.unwrap();
        assert!(proxy.is_done());
    }
    proxy.lose("EVALSHA", Lost::Question);
    proxy.before("EVALSHA", by_others(&server, None));
    assert!(storage.remove(&default(), &"rs".into()).await.unwrap());
    assert!(proxy.is_done());
}

#[tokio::test]
async fn a_removal_removes_what_others_have_stored_too() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    for lost in [Lost::Question, Lost::Answer] {
        log_in(&storage, "rs", 1).await.unwrap();
        proxy.lose("EVALSHA", lost);
        proxy.before("HMGET", by_others(&server, Some(token("rs", 7))));
        assert!(storage.remove(&default(), &"rs".into()).await.unwrap());
        assert!(proxy.is_done());
        assert_eq!(stored(&storage, "rs").await, None, "{lost:?}");
    }
}

#[tokio::test]
async fn others_who_always_are_faster_leave_it_in_doubt() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    proxy.lose("EVALSHA", Lost::Question);
    proxy.before("EVALSHA", by_others(&server, Some(token("rs", 7))));
    let storage = storage.lock_wait(Duration::ZERO);
    is_in_doubt(&storage.remove(&default(), &"rs".into()).await.unwrap_err(), "lock");
    assert!(proxy.is_done());
}

#[tokio::test]
async fn a_server_that_refuses_to_be_read_leaves_it_in_doubt() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    let allow = |rule: &'static str| {
        let mut admin = admin(&server);
        move || cmd("ACL").arg(&["SETUSER", "default", rule]).exec(&mut admin).unwrap()
    };
    for kind in kinds() {
        log_in(&storage, "rs", 1).await.unwrap();
        proxy.lose("EVALSHA", Lost::Answer);
        proxy.before("HMGET", allow("-hmget"));
        let error = storage.store(&default(), vec![token("rs", 2)], kind).await.unwrap_err();
        assert!(proxy.is_done());
        is_in_doubt(&error, "NOPERM");
        allow("+hmget")();
        assert_eq!(stored(&storage, "rs").await, Some(token("rs", 2)), "it was stored");
    }
    proxy.lose("EVALSHA", Lost::Answer);
    proxy.before("HMGET", allow("-hmget"));
    is_in_doubt(&storage.remove(&default(), &"rs".into()).await.unwrap_err(), "NOPERM");
    allow("+hmget")();
    assert_eq!(stored(&storage, "rs").await, None, "it was removed");
}

#[tokio::test]
async fn a_connection_that_stays_away_leaves_it_in_doubt() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    let old = stored(&storage, "rs").await.unwrap();
    proxy.lose("EVALSHA", Lost::Answer);
    for _ in 0..5 {
        proxy.lose("HMGET", Lost::Question);
    }
    is_in_doubt(&refresh(&storage, &old).await.unwrap_err(), "no answer from the Redis server");
    assert!(proxy.is_done());
}

/// What never was sent is in no doubt.
#[tokio::test]
async fn a_refusal_before_anything_is_lost_is_told_as_it_is() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    proxy.lose("HMGET", Lost::Answer);
    let mut admin = admin(&server);
    proxy.before("HMGET", move || {
        cmd("ACL").arg(&["SETUSER", "default", "-hmget"]).exec(&mut admin).unwrap();
    });
    let error = log_in(&storage, "rs", 2).await.unwrap_err();
    assert!(proxy.is_done());
    assert_eq!(*error.kind(), StorageErrorKind::Denied, "{error}");
}
