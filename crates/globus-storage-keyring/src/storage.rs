//! The storage that programs use.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use globus_core::blocking_job::run_blocking_while_wanted;
use globus_core::storage::{
    Capabilities, JsonTokenStorage, Loaded, Namespace, RefreshLease, Storage, StorageError, StoreKind,
    TokenStorage,
};
use globus_core::{OnRefresh, ResourceServer, TokenData};

use crate::KeyringOrFile;
use crate::calls::{Calls, Connect};
use crate::index::IndexFile;
use crate::jobs::Jobs;
use crate::records::{Records, SMALLEST_LIMIT};
use crate::system;

/// The threads that talk to a keyring.
pub(crate) struct Keyring {
    jobs: Jobs,
    calls: Arc<Calls>,
}

impl Keyring {
    pub(crate) fn new(connect: Connect) -> Self {
        Self { jobs: Jobs::default(), calls: Arc::new(Calls::new(connect)) }
    }
}

/// The keyring of the operating system, which all storages of a process share, with one connection.
static SYSTEM: LazyLock<Arc<Keyring>> = LazyLock::new(|| Arc::new(Keyring::new(Arc::new(system::connect))));

/// Keeps tokens in the keyring of the operating system. Clones share it.
///
/// See the [crate](crate) for what that means, and for a complete example.
#[derive(Clone)]
pub struct KeyringTokenStorage {
    keyring: Arc<Keyring>,
    records: Records,
}

impl KeyringTokenStorage {
    /// How long a call to the keyring may take, unless told otherwise.
    pub const TIME_LIMIT: Duration = Duration::from_secs(5);

    /// A storage for this application, by whose name its entries are found. Nothing is asked of the keyring yet.
    ///
    /// Programs that say the same name share their tokens; two programs of a user should say different ones.
    pub fn new(application: impl Into<String>) -> Self {
        Self::in_keyring(application.into(), Arc::clone(&SYSTEM))
    }

    pub(crate) fn in_keyring(service: String, keyring: Arc<Keyring>) -> Self {
        let records = Records {
            calls: Arc::clone(&keyring.calls),
            index: IndexFile::new(service.clone()),
            service,
            time_limit: Self::TIME_LIMIT,
            size_limit: SMALLEST_LIMIT,
        };
        Self { keyring, records }
    }

    /// Where the index is kept, instead of `~/.globus/keyring/<application>.json`. Programs that share tokens
    /// must say the same. The file must outlive a restart of the machine, as the keyring does.
    #[must_use]
    pub fn index_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.records.index.set_path(path.into());
        self
    }

    /// How long one call to the keyring may take; 5 seconds by default. Say more where a person should have time
    /// to unlock the keyring. What takes longer is refused as
    /// [`KeyringLocked`](globus_core::storage::StorageErrorKind::KeyringLocked).
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.records.time_limit = limit;
        self
    }

    /// How large a record may be, in bytes; 2560 by default, which is what Windows takes, so that what works on
    /// one system works on all. Globus tokens are far smaller, unless they have very many scopes. Elsewhere more
    /// may be allowed.
    #[must_use]
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.records.size_limit = bytes;
        self
    }

    /// How long to wait for another process that writes the index or refreshes; by default for 10 seconds longer than
    /// a [lease](Self::lease_time) lasts, so 40 seconds.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.records.index.set_lock_wait(wait);
        self
    }

    /// How long a lease lasts after its holder died; 30 seconds by default. All who share the tokens must say
    /// the same.
    #[must_use]
    pub fn lease_time(mut self, time: Duration) -> Self {
        self.records.index.set_lease_time(time);
        self
    }

    /// The keyring where there is one, otherwise this file, in which the tokens are not encrypted. See
    /// [`KeyringOrFile`] for how that is decided.
    #[must_use]
    pub fn or_file(self, path: impl Into<PathBuf>) -> KeyringOrFile {
        let file = JsonTokenStorage::new(path)
            .lease_time(self.records.index.lease_time())
            .lock_wait(self.records.index.lock_wait());
        KeyringOrFile::new(self, file)
    }

    /// Runs something on the thread of this storage.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Records) -> Result<T, StorageError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StorageError>> + Send + 'static {
        let records = self.records.clone();
        self.keyring.jobs.run(move || job(&records))
    }
}

impl fmt::Debug for KeyringTokenStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringTokenStorage")
            .field("application", &self.records.service)
            .field("index", &self.records.index)
            .field("time_limit", &self.records.time_limit)
            .finish_non_exhaustive()
    }
}

impl TokenStorage for KeyringTokenStorage {
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send {
        let namespace = namespace.clone();
        self.run(move |records| records.load_all(&namespace))
    }

    fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        let (namespace, resource_server) = (namespace.clone(), resource_server.clone());
        self.run(move |records| records.load(&namespace, &resource_server))
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let namespace = namespace.clone();
        self.run(move |records| records.store(&namespace, &tokens, kind))
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (namespace, resource_server) = (namespace.clone(), resource_server.clone());
        self.run(move |records| records.remove(&namespace, &resource_server))
    }

    fn list(&self) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send {
        self.run(Records::namespaces)
    }

    /// One lease for all records of the application. It is a file, so it can be had while the keyring is locked.
    fn lock_refresh(
        &self,
        _: &Namespace,
        _: &ResourceServer,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send {
        // Not on the thread of the jobs, which a wait for another holder would keep from storing.
        let index = self.records.index.clone();
        run_blocking_while_wanted(move |is_wanted| index.lock_refresh_while(is_wanted))
    }

    fn capabilities(&self) -> Capabilities {
        // When the keyring writes to the disk is its own affair.
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_confidential()
    }
}

impl From<KeyringTokenStorage> for OnRefresh {
    fn from(storage: KeyringTokenStorage) -> Self {
        Storage::from(storage).into()
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
