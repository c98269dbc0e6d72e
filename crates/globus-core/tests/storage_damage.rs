//! Files of tokens that were damaged: what is said, what is kept, and how to go on.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use globus_core::storage::{
    FileAdapter, JsonTokenStorage, LegacyJsonTokenStorage, SimpleJsonFileAdapter, Storage, StorageAdapter,
    StorageError, StorageErrorKind, StoreKind,
};
use globus_core::token::Grant;
use globus_core::{Timestamp, TokenData, TokenResponse};

fn here() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    (directory, path)
}

fn token(server: &str, access: &str) -> TokenData {
    TokenData::new(server, "s", access, 5).with_refresh_token(format!("{access}-refresh"))
}

fn response(access: &str) -> TokenResponse {
    let body = serde_json::json!({
        "access_token": access, "scope": "s", "expires_in": 10, "resource_server": "rs", "token_type": "Bearer",
    });
    TokenResponse::parse(Grant::AuthorizationCode, body.to_string().as_bytes(), Timestamp::UNIX_EPOCH)
        .unwrap()
}

async fn store(storage: &JsonTokenStorage, server: &str, access: &str) {
    Storage::from(storage.clone()).store(vec![token(server, access)], StoreKind::Login).await.unwrap();
}

async fn access(storage: &JsonTokenStorage, server: &str) -> Option<String> {
    let token = Storage::from(storage.clone()).get(server).await.unwrap()?;
    Some(token.access_token.expose().to_owned())
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The names of the copies that are kept beside the file.
fn copies(directory: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !["tokens.json", "tokens.json.lock"].contains(&name.as_str()));
    names.sort();
    names
}

/// Contents that cannot be read, which all hold a token's text.
const DAMAGED: [&str; 6] = [
    r#"{"data": {"DEFAULT": {"rs": {"access_token": "AgTorn"#,
    r#"["AgTorn"]"#,
    r#"{"data": "AgTorn", "format_version": "2.0", "globus-sdk.version": "1"}"#,
    r#"{"format_version": "2.0", "globus-sdk.version": "AgTorn"}"#,
    r#"{"data": {"DEFAULT": "AgTorn"}, "format_version": "2.0", "globus-sdk.version": "1"}"#,
    r#"{"data": {"AgTorn": {}}, "format_version": "9.0", "globus-sdk.version": "1"}"#,
];

#[tokio::test]
async fn a_damaged_file_stays_until_the_user_goes_back_to_the_last_good_copy() {
    for damaged in DAMAGED {
        let (directory, path) = here();
        let storage = JsonTokenStorage::new(&path);
        store(&storage, "rs", "AgOlder").await;
        store(&storage, "rs", "AgOld").await;
        let good = read(directory.path().join("tokens.json.last-good"));
        std::fs::write(&path, damaged).unwrap();

        let inspection = storage.inspect().await.unwrap();
        assert!(inspection.is_damaged() && inspection.exists);
        let copy = inspection.last_good.as_ref().unwrap();
        assert!(copy.holds.values().any(|servers| servers.contains("rs")), "{copy:?}");
        assert!(!format!("{inspection:?}").contains("Ag"), "{inspection:?}");

        let handle = Storage::from(storage.clone());
        for error in [
            handle.get("rs").await.unwrap_err(),
            handle.store(vec![token("rs", "AgNew")], StoreKind::Login).await.unwrap_err(),
            handle.remove("rs").await.unwrap_err(),
            inspection.damage.unwrap(),
        ] {
            assert!(error.is_damaged(), "{error}");
            assert_eq!((error.last_good(), error.path()), (Some(copy.written_at), Some(path.as_path())));
            let text = error.to_string();
            assert!(!format!("{text} {error:?}").contains("Ag"), "{error:?}");
            for word in ["restore_last_good", "set_aside", &format!("{:.0}", copy.written_at)] {
                assert!(text.contains(word), "{text}");
            }
        }
        assert_eq!((read(&path), copies(&directory)), (damaged.into(), vec!["tokens.json.last-good".into()]));

        let aside = storage.restore_last_good().await.unwrap().unwrap();
        assert_eq!((read(&aside), mode(&aside)), (damaged.into(), 0o600));
        assert!(aside.to_str().unwrap().starts_with(path.with_extension("json.damaged-2").to_str().unwrap()));
        assert_eq!((read(&path), mode(&path)), (good, 0o600));
        assert_eq!(access(&storage, "rs").await.as_deref(), Some("AgOlder"));
        let inspection = storage.inspect().await.unwrap();
        assert!(!inspection.is_damaged() && inspection.holds.contains_key("DEFAULT"));
        assert_eq!(inspection.set_aside, [aside]);
        // And it goes on as ever.
        store(&storage, "rs", "AgNew").await;
        assert_eq!(access(&storage, "rs").await.as_deref(), Some("AgNew"));
    }
}

