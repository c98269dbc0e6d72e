//! A storm on an SQLite database.

use std::time::Duration;

use globus_sdk::Storage;
use globus_sdk::storage::SqliteTokenStorage;
use rusqlite::Connection;

use crate::storm::{self, Kills, WORKERS};
use crate::workers::Setup;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_processes_share_a_database_while_some_are_killed() {
    let world = storm::world(Duration::from_secs(30)).await;
    let path = world.directory.path().join("home").join("tokens.db");
    let storage = Storage::from(SqliteTokenStorage::new(&path));
    storm::store_expired(&world, &storage).await;
    let setup = Setup::new(format!("sqlite:{}", path.display()));
    let reports = storm::run(&world, WORKERS, Kills::TheFirstAndOneInTen, move |_| setup.clone()).await;
    storm::check(&world, &storage, &reports).await;
    let check: String =
        Connection::open(&path).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    drop(storage);
    let mut left: Vec<String> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["tokens.db"]);
}
