//! The small interface: one token, blocking.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use super::{RefreshLease, StorageError};
use crate::token::{Generation, TokenData, TokenResponse};

/// Keeps one token, and is a refresh callback as it stands.
///
/// Only [`store`](Self::store) must be written. By default [`on_refresh`](Self::on_refresh) stores. The other
/// methods let several processes share a refresh token; without them each process refreshes for itself.
///
/// The methods block; they are called where blocking is allowed.
///
/// # A complete adapter
///
/// ```
/// use std::sync::Mutex;
///
/// use globus_core::storage::{StorageAdapter, StorageError};
/// use globus_core::token::{Grant, TokenData, TokenResponse};
///
/// /// Keeps the token of one resource server in memory.
/// #[derive(Debug)]
/// struct InMemory {
///     resource_server: String,
///     token: Mutex<Option<TokenData>>,
/// }
///
/// impl StorageAdapter for InMemory {
///     fn store(&self, response: &TokenResponse) -> Result<(), StorageError> {
///         let token = response.by_resource_server().require(self.resource_server.as_str())?;
///         *self.token.lock().unwrap() = Some(token.clone());
///         Ok(())
///     }
///
///     fn latest(&self) -> Result<Option<TokenData>, StorageError> {
///         Ok(self.token.lock().unwrap().clone())
///     }
/// }
///
/// let adapter = InMemory { resource_server: "auth.globus.org".into(), token: Mutex::new(None) };
/// let body = br#"{"access_token": "AgExample", "scope": "openid", "resource_server": "auth.globus.org",
///     "expires_in": 172800}"#;
/// let response = TokenResponse::parse(Grant::RefreshToken, body, globus_core::Timestamp::now())?;
///
/// adapter.on_refresh(&response)?;
/// assert_eq!(adapter.latest()?.unwrap().access_token.expose(), "AgExample");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "AbstractStorageAdapter")]
pub trait StorageAdapter: Debug + Send + Sync + 'static {
    /// Stores the adapter's token out of a token response.
    ///
    /// # Errors
    ///
    /// [`NoSuchToken`](super::StorageErrorKind::NoSuchToken) when the response has no such token, and
    /// whatever keeps the adapter from storing.
    fn store(&self, response: &TokenResponse) -> Result<(), StorageError>;

    /// Called with the answer to every refresh; stores it.
    ///
    /// # Errors
    ///
    /// Those of [`store`](Self::store).
    fn on_refresh(&self, response: &TokenResponse) -> Result<(), StorageError> {
        self.store(response)
    }

    /// Called in place of [`on_refresh`](Self::on_refresh) where the refreshed record was read from the adapter
    /// before: the answer is stored only if that record, known by its generation, is still there. By default it
    /// is not compared.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::StorageErrorKind::Conflict) when another record is stored by now, or none; otherwise
    /// those of [`store`](Self::store).
    fn on_refresh_of(&self, response: &TokenResponse, replaced: Generation) -> Result<(), StorageError> {
        let _ = replaced;
        self.on_refresh(response)
    }

    /// The stored token as it is now, read past every cache; `None` when there is none, or when the adapter
    /// cannot read.
    ///
    /// # Errors
    ///
    /// Whatever keeps the adapter from reading what it has.
    fn latest(&self) -> Result<Option<TokenData>, StorageError> {
        Ok(None)
    }

    /// Takes the right to refresh; waits for another holder, but not forever. `None` when the adapter cannot
    /// coordinate processes.
    ///
    /// # Errors
    ///
    /// [`Locked`](super::StorageErrorKind::Locked) when another holder does not let go in time.
    fn lock_refresh(&self) -> Result<Option<RefreshLease>, StorageError> {
        Ok(None)
    }

    /// The same, for whoever may stop waiting: `is_wanted` says whether it still does. The refresh engine calls this
    /// one. By default [`lock_refresh`](Self::lock_refresh) is called and waits for as long as it does; an adapter
    /// that waits should ask now and then, and give up with [`Locked`](super::StorageErrorKind::Locked) when nobody
    /// wants the lease any more.
    ///
    /// # Errors
    ///
    /// Those of [`lock_refresh`](Self::lock_refresh).
    fn lock_refresh_while(&self, is_wanted: &dyn Fn() -> bool) -> Result<Option<RefreshLease>, StorageError> {
        let _ = is_wanted;
        self.lock_refresh()
    }
}

