//! The flat file: one token, as the package globus-sdk-tokenstorage writes it.

use std::path::{Path, PathBuf};

use super::file::{Change, Old, TokenFile};
use super::options::{file_options, last_good_option};
use super::{
    FileAdapter, Holdings, Inspection, Namespace, RefreshLease, StorageAdapter, StorageError,
    StorageErrorKind, StoreKind, VERSION,
};
use crate::scope::Scopes;
use crate::token::json::{Json, Object};
use crate::token::{FLAT_VERSION_KEY, Generation, ResourceServer, TokenData, TokenResponse};

/// Keeps the token of one resource server in a JSON file, readable by its owner alone.
///
/// The file is the one of the Python package globus-sdk-tokenstorage. Which token of a response is kept is
/// said once: by its resource server, or by scopes that it carries. The adapter is a refresh callback as it
/// stands; a refresh whose answer has no refresh token keeps the stored one.
///
/// A file with other content is not overwritten, unless [`overwrite_foreign`](Self::overwrite_foreign) allows
/// it. The directory must exist. To log out, use [`remove`](Self::remove): it takes the copies along that are kept
/// for the case that the file is damaged.
///
/// ```
/// use globus_core::storage::{FileAdapter, SimpleJsonFileAdapter, StorageAdapter};
/// use globus_core::token::{Grant, TokenResponse};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("transfer.json");
/// let adapter = SimpleJsonFileAdapter::for_resource_server(path, "transfer.api.globus.org");
///
/// if !adapter.file_exists() {
///     // After a login:
///     let body = br#"{"access_token": "AgExample", "refresh_token": "AgExampleRefresh", "expires_in": 172800,
///         "scope": "urn:globus:auth:scope:transfer.api.globus.org:all", "token_type": "Bearer",
///         "resource_server": "transfer.api.globus.org", "other_tokens": []}"#;
///     let response = TokenResponse::parse(Grant::AuthorizationCode, body, globus_core::Timestamp::now())?;
///     adapter.store(&response)?;
/// }
///
/// let token = adapter.read()?;
/// assert_eq!(token.access_token.expose(), "AgExample");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "SimpleJSONFileAdapter")]
#[derive(Clone, Debug)]
pub struct SimpleJsonFileAdapter {
    file: TokenFile,
    wanted: Wanted,
    overwrite_foreign: bool,
}

#[derive(Clone, Debug)]
enum Wanted {
    ResourceServer(ResourceServer),
    Scopes(Scopes),
}

impl SimpleJsonFileAdapter {
    /// Keeps the token of this resource server.
    pub fn for_resource_server(path: impl Into<PathBuf>, resource_server: impl Into<ResourceServer>) -> Self {
        Self::new(path.into(), Wanted::ResourceServer(resource_server.into()))
    }

    /// Keeps the token that carries all of these scopes, given as a text with blanks or as a list.
    pub fn for_scopes(path: impl Into<PathBuf>, scopes: impl Into<Scopes>) -> Self {
        Self::new(path.into(), Wanted::Scopes(scopes.into()))
    }

    fn new(path: PathBuf, wanted: Wanted) -> Self {
        Self { file: TokenFile::new(path), wanted, overwrite_foreign: false }
    }

    /// Allows to overwrite a file that is no flat token file, and to [remove](Self::remove) it. What an overwritten one
    /// held is kept as `<name>.damaged-<time>`.
    #[must_use]
    pub fn overwrite_foreign(mut self, allow: bool) -> Self {
        self.overwrite_foreign = allow;
        self
    }

    file_options!();
    last_good_option!();

    /// Looks at the file: whether it can be read, and what there is to go back to. Nothing is changed.
    ///
    /// # Errors
    ///
    /// When the operating system refuses, or the file is another program's or another resource server's.
    pub fn inspect(&self) -> Result<Inspection, StorageError> {
        self.file.inspect(&|content| self.holdings(content))
    }

    /// Puts the last good copy in the place of a damaged file, or of one that is gone, in one step. The damaged
    /// file is kept as `<name>.damaged-<time>`, where the answer says.
    ///
    /// The copy is from before the last write. A resource server that has replaced the refresh token since may ask
    /// for a new login.
    ///
    /// # Errors
    ///
    /// [`NotDamaged`](StorageErrorKind::NotDamaged) when the file can be read,
    /// [`NoLastGoodCopy`](StorageErrorKind::NoLastGoodCopy) when there is nothing to go back to. Nothing is
    /// changed then.
    pub fn restore_last_good(&self) -> Result<Option<PathBuf>, StorageError> {
        self.file.restore_last_good(&|content| self.holdings(content))
    }

    /// Moves a damaged file away, so that there is none, and answers where it is now: `<name>.damaged-<time>`
    /// beside the place. The last good copy stays.
    ///
    /// # Errors
    ///
    /// [`NotDamaged`](StorageErrorKind::NotDamaged) when the file can be read. Nothing is changed then.
    pub fn set_aside(&self) -> Result<PathBuf, StorageError> {
        self.file.set_aside(&|content| self.holdings(content))
    }

    /// Deletes the file and every copy that was kept of it, damaged ones too, and says whether there was a file.
    /// They are unlinked, not wiped from the disk; revoke the tokens first.
    ///
    /// # Errors
    ///
    /// [`ForeignFile`](StorageErrorKind::ForeignFile) when the file is no flat token file, unless it
    /// [may be overwritten](Self::overwrite_foreign); what may be a damaged one can be
    /// [set aside](Self::set_aside) first. When the operating system refuses. The file is then still there.
    pub fn remove(&self) -> Result<bool, StorageError> {
        self.file.delete(|content| self.may_remove(content))
    }

