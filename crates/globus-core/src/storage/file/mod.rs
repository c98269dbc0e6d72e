//! One file of tokens: read whole, written whole, by one process at a time.
//!
//! Readers need no lock, because a new content replaces the old one in one step. Writers take the write lock,
//! read the file again, and replace it. Beside the file `<name>` there may be:
//!
//! | file | what it is |
//! |---|---|
//! | `<name>.lock` | lets writers of one machine wait for each other; never deleted |
//! | `<name>.write` | the lease of the one who writes |
//! | `<name>.refresh` | the lease of the one who refreshes |
//! | `.<name>.new-…` | a content on its way; the next writer sweeps those of dead writers |
//! | `.<name>.lease-…`, `.<name>.claim-…` | a lease on its way in or out |

mod encoding;
mod lease;
mod lock;
pub(super) mod os;
mod write;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{RefreshLease, StorageError, StorageErrorKind, files};
use crate::failpoint;

/// How sure a write is to outlive a power failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// A write is on the disk when it is done.
    #[default]
    Full,
    /// A write is not waited for to reach the disk. The file is old or new and never a mix, but after a power
    /// failure the newest content may be lost, and with it a refresh token that the service has already
    /// replaced.
    Rename,
}

/// More than any file of tokens; what is larger is something else.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
    pub(super) durability: Durability,
    pub(super) follow_symlinks: bool,
    pub(super) create_directories: bool,
    pub(super) flock: Flock,
    pub(super) lock_wait: Duration,
    pub(super) lease_time: Duration,
    pub(super) encoding: Option<Arc<dyn FileEncoding>>,
    warned: Arc<AtomicBool>,
    swept: Arc<AtomicBool>,
    swept_leases: Arc<AtomicBool>,
    #[cfg(test)]
    fail_at: Option<(Step, io::ErrorKind)>,
}

pub use encoding::FileEncoding;
pub(super) use lock::Flock;

/// What a writer does, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Lock,
    Create,
    Write,
    Sync,
    Rename,
    SyncDirectory,
}

impl Step {
    const fn verb(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Create => "create a file beside",
            Self::Write => "write",
            Self::Sync | Self::SyncDirectory => "sync",
            Self::Rename => "replace",
        }
    }

    const fn failpoint(self) -> &'static str {
        match self {
            Self::Lock => "file.lock",
            Self::Create => "file.create",
            Self::Write => "file.write",
            Self::Sync => "file.sync",
            Self::Rename => "file.rename",
            Self::SyncDirectory => "file.sync_directory",
        }
    }
}

/// What is to become of the file.
pub(crate) enum Change {
    /// It stays as it is.
    Nothing,
    /// This is its new content.
    Replace(Zeroizing<String>),
    /// The old content is first kept beside it under this additional ending.
    Upgrade { backup: &'static str, content: Zeroizing<String> },
}

impl TokenFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Durability::Full,
            follow_symlinks: false,
            create_directories: false,
            flock: Flock::Use,
            lock_wait: lease::TIME + Duration::from_secs(10),
            lease_time: lease::TIME,
            encoding: None,
            warned: Arc::default(),
            swept: Arc::default(),
            swept_leases: Arc::default(),
            #[cfg(test)]
            fail_at: None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The content, or `None` when there is no file.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        self.target().and_then(|target| self.read_target(&target)).map_err(|error| self.located(error))
    }

    /// Reads the file, decides, and writes, while no other process writes.
    pub(crate) fn update<T>(
        &self,
        decide: impl FnOnce(Option<&[u8]>) -> Result<(Change, T), StorageError>,
    ) -> Result<T, StorageError> {
        self.update_target(decide).map_err(|error| self.located(error))
    }

    fn update_target<T>(
        &self,
        decide: impl FnOnce(Option<&[u8]>) -> Result<(Change, T), StorageError>,
    ) -> Result<T, StorageError> {
        let target = self.target()?;
        if self.create_directories {
            files::create_directory_of(&target)?;
        }
        // Refused content is refused before anything is made beside it.
        self.check(&target)?;
        let lock = self.lock(&target)?;
        if !self.swept.swap(true, Ordering::Relaxed) {
            write::sweep(&target);
            lock.lease.sweep();
        }
        let old = self.read_target(&target)?;
        let (change, answer) = decide(old.as_ref().map(|content| content.as_slice()))?;
        match change {
            Change::Nothing => {}
            Change::Replace(content) => self.replace(&target, content.as_bytes())?,
            Change::Upgrade { backup, content } => {
                self.replace(&beside(&target, "", backup), old.as_deref().map_or(&[][..], Vec::as_slice))?;
                self.replace(&target, content.as_bytes())?;
            }
        }
        drop(lock);
        Ok(answer)
    }

    /// Takes the right to refresh what is in the file.
    pub(crate) fn lock_refresh(&self) -> Result<RefreshLease, StorageError> {
        let take = || {
            let target = self.target()?;
            if self.create_directories {
                files::create_directory_of(&target)?;
            }
            let lease = lease::acquire(&target, "refresh", self.lease_time, self.lock_wait)?;
            if !self.swept_leases.swap(true, Ordering::Relaxed) {
                lease.sweep();
            }
            Ok(RefreshLease::new(lease.fencing(), self.lease_time, lease))
        };
        take().map_err(|error| self.located(error))
    }

    fn located(&self, error: StorageError) -> StorageError {
        if error.path().is_some() { error } else { error.with_path(&self.path) }
    }

    /// The file itself, behind the links where those may be followed.
    fn target(&self) -> Result<PathBuf, StorageError> {
        files::resolve(&self.path, self.follow_symlinks)
    }

    fn check(&self, target: &Path) -> Result<Option<File>, StorageError> {
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
        if facts.len() > MAX_SIZE {
            let kind = StorageErrorKind::Io { action: "read", reason: io::ErrorKind::FileTooLarge };
            return Err(StorageError::new(kind));
        }
        if os::is_open_to_others(&facts) && !self.warned.swap(true, Ordering::Relaxed) {
            files::warn_that_others_may_read(target);
        }
        Ok(Some(file))
    }

    /// The content of the file, decoded.
    fn read_target(&self, target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        let Some(file) = self.check(target)? else { return Ok(None) };
        let mut size = file.metadata().map_or(0, |facts| facts.len());
        size = size.min(MAX_SIZE);
        // One byte to spare, so that the buffer need not grow to find the end and leave a copy behind.
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
        file.take(MAX_SIZE)
            .read_to_end(&mut content)
            .map_err(|error| StorageError::from_io(error, "read"))?;
        self.decode(content).map(Some)
    }

    /// A place where tests let a step fail.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests let it fail"))]
    fn may(&self, step: Step) -> Result<(), StorageError> {
        #[cfg(test)]
        if let Some((at, kind)) = self.fail_at
            && at == step
        {
            return Err(StorageError::from_io(kind.into(), step.verb()));
        }
        failpoint::reach(step.failpoint()).map_err(|error| StorageError::from_io(error, step.verb()))
    }
}

pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The path of a file that belongs to `target`: its name between a prefix and an ending.
fn beside(target: &Path, prefix: &str, ending: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(target.file_name().unwrap_or_default());
    name.push(".");
    name.push(ending);
    directory_of(target).join(name)
}

#[cfg(test)]
mod tests;
