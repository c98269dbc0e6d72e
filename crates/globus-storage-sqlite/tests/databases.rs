//! Databases as they are met: missing, empty, foreign, damaged, locked, replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globus_core::storage::{Durability, Storage, StorageErrorKind, StoreKind, TokenStorage};
use globus_core::{Namespace, OnRefresh, StorageError, TokenData};
use globus_storage_sqlite::{
    DatabaseSchema, LegacySqliteTokenStorage, SqliteTokenStorage, read_token_database,
};
use rusqlite::Connection;
use tempfile::TempDir;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.db");
    (directory, path)
}

fn open(path: &Path) -> Storage {
    SqliteTokenStorage::new(path).into()
}

fn token(text: &str) -> TokenData {
    TokenData::new("rs", "s", format!("AgExample-{text}"), 1).with_refresh_token(format!("AgRefresh-{text}"))
}

fn store(storage: &Storage, text: &str) -> Result<(), StorageError> {
    wait(storage.store(vec![token(text)], StoreKind::Login))
}

fn stored(storage: &Storage) -> Option<String> {
    wait(storage.get("rs")).unwrap().map(|token| token.access_token.expose().to_owned())
}

fn sql(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

fn text(path: &Path, query: &str) -> String {
    Connection::open(path).unwrap().query_row(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn reading_and_removing_make_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a").join("tokens.db");
    let storage = open(&path);
    assert_eq!(stored(&storage), None);
    assert!(!wait(storage.remove("rs")).unwrap());
    assert!(wait(storage.list()).unwrap().is_empty());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    store(&storage, "1").unwrap();
    assert_eq!(stored(&storage).unwrap(), "AgExample-1");
}

#[test]
fn only_the_storage_for_older_programs_wants_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a").join("tokens.db");
    let storage = Storage::from(LegacySqliteTokenStorage::new(&path));
    assert!(store(&storage, "1").unwrap_err().is_not_found());
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    store(&storage, "1").unwrap();
}

#[test]
fn an_empty_file_is_used() {
    let (_directory, path) = place();
    std::fs::write(&path, "").unwrap();
    let storage = open(&path);
    assert_eq!(stored(&storage), None);
    store(&storage, "1").unwrap();
    assert_eq!(stored(&open(&path)).unwrap(), "AgExample-1");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_directory, path) = place();
    let content = "AgSecret, not a database ".repeat(100);
    std::fs::write(&path, &content).unwrap();
    let storage = open(&path);
    for error in [wait(storage.get("rs")).unwrap_err(), store(&storage, "1").unwrap_err()] {
        assert_eq!(*error.kind(), StorageErrorKind::Database);
        assert_eq!(error.path(), Some(&*path));
        let source = error.source().unwrap().to_string();
        assert_eq!(
            source,
            "file is not a database; use another path, or move the file away and log in again"
        );
        assert!(!format!("{error} {error:?}").contains("AgSecret"));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    // The storage finds what is there next.
    std::fs::remove_file(&path).unwrap();
    store(&storage, "1").unwrap();
}

#[test]
fn a_damaged_database_is_told_without_a_token_in_the_text() {
    let (_directory, path) = place();
    store(&open(&path), "1").unwrap();
    let mut content = std::fs::read(&path).unwrap();
    // The pages of the tables, behind the one that says where they are.
    content[4096..].fill(b'A');
    std::fs::write(&path, content).unwrap();
    let error = wait(open(&path).get("rs")).unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::Database);
    let shown = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(shown.contains("restore a backup") && !shown.contains("AgExample"), "{shown}");
}

