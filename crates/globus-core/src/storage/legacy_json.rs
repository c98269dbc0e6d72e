//! The JSON file of format 1.0: all tokens by resource server, no namespaces.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};

use super::document::{self, Document};
use super::file::{Change, TokenFile};
use super::options::file_options;
use super::{
    Capabilities, Loaded, Namespace, RefreshLease, StorageError, StoreKind, TokenStorage, VERSION_KEY,
};
use crate::blocking_job::run_blocking;
use crate::token::json::{Json, Object};
use crate::token::{ResourceServer, TokenData};

/// Keeps tokens in a JSON file of format 1.0, which the Python SDK calls legacy (`SimpleJSONFileAdapter` of
/// `globus_sdk`).
///
/// For files that older programs must read on; others use [`JsonTokenStorage`](super::JsonTokenStorage). The
/// format has no namespaces, so there is `DEFAULT` only, and it does not keep the identity that logged in.
/// The directory must exist.
#[doc(alias = "SimpleJSONFileAdapter")]
#[derive(Clone, Debug)]
pub struct LegacyJsonTokenStorage {
    file: TokenFile,
}

impl LegacyJsonTokenStorage {
    /// A storage in this file, which is made by the first store.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { file: TokenFile::new(path) }
    }

    file_options!();

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    fn parse(content: &[u8]) -> Result<Object, StorageError> {
        let Document::Version1(root) = document::parse(content)? else {
            return Err(StorageError::unknown_format_named(document::VERSION_2));
        };
        document::require_object(&root, "by_rs")?;
        document::require_text(&root, VERSION_KEY)?;
        Ok(root)
    }

    fn load(&self) -> Result<Loaded, StorageError> {
        let Some(content) = self.file.read()? else { return Ok(Loaded::default()) };
        Self::parse(&content)
            .and_then(|root| Ok(document::load(document::require_object(&root, "by_rs")?, None)))
            .map_err(|error| error.with_path(self.file.path()))
            .map(|loaded| loaded.with_path(self.file.path()))
    }

    fn write(&self, tokens: Vec<TokenData>, kind: StoreKind) -> Result<(), StorageError> {
        self.file.update(|old| {
            let mut root = match old {
                Some(content) => Self::parse(content)?,
                None => document::skeleton("by_rs", document::VERSION_1),
            };
            let records = document::object_mut(&mut root, "by_rs")?;
            for token in tokens {
                // There is no place for it in this format.
                let token = TokenData { identity_id: None, ..token };
                document::put(records, token, kind, TokenData::to_response_object)?;
            }
            Ok((Change::Replace(Json::Object(root).to_text()), ()))
        })
    }

    fn delete(&self, resource_server: &ResourceServer) -> Result<bool, StorageError> {
        let delete = |content: &[u8]| {
            let mut root = Self::parse(content)?;
            let removed =
                document::object_mut(&mut root, "by_rs")?.remove(resource_server.as_str()).is_some();
            Ok(removed.then(|| Change::Replace(Json::Object(root).to_text())))
        };
        document::delete(&self.file, delete)
    }
}

impl TokenStorage for LegacyJsonTokenStorage {
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send {
        let storage = self.clone();
        let is_default = *namespace == Namespace::default();
        run_blocking(move || if is_default { storage.load() } else { Ok(Loaded::new(BTreeMap::new())) })
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let storage = self.clone();
        let is_default = *namespace == Namespace::default();
        run_blocking(move || {
            if !is_default {
                return Err(StorageError::unsupported("namespaces").with_path(storage.file.path()));
            }
            storage.write(tokens, kind)
        })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let storage = self.clone();
        let is_default = *namespace == Namespace::default();
        let resource_server = resource_server.clone();
        run_blocking(move || if is_default { storage.delete(&resource_server) } else { Ok(false) })
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        let loaded = self.load_all(&Namespace::default()).await?;
        let holds_tokens = !loaded.tokens.is_empty() || !loaded.damaged.is_empty();
        Ok(holds_tokens.then(Namespace::default).into_iter().collect())
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
