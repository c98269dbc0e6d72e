//! The JSON file of format 2.0: all tokens by namespace and resource server.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{self, Document};
use super::file::{BEFORE_UPGRADE, Change, FileEncoding, Old, TokenFile};
use super::lookup::{self, Lookup};
use super::options::{file_options, last_good_option};
use super::recovery::recovery;
use super::{
    Capabilities, Holdings, LegacyJsonTokenStorage, Loaded, Namespace, RefreshLease, StorageError,
    StorageErrorKind, StoreKind, TokenStorage, VERSION, VERSION_KEY,
};
use zeroize::Zeroizing;

use crate::blocking_job::run_blocking;
use crate::config::paths::{self, Platform};
use crate::config::{ConfigError, Environment, Variables};
use crate::token::json::{Json, Object};
use crate::token::{ResourceServer, TokenData};

/// Keeps tokens in a JSON file, readable by its owner alone, shared with the Python SDK (`JSONTokenStorage`).
///
/// Directories are made as needed. What this version does not know in the file stays as it is. A damaged
/// record does not hide the good ones.
///
/// Files of the older format 1.0 are read as the namespace `DEFAULT`. Storing into one would make it
/// unreadable for the programs that wrote it; so that needs [`upgrade`](Self::upgrade), which keeps the old
/// content in `<name>.v1.bak`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tokens.json");
/// use globus_core::storage::{JsonTokenStorage, Storage};
/// use globus_core::token::{Grant, TokenResponse};
///
/// let storage = Storage::from(JsonTokenStorage::new(path));
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
#[doc(alias = "JSONTokenStorage")]
#[derive(Clone, Debug)]
pub struct JsonTokenStorage {
    file: TokenFile,
    upgrade: bool,
}

impl JsonTokenStorage {
    /// The storage in which an app keeps its tokens by default, in the user's home:
    /// `~/.globus/app/<client id>/<app name>/tokens.json`, which is where the Python SDK keeps them. See
    /// [`default_token_path`](crate::config::paths::default_token_path) for other systems and environments.
    ///
    /// The directory is closed to other users with the next write, whoever made it.
    ///
    /// ```no_run
    /// use globus_core::config::Environment;
    /// use globus_core::storage::JsonTokenStorage;
    ///
    /// let client_id = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";
    /// let storage = JsonTokenStorage::for_app(client_id, "My App", &Environment::production())?;
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
        let kind = paths::TokenFile::Json;
        let platform = Platform::current();
        let path = paths::default_token_path(client_id, app_name, environment, kind, variables, platform)?;
        let mut storage = Self::new(path);
        storage.file.own_directory = true;
        Ok(storage)
    }

    /// A storage in this file, which is made by the first store, with its directories.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let mut file = TokenFile::new(path);
        file.create_directories = true;
        Self { file, upgrade: false }
    }

    /// Allows to turn a file of format 1.0 into one of format 2.0 when something is stored in it. The old
    /// content is kept in `<name>.v1.bak`.
    #[must_use]
    pub fn upgrade(mut self, allow: bool) -> Self {
        self.upgrade = allow;
        self
    }

    /// Keeps the same document in another form of bytes: for authors of storages, such as one that encrypts its
    /// file. Everything else is the same.
    #[must_use]
    pub fn with_encoding(mut self, encoding: impl FileEncoding) -> Self {
        self.file.encoding = Some(Arc::new(encoding));
        self
    }

    file_options!();
    last_good_option!();
    recovery!();

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The root in format 2.0, and whether it had to be upgraded for that.
    pub(super) fn parse(content: &[u8]) -> Result<(Object, bool), StorageError> {
        match document::parse(content)? {
            Document::Version1(root) => Ok((document::upgraded(root)?, true)),
            Document::Version2(root) => {
                document::require_object(&root, "data")?;
                document::require_text(&root, VERSION_KEY)?;
                Ok((root, false))
            }
        }
    }

    /// What a file holds, every namespace of which must be one.
    pub(super) fn holdings(content: &[u8]) -> Result<Holdings, StorageError> {
        let (root, _) = Self::parse(content)?;
        let data = document::require_object(&root, "data")?;
        let namespaces = data
            .iter()
            .map(|(name, _)| Ok((name.into(), document::servers(document::require_object(data, name)?))));
        namespaces.collect()
    }

    fn explained(&self, error: StorageError) -> StorageError {
        self.file.explained(error, &Self::holdings)
    }

    fn namespaces(&self) -> Result<Object, StorageError> {
        let Some(content) = self.file.read()? else { return Ok(Object::default()) };
        Self::parse(&content)
            .and_then(|(root, _)| document::require_object(&root, "data").cloned())
            .map_err(|error| self.explained(error))
    }

    fn load(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let namespaces = self.namespaces()?;
        if namespaces.get(namespace.as_str()).is_none() {
            return Ok(Loaded::default());
        }
        document::require_object(&namespaces, namespace.as_str())
            .map(|records| document::load(records, Some(namespace)).with_path(self.file.path()))
            .map_err(|error| self.explained(error))
    }

    fn load_one(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let Some(content) = self.file.read()? else { return Ok(None) };
        match lookup::record(&content, namespace.as_str(), resource_server.as_str()) {
            Lookup::Absent => Ok(None),
            Lookup::Found(found) => {
                TokenData::from_record(found.record().as_bytes()).map(Some).map_err(|error| {
                    StorageError::invalid_record(Some(namespace), Some(resource_server), error)
                        .with_path(self.file.path())
                })
            }
            Lookup::Odd => self.load(namespace)?.into_token(resource_server),
        }
    }

    fn write(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        let write = |old: Option<&[u8]>| {
            if let (Some(content), [token]) = (old, tokens.as_slice())
                && let Some(new) = in_place(content, namespace, token, kind)?
            {
                return Ok((Change::Replace(new, Old::Good), ()));
            }
            let (mut root, is_upgrade) = match old {
                Some(content) => Self::parse(content)?,
                None => (document::skeleton("data", document::VERSION_2), false),
            };
            let data = document::object_mut(&mut root, "data")?;
            let is_whole = data.iter().all(|(_, records)| records.as_object().is_some());
            if data.get(namespace.as_str()).is_none() {
                data.set(namespace.as_str(), Json::Object(Object::default()));
            }
            let records = document::object_mut(data, namespace.as_str())?;
            for token in tokens {
                document::put(records, token, kind, TokenData::to_record_object)?;
            }
            root.set(VERSION_KEY, Json::text(VERSION));
            let old = match (is_upgrade, is_whole) {
                (true, _) => {
                    self.require_upgrade()?;
                    Old::Backup(BEFORE_UPGRADE)
                }
                (false, true) => Old::Good,
                (false, false) => Old::Partly,
            };
            Ok((Change::Replace(Json::Object(root).to_text(), old), ()))
        };
        self.file.update(write).map_err(|error| self.explained(error))
    }

    fn require_upgrade(&self) -> Result<(), StorageError> {
        if self.upgrade {
            return Ok(());
        }
        Err(StorageError::new(StorageErrorKind::NeedsUpgrade { found: document::VERSION_1 }))
    }

    fn delete(&self, namespace: &Namespace, resource_server: &ResourceServer) -> Result<bool, StorageError> {
        let delete = |content: &[u8]| {
            let (mut root, is_upgrade) = Self::parse(content)?;
            let data = document::object_mut(&mut root, "data")?;
            if data.get(namespace.as_str()).is_none() {
                return Ok(None);
            }
            let records = document::object_mut(data, namespace.as_str())?;
            if records.remove(resource_server.as_str()).is_none() {
                return Ok(None);
            }
            let server = resource_server.clone();
            let old = if is_upgrade {
                self.require_upgrade()?;
                // The backup must not have the token either.
                let backup = LegacyJsonTokenStorage::without(content, resource_server)?;
                backup.map_or(Old::With(server.clone()), |backup| {
                    Old::WithBackup(server, BEFORE_UPGRADE, backup)
                })
            } else {
                Old::With(server)
            };
            Ok(Some(Change::Replace(Json::Object(root).to_text(), old)))
        };
        document::delete(&self.file, resource_server, delete).map_err(|error| self.explained(error))
    }
}

