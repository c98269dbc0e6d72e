//! A private file that processes share, for backends that need one beside what they keep tokens in.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::file::{Change, Old, TokenFile};
use super::options::file_options;
use super::{RefreshLease, StorageError};

/// A file that its owner alone may read, changed by one process at a time and always whole.
///
/// For authors of storage backends: it has the checks, the locks, the leases and the durable replacement of
/// the storages in files, for what a backend must keep beside the place of its tokens. The keyring storage
/// keeps its index in one. The calls block; use them on a thread where that is allowed, for example through
/// [`run_blocking`](crate::blocking_job::run_blocking).
///
/// ```
/// use globus_core::storage::PrivateFile;
///
/// # let directory = tempfile::tempdir()?;
/// let file = PrivateFile::new(directory.path().join("state/counter"));
/// let count = file.update(|content| {
///     let count = content.map_or(0, <[u8]>::len) + 1;
///     Ok((Some("x".repeat(count)), count))
/// })?;
/// assert_eq!(count, 1);
/// assert_eq!(file.read()?.as_deref(), Some("x".as_bytes()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PrivateFile {
    file: TokenFile,
}

impl PrivateFile {
    /// This file, which the first update makes, with its directories.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let mut file = TokenFile::new(path);
        file.create_directories = true;
        Self { file }
    }

    file_options!();

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The content, or `None` when there is no file. It is an old or a new content, never a mix.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is a symbolic link or belongs to somebody else.
    pub fn read(&self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.file.read()?.map(|mut content| std::mem::take(&mut *content)))
    }

    /// Reads the file, lets `decide` say the new content (`None` leaves the file as it is) and an answer, and
    /// writes, all while no other process updates it. Keep `decide` short: the others wait for it, and what
    /// takes longer than the [time of a lease](Self::lease_time) is not written any more.
    ///
    /// # Errors
    ///
    /// Those of `decide` and of [`read`](Self::read); [`Locked`](super::StorageErrorKind::Locked) when another
    /// process does not let go in time, [`LockLost`](super::StorageErrorKind::LockLost) when the update took longer
    /// than a lease lasts. The file is then as it was, unless only the last step failed, which
    /// makes the new content durable.
    pub fn update<T>(
        &self,
        decide: impl FnOnce(Option<&[u8]>) -> Result<(Option<String>, T), StorageError>,
    ) -> Result<T, StorageError> {
        self.file.update(|old| {
            let (new, answer) = decide(old)?;
            // Not tokens, so there is nothing worth going back to.
            let replace = |content| Change::Replace(Zeroizing::new(content), Old::Partly);
            let change = new.map_or(Change::Nothing, replace);
            Ok((change, answer))
        })
    }

    /// Takes the lease beside the file, waiting for another holder.
    ///
    /// # Errors
    ///
    /// [`Locked`](super::StorageErrorKind::Locked) when another holder does not let go in time.
    pub fn lock_refresh(&self) -> Result<RefreshLease, StorageError> {
        self.lock_refresh_while(&|| true)
    }

    /// The same, waiting only for as long as `is_wanted` says. For what somebody may stop waiting for; see
    /// [`run_blocking_while_wanted`](crate::blocking_job::run_blocking_while_wanted).
    ///
    /// # Errors
    ///
    /// [`Locked`](super::StorageErrorKind::Locked) when another holder does not let go in time, or before that nobody
    /// wants the lease any more.
    pub fn lock_refresh_while(&self, is_wanted: &dyn Fn() -> bool) -> Result<RefreshLease, StorageError> {
        self.file.lock_refresh_while(is_wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_with_its_directory_and_left_alone_when_nothing_changes() {
        let directory = tempfile::tempdir().unwrap();
        let file = PrivateFile::new(directory.path().join("new/state"));
        assert_eq!(file.read().unwrap(), None);
        assert!(file.update(|old| Ok((None, old.is_none()))).unwrap());
        assert_eq!(file.read().unwrap(), None);
        file.update(|_| Ok((Some("content".to_owned()), ()))).unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some(&b"content"[..]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(file.path()), 0o600);
            assert_eq!(mode(file.path().parent().unwrap()), 0o700);
        }
    }

    #[test]
    fn a_refused_update_leaves_the_content() {
        let directory = tempfile::tempdir().unwrap();
        let file = PrivateFile::new(directory.path().join("state"));
        file.update(|_| Ok((Some("old".to_owned()), ()))).unwrap();
        file.update::<()>(|_| Err(StorageError::unsupported("this"))).unwrap_err();
        assert_eq!(file.read().unwrap().as_deref(), Some(&b"old"[..]));
    }
}
