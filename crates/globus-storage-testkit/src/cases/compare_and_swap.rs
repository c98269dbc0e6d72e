//! A refresh is stored in place of the very record it was of.

use globus_core::storage::{StorageErrorKind, StoreKind};

use crate::child::{batch, count_up};
use crate::sample::{stored_number, token};
use crate::{Backend, Place};

/// Another record is there by now.
pub async fn a_changed_record_is_a_conflict<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let read = storage.get_fresh("rs").await.unwrap().unwrap().generation();
    place.open().await.store(vec![token("rs", 2)], StoreKind::Login).await.unwrap();
    let error = storage.store(vec![token("rs", 3)], StoreKind::RefreshOf(read)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(stored_number(&storage, "rs").await, Some(2));
    let read = storage.get_fresh("rs").await.unwrap().unwrap().generation();
    storage.store(vec![token("rs", 3)], StoreKind::RefreshOf(read)).await.unwrap();
    assert_eq!(stored_number(&storage, "rs").await, Some(3));
}

/// No record is there by now: a logout is not undone.
pub async fn a_removed_record_is_a_conflict<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let read = storage.get_fresh("rs").await.unwrap().unwrap().generation();
    place.open().await.remove("rs").await.unwrap();
    let error = storage.store(vec![token("rs", 2)], StoreKind::RefreshOf(read)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(storage.get_fresh("rs").await.unwrap().is_none());
}

/// A store whose answer was lost is repeated.
pub async fn storing_again_is_no_conflict<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let read = storage.get_fresh("rs").await.unwrap().unwrap().generation();
    for _ in 0..2 {
        storage.store(vec![token("rs", 2)], StoreKind::RefreshOf(read)).await.unwrap();
        assert_eq!(stored_number(&storage, "rs").await, Some(2));
    }
}

/// One record of a batch has changed: none is stored.
pub async fn a_batch_with_a_conflict_stores_nothing<B: Backend>(place: &Place<B>) {
    if !place.capabilities().atomic_batch {
        return;
    }
    let storage = place.open().await;
    storage.store(batch(1), StoreKind::Login).await.unwrap();
    let read = storage.get_fresh("batch-1").await.unwrap().unwrap().generation();
    // The generation is that of the first record alone, so the others are in conflict.
    let error = storage.store(batch(2), StoreKind::RefreshOf(read)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    for server in ["batch-1", "batch-2", "batch-3"] {
        assert_eq!(stored_number(&storage, server).await, Some(1), "{server}");
    }
}

/// Of many who refresh the same record at once, exactly one is stored each time.
pub async fn sixty_four_tasks_count_to_sixty_four<B: Backend>(place: &Place<B>) {
    if !place.capabilities().cas {
        return;
    }
    let storage = place.open().await;
    storage.store(vec![token("rs", 0)], StoreKind::Login).await.unwrap();
    let counting: Vec<_> = (0..64)
        .map(|_| {
            let storage = storage.clone();
            tokio::spawn(async move { count_up(&storage, "rs", 1).await })
        })
        .collect();
    for task in counting {
        task.await.unwrap();
    }
    assert_eq!(stored_number(&storage, "rs").await, Some(64));
}

/// Of many different persons who log in at once, each for the same resource server, exactly one gets in.
pub async fn one_of_many_persons_gets_in<B: Backend>(place: &Place<B>) {
    if !place.capabilities().cas || !place.backend().keeps_identity() {
        return;
    }
    let mut logins = Vec::new();
    for person in 0..16 {
        let storage = place.open().await;
        let tokens = vec![token("rs", person).with_identity_id(format!("person {person}"))];
        logins.push(tokio::spawn(async move {
            storage.store(tokens, StoreKind::LoginOfSameIdentity).await.map(|()| person)
        }));
    }
    let mut inside = Vec::new();
    for login in logins {
        match login.await.unwrap() {
            Ok(person) => inside.push(person),
            Err(error) => {
                assert!(matches!(error.kind(), StorageErrorKind::IdentityMismatch { .. }), "{error}");
            }
        }
    }
    assert_eq!(inside.len(), 1, "{inside:?}");
    assert_eq!(stored_number(&place.open().await, "rs").await, Some(inside[0]));
}
