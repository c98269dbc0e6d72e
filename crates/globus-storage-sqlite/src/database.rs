//! The database: opened when it is needed, by one connection, and used for one thing at a time.
//!
//! The checks of the file never open it, and no file is made while a connection is being opened: on Unix the locks
//! that a process holds on a file end when *any* handle of that file is closed.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use globus_core::StorageError;
use globus_core::storage::{Durability, Pause, RefreshLease, StorageErrorKind, files};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Failure, refused};
use crate::lease::Seen;
use crate::schema::{self, Form};

/// Files are made, and connections opened, one at a time in a process.
pub(crate) static OPENING: Mutex<()> = Mutex::new(());

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) durability: Durability,
    pub(crate) follow_symlinks: bool,
    pub(crate) create_directories: bool,
    pub(crate) lock_wait: Option<Duration>,
    pub(crate) lease_time: Duration,
}

impl Options {
    /// How long to wait for others; by default longer than the lease of one that died lasts.
    pub(crate) fn lock_wait(&self) -> Duration {
        self.lock_wait.unwrap_or_else(|| self.lease_time.saturating_add(Duration::from_secs(10)))
    }
}

/// A database of tokens. Clones share the connection, and what was seen of the leases of others.
#[derive(Clone)]
pub(crate) struct Database {
    path: PathBuf,
    form: Form,
    options: Options,
    slot: Arc<Mutex<Option<Open>>>,
    pub(crate) seen: Seen,
    warned: Arc<AtomicBool>,
}

/// The connection, and the very file that it is of.
struct Open {
    connection: Connection,
    target: PathBuf,
    identity: Option<(u64, u64)>,
    /// SQLite forbids to use a connection in a process that was forked from the one that opened it.
    process: u32,
}

impl Database {
    pub(crate) fn new(path: impl Into<PathBuf>, form: Form) -> Self {
        Self {
            path: path.into(),
            form,
            options: Options {
                durability: Durability::Full,
                follow_symlinks: false,
                create_directories: form == Form::Record,
                lock_wait: None,
                lease_time: RefreshLease::TIME,
            },
            slot: Arc::default(),
            seen: Seen::default(),
            warned: Arc::default(),
        }
    }

    /// The same database with other options, and so with a connection of its own.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self.slot = Arc::default();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Reads in one transaction; `None` where there is no database, or none of tokens yet. It may be done several
    /// times.
    pub(crate) fn read<T>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, StorageError> {
        self.patiently(self.options.lock_wait(), "read", |_| {
            let mut slot = self.slot();
            if !self.open(&mut slot, Need::Read)? {
                return Ok(None);
            }
            using(&mut slot, |connection| {
                let transaction = connection.transaction()?;
                if schema::check(&transaction)?.tokens { work(&transaction).map(Some) } else { Ok(None) }
            })
        })
    }

