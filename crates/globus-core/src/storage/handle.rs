//! The handle that programs hold.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::{Capabilities, Loaded, Namespace, RefreshLease, StorageError, StoreKind, TokenStorage};
use crate::token::{Generation, ResourceServer, TokenData, TokenResponse};

/// Any token storage, in one of its namespaces. Clones share the storage.
///
/// Every [`TokenStorage`] converts into it.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<dyn dynamic::TokenStorage>,
    namespace: Namespace,
}

impl<S: TokenStorage> From<S> for Storage {
    fn from(storage: S) -> Self {
        Self { inner: Arc::new(storage), namespace: Namespace::default() }
    }
}

impl From<&Self> for Storage {
    fn from(storage: &Self) -> Self {
        storage.clone()
    }
}

impl Storage {
    /// The same storage in another namespace.
    #[must_use]
    pub fn with_namespace(&self, namespace: impl Into<Namespace>) -> Self {
        Self { inner: Arc::clone(&self.inner), namespace: namespace.into() }
    }

    /// The namespace that this handle works in; `DEFAULT` unless another was set.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Stores all tokens of a response. What a refresh does not answer anew stays as it is stored. The write
    /// is decided by the call; with the built-in storages it is done even if the future is dropped.
    ///
    /// # Errors
    ///
    /// When the tokens could not be stored. The old ones are then still there.
    pub fn store_response(
        &self,
        response: &TokenResponse,
    ) -> impl Future<Output = Result<(), StorageError>> + Send + use<'_> {
        let tokens = response.by_resource_server().iter().cloned().collect();
        self.inner.store(&self.namespace, tokens, response.into())
    }

    /// Stores tokens; see [`TokenStorage::store`].
    ///
    /// # Errors
    ///
    /// When the tokens could not be stored. The old ones are then still there.
    pub fn store(
        &self,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send + use<'_> {
        self.inner.store(&self.namespace, tokens, kind)
    }

    /// Stores the answer to a refresh in place of `replaced`, the record that was refreshed. What is stored by
    /// now may be something else: then nothing is stored.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StorageErrorKind::Conflict) when another record is stored by now, or none; otherwise
    /// as [`store_response`](Self::store_response).
    pub fn store_refresh(
        &self,
        response: &TokenResponse,
        replaced: Generation,
    ) -> impl Future<Output = Result<(), StorageError>> + Send + use<'_> {
        let tokens = response.by_resource_server().iter().cloned().collect();
        self.inner.store(&self.namespace, tokens, StoreKind::RefreshOf(replaced))
    }

    /// The stored token of a resource server. A storage with a cache may answer from that; see
    /// [`get_fresh`](Self::get_fresh).
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, or this very record is damaged.
    pub async fn get(
        &self,
        resource_server: impl Into<ResourceServer> + Send,
    ) -> Result<Option<TokenData>, StorageError> {
        let resource_server = resource_server.into();
        self.inner.load(&self.namespace, &resource_server).await
    }

    /// The stored token of a resource server as it is now, past every cache.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, or this very record is damaged.
    pub async fn get_fresh(
        &self,
        resource_server: impl Into<ResourceServer> + Send,
    ) -> Result<Option<TokenData>, StorageError> {
        let resource_server = resource_server.into();
        self.inner.load_fresh(&self.namespace, &resource_server).await
    }

    /// All tokens of the namespace, and the damaged records.
    ///
    /// # Errors
    ///
    /// When the storage as a whole cannot be read.
    pub async fn get_all(&self) -> Result<Loaded, StorageError> {
        self.inner.load_all(&self.namespace).await
    }

    /// Removes the token of a resource server and says whether there was one.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read or written.
    pub async fn remove(
        &self,
        resource_server: impl Into<ResourceServer> + Send,
    ) -> Result<bool, StorageError> {
        let resource_server = resource_server.into();
        self.inner.remove(&self.namespace, &resource_server).await
    }

    /// The namespaces of the storage that hold tokens.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, or cannot list.
    pub async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        self.inner.list().await
    }

    /// Takes the right to refresh the token of a resource server.
    ///
    /// # Errors
    ///
    /// [`Locked`](super::StorageErrorKind::Locked) when another holder does not let go in time.
    pub async fn lock_refresh(
        &self,
        resource_server: impl Into<ResourceServer> + Send,
    ) -> Result<RefreshLease, StorageError> {
        let resource_server = resource_server.into();
        self.inner.lock_refresh(&self.namespace, &resource_server).await
    }

    /// What the storage can do.
    pub fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("inner", &self.inner).field("namespace", &self.namespace).finish()
    }
}

