//! Files of tokens that nobody else may read: what a storage does about a file of its own before it opens it.
//!
//! None of these functions opens a file that is there already. A database library may hold locks on it, and on
//! Unix the locks of a process end when any of its handles of that file is closed.

use std::fs::{Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::file::{directory_of, os};
use super::{StorageError, StorageErrorKind};

/// Where the file really is: at `path` itself or, where links may be followed, where they lead. A file that is not
/// there yet is at `path`.
///
/// # Errors
///
/// When the links lead nowhere that can be reached.
pub fn resolve(path: &Path, follow_symlinks: bool) -> Result<PathBuf, StorageError> {
    if !follow_symlinks {
        return Ok(path.to_owned());
    }
    match std::fs::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(StorageError::from_io(error, "follow")),
    }
}

/// What is known of a file of tokens.
#[derive(Debug)]
pub struct FileFacts(Metadata);

impl FileFacts {
    /// Whether other users may read or write the file.
    pub fn is_open_to_others(&self) -> bool {
        os::is_open_to_others(&self.0)
    }

    /// Tells this file from another that takes its place. `None` where the system has nothing to tell it by.
    pub fn identity(&self) -> Option<(u64, u64)> {
        os::identity(&self.0)
    }
}

/// Looks at a file of tokens without opening it; `None` where there is none.
///
/// # Errors
///
/// [`Symlink`](StorageErrorKind::Symlink) for a symbolic link; [`ForeignOwner`](StorageErrorKind::ForeignOwner)
/// for a file that belongs neither to the effective user nor to root; [`Io`](StorageErrorKind::Io) for what is no regular
/// file.
pub fn inspect(path: &Path) -> Result<Option<FileFacts>, StorageError> {
    let facts = match std::fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::from_io(error, "look at")),
    };
    if facts.is_symlink() {
        return Err(StorageError::new(StorageErrorKind::Symlink));
    }
    check(&facts)?;
    Ok(Some(FileFacts(facts)))
}

/// Refuses what is no regular file, and the files of others.
pub(super) fn check(facts: &Metadata) -> Result<(), StorageError> {
    if facts.is_dir() {
        return Err(StorageError::from_io(io::ErrorKind::IsADirectory.into(), "read"));
    }
    if !facts.is_file() {
        return Err(StorageError::from_io(io::Error::other("not a regular file"), "read"));
    }
    check_owner(facts)
}

fn check_owner(facts: &Metadata) -> Result<(), StorageError> {
    os::foreign_owner(facts).map_or(Ok(()), |owner| Err(StorageError::foreign_owner(owner)))
}

/// Refuses a file in a directory that somebody else may exchange it in, and answers whether others may look into
/// the directory. Where there is no directory there is nothing to refuse.
///
/// The directory must belong to the user who runs this or to root, and not everybody may write to it, unless it is
/// sticky as `/tmp`. Directories further up are not looked at: who may exchange one of those puts a directory of
/// their own in the place, and that is refused.
///
/// # Errors
///
/// [`ForeignOwner`](StorageErrorKind::ForeignOwner) and [`UnsafeDirectory`](StorageErrorKind::UnsafeDirectory), with
/// the path of the directory.
pub fn check_directory_of(path: &Path) -> Result<bool, StorageError> {
    let directory = directory_of(path);
    let facts = match std::fs::metadata(directory) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StorageError::from_io(error, "look at the directory of")),
    };
    if !facts.is_dir() {
        // Opening the file says so in its own words.
        return Ok(false);
    }
    check_owner(&facts).map_err(|error| error.with_path(directory))?;
    match os::writable_by_all(&facts) {
        Some(mode) => Err(StorageError::unsafe_directory(mode).with_path(directory)),
        None => Ok(os::is_open_to_others(&facts)),
    }
}

/// Makes an empty file that its owner alone can read and write, whatever the umask is, and says whether it did:
/// `false` where there is one already.
///
/// # Errors
///
/// When the file cannot be made.
pub fn create(path: &Path) -> Result<bool, StorageError> {
    let made = os::private(OpenOptions::new().write(true).create_new(true)).open(path);
    match made.and_then(|file| os::make_private(&file)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StorageError::from_io(error, "create")),
    }
}

/// Makes the directory that a file is in, and those above it, for their owner alone. Those that are there already
/// stay as they are.
///
/// # Errors
///
/// When a directory cannot be made.
pub fn create_directory_of(path: &Path) -> Result<(), StorageError> {
    os::create_private_directories(directory_of(path))
        .map_err(|error| StorageError::from_io(error, "create the directory of"))
}

/// Takes the right to read and write a file from everybody but its owner.
///
/// # Errors
///
/// When that may not be done.
pub fn make_private(path: &Path) -> Result<(), StorageError> {
    os::make_path_private(path).map_err(|error| StorageError::from_io(error, "make private"))
}

/// Logs that others may read a file of tokens.
pub fn warn_that_others_may_read(path: &Path) {
    tracing::warn!(
        path = %path.display(),
        "other users may read this file of tokens; the next write makes it private"
    );
}

/// What the files of keys need of the same.
#[cfg(feature = "seal")]
pub(crate) mod for_keys {
    use std::fs::{File, Metadata};
    use std::io;
    use std::path::Path;

    use crate::storage::file::{self, os};

    pub(crate) fn directory_of(path: &Path) -> &Path {
        file::directory_of(path)
    }

    pub(crate) fn foreign_owner(facts: &Metadata) -> Option<u32> {
        os::foreign_owner(facts)
    }

    /// The mode of a file that others may read or write.
    #[cfg(unix)]
    pub(crate) fn open_to_others(facts: &Metadata) -> Option<u32> {
        let mode = std::os::unix::fs::MetadataExt::mode(facts);
        os::is_open_to_others(facts).then_some(mode & 0o7777)
    }

    #[cfg(not(unix))]
    pub(crate) fn open_to_others(_: &Metadata) -> Option<u32> {
        None
    }

    pub(crate) fn make_private(file: &File) -> io::Result<()> {
        os::make_private(file)
    }

    pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
        os::sync_directory(path)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).map_or(0, |facts| facts.permissions().mode() & 0o7777)
    }

    #[test]
    fn a_new_file_and_its_directories_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a").join("b").join("tokens.db");
        create_directory_of(&path).unwrap();
        assert!(inspect(&path).unwrap().is_none());
        assert!(create(&path).unwrap());
        assert!(!create(&path).unwrap(), "there is one already");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(!inspect(&path).unwrap().unwrap().is_open_to_others());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(inspect(&path).unwrap().unwrap().is_open_to_others());
        make_private(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn links_and_what_is_no_file_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        create(&file).unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(*inspect(&link).unwrap_err().kind(), StorageErrorKind::Symlink);
        assert!(inspect(&resolve(&link, true).unwrap()).unwrap().is_some());
        assert!(matches!(inspect(directory.path()).unwrap_err().kind(), StorageErrorKind::Io { .. }));
    }

    #[test]
    fn a_file_that_takes_the_place_of_another_is_told_from_it() {
        let directory = tempfile::tempdir().unwrap();
        let (file, other) = (directory.path().join("file"), directory.path().join("other"));
        create(&file).unwrap();
        create(&other).unwrap();
        let identity = || inspect(&file).unwrap().unwrap().identity().unwrap();
        let before = identity();
        assert_eq!(identity(), before);
        std::fs::rename(&other, &file).unwrap();
        assert_ne!(identity(), before);
    }
}
