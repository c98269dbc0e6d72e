//! Reading a database of tokens of whichever program, without writing.
//!
//! The file is opened by SQLite alone. On Unix the locks that a process holds on a file end when any handle of that
//! file is closed, and SQLite sees to that for its own handles: this process may have the database open as a storage.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use globus_core::storage::{Loaded, Pause, StorageErrorKind, files};
use globus_core::{Namespace, StorageError};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, ffi};
use serde_json::{Map, Value};
use url::Url;

use crate::database::{OPENING, beside};
use crate::error::{Failure, refused};
use crate::{rows, schema};

/// How long to wait for a program that writes.
const WAIT: Duration = Duration::from_secs(2);

/// More than any database of tokens; what is larger is something else.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// A write may get the same time of change as one that came so shortly before it.
const SAME_TIME: Duration = Duration::from_millis(50);

/// The databases of tokens that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatabaseSchema {
    /// Of the Python package globus-sdk-tokenstorage.
    Package,
    /// Schema 1: of the Python SDK's `SQLiteAdapter`, and of the Python CLI.
    Version1,
    /// Schema 2: of the Python SDK's `SQLiteTokenStorage`, and of [`SqliteTokenStorage`](crate::SqliteTokenStorage).
    Version2,
}

type Configs = BTreeMap<Namespace, BTreeMap<String, Map<String, Value>>>;

/// What a database of tokens holds. `Debug` shows no configuration, which may be secret.
#[non_exhaustive]
pub struct TokenDatabaseContents {
    /// The schema of the database.
    pub schema: DatabaseSchema,
    /// The tokens by namespace.
    pub namespaces: BTreeMap<Namespace, Loaded>,
    /// The configurations by namespace and name. One that is no JSON object is left out.
    pub configs: Configs,
}

impl fmt::Debug for TokenDatabaseContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenDatabaseContents")
            .field("schema", &self.schema)
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}

/// Reads a database of tokens of whichever program; `None` where the file is no database. For an import: a storage
/// reads its database anew each time, and waits for others in its turn.
///
/// Nothing is written or made, not even where the database wants a recovery, and the database may be open in this
/// process. It is read at one moment between two writes. Programs that write are waited for, for two seconds. The
/// call blocks.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tokens.json");
/// # std::fs::write(&path, "{}")?;
/// let contents = globus_storage_sqlite::read_token_database(&path)?;
/// assert!(contents.is_none(), "it is a file of JSON");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`NotFound`](StorageErrorKind::NotFound) where there is no file. [`Symlink`](StorageErrorKind::Symlink),
/// [`ForeignOwner`](StorageErrorKind::ForeignOwner) and [`UnsafeDirectory`](StorageErrorKind::UnsafeDirectory) where
/// somebody else may have put it there. [`NeedsRecovery`](StorageErrorKind::NeedsRecovery) when a program died in the
/// middle of a write, or when the database has a write-ahead log with something in it: only the program that it
/// belongs to can finish that. [`UnknownFormat`](StorageErrorKind::UnknownFormat) when the file is empty or has no
/// table of tokens, [`UnsupportedSchema`](StorageErrorKind::UnsupportedSchema) when it is newer than this version.
pub fn read_token_database(path: &Path) -> Result<Option<TokenDatabaseContents>, StorageError> {
    let failed = |failure| {
        let error = match failure {
            Failure::Busy => StorageError::locked(None, WAIT),
            Failure::Storage(error) => error,
            Failure::Database(error) if wants_recovery(&error) => {
                StorageError::new(StorageErrorKind::NeedsRecovery).with_source(error)
            }
            Failure::Database(error) => refused(error, "read"),
        };
        if error.path().is_some() { error } else { error.with_path(path) }
    };
    let mut contents = read(path).map_err(failed)?;
    for loaded in contents.iter_mut().flat_map(|contents| contents.namespaces.values_mut()) {
        let damaged = std::mem::take(&mut loaded.damaged);
        loaded.damaged = damaged.into_iter().map(|error| error.with_path(path)).collect();
    }
    Ok(contents)
}

fn wants_recovery(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(extended, Some(ffi::SQLITE_READONLY_ROLLBACK | ffi::SQLITE_READONLY_RECOVERY))
}

