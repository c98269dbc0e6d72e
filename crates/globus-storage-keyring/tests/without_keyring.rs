//! Sessions in which there is no keyring to be had: each has its own kind of error, which says what to do.
//!
//! The environment decides that, so each case is this program again in a session of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error;
use std::io::Write;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_core::storage::{Storage, StorageError, StorageErrorKind, StoreKind};
use globus_core::{Namespace, TokenData, TokenStorage};
use globus_storage_keyring::{Choice, KeyringTokenStorage};
use test_services::secret_service::{Home, Session};

const CASE: &str = "GLOBUS_TEST_CASE";

/// Runs one of the cases below in such a session.
fn run(home: &Home, session: Session, case: &str) {
    let Output { status, stdout, stderr } = command(home, session, case).output().unwrap();
    let text = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(status.success() && text.contains("1 passed"), "{case}: {text}");
}

fn command(home: &Home, session: Session, case: &str) -> Command {
    let mut command = home.command(session, std::env::current_exe().unwrap());
    command.args(["--exact", "inside", "--nocapture", "--test-threads=1"]).env(CASE, case);
    command
}

/// What [`run`] starts; on its own it does nothing.
#[test]
fn inside() {
    let Ok(case) = std::env::var(CASE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    match &*case {
        "store" => runtime.block_on(store(&keyring().into())).unwrap(),
        "found" => assert!(runtime.block_on(Storage::from(keyring()).get("rs")).unwrap().is_some()),
        "unavailable" => runtime.block_on(refused(&StorageErrorKind::Unavailable, "start one")),
        "locked" => runtime.block_on(refused(&StorageErrorKind::KeyringLocked, "unlock the keyring")),
        "file" => runtime.block_on(in_the_file()),
        "keyring" => runtime.block_on(in_the_keyring()),
        "error" => runtime.block_on(no_other_place()),
        "silence" => runtime.block_on(silence()),
        other => panic!("there is no case {other}"),
    }
    // With a call still unanswered, as the case may be.
    drop(runtime);
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let log = self.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The index is at its usual place, in the home that was made for this.
fn keyring() -> KeyringTokenStorage {
    KeyringTokenStorage::new("globus tests")
}

async fn store(storage: &Storage) -> Result<(), StorageError> {
    let token = TokenData::new("rs", "scope", "AgAccess", 1).with_refresh_token("AgRefresh");
    storage.store(vec![token], StoreKind::Login).await
}

async fn refused(kind: &StorageErrorKind, advice: &str) {
    let error = store(&keyring().into()).await.unwrap_err();
    let source = error.source().unwrap().to_string();
    assert_eq!(error.kind(), kind, "{source}");
    assert!(source.contains(advice) && source.contains("KeyringTokenStorage::or_file"), "{source}");
    assert!(!format!("{error} {error:?} {source}").contains("Ag"));
    assert!(keyring().list().await.unwrap().is_empty(), "nothing is stored");
}

async fn in_the_file() {
    let path = std::env::home_dir().unwrap().join("tokens.json");
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let both = keyring().or_file(&path);
    assert_eq!(both.choice().await.unwrap(), Choice::File);
    let text = log.text();
    assert!(text.contains("WARN") && text.contains("not encrypted"), "{text}");
    assert!(text.contains("tokens.json") && text.contains("no Secret Service"), "{text}");
    store(&both.into()).await.unwrap();
    assert!(path.exists());
}

async fn in_the_keyring() {
    let path = std::env::home_dir().unwrap().join("tokens.json");
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let both = keyring().or_file(&path);
    assert_eq!(both.choice().await.unwrap(), Choice::Keyring);
    let text = log.text();
    assert!(text.contains("INFO") && text.contains("kept in the keyring"), "{text}");
    store(&both.clone().into()).await.unwrap();
    assert!(both.load_fresh(&Namespace::default(), &"rs".into()).await.unwrap().is_some());
    assert!(!path.exists());
}

async fn no_other_place() {
    let path = std::env::home_dir().unwrap().join("tokens.json");
    let error = Storage::from(keyring().or_file(&path)).get("rs").await.unwrap_err();
    let kinds = [StorageErrorKind::KeyringLocked, StorageErrorKind::Unavailable];
    assert!(kinds.contains(error.kind()), "{error}");
    assert!(!path.exists());
}

/// Somebody has the name of the service and never answers.
async fn silence() {
    let silent = tokio::task::spawn_blocking(|| {
        zbus::blocking::connection::Builder::session()
            .unwrap()
            .name("org.freedesktop.secrets")
            .unwrap()
            .build()
            .unwrap()
    });
    let silent = silent.await.unwrap();
    let storage = Storage::from(keyring().time_limit(Duration::from_millis(100)));
    let error = store(&storage).await.unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::KeyringLocked, "{:?}", error.source());
    tokio::task::spawn_blocking(move || drop(silent)).await.unwrap();
}

#[test]
fn without_a_bus_it_is_unavailable() {
    run(&Home::new(), Session::NoBus, "unavailable");
}

#[test]
fn without_a_service_it_is_unavailable() {
    run(&Home::new(), Session::Bare, "unavailable");
}

#[test]
fn a_service_without_a_keyring_is_unavailable() {
    run(&Home::new(), Session::Locked, "unavailable");
}

#[test]
fn a_locked_keyring_is_told_as_one() {
    let home = Home::new();
    // Makes the keyring.
    run(&home, Session::Unlocked, "store");
    std::fs::remove_dir_all(home.path().join(".globus")).unwrap();
    run(&home, Session::Locked, "locked");
}

#[test]
fn a_service_that_never_answers_is_told_in_time() {
    run(&Home::new(), Session::Bare, "silence");
}

#[test]
fn without_a_keyring_the_file_is_chosen() {
    run(&Home::new(), Session::NoBus, "file");
    run(&Home::new(), Session::Locked, "file");
}

#[test]
fn with_a_keyring_it_is_chosen() {
    run(&Home::new(), Session::Unlocked, "keyring");
}

#[test]
fn tokens_in_a_keyring_that_is_gone_are_not_taken_for_none() {
    let home = Home::new();
    run(&home, Session::Unlocked, "store");
    run(&home, Session::NoBus, "error");
    run(&home, Session::Locked, "error");
}

#[test]
fn tokens_outlive_the_session() {
    let home = Home::new();
    run(&home, Session::Unlocked, "store");
    run(&home, Session::Unlocked, "found");
}
