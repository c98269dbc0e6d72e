//! A storage in memory whose reads and writes can be counted, held up and made to fail.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_core::detached_job::begin_detached;
use globus_core::storage::{
    Capabilities, Loaded, MemoryTokenStorage, Namespace, RefreshLease, StorageErrorKind, StoreKind,
    TokenStorage,
};
use globus_core::{AccessToken, ResourceServer, StorageError, TokenData};
use tokio::sync::Semaphore;

#[derive(Clone, Debug)]
pub(crate) struct Inner(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    memory: MemoryTokenStorage,
    reads: AtomicUsize,
    writes: AtomicUsize,
    read: Gate,
    write: Gate,
    down: AtomicBool,
    forgets_to_answer: AtomicBool,
    panics: AtomicBool,
    damaged: Mutex<Vec<ResourceServer>>,
}

/// Where work waits while it is shut.
#[derive(Debug)]
struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn open() -> Self {
        Self { arrived: Semaphore::new(0), open: Semaphore::new(1) }
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        drop(self.open.acquire().await.unwrap());
    }

    fn shut(&self) {
        self.open.try_acquire().unwrap().forget();
        while let Ok(arrived) = self.arrived.try_acquire() {
            arrived.forget();
        }
    }
}

impl Inner {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Parts {
            memory: MemoryTokenStorage::new(),
            reads: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
            read: Gate::open(),
            write: Gate::open(),
            down: AtomicBool::new(false),
            forgets_to_answer: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            damaged: Mutex::default(),
        }))
    }

    /// The same tokens as another process has them.
    pub(crate) fn elsewhere(&self) -> MemoryTokenStorage {
        self.0.memory.clone()
    }

    /// How often a namespace was read.
    pub(crate) fn reads(&self) -> usize {
        self.0.reads.load(SeqCst)
    }

    /// How many writes were begun.
    pub(crate) fn writes(&self) -> usize {
        self.0.writes.load(SeqCst)
    }

    /// From now on a read takes what is there and then waits.
    pub(crate) fn shut_reads(&self) {
        self.0.read.shut();
    }

    pub(crate) fn open_reads(&self) {
        self.0.read.open.add_permits(1);
    }

    /// Waits until another read waits.
    pub(crate) async fn read_waits(&self) {
        soon(self.0.read.arrived.acquire()).await.unwrap().forget();
    }

    /// From now on a write waits before it is done.
    pub(crate) fn shut_writes(&self) {
        self.0.write.shut();
    }

    pub(crate) fn open_writes(&self) {
        self.0.write.open.add_permits(1);
    }

    /// From now on nothing can be read or written.
    pub(crate) fn set_down(&self, down: bool) {
        self.0.down.store(down, SeqCst);
    }

    /// From now on writes are done and answer an error, as where the answer is lost.
    pub(crate) fn lose_answers(&self) {
        self.0.forgets_to_answer.store(true, SeqCst);
    }

    pub(crate) fn panic_at_next_read(&self) {
        self.0.panics.store(true, SeqCst);
    }

    /// The records of these cannot be read.
    pub(crate) fn damage(&self, servers: &[&str]) {
        *self.0.damaged.lock().unwrap() = servers.iter().map(|server| (*server).into()).collect();
    }

    fn up(&self) -> Result<(), StorageError> {
        if self.0.down.load(SeqCst) { Err(StorageError::new(StorageErrorKind::Unavailable)) } else { Ok(()) }
    }

    async fn write<T>(&self, work: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
        self.0.writes.fetch_add(1, SeqCst);
        self.0.write.pass().await;
        self.up()?;
        let done = work.await?;
        if self.0.forgets_to_answer.load(SeqCst) {
            return Err(StorageError::new(StorageErrorKind::Unavailable));
        }
        Ok(done)
    }
}

impl TokenStorage for Inner {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        self.0.reads.fetch_add(1, SeqCst);
        assert!(!self.0.panics.swap(false, SeqCst), "the storage's own");
        let mut loaded = self.0.memory.load_all(namespace).await?;
        self.0.read.pass().await;
        self.up()?;
        for server in &*self.0.damaged.lock().unwrap() {
            if loaded.tokens.remove(server).is_some() {
                let error = TokenData::from_record(b"1").unwrap_err();
                loaded.damaged.push(StorageError::invalid_record(Some(namespace), Some(server), error));
            }
        }
        Ok(loaded)
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        self.up()?;
        self.0.memory.load_fresh(namespace, resource_server).await
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (storage, namespace) = (self.clone(), namespace.clone());
        begin_detached(async move {
            let memory = storage.elsewhere();
            storage.write(async { memory.store(&namespace, tokens, kind).await }).await
        })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (storage, namespace, server) = (self.clone(), namespace.clone(), resource_server.clone());
        begin_detached(async move {
            let memory = storage.elsewhere();
            storage.write(memory.remove(&namespace, &server)).await
        })
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        self.0.memory.list().await
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        self.0.memory.lock_refresh(namespace, resource_server).await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.memory.capabilities()
    }
}

/// A token of nobody with this access token.
pub(crate) fn token(server: &str, access_token: &str) -> TokenData {
    TokenData::new(server, "all", access_token, 1_900_000_000).with_refresh_token("RT")
}

/// The access token, for comparing.
#[expect(clippy::needless_pass_by_value, reason = "it is given what a storage answers")]
pub(crate) fn text(token: Option<TokenData>) -> Option<String> {
    token.as_ref().map(|token| AccessToken::expose(&token.access_token).to_owned())
}

pub(crate) async fn soon<F: Future>(event: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), event).await.expect("it happens")
}

/// Lets every other task of a current-thread runtime run until none has anything to do.
pub(crate) async fn idle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