#[test]
fn a_newer_schema_is_refused_and_what_is_unknown_is_kept() {
    let (_directory, path) = place();
    store(&open(&path), "1").unwrap();
    sql(
        &path,
        "INSERT INTO sdk_storage_adapter_internal VALUES ('unknown', 'kept');
         CREATE TABLE unknown (x); INSERT INTO unknown VALUES ('kept')",
    );
    store(&open(&path), "2").unwrap();
    let unknown = "SELECT value FROM sdk_storage_adapter_internal WHERE attribute = 'unknown'";
    assert_eq!((text(&path, unknown), text(&path, "SELECT x FROM unknown")), ("kept".into(), "kept".into()));
    for attribute in ["globus-sdk.database_schema_version", "globus-sdk-tokenstorage.database_schema_version"]
    {
        for (version, told) in [("3", "3"), ("2.1", "2.1"), ("AgSecret", "no number"), ("-1", "no number")] {
            sql(
                &path,
                &format!("REPLACE INTO sdk_storage_adapter_internal VALUES ('{attribute}', '{version}')"),
            );
            let storage = open(&path);
            for error in [wait(storage.get("rs")).unwrap_err(), store(&storage, "3").unwrap_err()] {
                let StorageErrorKind::UnsupportedSchema { found, .. } = error.kind() else {
                    panic!("{error}")
                };
                assert_eq!(found, told);
            }
        }
        sql(&path, &format!("REPLACE INTO sdk_storage_adapter_internal VALUES ('{attribute}', '2')"));
        assert_eq!(stored(&open(&path)).unwrap(), "AgExample-2");
    }
}

#[test]
fn the_contents_are_read_without_a_storage() {
    let (directory, path) = place();
    let storage = LegacySqliteTokenStorage::new(&path);
    let namespace = Namespace::from("one");
    let config = serde_json::json!({"client_secret": "AgSecret"});
    wait(storage.store_config(&namespace, "client", config.as_object().unwrap())).unwrap();
    wait(storage.store(&namespace, vec![token("1")], StoreKind::Login)).unwrap();
    sql(
        &path,
        "INSERT INTO token_storage VALUES ('one', 'damaged', 5);
         INSERT INTO config_storage VALUES ('one', 'damaged', '[5]')",
    );
    let contents = read_token_database(&path).unwrap().unwrap();
    assert_eq!(contents.schema, DatabaseSchema::Version1);
    let loaded = &contents.namespaces["one"];
    assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (1, 1));
    assert_eq!(loaded.damaged[0].path(), Some(&*path));
    let configs: Vec<_> = contents.configs["one"].iter().collect();
    assert_eq!(configs, [(&"client".to_owned(), config.as_object().unwrap())]);
    assert!(!format!("{contents:?}").contains("Ag"), "{contents:?}");

    for (name, length, told) in [("empty", 0, "names no format"), ("large", 17 << 20, "cannot read it")] {
        let path = directory.path().join(name);
        std::fs::File::create(&path).unwrap().set_len(length).unwrap();
        let error = read_token_database(&path).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(error.path(), Some(&*path));
    }
    assert!(read_token_database(&directory.path().join("none")).unwrap_err().is_not_found());
}

#[test]
fn a_name_for_memory_is_refused_with_advice() {
    let storage = open(Path::new(":memory:"));
    for error in [wait(storage.get("rs")).unwrap_err(), store(&storage, "1").unwrap_err()] {
        assert!(matches!(error.kind(), StorageErrorKind::Unsupported { .. }));
        assert!(error.to_string().contains("MemoryTokenStorage"), "{error}");
    }
    assert!(!Path::new(":memory:").exists());
}

#[test]
fn what_was_removed_or_replaced_is_not_in_the_file() {
    let (_directory, path) = place();
    let storage = open(&path);
    let has = |text: &str| std::fs::read(&path).unwrap().windows(text.len()).any(|at| at == text.as_bytes());
    store(&storage, "first").unwrap();
    assert!(has("AgExample-first"));
    store(&storage, "second").unwrap();
    assert!(!has("AgExample-first") && has("AgExample-second"));
    wait(storage.remove("rs")).unwrap();
    assert!(!has("AgExample") && !has("AgRefresh"));
}

#[test]
fn a_file_that_was_deleted_or_replaced_is_not_written_on() {
    let (directory, path) = place();
    let storage = open(&path);
    store(&storage, "1").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(stored(&storage), None);
    store(&storage, "2").unwrap();
    assert_eq!(stored(&open(&path)).unwrap(), "AgExample-2");
    let other = directory.path().join("other.db");
    store(&open(&other), "3").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(stored(&storage).unwrap(), "AgExample-3");
}