fn read(path: &Path) -> Result<Option<TokenDatabaseContents>, Failure> {
    files::check_directory_of(path)?;
    let facts = files::inspect(path)?.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound))?;
    let length = look_at(path)?.len();
    if length > MAX_SIZE {
        let reason = io::Error::other("it is larger than any database of tokens");
        return Err(StorageError::from_io(reason, "read").into());
    }
    if length == 0 {
        // Perhaps a database that is being made.
        return Err(StorageError::unknown_format_unnamed().into());
    }
    let target = Target::of(path)?;
    let journal = target.journal()?;
    if journal.is_some() && facts.is_open_to_others() {
        files::warn_that_others_may_read(path);
    }
    match journal {
        None => Ok(None),
        Some(Journal::Rollback) => contents(&mut target.open("")?).map(Some),
        Some(Journal::WriteAhead) => {
            // To look into a write-ahead log a reader has to write beside it. Without one the file is all there is.
            target.undisturbed(|| contents(&mut target.open("&immutable=1")?)).map(Some)
        }
    }
}

fn look_at(path: &Path) -> Result<Metadata, StorageError> {
    std::fs::symlink_metadata(path).map_err(|error| StorageError::from_io(error, "look at"))
}

/// How a database is kept whole.
enum Journal {
    Rollback,
    WriteAhead,
}

/// What a look at a database with a write-ahead log sees without opening it.
#[derive(PartialEq)]
struct State {
    identity: Option<(u64, u64)>,
    length: u64,
    changed: Option<SystemTime>,
}

/// The file as SQLite wants it: in a directory without links in its path, so that a file that is one is refused.
struct Target {
    path: PathBuf,
    address: Url,
}

impl Target {
    fn of(path: &Path) -> Result<Self, StorageError> {
        let refused = |error| StorageError::from_io(error, "open");
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or_else(|| refused(io::ErrorKind::InvalidInput.into()))?;
        let path = directory.canonicalize().map_err(refused)?.join(name);
        let address = Url::from_file_path(&path).map_err(|()| refused(io::ErrorKind::InvalidInput.into()))?;
        Ok(Self { path, address })
    }

    /// Opens the file so that nothing can be written to it.
    fn open(&self, how: &str) -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = Connection::open_with_flags(format!("{}?mode=ro{how}", self.address), flags)?;
        connection.busy_timeout(WAIT)?;
        Ok(connection)
    }

    /// Looks at the beginning of the file; `None` where it is no database.
    fn journal(&self) -> Result<Option<Journal>, Failure> {
        // Where there are no locks there is no write-ahead log either, and SQLite says so before it makes one.
        let connection = self.open("&nolock=1")?;
        match connection.query_row("PRAGMA schema_version", [], |_| Ok(())) {
            Ok(()) => Ok(Some(Journal::Rollback)),
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => Ok(None),
                Some(ErrorCode::CannotOpen) => Ok(Some(Journal::WriteAhead)),
                _ => Err(error.into()),
            },
        }
    }

    /// Reads while nobody writes into the file, or says that somebody does. Whoever moves a write-ahead log into the
    /// file has something in the log meanwhile, and changes the file.
    fn undisturbed<T>(&self, mut read: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let begun = Instant::now();
        let mut pause = Pause::new();
        loop {
            let before = self.state()?;
            let is_settled = before
                .changed
                .is_none_or(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed >= SAME_TIME));
            if is_settled {
                let outcome = read();
                if self.state()? == before {
                    return outcome;
                }
            }
            if begun.elapsed() >= WAIT {
                return Err(StorageError::new(StorageErrorKind::NeedsRecovery).into());
            }
            pause.wait();
        }
    }

    fn state(&self) -> Result<State, StorageError> {
        let log = std::fs::symlink_metadata(beside(&self.path, "-wal"));
        if log.is_ok_and(|facts| facts.len() > 0) {
            return Err(StorageError::new(StorageErrorKind::NeedsRecovery));
        }
        let identity = files::inspect(&self.path)?.and_then(|facts| facts.identity());
        let facts = look_at(&self.path)?;
        Ok(State { identity, length: facts.len(), changed: facts.modified().ok() })
    }
}