    fn may_remove(&self, content: &[u8]) -> Result<(), StorageError> {
        let is_ours = || Json::parse(content).is_ok_and(|document| document.as_object().is_some_and(is_flat));
        if content.is_empty() || self.overwrite_foreign || is_ours() {
            return Ok(());
        }
        Err(self.foreign(content))
    }

    fn holdings(&self, content: &[u8]) -> Result<Holdings, StorageError> {
        let token = self.parse(content)?;
        Ok(Holdings::from([(Namespace::default(), [token.resource_server].into())]))
    }

    fn explained(&self, error: StorageError) -> StorageError {
        self.file.explained(error, &|content| self.holdings(content))
    }

    fn resource_server(&self) -> Option<&ResourceServer> {
        match &self.wanted {
            Wanted::ResourceServer(name) => Some(name),
            Wanted::Scopes(_) => None,
        }
    }

    fn wanted<'a>(&self, response: &'a TokenResponse) -> Result<&'a TokenData, StorageError> {
        let token = match &self.wanted {
            Wanted::ResourceServer(name) => response.by_resource_server().require(name),
            Wanted::Scopes(scopes) => response.by_scopes().get(scopes),
        };
        token.map_err(|error| StorageError::from(error).with_path(self.file.path()))
    }

    fn parse(&self, content: &[u8]) -> Result<TokenData, StorageError> {
        let document = Json::parse(content)?;
        let object = document.as_object().ok_or_else(|| StorageError::new(StorageErrorKind::NotAnObject))?;
        if object.get("format_version").is_some() {
            return Err(StorageError::unknown_format(object));
        }
        let token =
            TokenData::from_flat(object, self.resource_server()).map_err(StorageError::field_at_fault)?;
        match self.resource_server() {
            Some(expected) if *expected != token.resource_server => {
                Err(StorageError::new(StorageErrorKind::ResourceServerMismatch {
                    expected: expected.clone(),
                    found: token.resource_server,
                }))
            }
            _ => Ok(token),
        }
    }

    fn write(&self, token: &TokenData, kind: StoreKind) -> Result<(), StorageError> {
        let write = |old: Option<&[u8]>| {
            let (previous, fate) = match old {
                Some(content) if !content.is_empty() => self.previous(content)?,
                // Neither worth keeping nor good.
                _ => (None, Old::Partly),
            };
            let previous = previous.filter(|previous| previous.resource_server == token.resource_server);
            // There is no place for the identity in this format.
            let token = TokenData { identity_id: None, ..token.clone() };
            let mut object = kind.merge(previous.as_ref(), token)?.to_response_object();
            object.set(FLAT_VERSION_KEY, Json::text(VERSION));
            Ok((Change::Replace(Json::Object(object).to_text(), fate), ()))
        };
        self.file.update(write).map_err(|error| self.explained(error))
    }

    /// The token in a file that is about to be overwritten, if that may be, and what is to become of the file.
    fn previous(&self, content: &[u8]) -> Result<(Option<TokenData>, Old), StorageError> {
        let document = Json::parse(content).ok();
        let object = document.as_ref().and_then(Json::as_object).filter(|object| is_flat(object));
        match object.map(|object| TokenData::from_flat(object, self.resource_server())) {
            Some(Ok(token)) => Ok((Some(token), Old::Good)),
            // A damaged flat file is ours to replace.
            Some(Err(_)) => Ok((None, Old::Damaged)),
            None if self.overwrite_foreign => Ok((None, Old::Damaged)),
            None => Err(self.foreign(content)),
        }
    }

    /// Refuses to overwrite or delete a file, which may be a damaged one of ours.
    fn foreign(&self, content: &[u8]) -> StorageError {
        let refusal = StorageError::new(StorageErrorKind::ForeignFile);
        match self.parse(content) {
            Err(error) if error.is_damaged() => refusal.with_last_good(self.explained(error).last_good()),
            _ => refusal,
        }
    }
}

/// Whether a document is of this format, be it damaged or not.
pub(super) fn is_flat(object: &Object) -> bool {
    object.get("format_version").is_none()
        && object.get(FLAT_VERSION_KEY).is_some()
        && object.text("access_token").is_some()
}

impl StorageAdapter for SimpleJsonFileAdapter {
    fn store(&self, response: &TokenResponse) -> Result<(), StorageError> {
        self.write(self.wanted(response)?, response.into())
    }

    fn on_refresh_of(&self, response: &TokenResponse, replaced: Generation) -> Result<(), StorageError> {
        self.write(self.wanted(response)?, StoreKind::RefreshOf(replaced))
    }

    fn latest(&self) -> Result<Option<TokenData>, StorageError> {
        self.file
            .read()?
            .map(|content| self.parse(&content).map_err(|error| self.explained(error)))
            .transpose()
    }

    fn lock_refresh(&self) -> Result<Option<RefreshLease>, StorageError> {
        self.lock_refresh_while(&|| true)
    }

    fn lock_refresh_while(&self, is_wanted: &dyn Fn() -> bool) -> Result<Option<RefreshLease>, StorageError> {
        self.file.lock_refresh_while(is_wanted).map(Some)
    }
}

impl FileAdapter for SimpleJsonFileAdapter {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn read(&self) -> Result<TokenData, StorageError> {
        self.latest()?
            .ok_or_else(|| StorageError::new(StorageErrorKind::NotFound).with_path(self.file.path()))
    }
}
