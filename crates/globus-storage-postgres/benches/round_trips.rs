//! How long a read and a store of one token take, next to the bare driver doing the same on the same pool and table.
//!
//! Each pair is timed in turn, who goes first changes from round to round, and medians are compared; a ratio above 1
//! means that the storage is quicker than the driver's code beside it. `BENCH_ROUNDS` is the number of rounds (1000 by
//! default). The server is a private one on a socket, first without waiting for the disk, then with.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};

use globus_core::storage::{Namespace, StoreKind, TokenStorage};
use globus_core::{ResourceServer, TokenData};
use globus_storage_postgres::PostgresTokenStorage;
use globus_storage_postgres::deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use globus_storage_postgres::tokio_postgres::NoTls;
use test_services::postgres::{Durability, Server};

/// Keeps numbers apart: storing what is stored already would be no write.
const FAR: i64 = 1_000_000_000;

const SERVER: &str = "transfer.api.globus.org";

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for durability in [Durability::Off, Durability::On] {
        let server = Server::start(durability);
        println!("waiting for the disk: {}", if durability == Durability::On { "yes" } else { "no" });
        runtime.block_on(compare(&server));
    }
}

async fn compare(server: &Server) {
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(server.connection().parse().unwrap(), NoTls, fast);
    let pool = Pool::builder(manager).max_size(4).build().unwrap();
    let storage = PostgresTokenStorage::new(pool.clone());
    storage.migrate().await.unwrap();
    let ours = Ours { storage, namespace: Namespace::default(), server: SERVER.into() };
    let bare = Bare { pool };
    ours.store(0).await;

    let mut pairs = [
        Pair::new("load_fresh, next to a SELECT"),
        Pair::new("store, next to BEGIN, SELECT FOR UPDATE, upsert, COMMIT (four round trips)"),
        Pair::new("store, next to SELECT, upsert (two round trips; loses what others store in between)"),
        Pair::new("store, next to an upsert (one round trip; reads and keeps nothing)"),
    ];
    let rounds: u32 = std::env::var("BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    // The first ones prepare statements and fill caches.
    for round in 0..rounds + 50 {
        let number = i64::from(round) + 1;
        let [load, transaction, separate, upsert] = &mut pairs;
        load.time(round, Box::pin(ours.load()), Box::pin(bare.load())).await;
        let [one, two, three, four, five, six] = [0, 1, 2, 3, 4, 5].map(|pair| number + pair * FAR);
        transaction.time(round, Box::pin(ours.store(one)), Box::pin(bare.transaction(two))).await;
        separate.time(round, Box::pin(ours.store(three)), Box::pin(bare.read_and_upsert(four))).await;
        upsert.time(round, Box::pin(ours.store(five)), Box::pin(bare.upsert(six))).await;
    }
    for pair in pairs {
        pair.print(50);
    }
}

/// Times of one operation of the storage, and of the driver doing the same.
struct Pair {
    name: &'static str,
    ours: Vec<Duration>,
    bare: Vec<Duration>,
}

impl Pair {
    fn new(name: &'static str) -> Self {
        Self { name, ours: Vec::new(), bare: Vec::new() }
    }

    async fn time(&mut self, round: u32, ours: impl Future<Output = ()>, bare: impl Future<Output = ()>) {
        if round.is_multiple_of(2) {
            self.ours.push(time(ours).await);
            self.bare.push(time(bare).await);
        } else {
            self.bare.push(time(bare).await);
            self.ours.push(time(ours).await);
        }
    }

    fn print(mut self, leave_out: usize) {
        let ours = median(self.ours.split_off(leave_out));
        let bare = median(self.bare.split_off(leave_out));
        let ratio = bare.as_secs_f64() / ours.as_secs_f64();
        println!("  {}: storage {ours:.1?}, driver {bare:.1?}, ratio {ratio:.2}", self.name);
    }
}

async fn time(work: impl Future<Output = ()>) -> Duration {
    let begin = Instant::now();
    work.await;
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A token of a usual size; each number makes another one.
fn token(number: i64) -> TokenData {
    let scope = "urn:globus:auth:scope:transfer.api.globus.org:all";
    TokenData::new(SERVER, scope, format!("{}{number:020}", "A".repeat(100)), 1_900_000_000)
        .with_refresh_token("R".repeat(60))
        .with_token_type("Bearer")
}

struct Ours {
    storage: PostgresTokenStorage,
    namespace: Namespace,
    server: ResourceServer,
}

impl Ours {
    async fn load(&self) {
        assert!(self.storage.load_fresh(&self.namespace, &self.server).await.unwrap().is_some());
    }

    async fn store(&self, number: i64) {
        self.storage.store(&self.namespace, vec![token(number)], StoreKind::Refresh).await.unwrap();
    }
}

/// What a careful programmer writes with the driver alone.
struct Bare {
    pool: Pool,
}

const SELECT: &str = "SELECT record FROM globus_tokens WHERE namespace = $1 AND resource_server = $2";
const SELECT_FOR_UPDATE: &str =
    "SELECT record FROM globus_tokens WHERE namespace = $1 AND resource_server = $2 FOR UPDATE";
const UPSERT: &str = "INSERT INTO globus_tokens (namespace, resource_server, record, updated_at) \
    VALUES ($1, $2, $3, now()) ON CONFLICT (namespace, resource_server) \
    DO UPDATE SET record = excluded.record, updated_at = excluded.updated_at";

impl Bare {
    async fn load(&self) {
        let client = self.pool.get().await.unwrap();
        let select = client.prepare_cached(SELECT).await.unwrap();
        let row = client.query_one(&select, &[&"DEFAULT", &SERVER]).await.unwrap();
        assert!(TokenData::from_record(row.get::<_, &str>(0).as_bytes()).is_ok());
    }

    async fn transaction(&self, number: i64) {
        let mut client = self.pool.get().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let select = transaction.prepare_cached(SELECT_FOR_UPDATE).await.unwrap();
        let upsert = transaction.prepare_cached(UPSERT).await.unwrap();
        let row = transaction.query_one(&select, &[&"DEFAULT", &SERVER]).await.unwrap();
        let stored = TokenData::from_record(row.get::<_, &str>(0).as_bytes()).unwrap();
        let merged = StoreKind::Refresh.merge(Some(&stored), token(number)).unwrap();
        let record = merged.to_record();
        transaction.execute(&upsert, &[&"DEFAULT", &SERVER, &record.as_str()]).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn read_and_upsert(&self, number: i64) {
        let client = self.pool.get().await.unwrap();
        let select = client.prepare_cached(SELECT).await.unwrap();
        let upsert = client.prepare_cached(UPSERT).await.unwrap();
        let row = client.query_one(&select, &[&"DEFAULT", &SERVER]).await.unwrap();
        let stored = TokenData::from_record(row.get::<_, &str>(0).as_bytes()).unwrap();
        let merged = StoreKind::Refresh.merge(Some(&stored), token(number)).unwrap();
        client.execute(&upsert, &[&"DEFAULT", &SERVER, &merged.to_record().as_str()]).await.unwrap();
    }

    async fn upsert(&self, number: i64) {
        let client = self.pool.get().await.unwrap();
        let upsert = client.prepare_cached(UPSERT).await.unwrap();
        let record = token(number).to_record();
        client.execute(&upsert, &[&"DEFAULT", &SERVER, &record.as_str()]).await.unwrap();
    }
}