/// What is there, at one moment.
fn contents(connection: &mut Connection) -> Result<TokenDatabaseContents, Failure> {
    let transaction = connection.transaction()?;
    let tables = schema::tables(&transaction)?;
    if !tables.tokens {
        return Err(StorageError::unknown_format_unnamed().into());
    }
    let versions =
        if tables.internal { schema::versions(&transaction)? } else { schema::Versions::default() };
    let schema = match (versions.sdk.as_deref(), versions.package.as_deref()) {
        (Some("2"), _) => DatabaseSchema::Version2,
        // The rows that say so are never read by the Python packages and may be missing.
        (Some("1") | None, None) => DatabaseSchema::Version1,
        (Some("1") | None, Some("1")) => DatabaseSchema::Package,
        (Some(found), None) | (_, Some(found)) => return Err(schema::unsupported(found)),
    };
    let mut namespaces = BTreeMap::new();
    for name in rows::namespaces(&transaction, "SELECT DISTINCT namespace FROM token_storage")? {
        let loaded = rows::load_all(&transaction, &name)?;
        namespaces.insert(name, loaded);
    }
    let configs = if tables.config { configs(&transaction)? } else { BTreeMap::new() };
    Ok(TokenDatabaseContents { schema, namespaces, configs })
}

fn configs(transaction: &Transaction<'_>) -> Result<Configs, Failure> {
    let mut statement =
        transaction.prepare_cached("SELECT namespace, config_name, config_data_json FROM config_storage")?;
    let mut rows = statement.query([])?;
    let mut configs = Configs::new();
    while let Some(row) = rows.next()? {
        let [namespace, name] = [rows::text(row.get_ref(0)?), rows::text(row.get_ref(1)?)];
        if let Ok(config) = serde_json::from_slice(rows::bytes(row.get_ref(2)?)) {
            configs.entry(Namespace::from(namespace)).or_default().insert(name, config);
        }
    }
    Ok(configs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database of tokens with a write-ahead log that nobody has open, and how to look at it.
    fn write_ahead() -> (tempfile::TempDir, Target) {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::of(&directory.path().join("tokens.db")).unwrap();
        let connection = Connection::open(&target.path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE token_storage (namespace, resource_server, token_data_json)",
            )
            .unwrap();
        drop(connection);
        (directory, target)
    }

    fn insert(connection: &Connection) {
        connection.execute_batch("INSERT INTO token_storage VALUES ('new', 'rs', '{}')").unwrap();
    }

    fn namespaces(target: &Target) -> Result<usize, Failure> {
        Ok(contents(&mut target.open("&immutable=1")?)?.namespaces.len())
    }

    #[test]
    fn what_was_written_on_while_it_was_read_is_read_again() {
        let (_directory, target) = write_ahead();
        assert!(matches!(target.journal(), Ok(Some(Journal::WriteAhead))));
        let mut reads = 0;
        let read = target.undisturbed(|| {
            reads += 1;
            let found = namespaces(&target);
            if reads == 1 {
                // Moves what it has written into the file when it is closed.
                insert(&Connection::open(&target.path).unwrap());
            }
            found
        });
        assert_eq!((read.unwrap(), reads), (1, 2));
    }

    #[test]
    fn what_fails_because_somebody_writes_is_tried_again() {
        let (_directory, target) = write_ahead();
        let mut reads = 0;
        let read = target.undisturbed(|| {
            reads += 1;
            if reads == 1 {
                insert(&Connection::open(&target.path).unwrap());
                return Err(StorageError::new(StorageErrorKind::Database).into());
            }
            namespaces(&target)
        });
        assert_eq!((read.unwrap(), reads), (1, 2));
    }

    #[test]
    fn a_log_that_appears_while_the_file_is_read_is_told() {
        let (_directory, target) = write_ahead();
        let writer = Connection::open(&target.path).unwrap();
        let read = target.undisturbed(|| {
            insert(&writer);
            namespaces(&target)
        });
        let Err(Failure::Storage(error)) = read else { panic!("{read:?}") };
        assert_eq!(*error.kind(), StorageErrorKind::NeedsRecovery);
    }

    #[test]
    fn a_look_at_the_journal_makes_nothing() {
        let (directory, target) = write_ahead();
        target.journal().unwrap();
        target.undisturbed(|| namespaces(&target)).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
