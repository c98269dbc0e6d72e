//! The one error of all storages.

mod kind;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use self::kind::StorageErrorKind;
use super::Namespace;
use crate::token::{InvalidRecord, NoSuchToken, ResourceServer};

/// A storage could not do what it was asked for.
///
/// What was stored before is untouched, with one exception: where a file was replaced or deleted and only then the wait
/// for its directory to reach the disk failed, the new content is in place, and might be lost in a power failure. Storing
/// it again is always safe.
///
/// The text says what is wrong, where, and what to do; it never shows a token or quotes a file.
#[derive(Clone, Debug)]
pub struct StorageError(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: StorageErrorKind,
    path: Option<PathBuf>,
    resource_server: Option<ResourceServer>,
    recovery: Option<Recovery>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What there is to go back to where a file is damaged.
#[derive(Clone, Copy, Debug)]
struct Recovery {
    last_good: Option<Timestamp>,
}

impl StorageError {
    /// An error of this kind.
    pub fn new(kind: StorageErrorKind) -> Self {
        Self(Arc::new(Inner { kind, path: None, resource_server: None, recovery: None, source: None }))
    }

    /// The error for what the operating system refused. `action` is a verb, such as `open`.
    pub fn from_io(error: io::Error, action: &'static str) -> Self {
        use io::ErrorKind;
        let kind = match error.kind() {
            ErrorKind::NotFound => StorageErrorKind::NotFound,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StorageErrorKind::Permissions,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                StorageErrorKind::NoSpace
            }
            reason => StorageErrorKind::Io { action, reason },
        };
        Self::new(kind).with_source(error)
    }

    /// A damaged record.
    pub fn invalid_record(
        namespace: Option<&Namespace>,
        resource_server: Option<&ResourceServer>,
        error: InvalidRecord,
    ) -> Self {
        Self::new(StorageErrorKind::InvalidRecord {
            namespace: namespace.cloned(),
            resource_server: resource_server.cloned(),
            field: error.field().map(str::to_owned),
        })
    }

    /// Another process holds the lock.
    pub fn locked(holder: Option<String>, waited: Duration) -> Self {
        Self::new(StorageErrorKind::Locked { holder, waited })
    }

    /// The schema of the database is newer than this version knows.
    pub fn unsupported_schema(found: impl Into<String>) -> Self {
        Self::new(StorageErrorKind::UnsupportedSchema { found: found.into() })
    }

    /// What is there is of no format that is known, and names none.
    pub fn unknown_format_unnamed() -> Self {
        Self::new(StorageErrorKind::UnknownFormat { found: None })
    }

    /// The storage does not offer this.
    pub fn unsupported(what: &'static str) -> Self {
        Self::new(StorageErrorKind::Unsupported { what })
    }

    /// The record, or the whole file with it, is larger than the storage takes. Both in bytes.
    pub fn too_large(size: usize, limit: usize) -> Self {
        Self::new(StorageErrorKind::TooLarge { size, limit })
    }

    /// The sealed record of one token does not open.
    pub fn cannot_unseal_record(namespace: &Namespace, resource_server: &ResourceServer) -> Self {
        let (namespace, resource_server) = (namespace.clone(), resource_server.clone());
        Self::new(StorageErrorKind::CannotUnsealRecord { namespace, resource_server })
    }

    /// The file or its directory belongs to the user with this number.
    pub fn foreign_owner(owner: u32) -> Self {
        Self::new(StorageErrorKind::ForeignOwner { owner })
    }

    /// Everybody may write to the directory, which has this mode.
    pub fn unsafe_directory(mode: u32) -> Self {
        Self::new(StorageErrorKind::UnsafeDirectory { mode })
    }

    /// There is no usable token for a resource server.
    pub fn missing_token(resource_server: impl Into<ResourceServer>) -> Self {
        Self::new(StorageErrorKind::MissingToken { resource_server: resource_server.into() })
    }

    /// The time of a resource server's token is over.
    pub fn expired_token(resource_server: impl Into<ResourceServer>, expired_at: Timestamp) -> Self {
        Self::new(StorageErrorKind::ExpiredToken { resource_server: resource_server.into(), expired_at })
    }

    /// A token does not cover what is needed; `missing` says what, in words.
    pub fn unmet_scope_requirements(
        resource_server: impl Into<ResourceServer>,
        missing: impl Into<String>,
    ) -> Self {
        Self::new(StorageErrorKind::UnmetScopeRequirements {
            resource_server: resource_server.into(),
            missing: missing.into(),
        })
    }

    /// The tokens are another person's than the stored ones.
    pub fn identity_mismatch(stored: impl Into<String>, new: impl Into<String>) -> Self {
        Self::new(StorageErrorKind::IdentityMismatch { stored: stored.into(), new: new.into() })
    }

    /// A validator of the program's own refuses the tokens. `reason` says why and what to do, without showing a
    /// token.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::new(StorageErrorKind::Refused { reason: reason.into() })
    }

    /// Says where it happened.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        Arc::make_mut(&mut self.0).path = Some(path.into());
        self
    }

    /// Says whose token it is about, unless it says so already. For validators that look at several tokens at once; a
    /// [validating storage](super::ValidatingTokenStorage) does it for those that look at one.
    #[must_use]
    pub fn with_resource_server(mut self, resource_server: impl Into<ResourceServer>) -> Self {
        if self.resource_server().is_none() {
            Arc::make_mut(&mut self.0).resource_server = Some(resource_server.into());
        }
        self
    }

    /// Says when the last good copy of the damaged file was written, or that there is none.
    #[must_use]
    pub(super) fn with_last_good(mut self, last_good: Option<Timestamp>) -> Self {
        Arc::make_mut(&mut self.0).recovery = Some(Recovery { last_good });
        self
    }

    /// Keeps the error that caused this one. Its text must show no token.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &StorageErrorKind {
        &self.0.kind
    }

    /// The file that it is about, where it is about one.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The resource server whose record is damaged, missing, expired or refused, where it is about one.
    pub fn resource_server(&self) -> Option<&ResourceServer> {
        match self.kind() {
            StorageErrorKind::InvalidRecord { resource_server, .. } => resource_server.as_ref(),
            StorageErrorKind::CannotUnsealRecord { resource_server, .. }
            | StorageErrorKind::MissingToken { resource_server }
            | StorageErrorKind::ExpiredToken { resource_server, .. }
            | StorageErrorKind::UnmetScopeRequirements { resource_server, .. } => Some(resource_server),
            _ => self.0.resource_server.as_ref(),
        }
    }

    /// Whether a file as a whole cannot be read as one of tokens: it is no JSON, or of no format that is known, or
    /// something that its format requires is missing. The file is untouched. Storages in files have methods to go
    /// on: `inspect`, `restore_last_good` and `set_aside`.
    pub fn is_damaged(&self) -> bool {
        match self.kind() {
            StorageErrorKind::NotJson { .. }
            | StorageErrorKind::NotAnObject
            | StorageErrorKind::MissingField { .. }
            | StorageErrorKind::InvalidField { .. } => true,
            // A file of another storage is as it should be.
            StorageErrorKind::UnknownFormat { found } => !matches!(found.as_deref(), Some("1.0" | "2.0")),
            _ => false,
        }
    }

    /// When the last good copy of a damaged file was written, where there is one to go back to.
    pub fn last_good(&self) -> Option<Timestamp> {
        self.0.recovery?.last_good
    }

    /// Whether another process holds the lock, or may have got it in the middle of a write. Trying again later may
    /// help.
    pub fn is_locked(&self) -> bool {
        matches!(self.kind(), StorageErrorKind::Locked { .. } | StorageErrorKind::LockLost)
    }

    /// Whether a [validating storage](super::ValidatingTokenStorage) refuses the tokens or misses one. Logging in
    /// again helps, where it is the right person's login.
    pub fn is_validation(&self) -> bool {
        use StorageErrorKind as Kind;
        matches!(
            self.kind(),
            Kind::MissingToken { .. }
                | Kind::ExpiredToken { .. }
                | Kind::UnmetScopeRequirements { .. }
                | Kind::MissingIdentity
                | Kind::IdentityMismatch { .. }
                | Kind::SeveralIdentities
                | Kind::Refused { .. }
        )
    }

    /// Whether somebody else has changed the record meanwhile. Reading it again helps.
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind(), StorageErrorKind::Conflict)
    }

    /// Whether there is nothing stored yet.
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), StorageErrorKind::NotFound)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token storage")?;
        if let Some(path) = &self.0.path {
            write!(f, " {}", path.display())?;
        }
        if let Some(resource_server) = &self.0.resource_server {
            write!(f, ", token for {resource_server:?}")?;
        }
        let Some(Recovery { last_good }) = self.0.recovery else { return write!(f, ": {}", self.0.kind) };
        match self.0.kind.damage() {
            Some(problem) => write!(f, ": {problem}; the file is left as it is: ")?,
            None => write!(f, ": {}; if it is a damaged file of tokens: ", self.0.kind)?,
        }
        if let Some(written_at) = last_good {
            write!(f, "go back to the last good copy, of {written_at:.0} (`restore_last_good`), or ")?;
        }
        f.write_str("set it aside and log in again (`set_aside`)")
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<NoSuchToken> for StorageError {
    fn from(error: NoSuchToken) -> Self {
        Self::new(StorageErrorKind::NoSuchToken).with_source(error)
    }
}

impl From<InvalidRecord> for StorageError {
    fn from(error: InvalidRecord) -> Self {
        Self::invalid_record(None, None, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_where_and_what_to_do() {
        let error =
            StorageError::from_io(io::ErrorKind::StorageFull.into(), "write").with_path("/x/tokens.json");
        let text = error.to_string();
        assert!(text.starts_with("token storage /x/tokens.json: there is no space left"), "{text}");
        assert!(error.source().is_some());
    }

    #[test]
    fn control_characters_of_a_file_are_not_shown_raw() {
        let error = StorageError::invalid_record(
            None,
            Some(&"evil\u{1b}[2J".into()),
            crate::token::TokenData::from_record(b"1").unwrap_err(),
        );
        assert!(!error.to_string().contains('\u{1b}'));
        // A namespace in a file that is no object.
        let field = || "evil\u{1b}[2J".to_owned();
        for kind in [
            StorageErrorKind::MissingField { field: field() },
            StorageErrorKind::InvalidField { field: field() },
            StorageErrorKind::InvalidRecord { namespace: None, resource_server: None, field: Some(field()) },
        ] {
            let text = StorageError::new(kind).to_string();
            assert!(text.contains("evil") && !text.contains('\u{1b}'), "{text}");
        }
    }
}
