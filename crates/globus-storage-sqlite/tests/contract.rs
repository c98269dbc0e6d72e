//! The contract of token storages.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};

use globus_core::storage::{Capabilities, Storage};
use globus_storage_sqlite::{LegacySqliteTokenStorage, SqliteTokenStorage};
use globus_storage_testkit::{Backend, Options};
use rusqlite::Connection;

#[derive(Debug)]
struct Sqlite {
    legacy: bool,
    wal: bool,
}

impl Backend for Sqlite {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_durable()
    }

    async fn make_place(&self) -> String {
        let path = tempfile::tempdir().unwrap().keep().join("tokens.db");
        if self.wal {
            // Through the storage, so that the file is private.
            globus_core::storage::files::create(&path).unwrap();
            let connection = Connection::open(&path).unwrap();
            let mode: String =
                connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        }
        path.display().to_string()
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        let (lease_time, lock_wait) = (options.lease_time, options.lock_wait);
        if self.legacy {
            LegacySqliteTokenStorage::new(place).lease_time(lease_time).lock_wait(lock_wait).into()
        } else {
            SqliteTokenStorage::new(place).lease_time(lease_time).lock_wait(lock_wait).into()
        }
    }

    async fn remove_place(&self, place: &str) {
        std::fs::remove_dir_all(Path::new(place).parent().unwrap()).unwrap();
    }

    fn steps(&self) -> &'static [&'static str] {
        &["sqlite.begin", "sqlite.insert", "sqlite.commit", "sqlite.committed"]
    }

    fn files(&self, place: &str) -> Vec<PathBuf> {
        vec![place.into()]
    }

    async fn damage(&self, place: &str, text: &str) -> bool {
        let record = format!("{{\"access_token\": {text:?}, \"refresh_token\": {text}");
        let query = "UPDATE token_storage SET token_data_json = ?1";
        Connection::open(place).unwrap().execute(query, [record]).unwrap() > 0
    }

    async fn lock_out(&self, place: &str) -> Option<Box<dyn Send>> {
        let connection = Connection::open(place).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Some(Box::new(connection))
    }
}

globus_storage_testkit::storage_contract!(record: Sqlite { legacy: false, wal: false });
globus_storage_testkit::storage_contract!(legacy: Sqlite { legacy: true, wal: false });
globus_storage_testkit::storage_contract!(wal: Sqlite { legacy: false, wal: true });