#[tokio::test]
async fn a_damaged_file_of_format_1_is_no_different() {
    let (directory, path) = here();
    let storage = LegacyJsonTokenStorage::new(&path);
    let handle = Storage::from(storage.clone());
    handle.store(vec![token("rs", "AgOlder")], StoreKind::Login).await.unwrap();
    handle.store(vec![token("rs", "AgOld")], StoreKind::Login).await.unwrap();
    std::fs::write(&path, r#"{"by_rs": {"rs": "AgTorn"#).unwrap();
    let error = handle.get("rs").await.unwrap_err();
    assert!(error.is_damaged() && error.last_good().is_some(), "{error}");
    assert!(storage.inspect().await.unwrap().last_good.unwrap().holds["DEFAULT"].contains("rs"));
    storage.restore_last_good().await.unwrap().unwrap();
    assert_eq!(handle.get("rs").await.unwrap().unwrap().access_token.expose(), "AgOlder");
    std::fs::write(&path, "").unwrap();
    assert_eq!(read(storage.set_aside().await.unwrap()), "");
    assert!(handle.get("rs").await.unwrap().is_none());
    assert_eq!(copies(&directory).len(), 3);
}

#[tokio::test]
async fn what_is_set_aside_never_replaces_what_was_set_aside_before() {
    let (directory, path) = here();
    let storage = JsonTokenStorage::new(&path);
    let mut kept = Vec::new();
    for number in 0..4 {
        std::fs::write(&path, format!("torn {number}")).unwrap();
        chmod(&path, 0o644);
        kept.push(storage.set_aside().await.unwrap());
        assert!(access(&storage, "rs").await.is_none());
    }
    for (number, path) in kept.iter().enumerate() {
        assert_eq!((read(path), mode(path)), (format!("torn {number}"), 0o600));
    }
    let mut found = storage.inspect().await.unwrap().set_aside;
    assert_eq!(found.len(), copies(&directory).len());
    found.sort();
    kept.sort();
    assert_eq!(found, kept);
}

#[tokio::test]
async fn what_is_not_damaged_is_neither_restored_nor_set_aside() {
    let (directory, path) = here();
    let storage = JsonTokenStorage::new(&path);
    assert_eq!(*storage.set_aside().await.unwrap_err().kind(), StorageErrorKind::NotFound);
    let refused = storage.restore_last_good().await.unwrap_err();
    assert_eq!(*refused.kind(), StorageErrorKind::NoLastGoodCopy);
    assert!(!storage.inspect().await.unwrap().exists);

    store(&storage, "rs", "AgOld").await;
    store(&storage, "rs", "AgNew").await;
    let kinds = |refusals: [StorageError; 2]| refusals.map(|error| error.kind().clone());
    let refusals = [storage.set_aside().await.unwrap_err(), storage.restore_last_good().await.unwrap_err()];
    assert_eq!(kinds(refusals), [StorageErrorKind::NotDamaged, StorageErrorKind::NotDamaged]);

    // The file of another storage is as it should be.
    let other = LegacyJsonTokenStorage::new(&path);
    for error in [
        other.set_aside().await.unwrap_err(),
        other.restore_last_good().await.unwrap_err(),
        other.inspect().await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), StorageErrorKind::UnknownFormat { .. }), "{error}");
        assert!(!error.is_damaged() && !error.to_string().contains("set_aside"), "{error}");
    }
    assert_eq!(access(&storage, "rs").await.as_deref(), Some("AgNew"));
    assert_eq!(copies(&directory), ["tokens.json.last-good"]);
}

#[tokio::test]
async fn a_file_that_is_gone_comes_back_from_the_last_good_copy() {
    let (_directory, path) = here();
    let storage = JsonTokenStorage::new(&path);
    store(&storage, "rs", "AgOld").await;
    store(&storage, "rs", "AgNew").await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(storage.restore_last_good().await.unwrap(), None);
    assert_eq!(access(&storage, "rs").await.as_deref(), Some("AgOld"));
}

#[tokio::test]
async fn a_last_good_copy_that_is_damaged_too_is_none() {
    let (directory, path) = here();
    let storage = JsonTokenStorage::new(&path);
    std::fs::write(&path, "AgTorn").unwrap();
    for copy in ["AgTorn", "", r#"{"by_rs": {}}"#] {
        std::fs::write(directory.path().join("tokens.json.last-good"), copy).unwrap();
        let inspection = storage.inspect().await.unwrap();
        assert!(inspection.is_damaged() && inspection.last_good.is_none());
        let error = Storage::from(storage.clone()).get("rs").await.unwrap_err();
        assert!(!error.to_string().contains("restore_last_good"), "{error}");
        assert!(error.to_string().contains("set_aside"), "{error}");
        let refused = storage.restore_last_good().await.unwrap_err();
        assert_eq!(*refused.kind(), StorageErrorKind::NoLastGoodCopy);
        assert!(!format!("{refused:?}").contains("AgTorn"));
        assert_eq!(read(&path), "AgTorn");
    }
}