/// The content with one token in the place of its stored one, which is the usual write; `None` where there is none
/// stored, or anything is out of the ordinary.
fn in_place(
    content: &[u8],
    namespace: &Namespace,
    token: &TokenData,
    kind: StoreKind,
) -> Result<Option<Zeroizing<String>>, StorageError> {
    let server = token.resource_server.as_str();
    let Lookup::Found(found) = lookup::record(content, namespace.as_str(), server) else { return Ok(None) };
    let previous = TokenData::from_record(found.record().as_bytes()).ok();
    let merged = kind.merge(previous.as_ref(), token.clone())?;
    Ok(Some(found.replace(&merged.to_record(), &Json::text(VERSION).to_text())))
}

impl TokenStorage for JsonTokenStorage {
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send {
        let (storage, namespace) = (self.clone(), namespace.clone());
        run_blocking(move || storage.load(&namespace))
    }

    fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        let (storage, namespace, resource_server) =
            (self.clone(), namespace.clone(), resource_server.clone());
        run_blocking(move || storage.load_one(&namespace, &resource_server))
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (storage, namespace) = (self.clone(), namespace.clone());
        run_blocking(move || storage.write(&namespace, tokens, kind))
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (storage, namespace, resource_server) =
            (self.clone(), namespace.clone(), resource_server.clone());
        run_blocking(move || storage.delete(&namespace, &resource_server))
    }

    fn list(&self) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send {
        let storage = self.clone();
        run_blocking(move || {
            let namespaces = storage.namespaces()?;
            let holds_tokens =
                |records: &Json| records.as_object().is_some_and(|records| !records.is_empty());
            let mut names: Vec<Namespace> = namespaces
                .iter()
                .filter(|(_, records)| holds_tokens(records))
                .map(|(name, _)| name.into())
                .collect();
            names.sort();
            Ok(names)
        })
    }

    fn lock_refresh(
        &self,
        _: &Namespace,
        _: &ResourceServer,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send {
        self.file.wait_for_refresh()
    }

    fn capabilities(&self) -> Capabilities {
        document::capabilities(&self.file)
    }
}
