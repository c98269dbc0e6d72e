//! The handle that programs hold.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::{Capabilities, Loaded, Namespace, RefreshLease, StorageError, StoreKind, TokenStorage};
use crate::detached_job::begin;
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
        let namespace = storage.first_namespace();
        Self { inner: Arc::new(storage), namespace }
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

    /// The storage with all its namespaces, for those who wrap one: a storage that takes `impl Into<Storage>`,
    /// does something of its own, and hands the rest to what it was given.
    pub fn any(&self) -> AnyTokenStorage {
        AnyTokenStorage(self.clone())
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

    /// The stored token of a resource server as it is now, to be renewed; see
    /// [`TokenStorage::load_for_refresh`].
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, or this very record is damaged.
    pub async fn get_for_refresh(
        &self,
        resource_server: impl Into<ResourceServer> + Send,
    ) -> Result<Option<TokenData>, StorageError> {
        let resource_server = resource_server.into();
        self.inner.load_for_refresh(&self.namespace, &resource_server).await
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

/// Any token storage as a [`TokenStorage`]: what a storage holds that wraps another one. Clones share the storage.
///
/// [`Storage`] itself is none, as it stands for one namespace. See [`Storage::any`].
///
/// ```
/// use globus_core::storage::{AnyTokenStorage, MemoryTokenStorage, Storage, TokenStorage};
///
/// fn wrap(inner: impl Into<Storage>) -> AnyTokenStorage {
///     inner.into().any()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), globus_core::StorageError> {
/// let wrapped = wrap(MemoryTokenStorage::new());
/// assert!(wrapped.load_all(&"some user".into()).await?.tokens.is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AnyTokenStorage(Storage);

impl AnyTokenStorage {
    /// The handle that this was made of, in its namespace.
    pub fn as_storage(&self) -> &Storage {
        &self.0
    }
}

impl TokenStorage for AnyTokenStorage {
    fn first_namespace(&self) -> Namespace {
        self.0.namespace.clone()
    }

    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        self.0.inner.load_all(namespace).await
    }

    async fn load(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        self.0.inner.load(namespace, resource_server).await
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        self.0.inner.load_fresh(namespace, resource_server).await
    }

    async fn load_for_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        self.0.inner.load_for_refresh(namespace, resource_server).await
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (inner, namespace) = (Arc::clone(&self.0.inner), namespace.clone());
        begin(async move { inner.store(&namespace, tokens, kind).await })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (inner, namespace, server) =
            (Arc::clone(&self.0.inner), namespace.clone(), resource_server.clone());
        begin(async move { inner.remove(&namespace, &server).await })
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        self.0.inner.list().await
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        self.0.inner.lock_refresh(namespace, resource_server).await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.inner.capabilities()
    }
}

impl fmt::Debug for AnyTokenStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.inner.fmt(f)
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
        fn load_for_refresh<'a>(
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

        fn load_for_refresh<'a>(
            &'a self,
            namespace: &'a Namespace,
            server: &'a ResourceServer,
        ) -> Boxed<'a, Option<TokenData>> {
            Box::pin(super::TokenStorage::load_for_refresh(self, namespace, server))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryTokenStorage;
    use futures_util::FutureExt;

    fn token() -> TokenData {
        TokenData::new("rs", "s", "a", 1)
    }

    #[tokio::test]
    async fn a_storage_of_any_storage_begins_in_its_namespace() {
        let handle = Storage::from(MemoryTokenStorage::new()).with_namespace("other");
        let again = Storage::from(handle.any());
        assert_eq!(again.namespace(), "other");
        again.store(vec![token()], StoreKind::Login).await.unwrap();
        assert_eq!(handle.get("rs").await.unwrap(), Some(token()));
    }

    #[test]
    fn writes_are_begun_by_the_call() {
        let handle = Storage::from(MemoryTokenStorage::new());
        let stored = |expected| {
            let found = handle.get("rs").now_or_never().unwrap().unwrap();
            assert_eq!(found, expected);
        };
        drop(handle.any().store(handle.namespace(), vec![token()], StoreKind::Login));
        stored(Some(token()));
        drop(handle.any().remove(handle.namespace(), &"rs".into()));
        // Memory removes when it is polled, which the call has done.
        stored(None);
    }
}
