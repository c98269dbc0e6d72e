use std::error::Error as _;
use std::path::Path;

use globus_core::storage::StorageErrorKind;
use keyring_core::Error;
use tempfile::TempDir;

use super::*;
use crate::fake::{Door, Fake, Operation};

/// Long enough that nothing that goes on by itself comes to it.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// So short that a call that hangs is soon given up.
const SOON: Duration = Duration::from_millis(50);

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(fake: &Fake, home: &Path) -> KeyringTokenStorage {
    KeyringTokenStorage::in_keyring("app".to_owned(), fake.open())
        .index_file(home.join("index.json"))
        .time_limit(FOR_EVER)
}

fn token(server: &str, number: i64) -> TokenData {
    TokenData::new(server, "scope", format!("AgAccess{number}"), number).with_refresh_token("AgRefresh")
}

fn numbers(loaded: &Loaded) -> Vec<i64> {
    loaded.tokens.values().map(|token| token.expires_at_seconds).collect()
}

async fn store(storage: &KeyringTokenStorage, tokens: Vec<TokenData>) -> Result<(), StorageError> {
    storage.store(&Namespace::default(), tokens, StoreKind::Login).await
}

async fn load(storage: &KeyringTokenStorage) -> Result<Loaded, StorageError> {
    storage.load_all(&Namespace::default()).await
}

/// A fault of one kind of call.
fn at(
    operation: Operation,
    fault: impl Fn() -> Result<(), Error> + Send + 'static,
) -> impl FnMut(Operation) -> Result<(), Error> + Send {
    move |called| if called == operation { fault() } else { Ok(()) }
}

fn gone() -> Error {
    Error::PlatformFailure("the connection is gone".into())
}

#[tokio::test]
async fn each_record_has_one_entry_and_the_old_ones_are_deleted() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    for number in 1..=3 {
        store(&storage, vec![token("a", number), token("b", number)]).await.unwrap();
        assert_eq!(fake.entries().len(), 2, "{:?}", fake.entries());
    }
    assert!(fake.entries()[0].starts_with("app: DEFAULT/a/"), "{:?}", fake.entries());
    assert!(storage.remove(&Namespace::default(), &"a".into()).await.unwrap());
    assert_eq!(fake.entries().len(), 1);
    assert_eq!(numbers(&load(&open(&fake, home.path())).await.unwrap()), [3]);
    let index = std::fs::read_to_string(home.path().join("index.json")).unwrap();
    assert!(!index.contains("Ag"), "{index}");
}

#[tokio::test]
async fn the_second_of_two_records_of_a_server_builds_on_the_first() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    let without = TokenData::new("a", "scope", "AgAccess", 2);
    storage.store(&Namespace::default(), vec![token("a", 1), without], StoreKind::Refresh).await.unwrap();
    let stored = storage.load_fresh(&Namespace::default(), &"a".into()).await.unwrap().unwrap();
    assert_eq!((stored.expires_at_seconds, stored.refresh_token.is_some()), (2, true));
    assert_eq!(fake.entries().len(), 1);
}

#[tokio::test]
async fn a_call_that_hangs_is_refused_in_time_and_does_not_keep_the_next_one() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    let (called, door) = fake.hang(|_| true);
    let error = load(&storage.clone().time_limit(SOON)).await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::KeyringLocked);
    assert!(error.source().unwrap().to_string().contains("or_file"), "{error:?}");
    called.wait();
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1]);
    door.open();
}

#[tokio::test]
async fn an_entry_that_is_made_too_late_is_deleted_again() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    let (called, door) = fake.hang(|operation| operation == Operation::Create);
    let index = || std::fs::read_to_string(home.path().join("index.json")).unwrap();
    let before = index();
    // On a slow machine a call before that one may take too long already. Then the index does not know of an entry.
    while index() == before {
        let error = store(&storage.clone().time_limit(SOON), vec![token("a", 2)]).await.unwrap_err();
        assert_eq!(*error.kind(), StorageErrorKind::KeyringLocked);
    }
    called.wait();
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1]);
    // Somebody unlocks the keyring now: what was refused must not come to be.
    let (deleting, delete) = fake.hang(|operation| operation == Operation::Delete);
    door.open();
    deleting.wait();
    assert_eq!(fake.entries().len(), 2, "it was made");
    delete.open();
    fake.wait_for_entries(1);
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1]);
    store(&storage, vec![token("a", 3)]).await.unwrap();
    assert_eq!(numbers(&load(&storage).await.unwrap()), [3]);
}