    /// Writes in one transaction, in a database that is made where there is none. An error leaves everything as it
    /// was.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, StorageError> {
        self.transact(self.options.lock_wait(), Need::Write, work)
    }

    /// The same where there is a database of tokens, with a wait of its own. `None` where there is none, and then none
    /// is made: what was to be changed went with it.
    pub(crate) fn change<T>(
        &self,
        wait: Duration,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, StorageError> {
        match self.transact(wait, Need::Change, work) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn transact<T>(
        &self,
        wait: Duration,
        need: Need,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, StorageError> {
        let none = || Failure::from(StorageError::new(StorageErrorKind::NotFound));
        let mut work = Some(work);
        self.patiently(wait, "write", |rest| {
            let mut slot = self.slot();
            reach("sqlite.begin")?;
            if !self.open(&mut slot, need)? {
                return Err(none());
            }
            using(&mut slot, |connection| {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                if need == Need::Write {
                    schema::prepare(&transaction, self.form)?;
                } else if !schema::check(&transaction)?.tokens {
                    return Err(none());
                }
                let Some(work) = work.take() else { return Err(Failure::Busy) };
                let answer = work(&transaction)?;
                reach("sqlite.commit")?;
                // Readers are waited for here; no new ones get in.
                transaction.busy_timeout(rest)?;
                transaction.commit()?;
                reach("sqlite.committed")?;
                Ok(answer)
            })
        })
    }

    /// Tries again while the database is busy, but not for longer than this. What is tried is told how long it may
    /// wait itself.
    fn patiently<T>(
        &self,
        wait: Duration,
        action: &'static str,
        mut attempt: impl FnMut(Duration) -> Result<T, Failure>,
    ) -> Result<T, StorageError> {
        let begun = Instant::now();
        let mut pause = Pause::new();
        loop {
            let error = match attempt(wait.saturating_sub(begun.elapsed())) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Busy) if begun.elapsed() < wait => {
                    pause.wait();
                    continue;
                }
                Err(Failure::Busy) => StorageError::locked(None, begun.elapsed()),
                Err(Failure::Database(error)) => refused(error, action),
                Err(Failure::Storage(error)) => error,
            };
            return Err(if error.path().is_some() { error } else { error.with_path(&self.path) });
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Open>> {
        // A transaction that was left by a panic is rolled back, so the connection is good.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that there is a connection, to the file that is there now. False where there is no file and none is
    /// to be made.
    fn open(&self, slot: &mut Option<Open>, need: Need) -> Result<bool, Failure> {
        let target = match slot {
            // Links may lead elsewhere by now.
            Some(open) if !self.options.follow_symlinks => open.target.clone(),
            _ => match self.target(need)? {
                Some(target) => target,
                None => return Ok(false),
            },
        };
        let facts = match files::inspect(&target)? {
            Some(facts) => facts,
            None if need != Need::Write => {
                *slot = None;
                return Ok(false);
            }
            None => {
                *slot = None;
                let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
                if self.options.create_directories {
                    files::create_directory_of(&target)?;
                }
                files::create(&target)?;
                files::inspect(&target)?.ok_or(Failure::Busy)?
            }
        };
        if facts.is_open_to_others() {
            match need {
                Need::Write | Need::Change => make_private(&target)?,
                Need::Read if self.warned.swap(true, Ordering::Relaxed) => {}
                Need::Read => files::warn_that_others_may_read(&target),
            }
        }
        match slot {
            Some(open) if open.identity == facts.identity() && open.process == std::process::id() => {}
            _ => {
                if let Some(forked) = slot.take_if(|open| open.process != std::process::id()) {
                    std::mem::forget(forked);
                }
                // Closed before the next one is opened.
                *slot = None;
                *slot = Some(self.connect(target, facts.identity())?);
            }
        }
        Ok(true)
    }

    /// The file, in a directory without links in its path, as SQLite wants it.
    fn target(&self, need: Need) -> Result<Option<PathBuf>, Failure> {
        if self.path.as_os_str() == ":memory:" {
            let what = "database in memory (that is what `MemoryTokenStorage` is for)";
            return Err(StorageError::unsupported(what).into());
        }
        let path = files::resolve(&self.path, self.options.follow_symlinks)?;
        let Some(name) = path.file_name() else {
            return Err(StorageError::from_io(std::io::ErrorKind::IsADirectory.into(), "open").into());
        };
        if path != self.path {
            // Who may exchange the link chooses the file.
            files::check_directory_of(&self.path)?;
        }
        if need == Need::Write && self.options.create_directories {
            files::create_directory_of(&path)?;
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        match std::fs::canonicalize(directory) {
            Ok(directory) => {
                let target = directory.join(name);
                files::check_directory_of(&target)?;
                Ok(Some(target))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && need != Need::Write => Ok(None),
            Err(error) => Err(StorageError::from_io(error, "open the directory of").into()),
        }
    }

    fn connect(&self, target: PathBuf, identity: Option<(u64, u64)>) -> Result<Open, Failure> {
        // The connection is behind a lock of ours. That there is a file is seen to; SQLite would make one that others
        // can read.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = Connection::open_with_flags(&target, flags)?;
        // The library's own default is a wait.
        connection.busy_timeout(Duration::ZERO)?;
        let synchronous = if self.options.durability == Durability::Full { "FULL" } else { "NORMAL" };
        // Temporary files would hold tokens too.
        connection.execute_batch(&format!(
            "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA synchronous = {synchronous}"
        ))?;
        Ok(Open { connection, target, identity, process: std::process::id() })
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.path)
            .field("form", &self.form)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What a connection is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Read,
    /// To write, but only where there is something.
    Change,
    /// To write, in a new file where there is none.
    Write,
}

/// Uses the connection, and gives it up when the database is at fault: the next one finds what is there then.
fn using<T>(
    slot: &mut Option<Open>,
    work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(open) = slot.as_mut() else { return Err(Failure::Busy) };
    // A busy database is waited for outside, where the connection is free for others.
    let outcome = open
        .connection
        .busy_timeout(Duration::ZERO)
        .map_err(Failure::from)
        .and_then(|()| work(&mut open.connection));
    if matches!(outcome, Err(Failure::Database(_))) {
        *slot = None;
    }
    outcome
}

/// The database, and what SQLite may have beside it, which gets its mode from the database only when it is made.
fn make_private(target: &Path) -> Result<(), StorageError> {
    files::make_private(target)?;
    for ending in ["-journal", "-wal", "-shm"] {
        let path = &*beside(target, ending);
        if files::inspect(path)?.is_some_and(|facts| facts.is_open_to_others()) {
            match files::make_private(path) {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// What SQLite may have beside a database.
pub(crate) fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(target);
    path.push(ending);
    path.into()
}

/// A step of a write at which tests let it fail.
pub(crate) fn reach(step: &str) -> Result<(), StorageError> {
    globus_core::failpoint::reach(step).map_err(|error| StorageError::from_io(error, "write"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_outlasts_a_lease_unless_it_is_told() {
        let database = Database::new("x", Form::Record);
        assert_eq!(database.options.lock_wait(), Duration::from_secs(40));
        let minute = Duration::from_secs(60);
        let database = database.with(|options| options.lease_time = minute);
        assert_eq!(database.options.lock_wait(), Duration::from_secs(70));
        let database = database.with(|options| options.lock_wait = Some(minute));
        assert_eq!(database.options.lock_wait(), minute);
    }
}