#[tokio::test]
async fn the_last_good_copy_is_a_second_name_for_the_old_file_and_as_private() {
    let (directory, path) = here();
    let storage = JsonTokenStorage::new(&path);
    store(&storage, "rs", "AgOld").await;
    chmod(&path, 0o644);
    let old = std::fs::metadata(&path).unwrap().ino();
    store(&storage, "rs", "AgNew").await;
    let copy = directory.path().join("tokens.json.last-good");
    assert_eq!((std::fs::metadata(&copy).unwrap().ino(), mode(&copy)), (old, 0o600));
    // Another program writes in place, and fails at that.
    std::fs::write(&path, "{").unwrap();
    assert!(read(&copy).contains("AgOld"));
}

#[tokio::test]
async fn a_file_that_is_damaged_in_parts_does_not_become_the_last_good_copy() {
    let (directory, path) = here();
    let storage = JsonTokenStorage::new(&path);
    store(&storage, "rs", "AgOlder").await;
    store(&storage, "rs", "AgOld").await;
    std::fs::write(
        &path,
        r#"{"data": {"work": [], "DEFAULT": {}}, "format_version": "2.0", "globus-sdk.version": "1"}"#,
    )
    .unwrap();
    store(&storage, "rs", "AgNew").await;
    assert!(read(directory.path().join("tokens.json.last-good")).contains("AgOlder"));
    assert!(storage.inspect().await.unwrap().is_damaged());
}

#[tokio::test]
async fn no_copy_is_kept_where_none_is_wanted() {
    let (directory, path) = here();
    let storage = JsonTokenStorage::new(&path).keep_last_good(false);
    store(&storage, "rs", "AgOld").await;
    store(&storage, "rs", "AgNew").await;
    assert!(copies(&directory).is_empty());
}

