//! Storing in and reading from a JSON file of tokens, next to the plain file operations on the same bytes.
//!
//! Both take turns, on the disk of the target directory; `BENCH_TMP` names another one, `BENCH_PAIRS` the number of
//! turns (300 by default). What counts is the median of the ratios of the pairs.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use globus_core::storage::{Durability, JsonTokenStorage, Storage, StoreKind};
use globus_core::{MemoryTokenStorage, TokenData};

fn main() {
    let home = std::env::var_os("BENCH_TMP")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let scratch = tempfile::tempdir_in(home).unwrap();
    let pairs = std::env::var("BENCH_PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{:<44} {:>11} {:>11} {:>7}", "median of pairs", "ours", "yardstick", "ratio");
    for tokens in [1, 10, 100] {
        let path = scratch.path().join(format!("tokens-{tokens}.json"));
        let full = Storage::from(JsonTokenStorage::new(&path));
        let quick = Storage::from(JsonTokenStorage::new(&path).durability(Durability::Rename));
        runtime.block_on(full.store((0..tokens).map(token).collect(), StoreKind::Login)).unwrap();
        let content = fs::read(&path).unwrap();
        let raw = scratch.path().join("raw.json");

        let mut number = 0;
        let mut store = |storage: &Storage| {
            number += 1;
            let changed = token(number % tokens);
            runtime.block_on(storage.store(vec![changed], StoreKind::Login)).unwrap();
        };
        compare(
            &format!("store 1 of {tokens}, raw write with sync"),
            pairs,
            || store(&full),
            || write(&raw, &content, true),
        );
        compare(
            &format!("store 1 of {tokens} without sync, raw the same"),
            pairs,
            || store(&quick),
            || write(&raw, &content, false),
        );
        let plain_path = scratch.path().join(format!("plain-{tokens}.json"));
        fs::copy(&path, &plain_path).unwrap();
        let plain = Storage::from(JsonTokenStorage::new(&plain_path).keep_last_good(false));
        let mut changes = (0..).map(|number| vec![token(number % tokens)]);
        let mut changes_too = (0..).map(|number| vec![token(number % tokens)]);
        compare(
            &format!("store 1 of {tokens}, without a last good copy"),
            pairs,
            || runtime.block_on(full.store(changes.next().unwrap(), StoreKind::Login)).unwrap(),
            || runtime.block_on(plain.store(changes_too.next().unwrap(), StoreKind::Login)).unwrap(),
        );
        compare(
            &format!("read 1 of {tokens}, read and parse the file"),
            pairs * 10,
            || drop(runtime.block_on(full.get_fresh(name(tokens / 2))).unwrap().unwrap()),
            || drop(serde_json::from_slice::<serde_json::Value>(&fs::read(&path).unwrap()).unwrap()),
        );
        let memory = Storage::from(MemoryTokenStorage::new());
        runtime.block_on(memory.store((0..tokens).map(token).collect(), StoreKind::Login)).unwrap();
        compare(
            &format!("read 1 of {tokens} in memory, file and parse"),
            pairs * 10,
            || drop(runtime.block_on(memory.get_fresh(name(tokens / 2))).unwrap().unwrap()),
            || drop(serde_json::from_slice::<serde_json::Value>(&fs::read(&path).unwrap()).unwrap()),
        );
    }
}

fn name(number: i64) -> String {
    format!("rs-{number}.example.org")
}

fn token(number: i64) -> TokenData {
    TokenData::new(
        name(number),
        format!("urn:globus:auth:scope:{}:all", name(number)),
        "A".repeat(80),
        1_900_000_000,
    )
    .with_refresh_token("R".repeat(80))
    .with_identity_id("b2c3d4e5-0000-4000-8000-000000000001")
    .with_token_type("Bearer")
}

/// A new content in one step, and nothing else.
fn write(path: &Path, content: &[u8], sync: bool) {
    let new = path.with_extension("new");
    let mut file = File::create_new(&new).unwrap();
    file.write_all(content).unwrap();
    if sync {
        file.sync_all().unwrap();
    }
    fs::rename(new, path).unwrap();
    if sync {
        File::open(path.parent().unwrap()).unwrap().sync_all().unwrap();
    }
}

fn compare(what: &str, pairs: usize, mut ours: impl FnMut(), mut yardstick: impl FnMut()) {
    for _ in 0..pairs / 10 {
        ours();
        yardstick();
    }
    let mut times = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        // Who goes first changes from pair to pair.
        times.push(if pair % 2 == 0 {
            let ours = time(&mut ours);
            (ours, time(&mut yardstick))
        } else {
            let yardstick = time(&mut yardstick);
            (time(&mut ours), yardstick)
        });
    }
    let mut ratios: Vec<f64> =
        times.iter().map(|(ours, yardstick)| ours.as_secs_f64() / yardstick.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "{what:<44} {:>11.1?} {:>11.1?} {:>7.2}",
        median(times.iter().map(|pair| pair.0)),
        median(times.iter().map(|pair| pair.1)),
        ratios[pairs / 2]
    );
}

fn time(work: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times[times.len() / 2]
}
