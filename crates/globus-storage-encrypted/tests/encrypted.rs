//! What an encrypted file is beyond the contract: who can read it, and what becomes of plain files.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use globus_core::TokenData;
use globus_core::seal::{Argon2Cost, SealingKey, SealingKeys};
use globus_core::storage::{
    JsonTokenStorage, LegacyJsonTokenStorage, Storage, StorageError, StorageErrorKind, StoreKind,
};
use globus_storage_encrypted::EncryptedTokenStorage;
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    (directory, path)
}

fn token() -> TokenData {
    TokenData::new("rs", "s", "AgAccess", 1).with_refresh_token("AgRefresh")
}

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes([byte; 32])
}

fn open(path: &Path, keys: impl Into<SealingKeys>) -> Storage {
    EncryptedTokenStorage::new(path, keys).into()
}

async fn login(storage: &Storage) {
    storage.store(vec![token()], StoreKind::Login).await.unwrap();
}

/// The same error from everything that reads or writes, and no change of the file.
async fn refused(storage: &Storage, path: &Path) -> StorageError {
    let before = std::fs::read(path).unwrap();
    let errors = [
        storage.get("rs").await.unwrap_err(),
        storage.get_all().await.unwrap_err(),
        storage.list().await.unwrap_err(),
        storage.store(vec![token()], StoreKind::Login).await.unwrap_err(),
        storage.remove("rs").await.unwrap_err(),
    ];
    assert_eq!(std::fs::read(path).unwrap(), before);
    for error in &errors {
        assert_eq!(error.kind(), errors[0].kind());
        assert_eq!(error.path(), Some(path));
        // Less than a whole word may come up in the name of the directory by chance.
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("AgAccess") && !shown.contains("AgRefresh"), "{shown}");
    }
    errors.into_iter().next().unwrap()
}

#[tokio::test]
async fn another_key_and_a_changed_file_are_refused_alike() {
    let (_directory, path) = place();
    login(&open(&path, key(1))).await;
    let wrong_key = refused(&open(&path, key(2)), &path).await;
    assert_eq!(*wrong_key.kind(), StorageErrorKind::CannotUnseal);

    let good = std::fs::read(&path).unwrap();
    for at in 6..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let error = open(&path, key(1)).get("rs").await.unwrap_err();
        match at {
            // The program may be too old for it.
            6 => assert!(matches!(error.kind(), StorageErrorKind::UnknownSealVersion { version: 0, .. })),
            // What comes next says then what a key costs.
            7 if *error.kind() == StorageErrorKind::SealTooCostly => {}
            _ => assert_eq!(error.to_string(), wrong_key.to_string(), "{at}"),
        }
    }
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert_eq!(refused(&open(&path, key(1)), &path).await.to_string(), wrong_key.to_string());
    std::fs::write(&path, &good).unwrap();
    assert_eq!(open(&path, key(1)).get("rs").await.unwrap(), Some(token()));
}

#[tokio::test]
async fn a_key_is_replaced_by_the_next_write() {
    let (_directory, path) = place();
    let passphrase =
        |text: &str| SealingKey::from_passphrase_with_cost(text, Argon2Cost::new(64, 1).unwrap()).unwrap();
    login(&open(&path, passphrase("old"))).await;
    let both = open(&path, SealingKeys::from(key(1)).with_older(passphrase("old")));
    assert_eq!(both.get("rs").await.unwrap(), Some(token()));
    both.store(vec![TokenData::new("other", "s", "AgOther", 2)], StoreKind::Login).await.unwrap();
    let new = open(&path, key(1));
    assert_eq!(new.get_all().await.unwrap().tokens.len(), 2);
    refused(&open(&path, passphrase("old")), &path).await;
}

#[tokio::test]
async fn a_plain_file_is_refused_unless_it_is_to_be_encrypted() {
    let (directory, path) = place();
    login(&JsonTokenStorage::new(&path).into()).await;
    let error = refused(&open(&path, key(1)), &path).await;
    assert_eq!(*error.kind(), StorageErrorKind::NotSealed);

    let storage = Storage::from(EncryptedTokenStorage::new(&path, key(1)).encrypt_existing(true));
    assert_eq!(storage.get("rs").await.unwrap(), Some(token()));
    storage.store(vec![TokenData::new("other", "s", "AgOther", 2)], StoreKind::Login).await.unwrap();
    assert_eq!(open(&path, key(1)).get("rs").await.unwrap(), Some(token()));
    assert_no_plain_token_in(&directory);
    // Nobody who expects a plain file takes it for one.
    assert!(matches!(
        Storage::from(JsonTokenStorage::new(&path)).get("rs").await.unwrap_err().kind(),
        StorageErrorKind::NotJson { .. }
    ));
}

#[tokio::test]
async fn a_plain_file_of_the_older_format_leaves_nothing_plain_either() {
    let (directory, path) = place();
    login(&LegacyJsonTokenStorage::new(&path).into()).await;
    let storage = Storage::from(EncryptedTokenStorage::new(&path, key(1)).encrypt_existing(true));
    storage.store(vec![TokenData::new("other", "s", "AgOther", 2)], StoreKind::Login).await.unwrap();
    let tokens = open(&path, key(1)).get_all().await.unwrap().tokens;
    assert_eq!((tokens.len(), &tokens["rs"]), (2, &token()));
    assert_no_plain_token_in(&directory);
    assert!(path.with_extension("v1.bak").exists());
}

