//! The write lock: one writer at a time, across processes and machines.
//!
//! The lease keeps writers apart everywhere. The advisory lock of the operating system comes first, because
//! it ends with its holder in an instant; where the file system has none, the lease alone does.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Instant;

use super::lease::{self, FileLease};
use super::{Step, TokenFile, beside, os};
use crate::storage::{Pause, StorageError, StorageErrorKind};

/// Whether the advisory lock of the operating system is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flock {
    Use,
    Never,
    /// As a file system without locks answers.
    #[cfg(test)]
    Refused,
}

/// Dropped in this order: the next writer should find the lease gone when it gets the lock.
#[derive(Debug)]
pub(super) struct WriteLock {
    pub(super) lease: FileLease,
    _flock: Option<File>,
}

impl WriteLock {
    /// Refuses to go on where this process stood still for so long that another one may be writing by now. To be
    /// asked right before a file is replaced or deleted.
    pub(super) fn require_held(&self) -> Result<(), StorageError> {
        match self.lease.is_held() {
            Ok(true) => Ok(()),
            Ok(false) => Err(StorageError::new(StorageErrorKind::LockLost)),
            Err(error) => Err(StorageError::from_io(error, Step::Lock.verb())),
        }
    }
}

impl TokenFile {
    pub(super) fn lock(&self, target: &Path) -> Result<WriteLock, StorageError> {
        self.may(Step::Lock)?;
        let start = Instant::now();
        let flock = if self.flock == Flock::Never { None } else { self.flock(target, start)? };
        let rest = self.lock_wait().saturating_sub(start.elapsed());
        let lease = lease::acquire(target, "write", self.lease_time, rest)?;
        Ok(WriteLock { lease, _flock: flock })
    }

    fn flock(&self, target: &Path, start: Instant) -> Result<Option<File>, StorageError> {
        let refused = |error| StorageError::from_io(error, Step::Lock.verb());
        let file = os::private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .open(beside(target, "", "lock"))
            .map_err(refused)?;
        // A umask may have taken from the owner what the next open needs. Who may not change it need not.
        drop(os::make_private(&file));
        let mut pause = Pause::new();
        loop {
            match try_flock(self.flock, &file) {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if os::refuses_locks(&error) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(refused(error)),
            }
            if start.elapsed() >= self.lock_wait() {
                return Err(StorageError::locked(lease::holder(target, "write"), start.elapsed()));
            }
            pause.wait();
        }
    }
}

#[cfg_attr(not(test), expect(unused_variables, reason = "only tests have a file system without locks"))]
fn try_flock(flock: Flock, file: &File) -> Result<(), TryLockError> {
    #[cfg(test)]
    if flock == Flock::Refused {
        return Err(TryLockError::Error(io::Error::from_raw_os_error(
            rustix::io::Errno::NOLCK.raw_os_error(),
        )));
    }
    loop {
        match file.try_lock() {
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}