#[tokio::test]
async fn a_removed_token_is_in_no_copy() {
    let (directory, path) = here();
    let storage = JsonTokenStorage::new(&path);
    std::fs::write(&path, r#"{"data": {"DEFAULT": {"other": {"access_token": "AgOther"#).unwrap();
    let other = storage.set_aside().await.unwrap();
    std::fs::write(&path, r#"{"data": {"DEFAULT": {"na\u00efve": {"access_token": "AgTorn"#).unwrap();
    storage.set_aside().await.unwrap();
    store(&storage, "naïve", "AgOld").await;
    store(&storage, "rs", "AgStays").await;
    std::fs::write(directory.path().join("tokens.json.v1.bak"), r#"{"by_rs": {"naïve": "AgOld"}}"#).unwrap();
    assert_eq!(copies(&directory).len(), 4);

    let handle = Storage::from(storage.clone());
    assert!(handle.remove("naïve").await.unwrap());
    assert_eq!(copies(&directory), [other.file_name().unwrap().to_str().unwrap()]);
    for entry in std::fs::read_dir(&directory).unwrap() {
        let content = read(entry.unwrap().path());
        assert!(!content.contains("AgOld") && !content.contains("AgTorn"), "{content}");
    }
    assert_eq!(access(&storage, "rs").await.as_deref(), Some("AgStays"));

    // What is in a copy only goes as well, and there was no token to remove.
    assert!(!handle.remove("other").await.unwrap());
    assert!(copies(&directory).is_empty());
    assert!(!handle.remove("other").await.unwrap());
}

#[tokio::test]
async fn a_token_removed_with_an_upgrade_is_not_in_the_backup() {
    let (directory, path) = here();
    let legacy = Storage::from(LegacyJsonTokenStorage::new(&path));
    legacy.store(vec![token("rs", "AgGone"), token("rs2", "AgStays")], StoreKind::Login).await.unwrap();
    let storage = JsonTokenStorage::new(&path).upgrade(true);
    assert!(Storage::from(storage.clone()).remove("rs").await.unwrap());
    assert_eq!(copies(&directory), ["tokens.json.v1.bak"]);
    let backup = read(directory.path().join("tokens.json.v1.bak"));
    assert!(backup.contains("AgStays") && !backup.contains("AgGone"), "{backup}");
    assert_eq!(access(&storage, "rs2").await.as_deref(), Some("AgStays"));
}

#[test]
fn a_damaged_flat_file_is_set_aside_before_it_is_replaced() {
    let (directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    adapter.store(&response("AgOlder")).unwrap();
    adapter.store(&response("AgOld")).unwrap();
    let damaged = r#"{"access_token": "AgTorn", "scope": 5, "globus-sdk-tokenstorage.version": "0.4.1"}"#;
    std::fs::write(&path, damaged).unwrap();
    let error = adapter.read().unwrap_err();
    assert!(error.is_damaged() && error.last_good().is_some(), "{error}");

    adapter.store(&response("AgNew")).unwrap();
    let aside = adapter.inspect().unwrap().set_aside;
    assert_eq!((aside.len(), read(&aside[0]), mode(&aside[0])), (1, damaged.into(), 0o600));
    // It was not good, so what was good before still is.
    assert!(read(directory.path().join("tokens.json.last-good")).contains("AgOlder"));
    assert_eq!(adapter.read().unwrap().access_token.expose(), "AgNew");
}

#[test]
fn what_may_be_a_damaged_flat_file_is_not_overwritten() {
    let (directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    adapter.store(&response("AgOlder")).unwrap();
    adapter.store(&response("AgOld")).unwrap();
    let torn = r#"{"access_token": "AgTorn"#;
    std::fs::write(&path, torn).unwrap();
    let error = adapter.store(&response("AgNew")).unwrap_err();
    assert_eq!((error.kind(), error.last_good().is_some()), (&StorageErrorKind::ForeignFile, true));
    assert!(error.to_string().contains("restore_last_good"), "{error}");
    assert_eq!(read(&path), torn);

    assert_eq!(read(adapter.restore_last_good().unwrap().unwrap()), torn);
    assert_eq!(adapter.read().unwrap().access_token.expose(), "AgOlder");

    std::fs::write(&path, torn).unwrap();
    adapter.set_aside().unwrap();
    assert!(adapter.read().unwrap_err().is_not_found());

    // Even what is overwritten by leave is kept.
    std::fs::write(&path, "somebody's notes").unwrap();
    adapter.clone().overwrite_foreign(true).store(&response("AgNew")).unwrap();
    let aside = adapter.inspect().unwrap().set_aside;
    assert!(aside.iter().any(|path| read(path) == "somebody's notes"), "{aside:?}");
    assert_eq!(copies(&directory).len(), 4);
}

#[test]
fn an_empty_file_is_not_worth_keeping() {
    let (directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    adapter.store(&response("AgOlder")).unwrap();
    adapter.store(&response("AgOld")).unwrap();
    std::fs::write(&path, "").unwrap();
    adapter.store(&response("AgNew")).unwrap();
    assert_eq!(copies(&directory), ["tokens.json.last-good"]);
    assert!(read(directory.path().join("tokens.json.last-good")).contains("AgOlder"));
}

#[test]
fn logging_out_deletes_no_file_of_something_else() {
    let (directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    for foreign in ["[1]", "no JSON", r#"{"a": 1}"#, r#"{"data": {}, "format_version": "2.0"}"#] {
        std::fs::write(&path, foreign).unwrap();
        assert_eq!(*adapter.remove().unwrap_err().kind(), StorageErrorKind::ForeignFile, "{foreign}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        assert!(adapter.clone().overwrite_foreign(true).remove().unwrap());
        assert!(!path.exists());
        std::fs::remove_file(path.with_file_name("tokens.json.lock")).unwrap();
    }
    // What may have been one of tokens is first set aside.
    adapter.store(&response("AgOld")).unwrap();
    std::fs::write(&path, "{\"access_token\": \"AgTorn").unwrap();
    assert_eq!(*adapter.remove().unwrap_err().kind(), StorageErrorKind::ForeignFile);
    adapter.set_aside().unwrap();
    assert!(!adapter.remove().unwrap());
    assert!(copies(&directory).is_empty());
}

#[test]
fn logging_out_of_a_flat_file_takes_its_copies_along() {
    let (directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    assert!(!adapter.remove().unwrap());
    assert!(std::fs::read_dir(&directory).unwrap().next().is_none());
    adapter.store(&response("AgOld")).unwrap();
    std::fs::write(&path, "torn").unwrap();
    adapter.set_aside().unwrap();
    adapter.store(&response("AgOld")).unwrap();
    adapter.store(&response("AgNew")).unwrap();
    assert_eq!(copies(&directory).len(), 2);
    assert!(adapter.remove().unwrap());
    assert!(!path.exists() && copies(&directory).is_empty());

    // A damaged file of tokens goes, too.
    adapter.store(&response("AgOld")).unwrap();
    std::fs::write(&path, r#"{"access_token": "AgOld", "globus-sdk-tokenstorage.version": 1}"#).unwrap();
    assert!(adapter.remove().unwrap());
    assert!(!path.exists());

    // By hand the file alone goes; the copies go all the same.
    adapter.store(&response("AgOld")).unwrap();
    adapter.store(&response("AgNew")).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(!adapter.remove().unwrap());
    assert!(copies(&directory).is_empty());
}
