//! The contract with every record sealed, in memory and in a JSON file.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use globus_core::seal::SealingKey;
use globus_core::storage::{
    Capabilities, JsonTokenStorage, MemoryTokenStorage, SealedTokenStorage, Storage, StoreKind,
};
use globus_storage_testkit::{Backend, Options};

fn sealed(inner: impl Into<Storage>) -> Storage {
    SealedTokenStorage::new(inner, SealingKey::from_bytes([7; 32])).unwrap().into()
}

static PLACES: LazyLock<Mutex<BTreeMap<String, MemoryTokenStorage>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
struct SealedMemory;

impl SealedMemory {
    fn rows(place: &str) -> MemoryTokenStorage {
        PLACES.lock().unwrap()[place].clone()
    }
}

impl Backend for SealedMemory {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_confidential()
    }

    async fn make_place(&self) -> String {
        let mut places = PLACES.lock().unwrap();
        let place = places.len().to_string();
        places.insert(place.clone(), MemoryTokenStorage::new());
        place
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        sealed(Self::rows(place).lock_wait(options.lock_wait))
    }

    /// Turns over the end of what is sealed, and puts the text beside it.
    async fn damage(&self, place: &str, text: &str) -> bool {
        let rows = Storage::from(Self::rows(place));
        for namespace in rows.list().await.unwrap() {
            let rows = rows.with_namespace(namespace);
            for (_, mut token) in rows.get_all().await.unwrap().tokens {
                token.access_token = format!("{}{text}", token.access_token.expose()).into();
                rows.store(vec![token], StoreKind::Login).await.unwrap();
            }
        }
        true
    }

    async fn sealed_dump(&self, place: &str) -> Option<Vec<u8>> {
        let rows = Storage::from(Self::rows(place));
        let mut dump = Vec::new();
        for namespace in rows.list().await.unwrap() {
            for (_, token) in rows.with_namespace(namespace).get_all().await.unwrap().tokens {
                dump.extend(token.to_record().as_bytes());
            }
        }
        Some(dump)
    }
}

globus_storage_testkit::storage_contract!(memory: SealedMemory);

#[derive(Debug)]
struct SealedJson;

impl Backend for SealedJson {
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
        tempfile::tempdir().unwrap().keep().join("tokens.json").display().to_string()
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        sealed(JsonTokenStorage::new(place).lease_time(options.lease_time).lock_wait(options.lock_wait))
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
        let content = std::fs::read_to_string(place).unwrap();
        std::fs::write(place, content.replace("R0xTRUFMA", &format!("R0xTRUFMA{text}"))).unwrap();
        true
    }

    async fn sealed_dump(&self, place: &str) -> Option<Vec<u8>> {
        let directory = std::fs::read_dir(Path::new(place).parent().unwrap()).unwrap();
        Some(directory.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect())
    }
}

globus_storage_testkit::storage_contract!(json: SealedJson);
