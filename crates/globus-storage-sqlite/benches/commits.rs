//! How many tokens a second are stored durably, next to bare rusqlite with the same journal mode and `synchronous`.
//!
//! Both commit in turn, one commit each, on the same disk; who goes first changes from pair to pair. `BENCH_TMP` names
//! the directory to work in (by default that of the build), `BENCH_PAIRS` the number of pairs (1000 by default).

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use globus_core::TokenData;
use globus_core::storage::{Durability, Storage, StoreKind};
use globus_storage_sqlite::SqliteTokenStorage;
use rusqlite::{Connection, TransactionBehavior};

const WARM_UP: usize = 20;

fn main() {
    let home = std::env::var_os("BENCH_TMP")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let pairs = std::env::var("BENCH_PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    for (durability, synchronous) in [(Durability::Full, "FULL"), (Durability::Rename, "NORMAL")] {
        let scratch = tempfile::tempdir_in(&home).unwrap();
        compare(scratch.path(), durability, synchronous, pairs);
    }
}

fn compare(scratch: &Path, durability: Durability, synchronous: &str, pairs: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let storage = SqliteTokenStorage::new(scratch.join("ours.db")).durability(durability);
    let storage = Storage::from(storage);
    let mut bare = Bare::open(&scratch.join("bare.db"), synchronous);
    let mut number = 0;
    let mut ours = || {
        number += 1;
        let tokens = vec![token(number)];
        let begun = Instant::now();
        runtime.block_on(storage.store(tokens, StoreKind::Login)).unwrap();
        begun.elapsed()
    };
    let (mut of_ours, mut of_bare) = (Vec::new(), Vec::new());
    for pair in 0..WARM_UP + pairs {
        let (a, b) = if pair % 2 == 0 {
            let a = ours();
            (a, bare.commit())
        } else {
            let b = bare.commit();
            (ours(), b)
        };
        if pair >= WARM_UP {
            of_ours.push(a);
            of_bare.push(b);
        }
    }
    let (ours, bare) = (a_second(&mut of_ours), a_second(&mut of_bare));
    println!(
        "synchronous = {synchronous}, {pairs} pairs, medians: this storage {ours:.0} commits/s, bare rusqlite \
         {bare:.0} commits/s, ratio {:.2}",
        ours / bare
    );
}

/// A token of the usual size that is another one each time.
fn token(number: u64) -> TokenData {
    let text = format!("Ag{number:0>80}");
    TokenData::new(
        "transfer.api.globus.org",
        "urn:globus:auth:scope:transfer.api.globus.org:all",
        text.as_str(),
        1,
    )
    .with_refresh_token(text.as_str())
    .with_token_type("Bearer")
}

/// The least that stores the same text durably.
struct Bare {
    connection: Connection,
    number: u64,
}

impl Bare {
    fn open(path: &Path, synchronous: &str) -> Self {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = DELETE; PRAGMA synchronous = {synchronous};
                 CREATE TABLE token_storage (namespace VARCHAR NOT NULL, resource_server VARCHAR NOT NULL,
                     token_data_json VARCHAR NOT NULL, PRIMARY KEY (namespace, resource_server))"
            ))
            .unwrap();
        Self { connection, number: 0 }
    }

    fn commit(&mut self) -> Duration {
        self.number += 1;
        let record = token(self.number).to_record();
        let begun = Instant::now();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        transaction
            .prepare_cached("REPLACE INTO token_storage VALUES ('DEFAULT', 'transfer.api.globus.org', ?1)")
            .unwrap()
            .execute([record.as_str()])
            .unwrap();
        transaction.commit().unwrap();
        begun.elapsed()
    }
}

fn a_second(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64().recip()
}
