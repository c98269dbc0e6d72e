//! Many tasks at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globus_core::storage::StoreKind;

use crate::child::batch;
use crate::sample::{number, stored_number, token};
use crate::{Backend, Place};

/// 64 writers of records of their own, a third of them through handles of their own.
pub async fn sixty_four_writers_lose_nothing<B: Backend>(place: &Place<B>) {
    let shared = place.open().await;
    let mut writing = Vec::new();
    for writer in 0..64_i64 {
        let storage = if writer % 3 == 0 { place.open().await } else { shared.clone() };
        writing.push(tokio::spawn(async move {
            for turn in 0..4 {
                let tokens = vec![token(&format!("rs-{writer}"), writer * 10 + turn)];
                storage.store(tokens, StoreKind::Login).await.unwrap();
            }
        }));
    }
    for task in writing {
        task.await.unwrap();
    }
    for writer in 0..64 {
        assert_eq!(stored_number(&shared, &format!("rs-{writer}")).await, Some(writer * 10 + 3));
    }
    assert_eq!(shared.get_all().await.unwrap().tokens.len(), 64);
}

/// Who reads while batches are written sees one of them, never a mix.
pub async fn readers_never_see_half_a_batch<B: Backend>(place: &Place<B>) {
    if !place.capabilities().atomic_batch {
        return;
    }
    let storage = place.open().await;
    storage.store(batch(0), StoreKind::Login).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (storage, done) = (place.open().await, Arc::clone(&done));
        tokio::spawn(async move {
            let mut reads = 0;
            while !done.load(Ordering::SeqCst) || reads == 0 {
                let loaded = storage.get_all().await.unwrap();
                let numbers: Vec<_> = loaded.tokens.values().map(number).collect();
                assert_eq!(numbers.len(), 3);
                assert!(numbers.iter().all(|number| *number == numbers[0]), "half a batch: {numbers:?}");
                reads += 1;
            }
        })
    };
    for number in 1..=50 {
        storage.store(batch(number), StoreKind::Login).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    reader.await.unwrap();
}
