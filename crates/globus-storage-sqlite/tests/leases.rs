//! The rows of leases.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use globus_core::storage::{LeaseHolder, RefreshLease, Storage, StoreKind};
use globus_core::{StorageError, TokenData};
use globus_storage_sqlite::SqliteTokenStorage;
use rusqlite::Connection;
use tempfile::TempDir;

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(3600);

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.db");
    (directory, path)
}

fn open(path: &Path, lease_time: Duration, lock_wait: Duration) -> Storage {
    SqliteTokenStorage::new(path).lease_time(lease_time).lock_wait(lock_wait).into()
}

fn take(storage: &Storage, server: &str) -> Result<RefreshLease, StorageError> {
    wait(storage.lock_refresh(server))
}

/// Puts another holder into the row, on whichever machine and in whichever process.
fn replace_holder(path: &Path, member: &str, value: &str) {
    let changed = Connection::open(path).unwrap().execute(
        "UPDATE globus_sdk_rs_refresh_lease SET fencing = fencing + 1,
         holder = json_set(holder, '$.' || ?1, json(?2), '$.nonce', 'another')",
        [member, value],
    );
    assert_eq!(changed.unwrap(), 1);
}

fn tables(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_table_is_made_with_the_first_lease() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, LONG);
    wait(storage.store(vec![TokenData::new("rs", "s", "at", 1)], StoreKind::Login)).unwrap();
    let without = tables(&path);
    assert_eq!(without, ["token_storage", "sdk_storage_adapter_internal"]);
    let lease = take(&storage, "rs").unwrap();
    assert_eq!(tables(&path)[2..], ["globus_sdk_rs_refresh_lease"]);
    wait(lease.release()).unwrap();
}

#[test]
fn each_token_has_its_own() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, LONG);
    let leases = [
        take(&storage, "rs").unwrap(),
        take(&storage, "rs2").unwrap(),
        take(&storage.with_namespace("other"), "rs").unwrap(),
    ];
    drop(leases);
}

#[test]
fn the_lease_of_a_process_that_is_gone_is_taken_over_at_once() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, LONG);
    let lost = take(&storage, "rs").unwrap();
    // Above what any system numbers its processes with.
    replace_holder(&path, "pid", "2147483632");
    let lease = take(&storage, "rs").unwrap();
    assert!(lease.fencing() > lost.fencing() + 1);
}

#[test]
fn a_holder_elsewhere_is_dead_when_its_row_has_stayed_the_same_for_the_time_of_a_lease() {
    let (_directory, path) = place();
    let time = Duration::from_millis(300);
    let storage = open(&path, time, LONG);
    let _lost = take(&storage, "rs").unwrap();
    replace_holder(&path, "host", "\"elsewhere\"");
    let error = take(&open(&path, LONG, Duration::from_millis(20)), "rs").unwrap_err();
    assert!(error.is_locked());
    assert!(error.to_string().contains("\"elsewhere\""), "{error}");
    let begun = Instant::now();
    drop(take(&storage, "rs").unwrap());
    assert!(begun.elapsed() >= time);
}

#[test]
fn a_dead_lease_ends_for_those_who_wait_for_a_shorter_time_again_and_again() {
    let (_directory, path) = place();
    let time = Duration::from_millis(300);
    let storage = SqliteTokenStorage::new(&path).lease_time(time).lock_wait(Duration::ZERO);
    let _lost = take(&storage.clone().into(), "rs").unwrap();
    replace_holder(&path, "host", "\"elsewhere\"");
    let begun = Instant::now();
    // A clone for each, as a task has for each request. They are many more than one that waits would need.
    let taken = (0..10_000).find_map(|_| match take(&storage.clone().into(), "rs") {
        Err(error) if error.is_locked() => {
            std::thread::sleep(Duration::from_millis(5));
            None
        }
        taken => Some(taken),
    });
    drop(taken.expect("the lease of the dead ends").unwrap());
    assert!(begun.elapsed() >= time);
}

#[test]
fn a_lease_that_is_over_for_more_than_a_day_is_dead_at_the_first_look() {
    let (_directory, path) = place();
    let hours = |hours: i64| {
        let changed = Connection::open(&path).unwrap().execute(
            "UPDATE globus_sdk_rs_refresh_lease SET extended = extended - ?1",
            [(hours * 3600 + 3600) * 1_000_000],
        );
        assert_eq!(changed.unwrap(), 1);
    };
    let storage = open(&path, LONG, Duration::ZERO);
    let mut lost = take(&storage, "rs").unwrap();
    replace_holder(&path, "host", "\"elsewhere\"");
    hours(23);
    assert!(take(&storage, "rs").unwrap_err().is_locked());
    hours(1);
    drop(take(&storage, "rs").unwrap());

    // An extension lets it last again.
    let mut lease = take(&storage, "rs").unwrap();
    hours(25);
    assert!(wait(lease.extend()).unwrap() && !wait(lost.extend()).unwrap());
    replace_holder(&path, "host", "\"elsewhere\"");
    assert!(take(&storage, "rs").unwrap_err().is_locked());
}

#[test]
fn a_lost_lease_is_told_and_leaves_the_new_holder_alone() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, LONG);
    let mut lost = take(&storage, "rs").unwrap();
    assert!(wait(lost.extend()).unwrap());
    replace_holder(&path, "host", "\"elsewhere\"");
    assert!(!wait(lost.extend()).unwrap());
    wait(lost.release()).unwrap();
    let impatient = open(&path, LONG, Duration::from_millis(20));
    assert!(take(&impatient, "rs").unwrap_err().to_string().contains("\"elsewhere\""));
}

#[test]
fn a_released_lease_is_not_extended() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, LONG);
    let mut lease = take(&storage, "rs").unwrap();
    Connection::open(&path)
        .unwrap()
        .execute("UPDATE globus_sdk_rs_refresh_lease SET holder = NULL", [])
        .unwrap();
    assert!(!wait(lease.extend()).unwrap());
    drop(lease);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_lease_goes_with_its_database() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, LONG);
    let mut lease = take(&storage, "rs").unwrap();
    std::fs::remove_file(&path).unwrap();
    // Nothing is there to be extended or given back. That is no error, and no reason to make a database.
    assert!(!wait(lease.extend()).unwrap());
    wait(lease.release()).unwrap();
    assert!(!path.exists());

    let mut lease = take(&storage, "rs").unwrap();
    Connection::open(&path).unwrap().execute_batch("DROP TABLE token_storage").unwrap();
    assert!(!wait(lease.extend()).unwrap());
    assert_eq!(tables(&path), ["sdk_storage_adapter_internal", "globus_sdk_rs_refresh_lease"]);
}

#[test]
fn a_lease_dropped_without_a_runtime_is_given_back() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, LONG);
    drop(take(&storage, "rs").unwrap());
    drop(take(&storage, "rs").unwrap());
}

#[test]
fn a_database_locked_by_somebody_keeps_no_lease_from_ending() {
    let (_directory, path) = place();
    let storage = open(&path, LONG, Duration::from_millis(50));
    let mut lease = take(&storage, "rs").unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(wait(lease.extend()).unwrap_err().is_locked());
    other.execute_batch("COMMIT").unwrap();
    assert!(wait(lease.extend()).unwrap());
    wait(lease.release()).unwrap();
}

#[test]
fn a_holder_in_words_names_the_process() {
    let holder = LeaseHolder::this_process();
    assert!(holder.to_string().starts_with(&format!("process {} on host", std::process::id())));
    assert!(!holder.is_gone());
    assert_ne!(holder, LeaseHolder::this_process());
}
