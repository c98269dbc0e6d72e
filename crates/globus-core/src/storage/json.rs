//! The JSON file of format 2.0: all tokens by namespace and resource server.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{self, Document};
use super::file::{Change, FileEncoding, TokenFile};
use super::lookup::{self, Lookup};
use super::options::file_options;
use super::{
    Capabilities, Loaded, Namespace, RefreshLease, StorageError, StorageErrorKind, StoreKind, TokenStorage,
    VERSION, VERSION_KEY,
};
use crate::blocking_job::run_blocking;
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

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The root in format 2.0, and whether it had to be upgraded for that.
    fn parse(content: &[u8]) -> Result<(Object, bool), StorageError> {
        match document::parse(content)? {
            Document::Version1(root) => Ok((document::upgraded(root)?, true)),
            Document::Version2(root) => {
                document::require_object(&root, "data")?;
                document::require_text(&root, VERSION_KEY)?;
                Ok((root, false))
            }
        }
    }

    fn namespaces(&self) -> Result<Object, StorageError> {
        let Some(content) = self.file.read()? else { return Ok(Object::default()) };
        Self::parse(&content)
            .and_then(|(root, _)| document::require_object(&root, "data").cloned())
            .map_err(|error| error.with_path(self.file.path()))
    }

    fn load(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let namespaces = self.namespaces()?;
        if namespaces.get(namespace.as_str()).is_none() {
            return Ok(Loaded::default());
        }
        document::require_object(&namespaces, namespace.as_str())
            .map(|records| document::load(records, Some(namespace)).with_path(self.file.path()))
            .map_err(|error| error.with_path(self.file.path()))
    }

    fn load_one(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let Some(content) = self.file.read()? else { return Ok(None) };
        match lookup::record(&content, namespace.as_str(), resource_server.as_str()) {
            Lookup::Absent => Ok(None),
            Lookup::Found(record) => TokenData::from_json(&record).map(Some).map_err(|error| {
                StorageError::invalid_record(Some(namespace), Some(resource_server), error)
                    .with_path(self.file.path())
            }),
            Lookup::Odd => self.load(namespace)?.into_token(resource_server),
        }
    }

    fn write(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        self.file.update(|old| {
            let (mut root, is_upgrade) = match old {
                Some(content) => Self::parse(content)?,
                None => (document::skeleton("data", document::VERSION_2), false),
            };
            let data = document::object_mut(&mut root, "data")?;
            if data.get(namespace.as_str()).is_none() {
                data.set(namespace.as_str(), Json::Object(Object::default()));
            }
            let records = document::object_mut(data, namespace.as_str())?;
            for token in tokens {
                document::put(records, token, kind, TokenData::to_record_object)?;
            }
            root.set(VERSION_KEY, Json::text(VERSION));
            Ok((self.change(&Json::Object(root), is_upgrade)?, ()))
        })
    }

    fn change(&self, root: &Json, is_upgrade: bool) -> Result<Change, StorageError> {
        match (is_upgrade, self.upgrade) {
            (false, _) => Ok(Change::Replace(root.to_text())),
            (true, true) => Ok(Change::Upgrade { backup: "v1.bak", content: root.to_text() }),
            (true, false) => {
                Err(StorageError::new(StorageErrorKind::NeedsUpgrade { found: document::VERSION_1 }))
            }
        }
    }

    fn delete(&self, namespace: &Namespace, resource_server: &ResourceServer) -> Result<bool, StorageError> {
        document::delete(&self.file, |content| {
            let (mut root, is_upgrade) = Self::parse(content)?;
            let data = document::object_mut(&mut root, "data")?;
            if data.get(namespace.as_str()).is_none() {
                return Ok(None);
            }
            let records = document::object_mut(data, namespace.as_str())?;
            if records.remove(resource_server.as_str()).is_none() {
                return Ok(None);
            }
            self.change(&Json::Object(root), is_upgrade).map(Some)
        })
    }
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
        let file = self.file.clone();
        run_blocking(move || file.lock_refresh())
    }

    fn capabilities(&self) -> Capabilities {
        document::capabilities(&self.file)
    }
}
