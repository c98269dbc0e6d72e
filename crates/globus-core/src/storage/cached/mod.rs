//! A storage that remembers what it has read.

mod entries;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entries::{Content, Entries};
use jiff::Timestamp;

use super::options::passed_on;
use super::{AnyTokenStorage, Loaded, Namespace, Storage, StorageError, StoreKind, TokenStorage};
use crate::clock::{Clock, SystemClock};
use crate::detached_job::begin_detached;
use crate::token::{ResourceServer, TokenData};

/// Remembers for a short time what it has read from another storage. For portals, which look up the tokens of many
/// users again and again. Clones share what they remember.
///
/// * [`Storage::get`] and [`Storage::get_all`] are answered from memory for 30 seconds
///   ([`max_age`](Self::max_age)) after a namespace was read, also that there is no token. Errors and damaged records
///   are not remembered.
/// * What is stored or removed through this storage is seen by its next read. What other processes change is seen
///   when the time is over, or by [`Storage::get_fresh`], which goes past the memory: so a logout elsewhere takes up
///   to 30 seconds to arrive. Renewing authorizers go past it too.
/// * A namespace is read as a whole, once for all who ask at the same time.
/// * Where the inner storage fails, so does this one, unless [`serve_stale`](Self::serve_stale) allows older content.
///   An authorizer keeps its token by itself: a storage that is down does not keep it from working until that ends.
///
/// Where a storage checks what comes out, this belongs below:
/// `ValidatingTokenStorage::new(CachedTokenStorage::new(…))`. The other way round a token would be given out for up to 30
/// seconds after its time. Below, it lets a login be checked against what is remembered: the login of another person
/// elsewhere is noticed late, unless both are for a resource server in common; see
/// [`UnchangingIdentity`](super::UnchangingIdentity).
///
/// The tokens of up to 10,000 namespaces ([`max_namespaces`](Self::max_namespaces)) are then in the memory of the
/// process, readable even if the inner storage seals them, until others take their place or this storage goes. The
/// access and refresh tokens among them are wiped when they leave and nobody else holds them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), globus_core::StorageError> {
/// use std::time::Duration;
///
/// use globus_core::storage::{CachedTokenStorage, JsonTokenStorage, Storage};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("tokens.json");
/// let cached = CachedTokenStorage::new(JsonTokenStorage::new(path)).max_age(Duration::from_secs(10));
/// let storage = Storage::from(cached).with_namespace("user 17");
///
/// assert!(storage.get("transfer.api.globus.org").await?.is_none(), "read from the file");
/// assert!(storage.get("transfer.api.globus.org").await?.is_none(), "and from memory");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct CachedTokenStorage {
    inner: AnyTokenStorage,
    max_age: Duration,
    max_namespaces: usize,
    serve_stale: Duration,
    clock: Arc<dyn Clock>,
    entries: Arc<Mutex<Entries>>,
}

impl CachedTokenStorage {
    /// A storage that remembers what it reads from another one.
    pub fn new(inner: impl Into<Storage>) -> Self {
        Self {
            inner: inner.into().any(),
            max_age: Duration::from_secs(30),
            max_namespaces: 10_000,
            serve_stale: Duration::ZERO,
            clock: Arc::new(SystemClock),
            entries: Arc::default(),
        }
    }

    /// How long what was read is good for; 30 seconds by default.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// How many namespaces are remembered at most; 10,000 by default. The least recently used one goes first.
    #[must_use]
    pub fn max_namespaces(mut self, max_namespaces: usize) -> Self {
        self.max_namespaces = max_namespaces;
        self
    }

    /// For how long after its time what was read is still given out where the inner storage fails; not at all by
    /// default. Each read still tries the inner storage first, and waits until that has failed. A token that
    /// has been renewed or removed elsewhere meanwhile is given out as it was.
    #[must_use]
    pub fn serve_stale(mut self, serve_stale: Duration) -> Self {
        self.serve_stale = serve_stale;
        self
    }

