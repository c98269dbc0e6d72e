//! The JSON file of format 1.0: all tokens by resource server, no namespaces.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};

use super::document::{self, Document};
use super::file::{Change, Old, TokenFile};
use super::options::{file_options, last_good_option};
use super::recovery::recovery;
use super::{
    Capabilities, Holdings, Loaded, Namespace, RefreshLease, StorageError, StoreKind, TokenStorage,
    VERSION_KEY,
};
use zeroize::Zeroizing;

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
    last_good_option!();
    recovery!();

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn parse(content: &[u8]) -> Result<Object, StorageError> {
        let Document::Version1(root) = document::parse(content)? else {
            return Err(StorageError::unknown_format_named(document::VERSION_2));
        };
        document::require_object(&root, "by_rs")?;
        document::require_text(&root, VERSION_KEY)?;
        Ok(root)
    }

    /// What a file holds.
    pub(super) fn holdings(content: &[u8]) -> Result<Holdings, StorageError> {
        let root = Self::parse(content)?;
        let servers = document::servers(document::require_object(&root, "by_rs")?);
        Ok(Holdings::from([(Namespace::default(), servers)]))
    }

    fn explained(&self, error: StorageError) -> StorageError {
        self.file.explained(error, &Self::holdings)
    }

    fn load(&self) -> Result<Loaded, StorageError> {
        let Some(content) = self.file.read()? else { return Ok(Loaded::default()) };
        Self::parse(&content)
            .and_then(|root| Ok(document::load(document::require_object(&root, "by_rs")?, None)))
            .map_err(|error| self.explained(error))
            .map(|loaded| loaded.with_path(self.file.path()))
    }

    fn write(&self, tokens: Vec<TokenData>, kind: StoreKind) -> Result<(), StorageError> {
        let write = |old: Option<&[u8]>| {
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
            Ok((Change::Replace(Json::Object(root).to_text(), Old::Good), ()))
        };
        self.file.update(write).map_err(|error| self.explained(error))
    }

    fn delete(&self, resource_server: &ResourceServer) -> Result<bool, StorageError> {
        let delete = |content: &[u8]| {
            Self::parse(content)?;
            let new = Self::without(content, resource_server)?;
            Ok(new.map(|new| Change::Replace(new, Old::With(resource_server.clone()))))
        };
        document::delete(&self.file, resource_server, delete).map_err(|error| self.explained(error))
    }

    /// The content of a file without a token; `None` where it does not have it.
    pub(super) fn without(
        content: &[u8],
        resource_server: &ResourceServer,
    ) -> Result<Option<Zeroizing<String>>, StorageError> {
        let Document::Version1(mut root) = document::parse(content)? else {
            return Err(StorageError::unknown_format_named(document::VERSION_2));
        };
        let removed = document::object_mut(&mut root, "by_rs")?.remove(resource_server.as_str()).is_some();
        Ok(removed.then(|| Json::Object(root).to_text()))
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
        self.file.wait_for_refresh()
    }

    fn capabilities(&self) -> Capabilities {
        document::capabilities(&self.file)
    }
}