fn assert_no_plain_token_in(directory: &TempDir) {
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap();
        // Less than a whole word comes up in sealed content by chance.
        for secret in [&b"AgAccess"[..], b"AgRefresh", b"AgOther"] {
            assert!(!content.windows(secret.len()).any(|part| part == secret), "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_bound_file_opens_under_its_own_name_only() {
    let (directory, path) = place();
    let bound = |path: &Path, name: &str| -> Storage {
        EncryptedTokenStorage::new(path, key(1)).bound_to(name).into()
    };
    login(&bound(&path, "anna")).await;
    assert_eq!(bound(&path, "anna").get("rs").await.unwrap(), Some(token()));
    let other = directory.path().join("other");
    std::fs::copy(&path, &other).unwrap();
    for elsewhere in [bound(&other, "berta"), bound(&other, ""), open(&other, key(1))] {
        assert_eq!(*refused(&elsewhere, &other).await.kind(), StorageErrorKind::CannotUnseal);
    }
    // Nor does one that was not bound, in the place of one that is.
    std::fs::remove_file(&other).unwrap();
    login(&open(&other, key(1))).await;
    assert_eq!(*refused(&bound(&other, "anna"), &other).await.kind(), StorageErrorKind::CannotUnseal);
    // A plain one is bound when it is encrypted, whichever is said first.
    for order in 0..2 {
        std::fs::remove_file(&path).unwrap();
        login(&JsonTokenStorage::new(&path).into()).await;
        let storage = EncryptedTokenStorage::new(&path, key(1));
        let storage = match order {
            0 => storage.bound_to("anna").encrypt_existing(true),
            _ => storage.encrypt_existing(true).bound_to("anna"),
        };
        login(&storage.into()).await;
        assert_eq!(bound(&path, "anna").get("rs").await.unwrap(), Some(token()));
        refused(&open(&path, key(1)), &path).await;
    }
}

#[tokio::test]
async fn while_a_key_is_replaced_every_process_opens_what_any_other_seals() {
    let (_directory, path) = place();
    let steps = [
        SealingKeys::from(key(1)),
        SealingKeys::from(key(1)).with_older(key(2)),
        SealingKeys::from(key(2)).with_older(key(1)),
        SealingKeys::from(key(2)),
    ];
    // At any time some processes are one step further than the others; before the last step something is stored.
    for pair in steps.windows(2) {
        login(&open(&path, pair[0].clone())).await;
        for (by, to) in [(0, 1), (1, 0)] {
            assert_eq!(open(&path, pair[to].clone()).get("rs").await.unwrap(), Some(token()));
            login(&open(&path, pair[by].clone())).await;
            assert_eq!(open(&path, pair[to].clone()).get("rs").await.unwrap(), Some(token()));
        }
    }
}

#[tokio::test]
async fn unknown_members_of_the_document_stay() {
    let (_directory, path) = place();
    std::fs::write(
        &path,
        r#"{"data": {"DEFAULT": {}}, "note": [1], "format_version": "2.0", "globus-sdk.version": "4.9.0"}"#,
    )
    .unwrap();
    login(&EncryptedTokenStorage::new(&path, key(1)).encrypt_existing(true).into()).await;
    login(&open(&path, key(1))).await;
    let context = globus_core::seal::SealContext::new("globus token file");
    let document = SealingKeys::from(key(1)).open(&context, &std::fs::read(&path).unwrap()).unwrap();
    let text = String::from_utf8(document.to_vec()).unwrap();
    assert!(text.contains(r#""note": [1]"#) && text.contains("AgRefresh"), "{text}");
}

#[tokio::test]
async fn a_file_that_asks_for_too_much_memory_is_refused() {
    let (_directory, path) = place();
    login(&open(&path, key(1))).await;
    let mut content = b"GLSEAL\x01\x01\xff\xff\xff\xff\x00\x00\x00\x03\x00\x00\x00\x01".to_vec();
    content.extend([0; 100]);
    std::fs::write(&path, content).unwrap();
    let passphrase = SealingKey::from_passphrase("correct horse").unwrap();
    let error = refused(&open(&path, passphrase), &path).await;
    assert_eq!(*error.kind(), StorageErrorKind::SealTooCostly);
}

#[test]
fn debug_shows_no_key() {
    let storage =
        EncryptedTokenStorage::new("/x/tokens", SealingKey::from_passphrase("AgPassphrase").unwrap());
    let shown = format!("{storage:?} {storage:#?}");
    assert!(shown.contains("/x/tokens") && !shown.contains("Ag"), "{shown}");
}

#[tokio::test]
async fn no_plain_copy_is_left_of_a_file_that_is_encrypted() {
    let (directory, path) = place();
    let plain = JsonTokenStorage::new(&path);
    std::fs::write(&path, r#"{"data": {"DEFAULT": {"rs": {"access_token": "AgAccess"#).unwrap();
    plain.set_aside().await.unwrap();
    for _ in 0..2 {
        login(&plain.clone().into()).await;
    }
    let names = || std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(names().count(), 4, "the file, its lock, the last good copy, what was set aside");

    let storage = Storage::from(EncryptedTokenStorage::new(&path, key(1)).encrypt_existing(true));
    assert!(storage.get("rs").await.unwrap().is_some());
    for _ in 0..2 {
        let other = TokenData::new("other", "s", "AgOther", 1);
        storage.store(vec![other], StoreKind::Login).await.unwrap();
        assert_no_plain_token_in(&directory);
    }
    assert!(storage.get("rs").await.unwrap().is_some());
}
