//! No secret in errors, in `Debug`, or in what is sealed.

use std::error::Error;
use std::time::Duration;

use globus_core::StorageError;
use globus_core::storage::StoreKind;

use crate::sample::{SECRET, token, token_with_unknown_members};
use crate::{Backend, Options, Place};

/// Everything that an error shows, with its causes.
fn shown(error: &StorageError) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: Vec<String> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
    format!("{error} {error:?} {error:#?} {}", causes.join(" "))
}

/// Neither the storage's `Debug`, nor what is loaded, nor an error about unreadable content shows a secret.
pub async fn errors_and_debug_show_no_secret<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token_with_unknown_members("rs", 1)], StoreKind::Login).await.unwrap();
    let loaded = storage.get_all().await.unwrap();
    let all = format!("{storage:?} {storage:#?} {loaded:?} {:?}", storage.get("rs").await);
    assert!(!all.contains(SECRET), "{all}");

    let read = storage.get_fresh("rs").await.unwrap().unwrap().generation();
    storage.store(vec![token("rs", 2)], StoreKind::Login).await.unwrap();
    let conflict = storage.store(vec![token("rs", 3)], StoreKind::RefreshOf(read)).await.unwrap_err();
    assert!(!shown(&conflict).contains(SECRET), "{}", shown(&conflict));

    if place.backend().damage(place.text(), SECRET).await {
        let storage = place.open().await;
        let mut errors = Vec::new();
        errors.extend(storage.get_fresh("rs").await.err());
        match storage.get_all().await {
            Ok(loaded) => errors.extend(loaded.damaged),
            Err(error) => errors.push(error),
        }
        assert!(!errors.is_empty(), "unreadable content is told");
        for error in errors {
            assert!(!shown(&error).contains(SECRET), "{}", shown(&error));
        }
    }
}

/// What is sealed shows no secret, neither as it is nor in a form that is easily undone.
pub async fn a_dump_of_a_sealed_storage_holds_no_secret<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let Some(dump) = place.backend().sealed_dump(place.text()).await else { return };
    assert!(!dump.is_empty(), "there is something to look at");
    // Base64 of the text at each of its three alignments, and hexadecimal.
    let forms = [SECRET, "QWdLaXRTZWNyZX", "FnS2l0U2VjcmV0", "BZ0tpdFNlY3JldA", "41674b6974536563726574"];
    for form in forms {
        let found = dump.windows(form.len()).any(|window| window.eq_ignore_ascii_case(form.as_bytes()));
        assert!(!found, "{form} is in the dump");
    }
}

/// While another program holds a lock of the database, a store waits, and says so when it has waited enough.
pub async fn a_storage_that_is_locked_says_so<B: Backend>(place: &Place<B>) {
    place.open().await.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let Some(lock) = place.backend().lock_out(place.text()).await else { return };
    let options = Options { lock_wait: Duration::from_millis(100), ..Options::default() };
    let error =
        place.open_with(options).await.store(vec![token("rs", 2)], StoreKind::Login).await.unwrap_err();
    assert!(error.is_locked(), "{error}");
    drop(lock);
    place.open().await.store(vec![token("rs", 3)], StoreKind::Login).await.unwrap();
}