#[test]
fn the_journal_mode_of_a_database_stays() {
    let (_directory, path) = place();
    store(&open(&path), "1").unwrap();
    assert_eq!(text(&path, "PRAGMA journal_mode"), "delete");
    assert_eq!(text(&path, "PRAGMA journal_mode = WAL"), "wal");
    store(&open(&path), "2").unwrap();
    assert_eq!(text(&path, "PRAGMA journal_mode"), "wal");
    assert_eq!(stored(&open(&path)).unwrap(), "AgExample-2");
}

#[test]
fn a_locked_database_is_read_but_not_written() {
    let (_directory, path) = place();
    let storage = Storage::from(SqliteTokenStorage::new(&path).lock_wait(Duration::from_millis(50)));
    store(&storage, "1").unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let StorageErrorKind::Locked { waited, .. } = *store(&storage, "2").unwrap_err().kind() else {
        panic!("it is locked")
    };
    assert!(waited >= Duration::from_millis(50));
    assert_eq!(stored(&storage).unwrap(), "AgExample-1");
    other.execute_batch("COMMIT; BEGIN EXCLUSIVE").unwrap();
    assert!(wait(storage.get("rs")).unwrap_err().is_locked());
    other.execute_batch("COMMIT").unwrap();
    store(&storage, "3").unwrap();
}

#[test]
fn a_reader_that_stays_keeps_a_write_from_being_done() {
    let (_directory, path) = place();
    let storage = Storage::from(SqliteTokenStorage::new(&path).lock_wait(Duration::from_millis(50)));
    store(&storage, "1").unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT * FROM token_storage").unwrap();
    assert!(store(&storage, "2").unwrap_err().is_locked());
    assert_eq!(stored(&storage).unwrap(), "AgExample-1");
    other.execute_batch("COMMIT").unwrap();
    store(&storage, "3").unwrap();
    assert_eq!(stored(&storage).unwrap(), "AgExample-3");
}

#[test]
fn a_record_keeps_its_nulls_and_its_identity() {
    let (_directory, path) = place();
    let record = "SELECT token_data_json FROM token_storage";
    let plain = || TokenData::new("rs", "s", "at", 1);
    let today = open(&path);
    let legacy = Storage::from(LegacySqliteTokenStorage::new(&path));

    wait(legacy.store(vec![plain().with_identity_id("id")], StoreKind::Login)).unwrap();
    let six = r#"{"scope": "s", "access_token": "at", "refresh_token": null, "token_type": null, "#
        .to_owned()
        + r#""expires_at_seconds": 1, "resource_server": "rs", "identity_id": "id"}"#;
    assert_eq!(text(&path, record), six);
    // An older program may look for the members that are null, so they stay.
    wait(today.store(vec![plain()], StoreKind::Refresh)).unwrap();
    assert_eq!(text(&path, record), six);

    wait(today.remove("rs")).unwrap();
    wait(today.store(vec![plain().with_identity_id("id")], StoreKind::Login)).unwrap();
    assert!(!text(&path, record).contains("null"));
    wait(legacy.store(vec![plain()], StoreKind::Refresh)).unwrap();
    assert_eq!(text(&path, record), six);
}

#[test]
fn both_storages_are_refresh_callbacks_and_say_how_durable_they_are() {
    let (_directory, path) = place();
    let today = SqliteTokenStorage::new(&path);
    assert!(today.capabilities().durable);
    assert!(!today.clone().durability(Durability::Rename).capabilities().durable);
    assert_eq!(today.path(), path);
    drop([OnRefresh::from(today), LegacySqliteTokenStorage::new(&path).into()]);
}

#[test]
fn it_works_with_the_quicker_durability_and_in_a_relative_place() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let name = Path::new(directory.path().file_name().unwrap()).join("tokens.db");
    let storage = Storage::from(SqliteTokenStorage::new(&name).durability(Durability::Rename));
    store(&storage, "1").unwrap();
    assert_eq!(stored(&open(&name)).unwrap(), "AgExample-1");
}

