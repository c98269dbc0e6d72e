//! The contract in an encrypted file.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use globus_core::seal::{Argon2Cost, SealingKey};
use globus_core::storage::{Capabilities, Durability, Storage};
use globus_storage_encrypted::EncryptedTokenStorage;
use globus_storage_testkit::{Backend, Options};

#[derive(Debug)]
struct Encrypted {
    passphrase: bool,
    flock: bool,
}

impl Encrypted {
    fn key(&self) -> SealingKey {
        if self.passphrase {
            // Cheap, as every process of the cases makes its own.
            SealingKey::from_passphrase_with_cost("correct horse", Argon2Cost::new(64, 1).unwrap()).unwrap()
        } else {
            SealingKey::from_bytes([7; 32])
        }
    }
}

impl Backend for Encrypted {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal()
            .with_atomic_batch()
            .with_cas()
            .with_list()
            .with_shared()
            .with_durable()
            .with_confidential()
    }

    async fn make_place(&self) -> String {
        tempfile::tempdir().unwrap().keep().join("tokens.sealed").display().to_string()
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        EncryptedTokenStorage::new(place, self.key())
            .flock(self.flock)
            .durability(Durability::Full)
            .lease_time(options.lease_time)
            .lock_wait(options.lock_wait)
            .into()
    }

    async fn remove_place(&self, place: &str) {
        std::fs::remove_dir_all(Path::new(place).parent().unwrap()).unwrap();
    }

    fn steps(&self) -> &'static [&'static str] {
        &["file.lock", "file.create", "file.write", "file.sync", "file.rename", "file.sync_directory"]
    }

    fn files(&self, place: &str) -> Vec<PathBuf> {
        vec![place.into()]
    }

    async fn damage(&self, place: &str, text: &str) -> bool {
        std::fs::write(place, format!("GLSEAL{text}")).unwrap();
        true
    }

    async fn sealed_dump(&self, place: &str) -> Option<Vec<u8>> {
        let directory = std::fs::read_dir(Path::new(place).parent().unwrap()).unwrap();
        Some(directory.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect())
    }
}

globus_storage_testkit::storage_contract!(Encrypted { passphrase: false, flock: true });
globus_storage_testkit::storage_contract!(with_passphrase: Encrypted { passphrase: true, flock: true });
globus_storage_testkit::storage_contract!(without_locks: Encrypted { passphrase: false, flock: false });
