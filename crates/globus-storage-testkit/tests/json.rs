//! The contract in JSON files.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use globus_core::storage::{Capabilities, Durability, JsonTokenStorage, LegacyJsonTokenStorage, Storage};
use globus_storage_testkit::{Backend, Options};

#[derive(Debug)]
struct Json {
    flock: bool,
    durability: Durability,
}

impl Json {
    const FULL: Self = Self { flock: true, durability: Durability::Full };
}

impl Backend for Json {
    fn capabilities(&self) -> Capabilities {
        let shared = Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared();
        if self.durability == Durability::Full { shared.with_durable() } else { shared }
    }

    async fn make_place(&self) -> String {
        tempfile::tempdir().unwrap().keep().join("tokens.json").display().to_string()
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        JsonTokenStorage::new(place)
            .flock(self.flock)
            .durability(self.durability)
            .lease_time(options.lease_time)
            .lock_wait(options.lock_wait)
            .into()
    }

    async fn remove_place(&self, place: &str) {
        std::fs::remove_dir_all(Path::new(place).parent().unwrap()).unwrap();
    }

    fn steps(&self) -> &'static [&'static str] {
        match self.durability {
            Durability::Full => &[
                "file.lock",
                "file.create",
                "file.write",
                "file.sync",
                "file.rename",
                "file.keep_last_good",
                "file.sync_directory",
            ],
            _ => &["file.lock", "file.create", "file.write", "file.rename", "file.keep_last_good"],
        }
    }

    fn removal_steps(&self) -> &'static [&'static str] {
        match self.durability {
            Durability::Full => &[
                "file.lock",
                "file.forget",
                "file.create",
                "file.write",
                "file.sync",
                "file.rename",
                "file.sync_directory",
            ],
            _ => &["file.lock", "file.forget", "file.create", "file.write", "file.rename"],
        }
    }

    fn files(&self, place: &str) -> Vec<PathBuf> {
        vec![place.into()]
    }

    async fn damage(&self, place: &str, text: &str) -> bool {
        std::fs::write(place, format!("{{\"data\": \"{text}")).unwrap();
        true
    }

    async fn lock_out(&self, place: &str) -> Option<Box<dyn Send>> {
        if !self.flock {
            return None;
        }
        let lock = std::fs::File::create(format!("{place}.lock")).unwrap();
        lock.lock().unwrap();
        Some(Box::new(lock))
    }
}

globus_storage_testkit::storage_contract!(Json::FULL);
globus_storage_testkit::storage_contract!(without_locks: Json { flock: false, durability: Durability::Full });
globus_storage_testkit::storage_contract!(without_sync: Json { flock: true, durability: Durability::Rename });

/// The older format, which has one namespace and no identities.
#[derive(Debug)]
struct LegacyJson;

impl Backend for LegacyJson {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_durable()
    }

    fn has_namespaces(&self) -> bool {
        false
    }

    fn keeps_identity(&self) -> bool {
        false
    }

    async fn make_place(&self) -> String {
        Json::FULL.make_place().await
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        LegacyJsonTokenStorage::new(place).lease_time(options.lease_time).lock_wait(options.lock_wait).into()
    }

    async fn remove_place(&self, place: &str) {
        Json::FULL.remove_place(place).await;
    }

    fn steps(&self) -> &'static [&'static str] {
        Json::FULL.steps()
    }

    fn files(&self, place: &str) -> Vec<PathBuf> {
        Json::FULL.files(place)
    }

    async fn damage(&self, place: &str, text: &str) -> bool {
        Json::FULL.damage(place, text).await
    }
}

globus_storage_testkit::storage_contract!(legacy: LegacyJson);