#[test]
fn configurations_are_kept_by_namespace() {
    let (_directory, path) = place();
    let storage = LegacySqliteTokenStorage::new(&path);
    let [one, two] = ["one", "two"].map(Namespace::from);
    let config = serde_json::json!({"client_id": "x", "é": [1, null]});
    let config = config.as_object().unwrap();
    assert!(!wait(storage.remove_config(&one, "c")).unwrap());
    assert!(!path.exists());
    wait(storage.store_config(&one, "c", config)).unwrap();
    assert_eq!(wait(storage.read_config(&one, "c")).unwrap().as_ref(), Some(config));
    assert_eq!(wait(storage.read_config(&two, "c")).unwrap(), None);
    assert!(wait(storage.iter_namespaces(false)).unwrap().is_empty());
    assert_eq!(wait(storage.iter_namespaces(true)).unwrap(), std::slice::from_ref(&one));
    // Tokens do not touch them.
    wait(storage.store(&two, vec![token("1")], StoreKind::Login)).unwrap();
    assert_eq!(wait(storage.iter_namespaces(true)).unwrap(), [one.clone(), two]);
    assert!(wait(storage.remove_config(&one, "c")).unwrap());
    assert_eq!(wait(storage.read_config(&one, "c")).unwrap(), None);
}

#[cfg(unix)]
#[test]
fn links_are_followed_where_that_is_allowed() {
    let (directory, path) = place();
    let link = directory.path().join("link.db");
    std::os::unix::fs::symlink("tokens.db", &link).unwrap();
    store(&open(&path), "1").unwrap();
    assert_eq!(*wait(open(&link).get("rs")).unwrap_err().kind(), StorageErrorKind::Symlink);
    let storage = Storage::from(SqliteTokenStorage::new(&link).follow_symlinks(true));
    store(&storage, "2").unwrap();
    assert_eq!(stored(&open(&path)).unwrap(), "AgExample-2");

    // The link leads elsewhere now.
    let other = directory.path().join("other.db");
    store(&open(&other), "3").unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("other.db", &link).unwrap();
    assert_eq!(stored(&storage).unwrap(), "AgExample-3");
    store(&storage, "4").unwrap();
    assert_eq!(stored(&open(&path)).unwrap(), "AgExample-2");
    // Only the last part of a path may not be a link.
    std::os::unix::fs::symlink(directory.path(), directory.path().join("here")).unwrap();
    assert_eq!(stored(&open(&directory.path().join("here").join("tokens.db"))).unwrap(), "AgExample-2");
}

#[cfg(unix)]
#[test]
fn a_link_that_everybody_may_exchange_is_not_followed() {
    use std::os::unix::fs::PermissionsExt;

    let (_directory, path) = place();
    store(&open(&path), "1").unwrap();
    let open_to_all = tempfile::tempdir().unwrap();
    let link = open_to_all.path().join("tokens.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let storage = Storage::from(SqliteTokenStorage::new(&link).follow_symlinks(true));
    assert_eq!(stored(&storage).unwrap(), "AgExample-1");
    std::fs::set_permissions(open_to_all.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    for error in [wait(storage.get("rs")).unwrap_err(), store(&storage, "2").unwrap_err()] {
        assert!(matches!(error.kind(), StorageErrorKind::UnsafeDirectory { mode: 0o777, .. }), "{error}");
    }
}

#[tokio::test]
async fn an_app_finds_its_database_in_the_users_home() {
    use globus_core::config::{Environment, Variables};

    let home = tempfile::tempdir().unwrap();
    let variables = Variables::from_iter([("HOME", home.path().display().to_string())]);
    let client = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";
    for (environment, name) in
        [(Environment::production(), "tokens.db"), (Environment::named("preview"), "preview-tokens.db")]
    {
        let storage = SqliteTokenStorage::for_app_with(client, "My App", &environment, &variables).unwrap();
        let expected = home.path().join(".globus/app").join(client).join("my-app").join(name);
        assert_eq!(storage.path(), expected);
        let token = TokenData::new("rs", "s", "AgExample", 1_900_000_000);
        Storage::from(storage).store(vec![token], StoreKind::Login).await.unwrap();
        assert!(expected.exists());
    }
    assert!(
        SqliteTokenStorage::for_app_with("../x", "My App", &Environment::production(), &variables).is_err()
    );
}
