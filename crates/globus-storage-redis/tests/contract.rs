//! The contract of token storages, kept by Redis.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::time::Duration;

use globus_core::storage::{Capabilities, Storage};
use globus_storage_redis::{ConnectionManager, RedisTokenStorage};
use globus_storage_testkit::{Backend, Options};
use redis::{AsyncCommands, cmd};
use test_services::redis::{RedisServer, shared_url, unique_prefix};

/// A key prefix of its own in a server that all tests share.
#[derive(Debug)]
struct Redis;

/// A place is written as `<prefix> <url>`.
async fn connect(place: &str) -> (&str, ConnectionManager) {
    let (prefix, url) = place.split_once(' ').unwrap();
    (prefix, support::connect(url).await)
}

async fn keys(prefix: &str, connection: &mut ConnectionManager) -> Vec<Vec<u8>> {
    cmd("KEYS").arg(format!("{prefix}*")).query_async(connection).await.unwrap()
}

impl Backend for Redis {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared()
    }

    async fn make_place(&self) -> String {
        format!("{} {}", unique_prefix(), shared_url())
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        let (prefix, connection) = connect(place).await;
        let storage = RedisTokenStorage::new(connection).key_prefix(prefix).unwrap();
        storage.lease_time(options.lease_time).lock_wait(options.lock_wait).into()
    }

    async fn remove_place(&self, place: &str) {
        let (prefix, mut connection) = connect(place).await;
        for key in keys(prefix, &mut connection).await {
            let () = connection.del(key).await.unwrap();
        }
    }

    fn steps(&self) -> &'static [&'static str] {
        &["redis.read", "redis.write", "redis.written"]
    }

    async fn damage(&self, place: &str, text: &str) -> bool {
        let (prefix, mut connection) = connect(place).await;
        let mut damaged = false;
        for key in keys(prefix, &mut connection).await {
            if String::from_utf8_lossy(&key).contains("tokens:") {
                let fields: Vec<Vec<u8>> = connection.hkeys(&key).await.unwrap();
                for field in fields {
                    let value = [text.as_bytes(), b"\xff"].concat();
                    let () = connection.hset(&key, field, value).await.unwrap();
                    damaged = true;
                }
            }
        }
        damaged
    }
}

globus_storage_testkit::storage_contract!(Redis);

/// So that no case depends on the speed of the machine.
#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let server = RedisServer::in_memory();
    let (_, mut connection) = connect(&format!("slow: {}", server.url())).await;
    // Longer than the driver waits by default.
    server.pause(Duration::from_secs(1));
    let () = cmd("PING").exec_async(&mut connection).await.unwrap();
}
