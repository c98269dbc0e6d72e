//! The one error of all storages.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Namespace;
use crate::token::{InvalidRecord, NoSuchToken, ResourceServer};

/// A storage could not do what it was asked for. What was stored before is untouched.
///
/// The text says what is wrong, where, and what to do; it never shows a token or quotes a file.
#[derive(Debug)]
pub struct StorageError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: StorageErrorKind,
    path: Option<PathBuf>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// There is no such file, or its directory does not exist. Log in first, or create the directory.
    NotFound,
    /// The operating system refused for another reason.
    #[non_exhaustive]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it was refused.
        reason: io::ErrorKind,
    },
    /// The content is not JSON.
    #[non_exhaustive]
    NotJson {
        /// The line at which it stops being JSON, from 1.
        line: usize,
        /// The column there.
        column: usize,
    },
    /// The content is JSON, but no object.
    NotAnObject,
    /// The content is of a format that this storage does not read.
    #[non_exhaustive]
    UnknownFormat {
        /// The format that the content names, where it names one.
        found: Option<String>,
    },
    /// A member that the format requires is missing.
    #[non_exhaustive]
    MissingField {
        /// The member.
        field: String,
    },
    /// A member is of the wrong type.
    #[non_exhaustive]
    InvalidField {
        /// The member.
        field: String,
    },
    /// The record of one token is damaged.
    #[non_exhaustive]
    InvalidRecord {
        /// The namespace of the record, where the storage has namespaces.
        namespace: Option<Namespace>,
        /// The name that the record is stored by, where it is known.
        resource_server: Option<ResourceServer>,
        /// The member at fault; `None` where the record as a whole is no JSON object.
        field: Option<String>,
    },
    /// The file holds something else, which would be lost.
    ForeignFile,
    /// The file holds the token of another resource server.
    #[non_exhaustive]
    ResourceServerMismatch {
        /// The one that was asked for.
        expected: ResourceServer,
        /// The one that is there.
        found: ResourceServer,
    },
    /// The file is of an older format, which storing would replace for good.
    #[non_exhaustive]
    NeedsUpgrade {
        /// The format of the file.
        found: &'static str,
    },
    /// Another process holds the lock and did not let go in time.
    #[non_exhaustive]
    Locked {
        /// Who holds it, where that is known.
        holder: Option<String>,
        /// How long was waited.
        waited: Duration,
    },
    /// The operating system denies access, or the file belongs to somebody else.
    Permissions,
    /// The path is a symbolic link.
    Symlink,
    /// The token response has no such token.
    NoSuchToken,
    /// The disk or a quota is full.
    NoSpace,
    /// The storage does not offer this.
    #[non_exhaustive]
    Unsupported {
        /// What it does not offer.
        what: &'static str,
    },
    /// The schema of the database is newer than this version knows.
    #[non_exhaustive]
    UnsupportedSchema {
        /// The version of the schema.
        found: String,
    },
    /// The database refused.
    Database,
    /// The service that keeps the tokens cannot be reached or is locked.
    Unavailable,
}

impl StorageError {
    /// An error of this kind.
    pub fn new(kind: StorageErrorKind) -> Self {
        Self(Box::new(Inner { kind, path: None, source: None }))
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

    /// The storage does not offer this.
    pub fn unsupported(what: &'static str) -> Self {
        Self::new(StorageErrorKind::Unsupported { what })
    }

    /// Says where it happened.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// Keeps the error that caused this one. Its text must show no token.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
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

    /// The record that is damaged, where it is about one.
    pub fn resource_server(&self) -> Option<&ResourceServer> {
        match self.kind() {
            StorageErrorKind::InvalidRecord { resource_server, .. } => resource_server.as_ref(),
            _ => None,
        }
    }

    /// Whether another process holds the lock. Trying again later may help.
    pub fn is_locked(&self) -> bool {
        matches!(self.kind(), StorageErrorKind::Locked { .. })
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
        write!(f, ": {}", self.0.kind)
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl fmt::Display for StorageErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const RESTORE: &str = "move it away and log in again, or restore a backup";
        match self {
            Self::NotFound => {
                f.write_str("there is no such file or directory; log in first, or make the directory")
            }
            Self::Io { action, reason } => {
                write!(f, "cannot {action} it ({reason}); see to the path and try again")
            }
            Self::NotJson { line, column } => {
                write!(f, "the content is not JSON (line {line}, column {column}); {RESTORE}")
            }
            Self::NotAnObject => write!(f, "the content is JSON but no object; {RESTORE}"),
            Self::UnknownFormat { found: Some(found) } => write!(
                f,
                "the content is of format {found:?}, which is not known here; use another path, or the \
                 program that wrote it"
            ),
            Self::UnknownFormat { found: None } => {
                f.write_str("the content names no format that is known here; use another path")
            }
            Self::MissingField { field } => write!(f, "the member `{field}` is missing; {RESTORE}"),
            Self::InvalidField { field } => write!(f, "the member `{field}` is of the wrong type; {RESTORE}"),
            Self::InvalidRecord { namespace, resource_server, field } => {
                f.write_str("the record")?;
                if let Some(name) = resource_server {
                    write!(f, " of {name:?}")?;
                }
                if let Some(name) = namespace {
                    write!(f, " in namespace {name:?}")?;
                }
                match field {
                    Some(field) => write!(f, " is damaged: `{field}` is missing or of the wrong type")?,
                    None => f.write_str(" is damaged: it is no JSON object")?,
                }
                f.write_str("; log in again to replace it")
            }
            Self::ForeignFile => f.write_str(
                "the file holds something else, which would be lost; use another path, or allow to \
                 overwrite it",
            ),
            Self::ResourceServerMismatch { expected, found } => write!(
                f,
                "the file holds the token of {found:?}, not of {expected:?}; use another path for each \
                 resource server"
            ),
            Self::NeedsUpgrade { found } => write!(
                f,
                "the file is of the older format {found}; allow the upgrade, after which older programs \
                 cannot read it, or use another path"
            ),
            Self::Locked { holder, waited } => {
                write!(f, "it is still locked after {:.1} s", waited.as_secs_f64())?;
                if let Some(holder) = holder {
                    write!(f, " by {holder}")?;
                }
                f.write_str("; try again when that program is done")
            }
            Self::Permissions => f.write_str(
                "access is denied; the file must belong to the user who runs this and be writable",
            ),
            Self::Symlink => f.write_str("it is a symbolic link; name the target, or allow to follow links"),
            Self::NoSuchToken => {
                f.write_str("the token response has no such token; ask for its scopes in the login")
            }
            Self::NoSpace => f.write_str(
                "there is no space left on the disk or in a quota; the old content is untouched, \
                     free some",
            ),
            Self::Unsupported { what } => write!(f, "this storage has no {what}; use another storage"),
            Self::UnsupportedSchema { found } => {
                write!(
                    f,
                    "the database has schema version {found:?}, which is newer than this version; \
                     update it"
                )
            }
            Self::Database => f.write_str("the database refused; see its own error below"),
            Self::Unavailable => {
                f.write_str("the service that keeps the tokens is not available; start or unlock it")
            }
        }
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
    }
}
