//! The contract over a database, with records of the newer form.

use std::path::PathBuf;
use std::sync::Arc;

use globus_core::blocking_job::run_blocking;
use globus_core::config::paths::{Platform, TokenFile, default_token_path};
use globus_core::config::{ConfigError, Environment, Variables};
use globus_core::storage::{
    Capabilities, Durability, Loaded, RefreshLease, Storage, StoreKind, TokenStorage,
};
use globus_core::{Namespace, OnRefresh, ResourceServer, StorageError, TokenData};

use crate::database::Database;
use crate::options::database_options;
use crate::schema::Form;
use crate::{lease, rows};

/// Keeps tokens in an SQLite database, readable by its owner alone, shared with the Python SDK
/// (`SQLiteTokenStorage`).
///
/// The database is made by the first store, with its directories. Databases of older programs are read and written
/// too, and what they keep besides tokens stays. A new record has no members for what is not there, which those
/// programs may miss: for a database that they go on using, take
/// [`LegacySqliteTokenStorage`](crate::LegacySqliteTokenStorage). A record that says null for what is not there keeps
/// doing so.
///
/// Clones share one connection, which does one thing at a time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tokens.db");
/// use globus_core::storage::Storage;
/// use globus_core::token::{Grant, TokenResponse};
/// use globus_storage_sqlite::SqliteTokenStorage;
///
/// let storage = Storage::from(SqliteTokenStorage::new(path));
///
/// let body = br#"{"access_token": "AgExample", "scope": "openid", "resource_server": "auth.globus.org",
///     "expires_in": 172800}"#;
/// let response = TokenResponse::parse(Grant::AuthorizationCode, body, globus_core::Timestamp::now())?;
/// storage.store_response(&response).await?;
///
/// let token = storage.get("auth.globus.org").await?.expect("it was stored");
/// assert_eq!(token.access_token.expose(), "AgExample");
/// # Ok(()) }
/// ```
#[doc(alias = "SQLiteTokenStorage")]
#[derive(Clone, Debug)]
pub struct SqliteTokenStorage {
    pub(crate) database: Database,
}

impl SqliteTokenStorage {
    /// A storage in this database. Nothing is opened or made yet.
    ///
    /// The name `:memory:`, which SQLite gives to databases in memory, is refused on use:
    /// [`MemoryTokenStorage`](globus_core::MemoryTokenStorage) is for that.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { database: Database::new(path, Form::Record) }
    }

    /// The database in which an app keeps its tokens by default, in the user's home:
    /// `~/.globus/app/<client id>/<app name>/tokens.db`, which is where the Python SDK keeps them when it is told to use
    /// SQLite. See [`default_token_path`](globus_core::config::paths::default_token_path) for other systems and
    /// environments.
    ///
    /// ```no_run
    /// use globus_core::config::Environment;
    /// use globus_storage_sqlite::SqliteTokenStorage;
    ///
    /// let client_id = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";
    /// let storage = SqliteTokenStorage::for_app(client_id, "My App", &Environment::production())?;
    /// # Ok::<(), globus_core::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the home directory is not known, the client id is none, or the app name gives no directory name.
    pub fn for_app(client_id: &str, app_name: &str, environment: &Environment) -> Result<Self, ConfigError> {
        Self::for_app_with(client_id, app_name, environment, &Variables::process())
    }

    /// The same, with the home directory of these variables.
    ///
    /// # Errors
    ///
    /// Those of [`for_app`](Self::for_app).
    pub fn for_app_with(
        client_id: &str,
        app_name: &str,
        environment: &Environment,
        variables: &Variables,
    ) -> Result<Self, ConfigError> {
        let (file, platform) = (TokenFile::Sqlite, Platform::current());
        default_token_path(client_id, app_name, environment, file, variables, platform).map(Self::new)
    }

    database_options!(database);
}

impl TokenStorage for SqliteTokenStorage {
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send {
        let (database, namespace) = (self.database.clone(), namespace.clone());
        run_blocking(move || {
            let mut loaded =
                database.read(|transaction| rows::load_all(transaction, &namespace))?.unwrap_or_default();
            loaded.damaged =
                loaded.damaged.into_iter().map(|error| error.with_path(database.path())).collect();
            Ok(loaded)
        })
    }

    fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        let (database, namespace, resource_server) =
            (self.database.clone(), namespace.clone(), resource_server.clone());
        run_blocking(move || {
            let found = database.read(|transaction| rows::load(transaction, &namespace, &resource_server))?;
            Ok(found.flatten())
        })
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (database, namespace) = (self.database.clone(), namespace.clone());
        run_blocking(move || {
            database.write(|transaction| rows::store(transaction, &namespace, tokens, kind, database.form()))
        })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (database, namespace, resource_server) =
            (self.database.clone(), namespace.clone(), resource_server.clone());
        run_blocking(move || {
            // Looked at first, so that nothing is made or written where nothing is to be removed.
            match database.read(|transaction| rows::exists(transaction, &namespace, &resource_server))? {
                Some(true) => {
                    let wait = database.options().lock_wait();
                    let removed = database.change(wait, |transaction| {
                        rows::remove(transaction, &namespace, &resource_server)
                    })?;
                    Ok(removed.unwrap_or_default())
                }
                _ => Ok(false),
            }
        })
    }

    fn list(&self) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send {
        let database = self.database.clone();
        run_blocking(move || {
            let query = "SELECT DISTINCT namespace FROM token_storage ORDER BY namespace";
            Ok(database.read(|transaction| rows::namespaces(transaction, query))?.unwrap_or_default())
        })
    }

    fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send {
        let (database, namespace, resource_server) =
            (self.database.clone(), namespace.clone(), resource_server.clone());
        let wanted = Arc::new(());
        let still_wanted = Arc::downgrade(&wanted);
        let taken =
            run_blocking(move || lease::acquire(&database, namespace, resource_server, &still_wanted));
        async move {
            let taken = taken.await;
            // Goes with this future at the latest, so that nobody waits for a lease that nobody wants.
            drop(wanted);
            taken
        }
    }

    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared();
        match self.database.options().durability {
            Durability::Full => capabilities.with_durable(),
            _ => capabilities,
        }
    }
}

impl From<SqliteTokenStorage> for OnRefresh {
    fn from(storage: SqliteTokenStorage) -> Self {
        Storage::from(storage).into()
    }
}
