//! Documents kept in one SQLite file, so that an emulator's state outlives it.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, params};

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory or the file in it cannot be made, opened or made private.
    #[error("the emulator's data directory cannot be used; check that it exists, is yours and is writable")]
    Io(#[from] std::io::Error),
    /// Another emulator uses the data directory. Stop it, or choose another directory.
    #[error("another emulator is using this data directory; stop it, or choose another directory")]
    InUse,
    /// The database refused.
    #[error(
        "the emulator's database refused ({0}); check the disk, or remove the data directory to start afresh"
    )]
    Database(String),
    /// A document in the database is not what this version writes.
    #[error(
        "a document of kind {kind} in the emulator's data directory is unreadable; remove the directory to start afresh"
    )]
    Document {
        /// The kind of document.
        kind: &'static str,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) {
            return Self::InUse;
        }
        // As text, so that the database library's type stays out of the public ones.
        Self::Database(error.to_string())
    }
}

/// One change to a document: its new text, or `None` when it is gone.
pub(crate) struct Change {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) body: Option<String>,
}

/// The file, or nothing when the state lives in memory only.
pub(crate) struct Store(Option<Connection>);

impl Store {
    pub(crate) fn in_memory() -> Self {
        Self(None)
    }

    /// Opens or makes the database in `directory`; the directory gets mode 0700 and the file 0600.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        make_private_directory(directory)?;
        let file = directory.join("emulator.sqlite");
        make_private_file(&file)?;
        let connection = Connection::open(&file)?;
        connection.busy_timeout(std::time::Duration::from_secs(3))?;
        // EXCLUSIVE: two emulators on one directory would each overwrite the other's state.
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             BEGIN EXCLUSIVE;
             CREATE TABLE IF NOT EXISTS documents (
                 kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
             ) WITHOUT ROWID;
             COMMIT;",
        )?;
        Ok(Self(Some(connection)))
    }

    /// Every document of a kind, as id and text.
    pub(crate) fn load(&self, kind: &'static str) -> Result<Vec<(String, String)>, StoreError> {
        let Some(connection) = &self.0 else { return Ok(Vec::new()) };
        let mut statement = connection.prepare("SELECT id, body FROM documents WHERE kind = ?1")?;
        let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes the changes, all or none.
    pub(crate) fn write(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let Some(connection) = &mut self.0 else { return Ok(()) };
        let transaction = connection.transaction()?;
        for Change { kind, id, body } in changes {
            match body {
                Some(body) => transaction.execute(
                    "INSERT OR REPLACE INTO documents (kind, id, body) VALUES (?1, ?2, ?3)",
                    params![kind, id, body],
                )?,
                None => transaction
                    .execute("DELETE FROM documents WHERE kind = ?1 AND id = ?2", params![kind, id])?,
            };
        }
        Ok(transaction.commit()?)
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        self.0.is_none()
    }
}

fn make_private_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    tighten(directory, 0o700)
}

/// Makes the file with its final mode before the database writes into it; the journal takes the same mode.
fn make_private_file(file: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?;
    tighten(file, 0o600)
}

#[cfg(unix)]
fn tighten(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o777 & !mode == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn tighten(_path: &Path, _mode: u32) -> std::io::Result<()> {
    Ok(())
}
