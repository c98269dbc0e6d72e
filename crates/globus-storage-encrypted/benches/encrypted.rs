//! What encryption costs: one seal, and a storage beside one without.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use globus_core::TokenData;
use globus_core::seal::{SealContext, SealingKey, SealingKeys};
use globus_core::storage::{Durability, JsonTokenStorage, Storage, StoreKind};
use globus_storage_encrypted::EncryptedTokenStorage;

fn token(number: i64) -> TokenData {
    let text = format!("Ag{}{number}", "x".repeat(90));
    TokenData::new(format!("rs{number}"), "a b c", text.clone(), number).with_refresh_token(text)
}

fn seal(criterion: &mut Criterion) {
    let keys = SealingKeys::from(SealingKey::from_bytes([7; 32]));
    let context = SealContext::new("bench").with("user", "anna");
    let record = token(1).to_record();
    let sealed = keys.seal(&context, record.as_bytes()).unwrap();
    let mut group = criterion.benchmark_group("one record");
    group.bench_function("seal", |bencher| {
        bencher.iter(|| keys.seal(&context, black_box(record.as_bytes())).unwrap());
    });
    group.bench_function("open", |bencher| bencher.iter(|| keys.open(&context, black_box(&sealed)).unwrap()));
    group.bench_function("passphrase to key", |bencher| {
        bencher.iter(|| SealingKey::from_passphrase_and_salt("correct horse", [1; 16]).unwrap());
    });
}

fn storages(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let key = SealingKey::from_bytes([7; 32]);
    for (how, durability) in [("full", Durability::Full), ("rename", Durability::Rename)] {
        let plain = directory.path().join(format!("plain-{how}"));
        let sealed = directory.path().join(format!("sealed-{how}"));
        let storages: [(&str, Storage); 2] = [
            ("plain", JsonTokenStorage::new(plain).durability(durability).into()),
            ("encrypted", EncryptedTokenStorage::new(sealed, key.clone()).durability(durability).into()),
        ];
        let mut group = criterion.benchmark_group(format!("10 tokens, {how}"));
        for (name, storage) in &storages {
            let store = |number| storage.store(vec![token(number)], StoreKind::Login);
            for number in 0..10 {
                runtime.block_on(store(number)).unwrap();
            }
            group.bench_function(format!("store, {name}"), |bencher| {
                bencher.iter(|| runtime.block_on(store(1)).unwrap());
            });
            group.bench_function(format!("read, {name}"), |bencher| {
                bencher.iter(|| runtime.block_on(storage.get_fresh("rs1")).unwrap());
            });
        }
    }
}

criterion_group!(benches, seal, storages);
criterion_main!(benches);
