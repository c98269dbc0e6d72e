//! What the database refuses, in the words of storages.

use std::io;

use globus_core::StorageError;
use globus_core::storage::StorageErrorKind;
use rusqlite::{ErrorCode, ffi};

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Somebody else uses the database; it can be tried again.
    Busy,
    /// The database refused.
    Database(rusqlite::Error),
    /// Anything else.
    Storage(StorageError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Database(error),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// The database's own error, with what to do about it. Values are never part of SQLite's texts, and the statements
/// that may be are constants of this crate.
#[derive(Debug)]
struct Refusal {
    advice: &'static str,
    error: rusqlite::Error,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.error, self.advice)
    }
}

impl std::error::Error for Refusal {}

/// The database refused. `action` is a verb.
pub(crate) fn refused(error: rusqlite::Error, action: &'static str) -> StorageError {
    let io_error = |kind, error| StorageError::from_io(io::Error::new(kind, error), action);
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => return io_error(io::ErrorKind::StorageFull, error),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            return io_error(io::ErrorKind::PermissionDenied, error);
        }
        Some(ErrorCode::SystemIoFailure) => return io_error(io::ErrorKind::Other, error),
        Some(ErrorCode::CannotOpen) if is_symlink(&error) => {
            return StorageError::new(StorageErrorKind::Symlink).with_source(error);
        }
        Some(ErrorCode::NotADatabase) => "use another path, or move the file away and log in again",
        Some(ErrorCode::DatabaseCorrupt) => "move the database away and log in again, or restore a backup",
        Some(ErrorCode::CannotOpen) => {
            "the file and its directory, in which SQLite keeps a journal, must be writable by you"
        }
        Some(ErrorCode::FileLockingProtocolFailed) => {
            "the file system has no locks that work; use a path on a local disk"
        }
        _ => "use another path if the database is not one of tokens",
    };
    StorageError::new(StorageErrorKind::Database).with_source(Refusal { advice, error })
}

fn is_symlink(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_CANTOPEN_SYMLINK)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::error::Error;

    use super::*;

    fn kind(code: i32) -> StorageErrorKind {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let refusal = refused(error, "write");
        assert!(refusal.source().is_some());
        refusal.kind().clone()
    }

    #[test]
    fn what_the_system_refuses_is_told_as_with_any_file() {
        assert_eq!(kind(ffi::SQLITE_FULL), StorageErrorKind::NoSpace);
        assert_eq!(kind(ffi::SQLITE_READONLY), StorageErrorKind::Permissions);
        assert_eq!(kind(ffi::SQLITE_PERM), StorageErrorKind::Permissions);
        assert_eq!(kind(ffi::SQLITE_CANTOPEN_SYMLINK), StorageErrorKind::Symlink);
        assert!(matches!(kind(ffi::SQLITE_IOERR_WRITE), StorageErrorKind::Io { action: "write", .. }));
        assert_eq!(kind(ffi::SQLITE_CANTOPEN), StorageErrorKind::Database);
        assert_eq!(kind(ffi::SQLITE_NOTADB), StorageErrorKind::Database);
        assert_eq!(kind(ffi::SQLITE_PROTOCOL), StorageErrorKind::Database);
    }

    #[test]
    fn busy_is_no_refusal() {
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_BUSY_RECOVERY, ffi::SQLITE_BUSY_SNAPSHOT] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert!(matches!(Failure::from(error), Failure::Busy));
        }
    }

    #[test]
    fn the_values_of_a_row_that_is_refused_are_not_shown() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x VARCHAR NOT NULL CHECK (length(x) < 5))").unwrap();
        let error = connection.execute("INSERT INTO t VALUES (?1)", ["AgSecret"]).unwrap_err();
        let refusal = refused(error, "write");
        let shown = format!("{refusal} {refusal:?} {}", refusal.source().unwrap());
        assert!(!shown.contains("AgSecret") && shown.contains("CHECK"), "{shown}");
    }
}
