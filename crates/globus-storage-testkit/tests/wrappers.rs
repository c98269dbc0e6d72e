//! The contract in storages that wrap another one, over memory and over JSON files.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use globus_core::seal::SealingKey;
use globus_core::storage::{
    CachedTokenStorage, Capabilities, JsonTokenStorage, Loaded, Namespace, NotExpired, RefreshLease,
    SealedTokenStorage, Storage, StorageErrorKind, StoreKind, TokenStorage, ValidatingTokenStorage,
};
use globus_core::{MemoryTokenStorage, ResourceServer, StorageError, TokenData};
use globus_storage_testkit::{Backend, Options};

/// Which storage is around the other one.
#[derive(Clone, Copy, Debug)]
enum Wrapper {
    Cached,
    Validating,
    /// As the documentation says that the two go together.
    ValidatingCached,
    CachedSealed,
    SealedCached,
}

fn sealed(inner: impl Into<Storage>) -> SealedTokenStorage {
    SealedTokenStorage::new(inner, SealingKey::from_bytes([7; 32])).unwrap()
}

impl Wrapper {
    fn around(self, inner: impl Into<Storage>) -> Storage {
        match self {
            Self::Cached => CachedTokenStorage::new(inner).into(),
            Self::Validating => {
                NoneIsNoError(ValidatingTokenStorage::new(inner).validator(NotExpired::new())).into()
            }
            Self::ValidatingCached => NoneIsNoError(
                ValidatingTokenStorage::new(CachedTokenStorage::new(inner)).validator(NotExpired::new()),
            )
            .into(),
            Self::CachedSealed => CachedTokenStorage::new(sealed(inner)).into(),
            Self::SealedCached => sealed(CachedTokenStorage::new(inner)).into(),
        }
    }
}

static PLACES: LazyLock<Mutex<BTreeMap<String, MemoryTokenStorage>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
struct AroundMemory(Wrapper);

impl Backend for AroundMemory {
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
        let memory = PLACES.lock().unwrap()[place].clone();
        self.0.around(memory.lock_wait(options.lock_wait))
    }
}

#[derive(Debug)]
struct AroundJson(Wrapper);

impl Backend for AroundJson {
    fn capabilities(&self) -> Capabilities {
        let json =
            Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_durable();
        match self.0 {
            Wrapper::CachedSealed | Wrapper::SealedCached => json.with_confidential(),
            _ => json,
        }
    }

    async fn make_place(&self) -> String {
        tempfile::tempdir().unwrap().keep().join("tokens.json").display().to_string()
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        let json = JsonTokenStorage::new(place);
        self.0.around(json.lease_time(options.lease_time).lock_wait(options.lock_wait))
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
        std::fs::write(place, format!("{{\"data\": \"{text}")).unwrap();
        true
    }
}

globus_storage_testkit::storage_contract!(cached_memory: AroundMemory(Wrapper::Cached));
globus_storage_testkit::storage_contract!(cached_json: AroundJson(Wrapper::Cached));
globus_storage_testkit::storage_contract!(validating_memory: AroundMemory(Wrapper::Validating));
globus_storage_testkit::storage_contract!(validating_json: AroundJson(Wrapper::Validating));
globus_storage_testkit::storage_contract!(validating_cached_json: AroundJson(Wrapper::ValidatingCached));
globus_storage_testkit::storage_contract!(cached_sealed_memory: AroundMemory(Wrapper::CachedSealed));
globus_storage_testkit::storage_contract!(cached_sealed_json: AroundJson(Wrapper::CachedSealed));
globus_storage_testkit::storage_contract!(sealed_cached_memory: AroundMemory(Wrapper::SealedCached));
globus_storage_testkit::storage_contract!(sealed_cached_json: AroundJson(Wrapper::SealedCached));

/// A validating storage deviates from the contract in one point, on purpose: a token that is not there is an error.
#[derive(Debug)]
struct NoneIsNoError(ValidatingTokenStorage);

impl NoneIsNoError {
    fn none(loaded: Result<Option<TokenData>, StorageError>) -> Result<Option<TokenData>, StorageError> {
        match loaded {
            Err(error) if matches!(error.kind(), StorageErrorKind::MissingToken { .. }) => Ok(None),
            loaded => loaded,
        }
    }
}

impl TokenStorage for NoneIsNoError {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        self.0.load_all(namespace).await
    }

    async fn load(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        Self::none(self.0.load(namespace, resource_server).await)
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        Self::none(self.0.load_fresh(namespace, resource_server).await)
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        self.0.store(namespace, tokens, kind)
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        self.0.remove(namespace, resource_server)
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        self.0.list().await
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        self.0.lock_refresh(namespace, resource_server).await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
}