#[tokio::test]
async fn only_so_many_calls_hang_at_once() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    let impatient = storage.clone().time_limit(SOON);
    let mut doors = Vec::new();
    for _ in 0..4 {
        let (called, door) = fake.hang(|_| true);
        load(&impatient).await.unwrap_err();
        called.wait();
        doors.push(door);
    }
    fake.no_fault();
    let calls = fake.calls();
    // This one would be answered, but nothing is known of that.
    let error = load(&storage).await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::KeyringLocked);
    assert_eq!(fake.calls(), calls, "no further call is made");
    doors.iter().for_each(Door::open);
    let loaded = loop {
        match load(&storage).await {
            Ok(loaded) => break loaded,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(numbers(&loaded), [1]);
}

#[test]
fn the_end_of_a_runtime_does_not_wait_for_the_keyring() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    let (called, door) = fake.hang(|_| true);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    drop(runtime.spawn(async move { store(&storage, vec![token("a", 1)]).await }));
    called.wait();
    // The call may take an hour; so would this test.
    drop(runtime);
    door.open();
}

#[tokio::test]
async fn a_store_whose_answer_nobody_wants_is_done() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    drop(storage.store(&Namespace::default(), vec![token("a", 1)], StoreKind::Login));
    // The jobs are done in their order.
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1]);
}

#[tokio::test]
async fn a_keyring_that_was_started_again_is_connected_to_again() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    assert_eq!(fake.connections(), 1);
    let mut is_first = true;
    fake.fault(move |_| if std::mem::take(&mut is_first) { Err(gone()) } else { Ok(()) });
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1]);
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn a_keyring_that_is_gone_is_not_available_and_comes_back() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    fake.fault(|_| Err(gone()));
    let error = load(&storage).await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
    assert_eq!(
        *store(&storage, vec![token("a", 2)]).await.unwrap_err().kind(),
        StorageErrorKind::Unavailable
    );
    let removed = storage.remove(&Namespace::default(), &"a".into()).await;
    assert_eq!(*removed.unwrap_err().kind(), StorageErrorKind::Unavailable);
    fake.no_fault();
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1], "nothing was changed");
}

#[tokio::test]
async fn a_library_that_panics_takes_nothing_along() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    fake.fault(|_| panic!("the library's own"));
    assert_eq!(*load(&storage).await.unwrap_err().kind(), StorageErrorKind::Unavailable);
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1]);
}

#[tokio::test]
async fn half_a_batch_is_not_stored_and_leaves_nothing() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    let batch = |number| vec![token("a", number), token("b", number), token("c", number)];
    store(&storage, batch(1)).await.unwrap();
    let mut created = 0;
    fake.fault(move |operation| {
        created += usize::from(operation == Operation::Create);
        if created == 2 { Err(Error::NoStorageAccess("no".into())) } else { Ok(()) }
    });
    assert_eq!(*store(&storage, batch(2)).await.unwrap_err().kind(), StorageErrorKind::Denied);
    fake.no_fault();
    assert_eq!(numbers(&load(&storage).await.unwrap()), [1; 3]);
    store(&storage, batch(3)).await.unwrap();
    assert_eq!(numbers(&load(&storage).await.unwrap()), [3; 3]);
    assert_eq!(fake.entries().len(), 3, "{:?}", fake.entries());
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused_before_anything_is_written() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    let calls = fake.calls();
    let index = std::fs::read(home.path().join("index.json")).unwrap();
    let large = TokenData::new("b", "s".repeat(2560), "AgAccess", 1);
    let size = large.to_record().len();
    let error = store(&storage, vec![token("c", 1), large.clone()]).await.unwrap_err();
    assert!(
        matches!(error.kind(), StorageErrorKind::TooLarge { size: told, limit: 2560, .. } if *told == size),
        "{error}"
    );
    assert_eq!(fake.calls(), calls);
    assert_eq!(std::fs::read(home.path().join("index.json")).unwrap(), index);
    store(&storage.size_limit(size), vec![large]).await.unwrap();
}