/// The twin of [`TokenStorage`](super::TokenStorage) that can be a trait object.
mod dynamic {
    use std::fmt::Debug;
    use std::pin::Pin;

    use super::{
        Capabilities, Future, Loaded, Namespace, RefreshLease, ResourceServer, StorageError, StoreKind,
        TokenData,
    };

    type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

    pub(super) trait TokenStorage: Debug + Send + Sync {
        fn load_all<'a>(&'a self, namespace: &'a Namespace) -> Boxed<'a, Loaded>;
        fn load<'a>(
            &'a self,
            namespace: &'a Namespace,
            server: &'a ResourceServer,
        ) -> Boxed<'a, Option<TokenData>>;
        fn load_fresh<'a>(
            &'a self,
            namespace: &'a Namespace,
            server: &'a ResourceServer,
        ) -> Boxed<'a, Option<TokenData>>;
        fn store<'a>(
            &'a self,
            namespace: &'a Namespace,
            tokens: Vec<TokenData>,
            kind: StoreKind,
        ) -> Boxed<'a, ()>;
        fn remove<'a>(&'a self, namespace: &'a Namespace, server: &'a ResourceServer) -> Boxed<'a, bool>;
        fn list(&self) -> Boxed<'_, Vec<Namespace>>;
        fn lock_refresh<'a>(
            &'a self,
            namespace: &'a Namespace,
            server: &'a ResourceServer,
        ) -> Boxed<'a, RefreshLease>;
        fn capabilities(&self) -> Capabilities;
    }

    impl<S: super::TokenStorage> TokenStorage for S {
        fn load_all<'a>(&'a self, namespace: &'a Namespace) -> Boxed<'a, Loaded> {
            Box::pin(super::TokenStorage::load_all(self, namespace))
        }

        fn load<'a>(
            &'a self,
            namespace: &'a Namespace,
            server: &'a ResourceServer,
        ) -> Boxed<'a, Option<TokenData>> {
            Box::pin(super::TokenStorage::load(self, namespace, server))
        }

        fn load_fresh<'a>(
            &'a self,
            namespace: &'a Namespace,
            server: &'a ResourceServer,
        ) -> Boxed<'a, Option<TokenData>> {
            Box::pin(super::TokenStorage::load_fresh(self, namespace, server))
        }

        fn store<'a>(
            &'a self,
            namespace: &'a Namespace,
            tokens: Vec<TokenData>,
            kind: StoreKind,
        ) -> Boxed<'a, ()> {
            Box::pin(super::TokenStorage::store(self, namespace, tokens, kind))
        }

        fn remove<'a>(&'a self, namespace: &'a Namespace, server: &'a ResourceServer) -> Boxed<'a, bool> {
            Box::pin(super::TokenStorage::remove(self, namespace, server))
        }

        fn list(&self) -> Boxed<'_, Vec<Namespace>> {
            Box::pin(super::TokenStorage::list(self))
        }

        fn lock_refresh<'a>(
            &'a self,
            namespace: &'a Namespace,
            server: &'a ResourceServer,
        ) -> Boxed<'a, RefreshLease> {
            Box::pin(super::TokenStorage::lock_refresh(self, namespace, server))
        }

        fn capabilities(&self) -> Capabilities {
            super::TokenStorage::capabilities(self)
        }
    }
}
