//! What the driver and the server say, without any of the values that they may say it with.
//!
//! The server quotes rows and values in its messages (`Failing row contains (…)`), and a trigger may say anything.
//! So nothing of a message is shown: the code of the error and the names of things are enough to find it in the
//! server's log.

use std::fmt;

use deadpool_postgres::PoolError;
use globus_core::storage::{StorageError, StorageErrorKind};
use tokio_postgres::error::{DbError, SqlState};

/// Why a statement was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection is lost. Whether the server has carried out the statement is not known.
    Lost(StorageError),
    /// Another transaction was in the way: trying again helps.
    Race(StorageError),
    /// Another transaction was in the way for too long.
    Blocked(StorageError),
    /// It was not carried out, and trying again does not help.
    Refused(StorageError),
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost(error)
            | Failure::Race(error)
            | Failure::Blocked(error)
            | Failure::Refused(error) => error,
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Refused(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            return from_answer(answer);
        }
        if error.is_closed() || io_error(&error).is_some() {
            return Self::Lost(unavailable("the connection was lost"));
        }
        // The driver's own words are one of a few fixed phrases.
        Self::Refused(StorageError::new(StorageErrorKind::Database).with_source(Cause(error.to_string())))
    }
}

fn from_answer(answer: &DbError) -> Failure {
    use StorageErrorKind::{Database, Denied, NoSpace, Unavailable};
    let code = answer.code();
    let (kind, words) = match code.code() {
        "42P01" | "3F000" | "42703" => {
            (Database, "a table is missing or older than this version; call `migrate()`")
        }
        "42501" => (Denied, "the role has no right to do this; grant it"),
        // See `tables::or_fail`.
        "22012" => (Database, NOT_WRITTEN),
        "53100" => (NoSpace, "the disk of the server is full"),
        "53300" => (Unavailable, "the server has no connection left"),
        "55P03" => (Unavailable, "another transaction did not let go in time"),
        "57014" => (Unavailable, "the statement took longer than the server allows"),
        "25006" => (Database, "the server or the transaction is read-only; connect to the primary"),
        "22021" | "22P05" => {
            (Database, "the database cannot keep one of the characters of a name or a record")
        }
        "40001" | "40P01" | "23505" => (Unavailable, "other transactions were in the way each time"),
        _ if is_lost(code) => (Unavailable, "the server ended the connection"),
        code if code.starts_with("28") => (Denied, "the server does not accept this role or its password"),
        _ => (Database, "see the log of the server"),
    };
    let error = StorageError::new(kind).with_source(Cause::from_answer(answer, words));
    match code.code() {
        "40001" | "40P01" | "23505" => Failure::Race(error),
        "55P03" => Failure::Blocked(error),
        _ if is_lost(code) => Failure::Lost(error),
        _ => Failure::Refused(error),
    }
}

/// Connection exceptions, and a server that stops or has not started yet.
fn is_lost(code: &SqlState) -> bool {
    let code = code.code();
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05")
}

/// Whether nobody answers now, as while a server is started anew.
pub(crate) fn is_starting(error: &PoolError) -> bool {
    let PoolError::Backend(error) = error else { return false };
    match error.as_db_error() {
        Some(answer) => is_lost(answer.code()),
        None => error.is_closed() || io_error(error).is_some(),
    }
}

/// No connection can be had.
pub(crate) fn no_connection(error: &PoolError) -> StorageError {
    match error {
        PoolError::Backend(error) => {
            if let Some(answer) = error.as_db_error() {
                return from_answer(answer).into();
            }
            // Of the cause only what the operating system says: others may quote the configuration.
            match io_error(error) {
                Some(cause) => unavailable(format!("{error}: {}", cause.kind())),
                None => unavailable(error.to_string()),
            }
        }
        PoolError::Timeout(_) => unavailable("the pool had no connection in time"),
        PoolError::Closed => unavailable("the pool is closed"),
        PoolError::NoRuntimeSpecified => {
            unavailable("the pool has timeouts but no runtime; give it one when it is built")
        }
        PoolError::PostCreateHook(_) => unavailable("a hook of the pool refused the connection"),
    }
}

fn io_error(error: &tokio_postgres::Error) -> Option<&std::io::Error> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

const NOT_WRITTEN: &str = "a rule, a trigger or a policy of the table left the record out";

/// The server has carried out the statement without a word, but written nothing.
pub(crate) fn not_written() -> StorageError {
    StorageError::new(StorageErrorKind::Database).with_source(Cause(NOT_WRITTEN.to_owned()))
}

/// The answer to a change was lost, and it cannot be found out whether it was made.
pub(crate) fn in_doubt(words: &str) -> StorageError {
    unavailable(format!("{IN_DOUBT}: {words}"))
}

/// The same, as looking for it ended with this error.
pub(crate) fn in_doubt_because_of(error: StorageError) -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable).with_source(InDoubt(error))
}

const IN_DOUBT: &str =
    "the connection was lost before the answer, and nobody knows whether the change was made; read again";

#[derive(Debug, thiserror::Error)]
#[error("{IN_DOUBT}")]
struct InDoubt(#[source] StorageError);

pub(crate) fn unavailable(words: impl Into<String>) -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable).with_source(Cause(words.into()))
}

/// What the server said, in our words.
#[derive(Debug)]
struct Cause(String);

impl Cause {
    fn from_answer(answer: &DbError, words: &str) -> Self {
        let thing = match (answer.constraint(), answer.table()) {
            (Some(name), _) => format!(" (constraint {name:?})"),
            (None, Some(name)) => format!(" (table {name:?})"),
            (None, None) => String::new(),
        };
        Self(format!("PostgreSQL error {}: {words}{thing}", answer.code().code()))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}
