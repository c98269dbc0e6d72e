use std::path::Path;
use std::time::Duration;

use globus_core::storage::StorageErrorKind;
use keyring_core::Error;
use tempfile::TempDir;

use super::*;
use crate::fake::Fake;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(fake: &Fake, home: &Path) -> KeyringOrFile {
    open_with(fake, home, Duration::from_secs(3600))
}

fn open_with(fake: &Fake, home: &Path, time_limit: Duration) -> KeyringOrFile {
    KeyringTokenStorage::in_keyring("app".to_owned(), fake.open())
        .index_file(home.join("index.json"))
        .time_limit(time_limit)
        .or_file(home.join("tokens.json"))
}

fn unavailable(fake: &Fake) {
    fake.fault(|_| Err(Error::PlatformFailure("there is no bus".into())));
}

fn storage(fake: &Fake, home: &Path) -> Storage {
    open(fake, home).into()
}

async fn store(storage: &Storage) -> Result<(), StorageError> {
    let token = TokenData::new("a", "scope", "AgAccess", 1);
    storage.store(vec![token], StoreKind::Login).await
}

#[tokio::test]
async fn a_keyring_that_works_is_chosen_and_stays_so() {
    let (fake, home) = (Fake::default(), home());
    let first = open(&fake, home.path());
    assert_eq!(first.choice().await.unwrap(), Choice::Keyring);
    assert!(fake.entries().is_empty(), "the trial is deleted");
    store(&first.into()).await.unwrap();
    assert!(!home.path().join("tokens.json").exists());

    // Where tokens are in the keyring, a file would be an empty one.
    unavailable(&fake);
    let later = open(&fake, home.path());
    assert_eq!(later.choice().await.unwrap(), Choice::Keyring);
    let error = Storage::from(later).get("a").await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Unavailable);
    assert!(!home.path().join("tokens.json").exists());
    fake.no_fault();
    assert!(storage(&fake, home.path()).get("a").await.unwrap().is_some());
}

#[tokio::test]
async fn without_a_keyring_it_is_the_file_until_the_logout() {
    let (fake, home) = (Fake::default(), home());
    unavailable(&fake);
    let first = storage(&fake, home.path());
    store(&first).await.unwrap();
    assert!(home.path().join("tokens.json").exists());

    fake.no_fault();
    assert!(first.get("a").await.unwrap().is_some(), "it does not change its mind");
    let later = open(&fake, home.path());
    assert_eq!(later.choice().await.unwrap(), Choice::File, "the tokens are there");
    let later = Storage::from(later);
    assert!(later.get("a").await.unwrap().is_some());
    assert_eq!(later.list().await.unwrap(), [Namespace::default()]);
    later.lock_refresh("a").await.unwrap().release().await.unwrap();
    assert!(later.remove("a").await.unwrap());
    assert_eq!(open(&fake, home.path()).choice().await.unwrap(), Choice::Keyring);
}

#[tokio::test]
async fn a_keyring_that_hangs_at_the_first_use_is_none() {
    let (fake, home) = (Fake::default(), home());
    let (_, door) = fake.hang(|_| true);
    let both = open_with(&fake, home.path(), Duration::from_millis(50));
    assert_eq!(both.choice().await.unwrap(), Choice::File);
    door.open();
}

#[tokio::test]
async fn where_the_tokens_are_cannot_be_guessed() {
    let (fake, home) = (Fake::default(), home());
    std::fs::write(home.path().join("index.json"), "no index").unwrap();
    let error = open(&fake, home.path()).choice().await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::ForeignFile);
    assert_eq!(error.path(), Some(&*home.path().join("index.json")));
}

#[tokio::test]
async fn a_store_whose_answer_nobody_wants_is_done() {
    let (fake, home) = (Fake::default(), home());
    let (_, door) = fake.hang(|_| true);
    let both = open(&fake, home.path());
    let token = TokenData::new("a", "scope", "AgAccess", 1);
    drop(both.store(&Namespace::default(), vec![token], StoreKind::Login));
    door.open();
    tokio::task::spawn_blocking(move || fake.wait_for_record()).await.unwrap();
    // The entry is made; that it is put in force is a later job's to see, as jobs are done in their order.
    assert!(both.load_fresh(&Namespace::default(), &"a".into()).await.unwrap().is_some());
}
