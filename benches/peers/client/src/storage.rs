//! Stores and reads of one token out of many, once each kind of storage.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use globus_sdk::storage::{Durability, SqliteTokenStorage, StoreKind};
use globus_sdk::{JsonTokenStorage, MemoryTokenStorage, Storage, TokenData};

use crate::report;

/// Measures each kind in a directory.
pub(crate) async fn measure(directory: &Path, tokens: usize, stores: usize, reads: usize) -> Result<()> {
    let json = JsonTokenStorage::new(directory.join("ours.json"));
    let kinds: [(&str, Storage); 4] = [
        ("json", json.clone().into()),
        ("json without sync", json.durability(Durability::Rename).into()),
        ("sqlite", SqliteTokenStorage::new(directory.join("ours.db")).into()),
        ("memory", MemoryTokenStorage::new().into()),
    ];
    for (kind, storage) in kinds {
        storage.store((0..tokens).map(token).collect(), StoreKind::Login).await?;
        let begin = Instant::now();
        for store in 0..stores {
            storage.store(vec![token(store % tokens)], StoreKind::Login).await?;
        }
        rate(&format!("store/{kind}/{tokens}/globus-sdk"), stores, begin);
        let begin = Instant::now();
        for read in 0..reads {
            let found = storage.get_fresh(name(read % tokens)).await?;
            black_box(found.context("it was stored")?);
        }
        rate(&format!("read/{kind}/{tokens}/globus-sdk"), reads, begin);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn rate(name: &str, count: usize, since: Instant) {
    report::print(&report::spread(name, "ops/s", vec![count as f64 / since.elapsed().as_secs_f64()]));
}

fn name(number: usize) -> String {
    format!("rs-{number}.example.org")
}

/// The token that the Python side stores, too.
fn token(number: usize) -> TokenData {
    let name = name(number);
    let scope = format!("urn:globus:auth:scope:{name}:all");
    TokenData::new(name, scope, "A".repeat(80), 1_900_000_000)
        .with_refresh_token("R".repeat(80))
        .with_identity_id("b2c3d4e5-0000-4000-8000-000000000001")
        .with_token_type("Bearer")
}
