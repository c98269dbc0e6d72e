//! A new content in one step: beside the file first, then in its place.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use super::checks::MAX_SIZE;
use super::lock::WriteLock;
use super::{Durability, Step, TokenFile, directory_of, os};
use crate::storage::StorageError;

impl TokenFile {
    /// Puts `content`, encoded, in the place of `target`, whose old content becomes the last good copy if it is good.
    /// Whatever fails, the file is the old or the new one.
    pub(super) fn replace(
        &self,
        target: &Path,
        lock: &WriteLock,
        is_good: bool,
        content: &[u8],
    ) -> Result<(), StorageError> {
        let refused = |step: Step| move |error| StorageError::from_io(error, step.verb());
        let directory = directory_of(target);
        let encoded = self.encoding.as_ref().map(|encoding| encoding.encode(content)).transpose()?;
        let content = encoded.as_deref().unwrap_or(content);
        if content.len() > MAX_SIZE {
            // Nobody would read it again.
            return Err(StorageError::too_large(content.len(), MAX_SIZE));
        }

        self.may(Step::Create)?;
        let mut new = tempfile::Builder::new()
            .prefix(&prefix(target, "new"))
            .rand_bytes(12)
            .tempfile_in(directory)
            .map_err(refused(Step::Create))?;
        os::make_private(new.as_file()).map_err(refused(Step::Create))?;
        self.may(Step::Write)?;
        new.write_all(content).map_err(refused(Step::Write))?;
        if self.durability == Durability::Full {
            self.may(Step::Sync)?;
            new.as_file().sync_all().map_err(refused(Step::Sync))?;
        }
        self.may(Step::Rename)?;
        if is_good {
            self.keep_last_good(target);
        }
        lock.require_held()?;
        new.persist(target).map_err(|error| refused(Step::Rename)(error.error))?;
        if self.durability == Durability::Full {
            self.may(Step::SyncDirectory)?;
            os::sync_directory(directory).map_err(refused(Step::SyncDirectory))?;
        }
        Ok(())
    }
}

/// The beginning of the names of the files that pass beside `target`.
pub(super) fn prefix(target: &Path, what: &str) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    prefix.push(what);
    prefix.push("-");
    prefix
}

/// Deletes the contents that dead writers left on their way. The caller holds the write lock, so none is rightly
/// there. What cannot be deleted is left for another time.
pub(super) fn sweep(target: &Path) {
    let contents = prefix(target, "new");
    let Ok(entries) = std::fs::read_dir(directory_of(target)) else { return };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(contents.as_encoded_bytes()) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}
