//! The keyring where there is one, a file where there is none: decided once, and said aloud.

use std::future::Future;
use std::sync::Arc;

use globus_core::detached_job::run_detached;
use globus_core::storage::{
    Capabilities, JsonTokenStorage, Loaded, Namespace, RefreshLease, Storage, StorageError, StoreKind,
    TokenStorage,
};
use globus_core::{OnRefresh, ResourceServer, TokenData};
use tokio::sync::OnceCell;

use crate::KeyringTokenStorage;
use crate::records::Records;

/// Where a [`KeyringOrFile`] keeps its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Choice {
    /// In the keyring.
    Keyring,
    /// In the file, not encrypted.
    File,
}

/// Tokens in the keyring, or in a file where there is no keyring that can be used; made by
/// [`KeyringTokenStorage::or_file`].
///
/// It is decided at the first use, and stays so as long as the storage lives:
///
/// 1. Where tokens are in the keyring, as the index tells, it is the keyring. If that cannot be reached now, it
///    is an error and never an empty file.
/// 2. Otherwise, where tokens are in the file, it is the file, until the last one is removed.
/// 3. Otherwise the keyring is tried, by making an entry without a secret and deleting it. If that works it is the
///    keyring; if not, be it that there is none or that it is locked, it is the file.
///
/// Which one it is, and why, is logged with `tracing`, as a warning where the keyring could not be used; ask
/// [`choice`](Self::choice) to tell the user.
#[derive(Clone, Debug)]
pub struct KeyringOrFile {
    keyring: KeyringTokenStorage,
    file: JsonTokenStorage,
    choice: Arc<OnceCell<Choice>>,
}

/// The storage that was chosen.
enum Chosen<'a> {
    Keyring(&'a KeyringTokenStorage),
    File(&'a JsonTokenStorage),
}

/// Calls the same method of whichever storage was chosen.
macro_rules! of_chosen {
    ($storage:ident . $method:ident ( $($argument:expr),* )) => {
        match $storage.chosen().await? {
            Chosen::Keyring(keyring) => keyring.$method($($argument),*).await,
            Chosen::File(file) => file.$method($($argument),*).await,
        }
    };
}

impl KeyringOrFile {
    pub(crate) fn new(keyring: KeyringTokenStorage, file: JsonTokenStorage) -> Self {
        Self { keyring, file, choice: Arc::default() }
    }

    /// Where the tokens are kept; decides it if nothing has before.
    ///
    /// # Errors
    ///
    /// When the index or the file cannot be read, so that it is not known where tokens are. It is decided anew by
    /// the next call.
    pub async fn choice(&self) -> Result<Choice, StorageError> {
        self.choice.get_or_try_init(|| self.decide()).await.copied()
    }

    async fn decide(&self) -> Result<Choice, StorageError> {
        let path = self.file.path().display();
        if self.keyring.run(Records::is_in_use).await? {
            tracing::info!("tokens are in the keyring");
            return Ok(Choice::Keyring);
        }
        if !self.file.list().await?.is_empty() {
            tracing::info!(file = %path, "tokens are in a file, not in the keyring");
            return Ok(Choice::File);
        }
        match self.keyring.run(Records::probe).await {
            Ok(()) => {
                tracing::info!("tokens are kept in the keyring");
                Ok(Choice::Keyring)
            }
            Err(error) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(
                    file = %path, %error, reason,
                    "the keyring cannot be used, so tokens are kept in a file, not encrypted"
                );
                Ok(Choice::File)
            }
        }
    }

    async fn chosen(&self) -> Result<Chosen<'_>, StorageError> {
        Ok(match self.choice().await? {
            Choice::Keyring => Chosen::Keyring(&self.keyring),
            Choice::File => Chosen::File(&self.file),
        })
    }
}

impl TokenStorage for KeyringOrFile {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        of_chosen!(self.load_all(namespace))
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        of_chosen!(self.load_fresh(namespace, resource_server))
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (storage, namespace) = (self.clone(), namespace.clone());
        run_detached(async move { of_chosen!(storage.store(&namespace, tokens, kind)) })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (storage, namespace, resource_server) =
            (self.clone(), namespace.clone(), resource_server.clone());
        run_detached(async move { of_chosen!(storage.remove(&namespace, &resource_server)) })
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        of_chosen!(self.list())
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        of_chosen!(self.lock_refresh(namespace, resource_server))
    }

    /// What both can do.
    fn capabilities(&self) -> Capabilities {
        let mut both = self.keyring.capabilities();
        both.confidential &= self.file.capabilities().confidential;
        both
    }
}

impl From<KeyringOrFile> for OnRefresh {
    fn from(storage: KeyringOrFile) -> Self {
        Storage::from(storage).into()
    }
}

#[cfg(test)]
#[path = "or_file_tests.rs"]
mod tests;
