//! The storage.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::finishing::finish;
use globus_core::OnRefresh;
use globus_core::storage::{
    Capabilities, Loaded, Namespace, RefreshLease, Storage, StorageError, StoreKind, TokenStorage,
};
use globus_core::token::{InvalidRecord, ResourceServer, TokenData};
use redis::aio::ConnectionManager;
use redis::cmd;

use crate::change::Records;
use crate::keys::{InvalidKeyPrefix, Keys};
use crate::lease;
use crate::record::Record;
use crate::server::{LIST, Server};

/// Keeps tokens in a Redis server, shared by all programs that use the same key prefix. Clones share the connection.
///
/// Reading one token is one round trip, storing is two. What is stored in a batch is stored as a whole or not at all,
/// and nobody overwrites what somebody else has stored meanwhile.
///
/// See the [crate's documentation](crate) for a complete example, and for what is lost when the server fails.
#[derive(Clone)]
pub struct RedisTokenStorage {
    server: Server,
    keys: Keys,
    lease_time: Duration,
    lock_wait: Duration,
    durable: bool,
}

impl RedisTokenStorage {
    /// A storage on this connection, with the key prefix `globus:`.
    ///
    /// The connection's own settings stand: how long it tries to reconnect, and how long an answer may take
    /// ([`set_response_timeout`](crate::ConnectionManagerConfig::set_response_timeout), half a second unless set).
    /// Leave that limit on: the driver does not always notice that a connection was cut.
    pub fn new(connection: ConnectionManager) -> Self {
        Self {
            server: Server(connection),
            keys: Keys::default(),
            lease_time: RefreshLease::TIME,
            lock_wait: Duration::from_secs(40),
            durable: false,
        }
    }

    /// What all keys begin with; `globus:` by default. Storages with different prefixes are apart.
    ///
    /// # Errors
    ///
    /// When the prefix is empty, longer than 64 characters, or has others in it than ASCII letters, digits, and
    /// `:._-/`. Use another one.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, InvalidKeyPrefix> {
        self.keys = Keys::new(prefix)?;
        Ok(self)
    }

    /// Says that the server keeps what it has answered, through a power failure too. Only you can know: it runs with
    /// `appendonly yes` and `appendfsync always`, and no failover to a replica loses anything. By default the storage
    /// declares no durability. This changes only what [`Capabilities`] say.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// How long a lease lasts after its holder died; 30 seconds by default. A living holder extends it every third
    /// part of that time.
    #[must_use]
    pub fn lease_time(mut self, time: Duration) -> Self {
        self.lease_time = time;
        self
    }

    /// How long to wait for another process that refreshes, and how long to try to store while others always are
    /// faster; 40 seconds by default, which outlasts the lease of one that died.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    fn records(&self, namespace: &Namespace) -> Records {
        Records {
            server: self.server.clone(),
            keys: self.keys.clone(),
            namespace: namespace.clone(),
            lock_wait: self.lock_wait,
        }
    }
}

impl fmt::Debug for RedisTokenStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The connection knows the password.
        f.debug_struct("RedisTokenStorage")
            .field("key_prefix", &self.keys.prefix())
            .field("lease_time", &self.lease_time)
            .field("lock_wait", &self.lock_wait)
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}

impl TokenStorage for RedisTokenStorage {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let mut command = cmd("HGETALL");
        command.arg(self.keys.tokens(namespace));
        let records: Vec<(Vec<u8>, Record)> = self.server.ask(&command).await?;
        let mut loaded = Loaded::default();
        for (name, record) in records {
            let (name, record) = match String::from_utf8(name) {
                Ok(name) => (ResourceServer::from(name), TokenData::from_record(&record)),
                // No program of ours wrote it, whatever is in it.
                Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned().into(), no_record()),
            };
            match record {
                Ok(token) => drop(loaded.tokens.insert(name, token)),
                Err(error) => {
                    loaded.damaged.push(StorageError::invalid_record(Some(namespace), Some(&name), error));
                }
            }
        }
        Ok(loaded)
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let mut command = cmd("HGET");
        command.arg(self.keys.tokens(namespace)).arg(resource_server.as_str());
        let record: Option<Record> = self.server.ask(&command).await?;
        let damaged = |error| StorageError::invalid_record(Some(namespace), Some(resource_server), error);
        record.map(|record| TokenData::from_record(&record).map_err(damaged)).transpose()
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        finish(self.records(namespace).store(tokens, kind))
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (records, resource_server) = (self.records(namespace), resource_server.clone());
        finish(async move { records.remove(&resource_server).await })
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        let (namespaces, begin) = (self.keys.namespaces(), self.keys.tokens_begin());
        let names: Vec<Vec<u8>> = self.server.run(&LIST, &[&namespaces], &[begin.as_bytes()]).await?;
        // A name that is no text was put there by somebody else; no namespace of ours can be called so.
        let mut names: Vec<Namespace> =
            names.into_iter().filter_map(|name| String::from_utf8(name).ok()).map(Into::into).collect();
        names.sort();
        Ok(names)
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        let key = self.keys.lease(namespace, resource_server);
        let server = self.server.clone();
        lease::take(server, key, &self.keys.fencing(), self.lease_time, self.lock_wait).await
    }

    fn capabilities(&self) -> Capabilities {
        let can = Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared();
        if self.durable { can.with_durable() } else { can }
    }
}

/// The error of what is no record at all.
fn no_record() -> Result<TokenData, InvalidRecord> {
    TokenData::from_record(b"")
}

impl From<RedisTokenStorage> for OnRefresh {
    fn from(storage: RedisTokenStorage) -> Self {
        Storage::from(storage).into()
    }
}
