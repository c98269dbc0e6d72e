//! Databases shared by processes. The tests start this very program again; [`child`] is what it does then.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use globus_core::TokenData;
use globus_core::storage::{Storage, StoreKind};
use globus_storage_sqlite::{LegacySqliteTokenStorage, SqliteTokenStorage, read_token_database};
use rusqlite::Connection;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn token(server: &str) -> TokenData {
    TokenData::new(server, "s", "AgExample", 1).with_refresh_token("AgRefresh")
}

/// What the environment asks for; without that there is nothing to do.
#[test]
fn child() {
    let Some(path) = std::env::var_os("GLOBUS_TEST_PATH") else { return };
    let server = std::env::var("GLOBUS_TEST_SERVER").unwrap();
    let wait_for: u64 = std::env::var("GLOBUS_TEST_WAIT").unwrap().parse().unwrap();
    let storage = SqliteTokenStorage::new(path).lock_wait(Duration::from_millis(wait_for));
    wait(Storage::from(storage).store(vec![token(&server)], StoreKind::Login)).unwrap();
}

fn command(path: &Path, server: &str, wait: Duration) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact"]);
    told(&mut command, path, server, wait);
    command
}

fn told(command: &mut Command, path: &Path, server: &str, wait: Duration) {
    command.env("GLOBUS_TEST_PATH", path).env("GLOBUS_TEST_SERVER", server);
    command.env("GLOBUS_TEST_WAIT", wait.as_millis().to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null());
}

/// The same after some words of the shell.
fn in_shell(setup: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{setup}; exec \"$0\" child --exact"));
    command.arg(std::env::current_exe().unwrap());
    told(&mut command, path, "rs", Duration::from_secs(600));
    command
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn eight_processes_make_the_same_database_at_once() {
    for round in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("tokens.db");
        let names: Vec<_> = (0..8).map(|process| format!("rs-{process}")).collect();
        let children: Vec<_> = names
            .iter()
            .map(|name| command(&path, name, Duration::from_secs(600)).spawn().unwrap())
            .collect();
        for mut child in children {
            assert!(child.wait().unwrap().success(), "round {round}");
        }
        let loaded = wait(Storage::from(SqliteTokenStorage::new(&path)).get_all()).unwrap();
        let stored: Vec<_> = loaded.tokens.keys().map(|name| name.as_str().to_owned()).collect();
        assert_eq!(stored, names, "round {round}");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
}

#[test]
fn the_umask_neither_opens_nor_closes_a_new_database() {
    for umask in ["0", "0777"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens.db");
        assert!(in_shell(&format!("umask {umask}"), &path).status().unwrap().success());
        assert_eq!(mode(&path), 0o600, "umask {umask}");
    }
}

#[test]
fn a_bare_name_is_a_file_in_the_current_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = in_shell(":", Path::new("tokens.db"));
    assert!(command.current_dir(directory.path()).status().unwrap().success());
    assert!(directory.path().join("tokens.db").exists());
}

#[test]
fn the_journal_is_private_from_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.db");
    for old_mode in [0o600, 0o644] {
        if path.exists() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(old_mode)).unwrap();
        }
        let mut command = in_shell("umask 0", &path);
        assert!(!command.env("GLOBUS_FAILPOINT", "sqlite.commit=crash").status().unwrap().success());
        assert_eq!((mode(&path), mode(&directory.path().join("tokens.db-journal"))), (0o600, 0o600));
        // What the dead process had begun is undone by the next one.
        assert!(wait(Storage::from(SqliteTokenStorage::new(&path)).get("rs")).unwrap().is_none());
        assert!(wait(Storage::from(SqliteTokenStorage::new(&path)).get("rs")).unwrap().is_none());
        let other = Storage::from(SqliteTokenStorage::new(&path));
        wait(other.store(vec![token("other")], StoreKind::Login)).unwrap();
        assert!(!directory.path().join("tokens.db-journal").exists());
    }
}

/// On Unix a process loses its locks on a file when it closes any handle of that file.
#[test]
fn our_own_checks_take_no_lock_away_from_this_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.db");
    let briefly = Duration::from_millis(20);
    let storage = SqliteTokenStorage::new(&path).lock_wait(briefly);
    wait(Storage::from(storage.clone()).store(vec![token("rs")], StoreKind::Login)).unwrap();
    let ours = Connection::open(&path).unwrap();
    ours.execute_batch("BEGIN IMMEDIATE").unwrap();
    let fresh = || Storage::from(SqliteTokenStorage::new(&path).lock_wait(briefly));
    for storage in
        [Storage::from(storage), fresh(), LegacySqliteTokenStorage::new(&path).lock_wait(briefly).into()]
    {
        assert!(wait(storage.get("rs")).unwrap().is_some());
        assert!(wait(storage.store(vec![token("rs")], StoreKind::Login)).unwrap_err().is_locked());
        drop(storage);
        assert!(read_token_database(&path).unwrap().is_some());
        let other = command(&path, "of another process", briefly).status().unwrap();
        assert!(!other.success(), "the lock is still held");
    }
    ours.execute_batch("COMMIT").unwrap();
    assert!(command(&path, "of another process", Duration::from_secs(600)).status().unwrap().success());
}
