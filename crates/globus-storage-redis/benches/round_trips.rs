//! What the storage adds to the bare driver's round trips, on a server of this machine's own.
//!
//! Each pair is timed in turn, a turn being a few operations one after the other, so that both sides meet the same
//! machine; the medians are compared. A ratio of 1 is the bare driver's speed. `BENCH_ROUNDS` is the number of turns
//! (400 by default).

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};

use globus_core::storage::{Namespace, StoreKind, TokenStorage};
use globus_core::token::{ResourceServer, TokenData};
use globus_storage_redis::{Client, ConnectionManager, RedisTokenStorage};
use redis::{Script, cmd};
use test_services::redis::RedisServer;
use tokio::runtime::Builder;

/// Operations of a turn, so that the clock's own cost does not count.
const OPERATIONS: u32 = 8;

/// The least that stores one record safely.
const COMPARE_AND_SET: &str = "if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end \
                               redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) return 1";

fn main() {
    let server = RedisServer::in_memory();
    for (name, mut builder) in
        [("one thread", Builder::new_current_thread()), ("several threads", Builder::new_multi_thread())]
    {
        println!("runtime with {name}:");
        // On a runtime of several threads, programs call from tasks.
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async { tokio::spawn(compare(server.url())).await.unwrap() });
    }
}

struct Both {
    storage: RedisTokenStorage,
    connection: ConnectionManager,
    namespace: Namespace,
    name: ResourceServer,
    script: Script,
}

async fn compare(url: String) {
    let client = Client::open(url).unwrap();
    let mut both = Both {
        storage: RedisTokenStorage::new(ConnectionManager::new(client.clone()).await.unwrap()),
        connection: ConnectionManager::new(client).await.unwrap(),
        namespace: Namespace::default(),
        name: "transfer.api.globus.org".into(),
        script: Script::new(COMPARE_AND_SET),
    };
    let rounds = std::env::var("BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    // Once, so that the record is there and the scripts are known.
    both.store(0).await;
    both.compare_and_set(0).await;
    let (mut reads, mut gets) = (Vec::new(), Vec::new());
    let (mut stores, mut swaps, mut sets) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who goes first changes from round to round.
        for turn in 0..2 {
            if (turn == 0) == (round % 2 == 0) {
                reads.push(both.load_fresh().await);
                stores.push(both.store(round).await);
            } else {
                gets.push(both.hget().await);
                swaps.push(both.compare_and_set(round).await);
            }
        }
        sets.push(both.hset(round).await);
    }
    let (read, get) = (median(&mut reads), median(&mut gets));
    println!("  load_fresh {read:.1?}, bare HGET {get:.1?}, ratio {:.2}", ratio(get, read));
    let (store, swap, set) = (median(&mut stores), median(&mut swaps), median(&mut sets));
    println!("  store {store:.1?}, bare HMGET + EVALSHA {swap:.1?}, ratio {:.2}", ratio(swap, store));
    println!(
        "  for information: bare HSET, which compares nothing, {set:.1?}, ratio {:.2}",
        ratio(set, store)
    );
}

/// A record as long as those of Globus.
fn token(number: i64) -> TokenData {
    let scope = "urn:globus:auth:scope:transfer.api.globus.org:all";
    TokenData::new("transfer.api.globus.org", scope, "Ag".repeat(64), number)
        .with_refresh_token("Ag".repeat(64))
        .with_identity_id("00000000-0000-4000-8000-000000000000")
        .with_token_type("Bearer")
}

impl Both {
    async fn load_fresh(&self) -> Duration {
        let begin = Instant::now();
        for _ in 0..OPERATIONS {
            assert!(self.storage.load_fresh(&self.namespace, &self.name).await.unwrap().is_some());
        }
        begin.elapsed() / OPERATIONS
    }

    async fn hget(&mut self) -> Duration {
        let begin = Instant::now();
        for _ in 0..OPERATIONS {
            let record: Option<Vec<u8>> = cmd("HGET")
                .arg("bare")
                .arg("transfer.api.globus.org")
                .query_async(&mut self.connection)
                .await
                .unwrap();
            assert!(record.is_some());
        }
        begin.elapsed() / OPERATIONS
    }

    async fn store(&self, round: i64) -> Duration {
        let tokens: Vec<_> = (0..OPERATIONS).map(|number| token(round * 100 + i64::from(number))).collect();
        let begin = Instant::now();
        for token in tokens {
            self.storage.store(&self.namespace, vec![token], StoreKind::Refresh).await.unwrap();
        }
        begin.elapsed() / OPERATIONS
    }

    async fn compare_and_set(&mut self, round: i64) -> Duration {
        let records: Vec<_> =
            (0..OPERATIONS).map(|number| token(round * 100 + i64::from(number)).to_record()).collect();
        let begin = Instant::now();
        for record in records {
            let (stored,): (Option<Vec<u8>>,) = cmd("HMGET")
                .arg("bare")
                .arg("transfer.api.globus.org")
                .query_async(&mut self.connection)
                .await
                .unwrap();
            let mut invocation = self.script.key("bare");
            invocation.arg("transfer.api.globus.org").arg(stored.unwrap_or_default()).arg(record.as_bytes());
            let done: u64 = invocation.invoke_async(&mut self.connection).await.unwrap();
            assert_eq!(done, 1);
        }
        begin.elapsed() / OPERATIONS
    }

    async fn hset(&mut self, round: i64) -> Duration {
        let records: Vec<_> =
            (0..OPERATIONS).map(|number| token(round * 100 + i64::from(number)).to_record()).collect();
        let begin = Instant::now();
        for record in records {
            let () = cmd("HSET")
                .arg("bare")
                .arg("transfer.api.globus.org")
                .arg(record.as_bytes())
                .query_async(&mut self.connection)
                .await
                .unwrap();
        }
        begin.elapsed() / OPERATIONS
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
