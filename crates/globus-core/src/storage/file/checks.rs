//! What is looked at before a file of tokens is read or written: whose it is, and who else may get at it.
//!
//! The file must belong to the user who runs this or to root, and so must its directory, in which not everybody
//! may exchange files; a sticky directory such as `/tmp` is fine. Directories further up are not looked at: who
//! may exchange one of those puts a directory of their own in the place, and that is refused. The file itself
//! may not be a symbolic link; directories may.
//!
//! Looser modes are warned about on reading and tightened on writing: those of the file always, those of the
//! directory only where it was made for the file ([`TokenFile::own_directory`]). The directory of any other file
//! may be a home, which others are meant to look into.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;

use zeroize::Zeroizing;

use super::{TokenFile, directory_of, os};
use crate::storage::{StorageError, StorageErrorKind, files};

/// More bytes than in any file of tokens; what is larger is something else.
pub(super) const MAX_SIZE: usize = 16 * 1024 * 1024;
const MAX_LENGTH: u64 = MAX_SIZE as u64;

/// Opens a file that may hold tokens, to read it, if that is safe. For programs and storages that read files of
/// tokens themselves, such as databases.
///
/// Nothing is written or made. A file that others may read is warned about in the log.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tokens.db");
/// # std::fs::write(&path, "")?;
/// let file = globus_core::storage::open_checked(&path)?;
/// # drop(file);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When there is no such file, when it is a symbolic link, no regular file, or larger than 16 MiB, when it or its
/// directory belongs to neither the user who runs this nor root, and when everybody may exchange files in the
/// directory.
pub fn open_checked(path: &Path) -> Result<File, StorageError> {
    let file = TokenFile::new(path);
    file.check_directory(path)
        .and_then(|()| file.check(path))
        .and_then(|found| found.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound)))
        .map_err(|error| file.located(error))
}

impl TokenFile {
    /// Opens the file if it may be read; `None` where there is none.
    pub(super) fn check(&self, target: &Path) -> Result<Option<File>, StorageError> {
        let file = match os::open_to_read(target) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if os::is_symlink_refused(&error) => {
                return Err(StorageError::new(StorageErrorKind::Symlink).with_source(error));
            }
            Err(error) => return Err(StorageError::from_io(error, "open")),
        };
        let facts = file.metadata().map_err(|error| StorageError::from_io(error, "open"))?;
        files::check(&facts)?;
        if facts.len() > MAX_LENGTH {
            let kind = StorageErrorKind::Io { action: "read", reason: io::ErrorKind::FileTooLarge };
            return Err(StorageError::new(kind));
        }
        if os::is_open_to_others(&facts) && !self.warned.swap(true, Ordering::Relaxed) {
            files::warn_that_others_may_read(target);
        }
        Ok(Some(file))
    }

    /// Refuses a directory in which somebody else may exchange the file. Where there is none there is nothing
    /// to refuse.
    pub(super) fn check_directory(&self, target: &Path) -> Result<(), StorageError> {
        let is_open = files::check_directory_of(target)?;
        if self.follow_symlinks && target != self.path {
            files::check_directory_of(&self.path)?;
        }
        if self.own_directory && is_open {
            self.warn(
                directory_of(target),
                "other users may look into this directory of tokens; the next write closes it",
            );
        }
        Ok(())
    }

    /// Closes the directory to others, where it was made for this file. It protects nothing that the file's own
    /// mode does not, so a failure is not one of the write.
    pub(super) fn tighten_directory(&self, directory: &Path) {
        let is_loose = |facts: Metadata| facts.is_dir() && os::is_open_to_others(&facts);
        if self.own_directory && std::fs::symlink_metadata(directory).is_ok_and(is_loose) {
            drop(os::make_directory_private(directory));
        }
    }

    fn warn(&self, path: &Path, text: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(path = %path.display(), "{text}");
        }
    }

    /// The content of the file, decoded.
    pub(super) fn read_target(&self, target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        self.read_bytes(target)?.map(|bytes| self.decode(bytes)).transpose()
    }

    /// The bytes of the file as they are.
    pub(super) fn read_bytes(&self, target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        let is_stale = |error: &StorageError| {
            matches!(error.kind(), StorageErrorKind::Io { reason: io::ErrorKind::StaleNetworkFileHandle, .. })
        };
        os::look_again(is_stale, || self.read_once(target))
    }

    fn read_once(&self, target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        let Some(file) = self.check(target)? else { return Ok(None) };
        let mut size = file.metadata().map_or(0, |facts| facts.len());
        size = size.min(MAX_LENGTH);
        // One byte to spare, so that the buffer need not grow to find the end and leave a copy behind.
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
        file.take(MAX_LENGTH)
            .read_to_end(&mut content)
            .map_err(|error| StorageError::from_io(error, "read"))?;
        Ok(Some(content))
    }
}
