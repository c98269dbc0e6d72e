//! Telling databases from other files, where nothing can read them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use globus_core::storage::{StorageError, files, open_checked};

use super::{FoundKind, FoundNamespace};

/// How every SQLite database begins.
const BEGINNING: &[u8; 16] = b"SQLite format 3\0";

/// The handles of databases, which are never closed: on Unix that would end the locks that another part of this
/// process may hold on the file.
static KEPT_OPEN: Mutex<BTreeMap<(u64, u64), File>> = Mutex::new(BTreeMap::new());

/// Refuses a database; `None` for what is none.
pub(super) fn read(path: &Path) -> Result<Option<(FoundKind, Vec<FoundNamespace>)>, StorageError> {
    look(path).map_err(|error| if error.path().is_some() { error } else { error.with_path(path) })
}

fn look(path: &Path) -> Result<Option<(FoundKind, Vec<FoundNamespace>)>, StorageError> {
    let refused = StorageError::unsupported("reader for databases, which the feature `sqlite` adds");
    let Some(facts) = files::inspect(path)? else { return Ok(None) };
    if path.symlink_metadata().is_ok_and(|facts| facts.len() == 0) {
        // Perhaps a database that is being made.
        return Err(StorageError::unknown_format_unnamed());
    }
    let mut kept = KEPT_OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if facts.identity().is_some_and(|identity| kept.contains_key(&identity)) {
        return Err(refused);
    }
    let mut file = open_checked(path)?;
    let mut beginning = Vec::new();
    (&mut file)
        .take(BEGINNING.len() as u64)
        .read_to_end(&mut beginning)
        .map_err(|error| StorageError::from_io(error, "read"))?;
    if beginning != BEGINNING {
        return Ok(None);
    }
    if let Some(identity) = facts.identity() {
        kept.insert(identity, file);
    }
    Err(refused)
}