impl<T: StorageAdapter + ?Sized> StorageAdapter for Arc<T> {
    fn store(&self, response: &TokenResponse) -> Result<(), StorageError> {
        (**self).store(response)
    }

    fn on_refresh(&self, response: &TokenResponse) -> Result<(), StorageError> {
        (**self).on_refresh(response)
    }

    fn on_refresh_of(&self, response: &TokenResponse, replaced: Generation) -> Result<(), StorageError> {
        (**self).on_refresh_of(response, replaced)
    }

    fn latest(&self) -> Result<Option<TokenData>, StorageError> {
        (**self).latest()
    }

    fn lock_refresh(&self) -> Result<Option<RefreshLease>, StorageError> {
        (**self).lock_refresh()
    }

    fn lock_refresh_while(&self, is_wanted: &dyn Fn() -> bool) -> Result<Option<RefreshLease>, StorageError> {
        (**self).lock_refresh_while(is_wanted)
    }
}

/// An adapter over one file of one user.
///
/// # A complete adapter
///
/// ```
/// use std::path::{Path, PathBuf};
///
/// use globus_core::storage::{FileAdapter, StorageAdapter, StorageError, StorageErrorKind};
/// use globus_core::token::{Grant, TokenData, TokenResponse};
///
/// /// Keeps the first token of a response in a file of its own form.
/// #[derive(Debug)]
/// struct OneRecordFile(PathBuf);
///
/// impl StorageAdapter for OneRecordFile {
///     fn store(&self, response: &TokenResponse) -> Result<(), StorageError> {
///         if let Some(token) = response.by_resource_server().iter().next() {
///             std::fs::write(&self.0, token.to_record().as_bytes())
///                 .map_err(|error| StorageError::from_io(error, "write").with_path(&self.0))?;
///         }
///         Ok(())
///     }
/// }
///
/// impl FileAdapter for OneRecordFile {
///     fn path(&self) -> &Path {
///         &self.0
///     }
///
///     fn read(&self) -> Result<TokenData, StorageError> {
///         let text = std::fs::read(&self.0)
///             .map_err(|error| StorageError::from_io(error, "read").with_path(&self.0))?;
///         TokenData::from_record(&text).map_err(|error| StorageError::from(error).with_path(&self.0))
///     }
/// }
///
/// let directory = tempfile::tempdir()?;
/// let adapter = OneRecordFile(directory.path().join("token.json"));
/// assert!(!adapter.file_exists());
/// assert!(matches!(adapter.read().unwrap_err().kind(), StorageErrorKind::NotFound));
///
/// let body = br#"{"access_token": "AgExample", "scope": "openid", "resource_server": "auth.globus.org"}"#;
/// adapter.store(&TokenResponse::parse(Grant::AuthorizationCode, body, globus_core::Timestamp::now())?)?;
/// assert!(adapter.file_exists());
/// assert_eq!(adapter.read()?.scope, "openid");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "AbstractFileAdapter")]
pub trait FileAdapter: StorageAdapter {
    /// Where the file is.
    fn path(&self) -> &Path;

    /// Whether the file is there. What kind of file it is does not matter.
    fn file_exists(&self) -> bool {
        self.path().exists()
    }

    /// Reads the token from the file.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::StorageErrorKind::NotFound) when there is no file, and another kind when what is
    /// there cannot be read as a token.
    #[doc(alias = "read_as_dict")]
    fn read(&self) -> Result<TokenData, StorageError>;
}
