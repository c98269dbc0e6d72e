//! The storage.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deadpool_postgres::Pool;
use globus_core::OnRefresh;
use globus_core::detached_job::run_detached;
use globus_core::storage::{
    Capabilities, Loaded, Namespace, RefreshLease, Storage, StorageError, StoreKind, TokenStorage,
};
use globus_core::token::{ResourceServer, TokenData};
use zeroize::Zeroizing;

use crate::connection::Values;
use crate::failure::{Failure, in_doubt_because_of};
use crate::lease;
use crate::store::name_and_record;
use crate::tables::{InvalidName, Tables, check};
use crate::turns::Turns;

/// Keeps tokens in PostgreSQL, on a pool of connections of the program's own. Clones share it.
///
/// See the [crate](crate) for an example, for what is kept where, and for what is safe.
#[derive(Clone)]
pub struct PostgresTokenStorage {
    pub(crate) pool: Pool,
    pub(crate) tables: Arc<Tables>,
    pub(crate) turns: Arc<Turns>,
    /// Whether the server gave no answer when it was last asked, as far as this is known.
    pub(crate) is_away: Arc<AtomicBool>,
    pub(crate) lease_time: Duration,
    pub(crate) lock_wait: Duration,
    pub(crate) restart_wait: Duration,
}

impl PostgresTokenStorage {
    /// A storage on these connections, in tables whose names begin with `globus_`. Nothing is asked of the server yet;
    /// call [`migrate`](Self::migrate) before the first use.
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            tables: Arc::new(Tables::new(None, "globus_".to_owned())),
            turns: Arc::default(),
            is_away: Arc::default(),
            lease_time: RefreshLease::TIME,
            lock_wait: RefreshLease::TIME + Duration::from_secs(10),
            restart_wait: Duration::from_secs(10),
        }
    }

    /// Begins the names of the tables with something else than `globus_`.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] when this is not the beginning of a plain name.
    pub fn table_prefix(self, prefix: &str) -> Result<Self, InvalidName> {
        check(prefix)?;
        let schema = self.tables.schema.clone();
        Ok(self.with_tables(Tables::new(schema, prefix.to_owned())))
    }

    /// Keeps the tables in this schema instead of the first one of the role's search path.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] when this is not a plain name.
    pub fn schema(self, schema: &str) -> Result<Self, InvalidName> {
        check(schema)?;
        let prefix = self.tables.prefix.clone();
        Ok(self.with_tables(Tables::new(Some(schema.to_owned()), prefix)))
    }

    /// Their leases have nothing to do with those of the tables before, so those who wait for one are in a line of
    /// their own.
    fn with_tables(mut self, tables: Tables) -> Self {
        self.tables = Arc::new(tables);
        self.turns = Arc::default();
        self
    }

    /// How long a refresh lease lasts after its holder died; 30 seconds by default.
    #[must_use]
    pub fn lease_time(mut self, time: Duration) -> Self {
        self.lease_time = time;
        self
    }

    /// How long to try again to connect to a server that does not answer, because it may just be started anew; 10
    /// seconds by default. After that, and at once with zero, the error is
    /// [`Unavailable`](globus_core::storage::StorageErrorKind::Unavailable).
    #[must_use]
    pub fn restart_wait(mut self, time: Duration) -> Self {
        self.restart_wait = time;
        self
    }

    /// How long to wait for a refresh lease that somebody has, or for a record that another transaction has locked; 40
    /// seconds by default. A server that does not answer is waited for as [`restart_wait`](Self::restart_wait) says,
    /// even where this is shorter.
    #[must_use]
    pub fn lock_wait(mut self, time: Duration) -> Self {
        self.lock_wait = time;
        self
    }
}

fn read(
    namespace: &Namespace,
    name: &ResourceServer,
    record: &Zeroizing<String>,
) -> Result<TokenData, StorageError> {
    TokenData::from_record(record.as_bytes())
        .map_err(|error| StorageError::invalid_record(Some(namespace), Some(name), error))
}

impl TokenStorage for PostgresTokenStorage {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let answer = self.run(&self.tables.load_all, &[&namespace.as_str()]).await?;
        let mut loaded = Loaded::default();
        for row in &answer.rows {
            let (name, record) = name_and_record(row)?;
            let name = ResourceServer::from(name);
            match read(namespace, &name, &record) {
                Ok(token) => drop(loaded.tokens.insert(name, token)),
                Err(error) => loaded.damaged.push(error),
            }
        }
        Ok(loaded)
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let values: Values<'_> = &[&namespace.as_str(), &resource_server.as_str()];
        let answer = self.run(&self.tables.load, values).await?;
        let Some(row) = answer.rows.first() else { return Ok(None) };
        let record = Zeroizing::new(row.try_get(0).map_err(Failure::from)?);
        read(namespace, resource_server, &record).map(Some)
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (storage, namespace) = (self.clone(), namespace.clone());
        run_detached(async move {
            if tokens.is_empty() { Ok(()) } else { storage.put(&namespace, &tokens, kind).await }
        })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (storage, namespace, resource_server) =
            (self.clone(), namespace.clone(), resource_server.clone());
        run_detached(async move {
            let values: Values<'_> = &[&namespace.as_str(), &resource_server.as_str()];
            let answer = match storage.run(&storage.tables.remove, values).await {
                Err(Failure::Lost(error)) => return Err(in_doubt_because_of(error)),
                done => done?,
            };
            // Where the answer to the first try was lost, that one has removed it.
            Ok(!answer.rows.is_empty() || answer.is_repeated)
        })
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        let answer = self.run(&self.tables.list, &[]).await?;
        let names = answer.rows.iter().map(|row| row.try_get::<_, String>(0).map(Namespace::from));
        Ok(names.collect::<Result<_, _>>().map_err(Failure::from)?)
    }

    fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send {
        lease::take(self.clone(), namespace.clone(), resource_server.clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_durable()
    }
}

/// Shows nothing of the connections: their configuration may hold a password.
impl fmt::Debug for PostgresTokenStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTokenStorage")
            .field("tokens", &self.tables.table("tokens"))
            .field("lease_time", &self.lease_time)
            .field("lock_wait", &self.lock_wait)
            .finish_non_exhaustive()
    }
}

impl From<PostgresTokenStorage> for OnRefresh {
    fn from(storage: PostgresTokenStorage) -> Self {
        Storage::from(storage).into()
    }
}
