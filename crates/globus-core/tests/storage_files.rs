//! Storages in files, as one process sees them.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_core::storage::{
    FileAdapter, JsonTokenStorage, LegacyJsonTokenStorage, MemoryTokenStorage, Namespace,
    SimpleJsonFileAdapter, Storage, StorageAdapter, StorageError, StorageErrorKind, StoreKind, TokenStorage,
};
use globus_core::token::Grant;
use globus_core::{Timestamp, TokenData, TokenResponse};

const V1: &str = concat!(
    r#"{"by_rs": {"rs": {"scope": "s", "access_token": "AgOld", "refresh_token": null, "token_type": "Bearer", "#,
    r#""expires_at_seconds": 5, "resource_server": "rs"}}, "format_version": "1.0", "globus-sdk.version": "3.20.1"}"#
);

fn response(grant: Grant, server: &str, access: &str, refresh: Option<&str>) -> TokenResponse {
    let body = serde_json::json!({
        "access_token": access, "refresh_token": refresh, "scope": format!("{server}-a {server}-b"),
        "expires_in": 10, "token_type": "Bearer", "resource_server": server, "other_tokens": [],
    });
    TokenResponse::parse(grant, body.to_string().as_bytes(), Timestamp::from_second(1_700_000_000).unwrap())
        .unwrap()
}

fn login(server: &str) -> TokenResponse {
    response(Grant::AuthorizationCode, server, "AgNew", Some("AgNewRefresh"))
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn here() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    (directory, path)
}

#[tokio::test]
async fn files_and_directories_are_made_for_the_owner_alone() {
    let (directory, _) = here();
    let path = directory.path().join("a/b/tokens.json");
    Storage::from(JsonTokenStorage::new(&path)).store_response(&login("rs")).await.unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.with_file_name("tokens.json.lock")), 0o600);
    assert_eq!(mode(directory.path().join("a")), 0o700);
    assert_eq!(mode(directory.path().join("a/b")), 0o700);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_open_to_others_is_warned_about_and_made_private_by_the_next_write() {
    let (_directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    adapter.store(&login("rs")).unwrap();
    chmod(&path, 0o644);

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || adapter.read().unwrap());
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("WARN") && text.contains(path.to_str().unwrap()), "{text}");
    assert!(!text.contains("AgNew"), "{text}");

    assert_eq!(mode(&path), 0o644);
    adapter.store(&login("rs")).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_symbolic_link_is_refused_unless_links_may_be_followed() {
    let (directory, path) = here();
    let target = directory.path().join("elsewhere");
    symlink(&target, &path).unwrap();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");

    // To nowhere, and to something.
    for _ in 0..2 {
        assert_eq!(*adapter.store(&login("rs")).unwrap_err().kind(), StorageErrorKind::Symlink);
        assert_eq!(*adapter.latest().unwrap_err().kind(), StorageErrorKind::Symlink);
        std::fs::write(&target, "").unwrap();
    }
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "");

    let following = adapter.follow_symlinks(true);
    following.store(&login("rs")).unwrap();
    assert_eq!(following.read().unwrap().access_token.expose(), "AgNew");
    assert!(path.is_symlink());
    assert!(std::fs::read_to_string(&target).unwrap().contains("AgNew"));
}

#[test]
fn a_link_among_the_directories_is_fine() {
    let (directory, _) = here();
    std::fs::create_dir(directory.path().join("real")).unwrap();
    symlink(directory.path().join("real"), directory.path().join("linked")).unwrap();
    let path = directory.path().join("linked/token.json");
    SimpleJsonFileAdapter::for_resource_server(path, "rs").store(&login("rs")).unwrap();
}

#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let (_directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    std::fs::create_dir(&path).unwrap();
    let error = adapter.store(&login("rs")).unwrap_err();
    assert!(
        matches!(error.kind(), StorageErrorKind::Io { reason: io::ErrorKind::IsADirectory, .. }),
        "{error}"
    );
    std::fs::remove_dir(&path).unwrap();

    // Opening a pipe would wait for somebody to write into it.
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(matches!(adapter.latest().unwrap_err().kind(), StorageErrorKind::Io { .. }));
    assert!(matches!(adapter.store(&login("rs")).unwrap_err().kind(), StorageErrorKind::Io { .. }));
}

