//! Tokens in memory, gone with the program.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::{
    Capabilities, Lease, Loaded, Namespace, RefreshLease, Release, StorageError, StoreKind, TokenStorage,
};
use crate::token::{ResourceServer, TokenData};

/// Keeps tokens in memory. Clones share them.
///
/// For programs that get new tokens at every start, and for tests.
///
/// ```
/// use globus_core::storage::{MemoryTokenStorage, Storage};
///
/// let storage = Storage::from(MemoryTokenStorage::new());
/// let other_account = storage.with_namespace("other");
/// ```
#[derive(Clone, Debug)]
pub struct MemoryTokenStorage {
    shared: Arc<Shared>,
    lock_wait: Duration,
}

type Tokens = BTreeMap<Namespace, BTreeMap<ResourceServer, TokenData>>;
type Leases = HashMap<(Namespace, ResourceServer), Arc<tokio::sync::Mutex<()>>>;

#[derive(Debug, Default)]
struct Shared {
    tokens: Mutex<Tokens>,
    leases: Mutex<Leases>,
    fencing: AtomicU64,
}

impl Default for MemoryTokenStorage {
    fn default() -> Self {
        Self { shared: Arc::default(), lock_wait: RefreshLease::TIME + Duration::from_secs(10) }
    }
}

impl MemoryTokenStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long to wait for another task that refreshes; 40 seconds by default.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        let mut namespaces = self.tokens();
        let stored = namespaces.get(namespace);
        let merge = |token: TokenData| {
            let previous = stored.and_then(|stored| stored.get(&token.resource_server));
            kind.merge(previous, token)
        };
        let merged: Vec<_> = tokens.into_iter().map(merge).collect::<Result<_, _>>()?;
        let merged = merged.into_iter().map(|token| (token.resource_server.clone(), token));
        if merged.len() > 0 {
            namespaces.entry(namespace.clone()).or_default().extend(merged);
        }
        Ok(())
    }
}

impl TokenStorage for MemoryTokenStorage {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        Ok(Loaded::new(self.tokens().get(namespace).cloned().unwrap_or_default()))
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        Ok(self.tokens().get(namespace).and_then(|stored| stored.get(resource_server)).cloned())
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        std::future::ready(self.put(namespace, tokens, kind))
    }

    async fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<bool, StorageError> {
        let mut namespaces = self.tokens();
        let Some(stored) = namespaces.get_mut(namespace) else { return Ok(false) };
        let removed = stored.remove(resource_server).is_some();
        if stored.is_empty() {
            namespaces.remove(namespace);
        }
        Ok(removed)
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        Ok(self.tokens().keys().cloned().collect())
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        let lock = {
            let mut leases = self.shared.leases.lock().unwrap_or_else(PoisonError::into_inner);
            if leases.len() == leases.capacity() {
                // Before it grows, those go that nobody has or waits for.
                leases.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            Arc::clone(leases.entry((namespace.clone(), resource_server.clone())).or_default())
        };
        // The usual case needs no timer, which a runtime may not have.
        let guard = match Arc::clone(&lock).try_lock_owned() {
            Ok(guard) => guard,
            Err(_) => tokio::time::timeout(self.lock_wait, lock.lock_owned())
                .await
                .map_err(|_| StorageError::locked(None, self.lock_wait))?,
        };
        let fencing = self.shared.fencing.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(RefreshLease::new(fencing, RefreshLease::TIME, Held { _guard: guard }))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_confidential()
    }
}

/// Gives the lease back by being dropped.
#[derive(Debug)]
struct Held {
    _guard: OwnedMutexGuard<()>,
}

impl Lease for Held {
    fn release(self: Box<Self>) -> Release {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_removed_or_given_back_leaves_no_trace() {
        let storage = MemoryTokenStorage::new();
        for number in 0..1000 {
            let (namespace, server) = (Namespace::from(format!("{number}")), ResourceServer::from("rs"));
            let token = TokenData::new("rs", "s", "a", 1);
            storage.store(&namespace, vec![token], StoreKind::Login).await.unwrap();
            storage.store(&"empty".into(), Vec::new(), StoreKind::Login).await.unwrap();
            drop(storage.lock_refresh(&namespace, &server).await.unwrap());
            assert!(storage.remove(&namespace, &server).await.unwrap());
        }
        assert!(storage.tokens().is_empty());
        assert!(storage.shared.leases.lock().unwrap().len() < 100);
    }

    #[tokio::test]
    async fn leases_that_are_held_outlive_those_that_are_not() {
        let storage = MemoryTokenStorage::new().lock_wait(Duration::ZERO);
        let held = storage.lock_refresh(&"held".into(), &"rs".into()).await.unwrap();
        for number in 0..100 {
            drop(storage.lock_refresh(&Namespace::from(format!("{number}")), &"rs".into()).await.unwrap());
        }
        assert!(storage.lock_refresh(&"held".into(), &"rs".into()).await.unwrap_err().is_locked());
        drop(held);
        storage.lock_refresh(&"held".into(), &"rs".into()).await.unwrap();
    }
}