#[tokio::test]
async fn an_entry_that_is_missing_is_damaged_until_the_next_login() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    fake.clear();
    let loaded = load(&storage).await.unwrap();
    assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (0, 1));
    let error = storage.load_fresh(&Namespace::default(), &"a".into()).await.unwrap_err();
    assert!(matches!(error.kind(), StorageErrorKind::InvalidRecord { .. }), "{error}");
    store(&storage, vec![token("a", 2)]).await.unwrap();
    assert_eq!(numbers(&load(&storage).await.unwrap()), [2]);
}

#[tokio::test]
async fn a_logout_says_when_a_secret_is_still_there() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    fake.fault(at(Operation::Delete, || Err(Error::NoStorageAccess("no".into()))));
    for _ in 0..2 {
        let error = storage.remove(&Namespace::default(), &"a".into()).await.unwrap_err();
        assert_eq!(*error.kind(), StorageErrorKind::Denied);
        assert!(load(&storage).await.unwrap().tokens.is_empty(), "it is out of force all the same");
    }
    fake.no_fault();
    assert!(!storage.remove(&Namespace::default(), &"a".into()).await.unwrap());
    assert!(fake.entries().is_empty());
}

/// Lets another program store the token at the first call of this kind.
fn intrude(fake: &Fake, home: &Path, operation: Operation, number: i64) {
    let other = open(fake, home);
    let mut is_first = true;
    fake.fault(move |called| {
        if called == operation && std::mem::take(&mut is_first) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(store(&other, vec![token("a", number)])).unwrap();
        }
        Ok(())
    });
}

#[tokio::test]
async fn a_store_begins_again_when_another_program_was_faster() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    for (turn, operation) in (1..).zip([Operation::Read, Operation::Create]) {
        let (old, intruding, new) = (turn * 10, turn * 10 + 1, turn * 10 + 2);
        store(&storage, vec![token("a", old)]).await.unwrap();
        intrude(&fake, home.path(), operation, intruding);
        store(&storage, vec![token("a", new), token("b", new)]).await.unwrap();
        fake.no_fault();
        assert_eq!(numbers(&load(&storage).await.unwrap()), [new; 2], "{operation:?}");
        assert_eq!(fake.entries().len(), 2, "{operation:?}: {:?}", fake.entries());
    }
}

#[tokio::test]
async fn a_refresh_of_what_another_program_has_replaced_is_a_conflict() {
    for operation in [Operation::Read, Operation::Create] {
        let (fake, home) = (Fake::default(), home());
        let storage = open(&fake, home.path());
        store(&storage, vec![token("a", 1)]).await.unwrap();
        intrude(&fake, home.path(), operation, 2);
        let of = StoreKind::RefreshOf(token("a", 1).generation());
        let error = storage.store(&Namespace::default(), vec![token("a", 3)], of).await.unwrap_err();
        assert!(error.is_conflict(), "{operation:?}: {error}");
        fake.no_fault();
        assert_eq!(numbers(&load(&storage).await.unwrap()), [2]);
        // What was made in vain is deleted, now or by the next write.
        store(&storage, vec![token("a", 4)]).await.unwrap();
        assert_eq!(fake.entries().len(), 1, "{operation:?}: {:?}", fake.entries());
    }
}

#[tokio::test]
async fn a_reader_never_sees_a_gap_while_another_program_stores() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    store(&storage, vec![token("a", 1)]).await.unwrap();
    intrude(&fake, home.path(), Operation::Read, 2);
    let loaded = load(&storage).await.unwrap();
    assert_eq!((numbers(&loaded), loaded.damaged.len()), (vec![2], 0));
}

#[tokio::test]
async fn a_lease_can_be_had_while_the_keyring_hangs() {
    let (fake, home) = (Fake::default(), home());
    let storage = open(&fake, home.path());
    let (called, door) = fake.hang(|_| true);
    let namespace = Namespace::default();
    let storing = storage.store(&namespace, vec![token("a", 1)], StoreKind::Login);
    called.wait();
    let lease = storage.lock_refresh(&namespace, &"a".into()).await.unwrap();
    lease.release().await.unwrap();
    door.open();
    storing.await.unwrap();
}

#[test]
fn debug_names_the_application_and_shows_no_more() {
    let shown = format!("{:?}", open(&Fake::default(), Path::new("/x")));
    assert!(shown.contains("app") && shown.contains("/x/index.json"), "{shown}");
}