#[test]
fn a_lock_file_that_cannot_be_one_is_an_error_and_nothing_is_written() {
    let (directory, path) = here();
    std::fs::create_dir(directory.path().join("tokens.json.lock")).unwrap();
    let error = SimpleJsonFileAdapter::for_resource_server(&path, "rs").store(&login("rs")).unwrap_err();
    assert!(matches!(error.kind(), StorageErrorKind::Io { action: "lock", .. }), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let (_directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    adapter.store(&login("rs")).unwrap();
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        return; // Only root can make a file of somebody else.
    }
    for error in [adapter.latest().unwrap_err(), adapter.store(&login("rs")).unwrap_err()] {
        assert!(matches!(error.kind(), StorageErrorKind::ForeignOwner { owner: 12_345, .. }), "{error}");
        assert_eq!(error.path(), Some(path.as_path()));
    }
}

/// Runs on a thread that is nobody's, where this process may change that; root is never denied anything.
fn unprivileged(job: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(65_534)).unwrap();
            }
            job();
        });
        thread.join().unwrap();
    });
}

#[test]
fn where_access_is_denied_the_error_says_so_and_the_content_stays() {
    let (directory, path) = here();
    let file = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    file.store(&login("rs")).unwrap();
    let before = std::fs::read(&path).unwrap();
    // Root's own file and directory, in which nobody may look but not write; otherwise nothing at all.
    chmod(&path, 0);
    chmod(directory.path(), 0o555);
    unprivileged(|| {
        for error in [file.read().unwrap_err(), file.store(&login("rs")).unwrap_err()] {
            assert_eq!(*error.kind(), StorageErrorKind::Permissions, "{error}");
            assert!(error.to_string().contains("tokens.json"), "{error}");
        }
    });
    chmod(directory.path(), 0o700);
    chmod(&path, 0o600);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_broken_file_is_an_error_that_names_it_and_stays_as_it_is() {
    let (_directory, path) = here();
    let storage = Storage::from(JsonTokenStorage::new(&path));
    for (content, expected) in [
        (r#"{"data": {"DEFAULT": {"rs": {"access_token": "AgSecret"#, "not JSON (line 1, column 54)"),
        (r#"["AgSecret"]"#, "no object"),
        (
            r#"{"data": {"DEFAULT": "AgSecret"}, "format_version": "2.0", "globus-sdk.version": "1"}"#,
            "`DEFAULT`",
        ),
        (r#"{"data": {}, "format_version": "9.0", "globus-sdk.version": "1"}"#, "format \"9.0\""),
        (r#"{"data": {}, "format_version": "AgSecret", "globus-sdk.version": "1"}"#, "names no format"),
    ] {
        std::fs::write(&path, content).unwrap();
        for error in [
            storage.store_response(&login("rs")).await.unwrap_err(),
            storage.get("rs").await.unwrap_err(),
            storage.remove("rs").await.unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.contains(expected) && text.contains(path.to_str().unwrap()), "{text}");
            assert!(!format!("{text} {error:?}").contains("AgSecret"), "{error:?}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_file_of_format_1_is_read_and_upgraded_only_if_that_is_allowed() {
    let (directory, path) = here();
    std::fs::write(&path, V1).unwrap();
    chmod(&path, 0o644);
    let storage = Storage::from(JsonTokenStorage::new(&path));

    assert_eq!(storage.get("rs").await.unwrap().unwrap().access_token.expose(), "AgOld");
    assert!(!storage.remove("nobody").await.unwrap());
    assert_eq!(storage.list().await.unwrap(), [Namespace::default()]);
    let refusals =
        [storage.store_response(&login("rs2")).await.unwrap_err(), storage.remove("rs").await.unwrap_err()];
    for refusal in refusals {
        assert!(matches!(refusal.kind(), StorageErrorKind::NeedsUpgrade { found: "1.0", .. }), "{refusal}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), V1);

    let upgrading = Storage::from(JsonTokenStorage::new(&path).upgrade(true));
    upgrading.store_response(&login("rs2")).await.unwrap();
    let backup = directory.path().join("tokens.json.v1.bak");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), V1);
    assert_eq!((mode(&backup), mode(&path)), (0o600, 0o600));
    assert_eq!(storage.get_all().await.unwrap().tokens.len(), 2);
}

#[tokio::test]
async fn what_is_not_known_stays_where_it_is() {
    let (_directory, path) = here();
    let before = concat!(
        r#"{"later": [1], "data": {"work": {"odd": 5}, "DEFAULT": {"other": {"x": null}, "rs": {"z": {"deep": true}, "#,
        r#""resource_server": "rs", "scope": "s", "access_token": "AgOld", "expires_at_seconds": 5}}}, "#,
        r#""format_version": "2.0", "globus-sdk.version": "4.10.0", "na\u00efve": "\ud834\udd1e"}"#
    );
    std::fs::write(&path, before).unwrap();
    let storage = Storage::from(JsonTokenStorage::new(&path));
    storage.store(vec![TokenData::new("rs", "s", "AgNew", 6)], StoreKind::Login).await.unwrap();
    let after = before
        .replace(r#""z": {"deep": true}, "#, "")
        .replace(
            r#""AgOld", "expires_at_seconds": 5"#,
            r#""AgNew", "expires_at_seconds": 6, "z": {"deep": true}"#,
        )
        .replace("4.10.0", concat!("rs-", env!("CARGO_PKG_VERSION")));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after);

    let loaded = storage.get_all().await.unwrap();
    assert_eq!(loaded.tokens["rs"].extra["z"]["deep"], true);
    assert_eq!(loaded.damaged.len(), 1);
    assert_eq!(loaded.damaged[0].resource_server().unwrap(), &"other");
    assert!(storage.get("other").await.is_err());
}

#[tokio::test]
async fn a_damaged_record_can_be_replaced_and_removed() {
    let (_directory, path) = here();
    std::fs::write(
        &path,
        r#"{"data": {"DEFAULT": {"rs": 5, "rs2": 6}}, "format_version": "2.0", "globus-sdk.version": "1"}"#,
    )
    .unwrap();
    let storage = Storage::from(JsonTokenStorage::new(&path));
    storage.store_response(&login("rs")).await.unwrap();
    assert!(storage.remove("rs2").await.unwrap());
    let loaded = storage.get_all().await.unwrap();
    assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (1, 0));
}

#[tokio::test]
async fn namespaces_are_kept_apart_and_listed_while_they_hold_tokens() {
    let (_directory, path) = here();
    for storage in [Storage::from(JsonTokenStorage::new(&path)), MemoryTokenStorage::new().into()] {
        let work = storage.with_namespace("work");
        work.store_response(&login("rs")).await.unwrap();
        assert!(storage.get("rs").await.unwrap().is_none());
        storage.store_response(&login("rs")).await.unwrap();
        assert_eq!(storage.list().await.unwrap(), ["DEFAULT", "work"]);
        assert!(work.remove("rs").await.unwrap());
        assert!(!work.remove("rs").await.unwrap());
        assert_eq!(storage.list().await.unwrap(), ["DEFAULT"]);
        assert!(storage.get("rs").await.unwrap().is_some());
    }
}

#[tokio::test]
async fn the_older_format_has_no_namespaces() {
    let (_directory, path) = here();
    let storage = Storage::from(LegacyJsonTokenStorage::new(&path));
    let work = storage.with_namespace("work");
    let error = work.store_response(&login("rs")).await.unwrap_err();
    assert!(matches!(error.kind(), StorageErrorKind::Unsupported { .. }));
    storage.store_response(&login("rs")).await.unwrap();
    assert!(work.get("rs").await.unwrap().is_none());
    assert!(!work.remove("rs").await.unwrap());
    assert_eq!(storage.list().await.unwrap(), [Namespace::default()]);
    assert!(storage.remove("rs").await.unwrap());
    assert!(storage.list().await.unwrap().is_empty());
}

#[test]
fn the_flat_file_takes_the_place_of_nothing_else_unless_forced() {
    let (_directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    for foreign in [V1, "text", "[]", r#"{"access_token": "AgOther"}"#] {
        std::fs::write(&path, foreign).unwrap();
        assert_eq!(*adapter.store(&login("rs")).unwrap_err().kind(), StorageErrorKind::ForeignFile);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
    }
    adapter.clone().overwrite_foreign(true).store(&login("rs")).unwrap();
    adapter.store(&login("rs")).unwrap();
    // An empty file holds nothing that could be lost.
    std::fs::write(&path, "").unwrap();
    adapter.store(&login("rs")).unwrap();
}

#[test]
fn the_flat_file_keeps_a_refresh_token_of_the_same_resource_server_only() {
    let (_directory, path) = here();
    let refresh = |server| response(Grant::RefreshToken, server, "AgRefreshed", None);
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    adapter.store(&login("rs")).unwrap();
    adapter.on_refresh(&refresh("rs")).unwrap();
    let token = adapter.read().unwrap();
    assert_eq!(token.access_token.expose(), "AgRefreshed");
    assert_eq!(token.refresh_token.unwrap().expose(), "AgNewRefresh");

    let other = SimpleJsonFileAdapter::for_resource_server(&path, "rs2");
    assert!(matches!(other.read().unwrap_err().kind(), StorageErrorKind::ResourceServerMismatch { .. }));
    other.on_refresh(&refresh("rs2")).unwrap();
    assert!(other.read().unwrap().refresh_token.is_none());
}

#[test]
fn the_flat_file_can_be_told_by_scopes() {
    let (_directory, path) = here();
    let adapter = SimpleJsonFileAdapter::for_scopes(&path, ["rs-b", "rs-a"]);
    assert!(adapter.latest().unwrap().is_none());
    assert!(adapter.read().unwrap_err().is_not_found());
    adapter.store(&login("rs")).unwrap();
    assert_eq!(adapter.latest().unwrap().unwrap().resource_server, "rs");
    let error = adapter.store(&login("another")).unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::NoSuchToken);
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("rs-b rs-a"));
}

#[test]
fn an_end_under_the_name_of_published_examples_is_understood() {
    let (_directory, path) = here();
    std::fs::write(&path, r#"{"access_token": "AgOld", "access_token_expires": 7, "resource_server": "rs"}"#)
        .unwrap();
    let token = SimpleJsonFileAdapter::for_resource_server(&path, "rs").read().unwrap();
    assert_eq!(token.expires_at_seconds, 7);
}

fn is_locked(error: &StorageError) -> bool {
    error.is_locked() && error.to_string().contains(&std::process::id().to_string())
}

#[tokio::test]
async fn one_refreshes_at_a_time_whatever_the_interface() {
    let (_directory, path) = here();
    let soon = Duration::from_millis(20);
    let adapter = SimpleJsonFileAdapter::for_resource_server(&path, "rs");
    let storage = Storage::from(JsonTokenStorage::new(&path).lock_wait(soon));

    let first = adapter.lock_refresh().unwrap().unwrap();
    assert!(is_locked(&storage.lock_refresh("rs").await.unwrap_err()));
    // Who refreshes may store meanwhile, and so may others.
    adapter.store(&login("rs")).unwrap();
    let fencing = first.fencing();
    first.release().await.unwrap();

    let second = storage.lock_refresh("rs").await.unwrap();
    assert!(second.fencing() > fencing);
    assert!(is_locked(&adapter.clone().lock_wait(soon).lock_refresh().unwrap_err()));
    drop(second);
    adapter.lock_refresh().unwrap().unwrap().release().await.unwrap();
}

#[tokio::test]
async fn in_memory_one_refreshes_a_token_at_a_time() {
    let storage = Storage::from(MemoryTokenStorage::new());
    let first = storage.lock_refresh("rs").await.unwrap();
    let other = storage.lock_refresh("rs2").await.unwrap();
    let waiting = tokio::spawn({
        let storage = storage.clone();
        async move { storage.lock_refresh("rs").await.unwrap().fencing() }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let fencing = first.fencing();
    drop((first, other));
    assert!(waiting.await.unwrap() > fencing);
}

#[test]
fn a_write_is_done_even_if_nobody_waits_and_the_runtime_ends() {
    let (_directory, path) = here();
    let storage = Storage::from(JsonTokenStorage::new(&path));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(storage.store_response(&login("rs"))) });
    drop(runtime);
    assert!(std::fs::read_to_string(&path).unwrap().contains("AgNew"));
}

#[tokio::test]
async fn capabilities_are_told_through_the_handle() {
    let (_directory, path) = here();
    let json = Storage::from(JsonTokenStorage::new(&path)).capabilities();
    assert!(json.atomic_batch && json.list && json.shared && json.durable);
    let quick = JsonTokenStorage::new(&path).durability(globus_core::storage::Durability::Rename);
    assert!(!quick.capabilities().durable);
    assert!(!Storage::from(MemoryTokenStorage::new()).capabilities().shared);
}
