//! Databases that programs of the older schema go on using, and the configurations in them.

use std::path::PathBuf;

use globus_core::blocking_job::run_blocking;
use globus_core::storage::{Capabilities, Loaded, RefreshLease, Storage, StoreKind, TokenStorage};
use globus_core::{Namespace, OnRefresh, ResourceServer, StorageError, TokenData};
use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};

use crate::database::Database;
use crate::options::database_options;
use crate::schema::{self, Form};
use crate::{SqliteTokenStorage, rows};

/// Keeps tokens in an SQLite database that older programs go on using: those with the `SQLiteAdapter` of
/// `globus-sdk-tokenstorage` or of the Python SDK, and the Python CLI.
///
/// Records always have the six members that those programs look for, and a seventh, which they leave alone, where
/// the identity is known. Such a database also keeps configurations: JSON objects by name, in each namespace.
///
/// The directory must exist. Everything else is as with [`SqliteTokenStorage`].
///
/// The Python CLI keeps `~/.globus/cli/storage.db`. Its tokens are in the namespace
/// `userprofile/production` (with a profile, `userprofile/production/NAME`; for a client login,
/// `clientprofile/production/CLIENT_ID`). Its configuration `auth_client_data` is the client that its refresh tokens
/// belong to. Both programs then share refresh tokens, and a logout in one is a logout in the other.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("storage.db");
/// use globus_core::Namespace;
/// use globus_core::storage::Storage;
/// use globus_storage_sqlite::LegacySqliteTokenStorage;
///
/// let database = LegacySqliteTokenStorage::new(path);
/// let namespace = Namespace::from("userprofile/production");
/// let client = database.read_config(&namespace, "auth_client_data").await?;
/// assert!(client.is_none(), "nobody has logged in with the CLI");
///
/// let storage = Storage::from(database).with_namespace(namespace);
/// assert!(storage.get("transfer.api.globus.org").await?.is_none());
/// # Ok(()) }
/// ```
#[doc(alias = "SQLiteAdapter")]
#[derive(Clone, Debug)]
pub struct LegacySqliteTokenStorage {
    tokens: SqliteTokenStorage,
}

impl LegacySqliteTokenStorage {
    /// A storage in this database. Nothing is opened or made yet. `:memory:` is refused on use.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { tokens: SqliteTokenStorage { database: Database::new(path, Form::Legacy) } }
    }

    database_options!(tokens.database);

    /// Stores a configuration in place of the one of this name.
    ///
    /// The write is decided by the call: it is done, or not done at all, even if the future is dropped.
    ///
    /// # Errors
    ///
    /// When it could not be stored. The old one is then still there.
    pub fn store_config(
        &self,
        namespace: &Namespace,
        name: &str,
        config: &Map<String, Value>,
    ) -> impl Future<Output = Result<(), StorageError>> + Send + use<> {
        let (database, namespace, name) = (self.tokens.database.clone(), namespace.clone(), name.to_owned());
        // Texts and values only, which can be written.
        let text = serde_json::to_string(config).unwrap_or_default();
        run_blocking(move || {
            database.write(|transaction| {
                transaction.execute(
                    "REPLACE INTO config_storage (namespace, config_name, config_data_json) VALUES (?1, ?2, ?3)",
                    params![namespace.as_str(), name, text],
                )?;
                Ok(())
            })
        })
    }

    /// The configuration of this name.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, and when what it has is no JSON object
    /// ([`InvalidRecord`](globus_core::storage::StorageErrorKind::InvalidRecord)).
    pub fn read_config(
        &self,
        namespace: &Namespace,
        name: &str,
    ) -> impl Future<Output = Result<Option<Map<String, Value>>, StorageError>> + Send + use<> {
        let (database, namespace, name) = (self.tokens.database.clone(), namespace.clone(), name.to_owned());
        run_blocking(move || {
            let found = database.read(|transaction| {
                if !schema::check(transaction)?.config {
                    return Ok(None);
                }
                let text = transaction
                    .query_row(
                        "SELECT config_data_json FROM config_storage WHERE namespace = ?1 AND config_name = ?2",
                        [namespace.as_str(), &name],
                        |row| Ok(serde_json::from_slice(rows::bytes(row.get_ref(0)?)).ok()),
                    )
                    .optional()?;
                match text {
                    None => Ok(None),
                    Some(Some(Value::Object(config))) => Ok(Some(config)),
                    Some(_) => Err(no_object(&namespace).into()),
                }
            })?;
            Ok(found.flatten())
        })
    }

    /// Removes the configuration of this name and says whether there was one.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    pub fn remove_config(
        &self,
        namespace: &Namespace,
        name: &str,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send + use<> {
        let (database, namespace, name) = (self.tokens.database.clone(), namespace.clone(), name.to_owned());
        run_blocking(move || {
            if !database.read(|transaction| Ok(schema::check(transaction)?.config))?.unwrap_or_default() {
                return Ok(false);
            }
            let removed = database.change(database.options().lock_wait(), |transaction| {
                if !schema::check(transaction)?.config {
                    return Ok(false);
                }
                let query = "DELETE FROM config_storage WHERE namespace = ?1 AND config_name = ?2";
                Ok(transaction.execute(query, [namespace.as_str(), &name])? > 0)
            })?;
            Ok(removed.unwrap_or_default())
        })
    }

    /// The namespaces that hold tokens and, where asked for, those that hold only configurations, in order.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn iter_namespaces(
        &self,
        include_config_namespaces: bool,
    ) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send + use<> {
        let database = self.tokens.database.clone();
        run_blocking(move || {
            let names = database.read(|transaction| {
                let query = if include_config_namespaces && schema::check(transaction)?.config {
                    "SELECT namespace FROM token_storage UNION SELECT namespace FROM config_storage ORDER BY 1"
                } else {
                    "SELECT DISTINCT namespace FROM token_storage ORDER BY namespace"
                };
                rows::namespaces(transaction, query)
            })?;
            Ok(names.unwrap_or_default())
        })
    }
}

/// A configuration has no member of its own to name.
fn no_object(namespace: &Namespace) -> StorageError {
    match TokenData::from_record(b"") {
        Err(error) => StorageError::invalid_record(Some(namespace), None, error),
        Ok(_) => unreachable!("an empty text is no record"),
    }
}

impl TokenStorage for LegacySqliteTokenStorage {
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send {
        self.tokens.load_all(namespace)
    }

    fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        self.tokens.load_fresh(namespace, resource_server)
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        self.tokens.store(namespace, tokens, kind)
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        self.tokens.remove(namespace, resource_server)
    }

    fn list(&self) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send {
        self.tokens.list()
    }

    fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send {
        self.tokens.lock_refresh(namespace, resource_server)
    }

    fn capabilities(&self) -> Capabilities {
        self.tokens.capabilities()
    }
}

impl From<LegacySqliteTokenStorage> for OnRefresh {
    fn from(storage: LegacySqliteTokenStorage) -> Self {
        Storage::from(storage).into()
    }
}