    /// Another clock than that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The storage that the tokens are in. What is changed there is seen here when the time is over.
    pub fn inner(&self) -> &Storage {
        self.inner.as_storage()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A namespace from memory where that is `good`, and otherwise from the storage.
    async fn content(&self, namespace: &Namespace, good: impl Fn(&Loaded) -> bool) -> Content {
        let known = self.entries().get(namespace, self.clock.now(), self.max_age);
        if let Some(content) = known.filter(|content| good(content)) {
            return Ok(content);
        }
        let reading = self.entries().read(namespace, |number| self.clone().read(namespace.clone(), number));
        let error = match reading.await {
            Err(error) if !self.serve_stale.is_zero() => error,
            answer => return answer,
        };
        let max_age = self.max_age.saturating_add(self.serve_stale);
        let older = self.entries().get(namespace, self.clock.now(), max_age);
        match older {
            Some(content) => {
                tracing::warn!(%error, "the token storage cannot be read; older content is given out");
                Ok(content)
            }
            None => Err(error),
        }
    }

    fn read(self, namespace: Namespace, number: u64) -> impl Future<Output = Content> + Send + 'static {
        // Made here and not when polled: readers may all go away before that.
        let mut end = ReadEnd { storage: self, namespace, number, content: None };
        async move {
            let read_at = end.storage.clock.now();
            let content = Arc::new(end.storage.inner.load_all(&end.namespace).await?);
            end.done_well(&content, read_at);
            drop(end);
            Ok(content)
        }
    }

    /// Drops what is known of a namespace when it is dropped itself.
    fn outdate(&self, namespace: &Namespace) -> Outdate {
        Outdate { storage: self.clone(), namespace: namespace.clone() }
    }
}

/// Ends a read however it ends: done, failed, panicked, or left by all who waited.
struct ReadEnd {
    storage: CachedTokenStorage,
    namespace: Namespace,
    number: u64,
    content: Option<(Arc<Loaded>, Timestamp)>,
}

impl ReadEnd {
    fn done_well(&mut self, content: &Arc<Loaded>, read_at: Timestamp) {
        self.content = Some((Arc::clone(content), read_at));
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        let content = self.content.as_ref().map(|(content, read_at)| (content, *read_at));
        let max_namespaces = self.storage.max_namespaces;
        self.storage.entries().read_ended(&self.namespace, self.number, content, max_namespaces);
    }
}

/// Ends a write however it ends. A failed one may have been done all the same.
struct Outdate {
    storage: CachedTokenStorage,
    namespace: Namespace,
}

impl Drop for Outdate {
    fn drop(&mut self) {
        self.storage.entries().outdate(&self.namespace);
    }
}

impl TokenStorage for CachedTokenStorage {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let content = self.content(namespace, |content| content.damaged.is_empty()).await?;
        Ok(Arc::unwrap_or_clone(content))
    }

    async fn load(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let content = self.content(namespace, |content| content.token(resource_server).is_ok()).await?;
        content.token(resource_server).map(Option::<&TokenData>::cloned).map_err(Clone::clone)
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let token = self.inner.load_fresh(namespace, resource_server).await?;
        self.entries().compare(namespace, resource_server, token.as_ref());
        Ok(token)
    }

    async fn load_for_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let token = self.inner.load_for_refresh(namespace, resource_server).await?;
        self.entries().compare(namespace, resource_server, token.as_ref());
        Ok(token)
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let end = self.outdate(namespace);
        begin_detached(async move {
            let done = end.storage.inner.store(&end.namespace, tokens, kind).await;
            drop(end);
            done
        })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (end, server) = (self.outdate(namespace), resource_server.clone());
        begin_detached(async move {
            let done = end.storage.inner.remove(&end.namespace, &server).await;
            drop(end);
            done
        })
    }

    passed_on!();
}
