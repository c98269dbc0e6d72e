//! What happens between a question and its answer: broken connections and others who are faster. Nothing is done twice,
//! nothing is told wrongly.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::time::Duration;

use globus_core::storage::{StoreKind, TokenStorage};
use redis::cmd;
use support::proxy::Lost;
use support::{admin, behind_proxy, log_in, refresh, remove, stored, token};
use test_services::redis::RedisServer;

#[tokio::test]
async fn a_refresh_is_stored_once() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    for lost in [Lost::Question, Lost::Answer] {
        for command in ["HMGET", "EVALSHA"] {
            let old = stored(&storage, "rs").await.unwrap();
            proxy.lose(command, lost);
            refresh(&storage, &old).await.unwrap();
            assert!(proxy.is_done(), "{command} {lost:?}");
            let new = stored(&storage, "rs").await.unwrap();
            assert_eq!(new.expires_at_seconds, old.expires_at_seconds + 1, "{command} {lost:?}");
        }
    }
}

#[tokio::test]
async fn a_removal_says_that_there_was_one() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    for lost in [Lost::Question, Lost::Answer] {
        log_in(&storage, "rs", 1).await.unwrap();
        proxy.lose("EVALSHA", lost);
        assert!(remove(&storage, "rs").await, "{lost:?}");
        assert!(proxy.is_done());
        assert_eq!(stored(&storage, "rs").await, None);
        proxy.lose("HMGET", lost);
        assert!(!remove(&storage, "rs").await, "{lost:?}");
        assert!(proxy.is_done());
    }
}

#[tokio::test]
async fn reading_is_repeated() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    for lost in [Lost::Question, Lost::Answer] {
        proxy.lose("HGET", lost);
        assert_eq!(stored(&storage, "rs").await, Some(token("rs", 1)));
        assert!(proxy.is_done());
        proxy.lose("HGETALL", lost);
        assert_eq!(storage.load_all(&"DEFAULT".into()).await.unwrap().tokens.len(), 1);
        assert!(proxy.is_done());
        storage.list().await.unwrap();
        proxy.lose("EVALSHA", lost);
        assert_eq!(storage.list().await.unwrap(), ["DEFAULT"]);
        assert!(proxy.is_done());
    }
}

#[tokio::test]
async fn a_lease_is_taken_kept_and_given_back() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    // So that nothing would come of waiting for its own lease.
    let storage = storage.lease_time(Duration::from_secs(3600)).lock_wait(Duration::ZERO);
    let mut last = 0;
    for lost in [Lost::Question, Lost::Answer] {
        proxy.lose("EVALSHA", lost);
        // Its own lease, which it has without knowing, does not keep it waiting.
        let mut lease = storage.lock_refresh(&"DEFAULT".into(), &"rs".into()).await.unwrap();
        assert!(proxy.is_done());
        assert!(lease.fencing() > last);
        last = lease.fencing();
        proxy.lose("EVALSHA", lost);
        assert!(lease.extend().await.unwrap());
        assert!(proxy.is_done());
        proxy.lose("EVALSHA", lost);
        lease.release().await.unwrap();
        assert!(proxy.is_done());
    }
}

/// Somebody else stores between reading and writing. What they stored is joined with, not overwritten.
#[tokio::test]
async fn a_lost_race_is_run_again() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    let others = token("rs", 5).with_identity_id("theirs").to_record();
    let mut admin = admin(&server);
    let store_first = move || {
        let hash = "globus:{globus:}tokens:DEFAULT";
        cmd("HSET").arg(hash).arg("rs").arg(others.as_bytes()).exec(&mut admin).unwrap();
    };
    proxy.before("EVALSHA", store_first);
    storage.store(&"DEFAULT".into(), vec![token("rs", 6)], StoreKind::Refresh).await.unwrap();
    assert!(proxy.is_done());
    let joined = stored(&storage, "rs").await.unwrap();
    assert_eq!((joined.expires_at_seconds, joined.identity_id.as_deref()), (6, Some("theirs")));
}

#[tokio::test]
async fn a_lost_race_is_not_run_again_for_ever() {
    let server = RedisServer::in_memory();
    let (proxy, storage) = behind_proxy(&server).await;
    let mut admin = admin(&server);
    proxy.before("EVALSHA", move || {
        cmd("DEL").arg("globus:{globus:}tokens:DEFAULT").exec(&mut admin).unwrap();
    });
    let error = log_in(&storage.lock_wait(Duration::ZERO), "rs", 2).await.unwrap_err();
    assert!(error.is_locked(), "{error}");
}
