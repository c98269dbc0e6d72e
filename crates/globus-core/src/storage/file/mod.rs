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
//! | `<name>.last-good` | the content before the last write |
//! | `<name>.damaged-<time>` | a damaged content that was set aside; only a logout deletes it |
//! | `<name>.v1.bak` | the content of format 1.0 before it was upgraded |
//! | `.<name>.new-…` | a content on its way; a process's first write sweeps those of dead writers, and so does every removal |
//! | `.<name>.lease-…`, `.<name>.claim-…` | a lease on its way in or out |

mod checks;
mod encoding;
mod kept;
mod lease;
mod lock;
pub(super) mod os;
mod write;

use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{RefreshLease, StorageError, files};
use crate::blocking_job::run_blocking_while_wanted;
use crate::failpoint;
use crate::token::ResourceServer;

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

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent options, each a yes or no")]
pub(crate) struct TokenFile {
    path: PathBuf,
    pub(super) durability: Durability,
    pub(super) follow_symlinks: bool,
    pub(super) create_directories: bool,
    /// Whether the directory is made for this file, and so may be closed to others.
    pub(super) own_directory: bool,
    pub(super) keep_last_good: bool,
    pub(super) flock: Flock,
    /// Unless it is given, as long as a lease lasts and a little more.
    lock_wait: Option<Duration>,
    lease_time: Duration,
    /// Those of this process who wait for the refresh lease have turns at it, so that no more than one of them keeps
    /// a thread from other work.
    turn: Arc<tokio::sync::Mutex<Takeover>>,
    pub(super) encoding: Option<Arc<dyn FileEncoding>>,
    warned: Arc<AtomicBool>,
    swept: Arc<AtomicBool>,
    swept_leases: Arc<AtomicBool>,
    #[cfg(test)]
    fail_at: Option<(Step, std::io::ErrorKind)>,
    /// What others do while a step begins.
    #[cfg(test)]
    meanwhile: Option<(Step, Others)>,
}

pub use checks::open_checked;
pub use encoding::FileEncoding;
pub(super) use kept::{BEFORE_UPGRADE, Read};
use lease::{Takeover, Wait};
pub(super) use lock::Flock;
use lock::WriteLock;

#[cfg(test)]
type Others = fn(&Path);

/// What a writer does, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Lock,
    Create,
    Write,
    Sync,
    Rename,
    SyncDirectory,
    KeepLastGood,
    SetAside,
    Forget,
}

impl Step {
    const fn verb(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Create => "create a file beside",
            Self::Write => "write",
            Self::Sync | Self::SyncDirectory => "sync",
            Self::Rename => "replace",
            Self::KeepLastGood => "keep a copy of",
            Self::SetAside => "set aside",
            Self::Forget => "delete a copy of",
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
            Self::KeepLastGood => "file.keep_last_good",
            Self::SetAside => "file.set_aside",
            Self::Forget => "file.forget",
        }
    }
}

/// What is to become of the file.
pub(crate) enum Change {
    /// It stays as it is.
    Nothing,
    /// It stays, and copies of it that may hold a token of this resource server go.
    Forget(ResourceServer),
    /// This is its new content.
    Replace(Zeroizing<String>, Old),
}

/// What is to become of the old content.
pub(crate) enum Old {
    /// It can be read as a whole, and becomes the last good copy.
    Good,
    /// Parts of it cannot be read, or it is worth nothing. The last good copy stays.
    Partly,
    /// It cannot be read, and is set aside.
    Damaged,
    /// It is kept under this additional ending.
    Backup(&'static str),
    /// It had a token of this resource server, of which no copy may stay.
    With(ResourceServer),
    /// The same, and this is kept under the additional ending in its place.
    WithBackup(ResourceServer, &'static str, Zeroizing<String>),
}

impl TokenFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Durability::Full,
            follow_symlinks: false,
            create_directories: false,
            own_directory: false,
            keep_last_good: true,
            flock: Flock::Use,
            lock_wait: None,
            lease_time: lease::TIME,
            turn: new_turn(lease::TIME),
            encoding: None,
            warned: Arc::default(),
            swept: Arc::default(),
            swept_leases: Arc::default(),
            #[cfg(test)]
            fail_at: None,
            #[cfg(test)]
            meanwhile: None,
        }
    }

    pub(super) fn set_lock_wait(&mut self, wait: Duration) {
        self.lock_wait = Some(wait);
        self.turn = new_turn(self.lease_time);
    }

    pub(super) fn set_lease_time(&mut self, time: Duration) {
        self.lease_time = time;
        self.turn = new_turn(time);
    }

    fn lock_wait(&self) -> Duration {
        self.lock_wait.unwrap_or_else(|| self.lease_time.saturating_add(Duration::from_secs(10)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The content, or `None` when there is no file.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        let read = || {
            let target = self.target()?;
            self.check_directory(&target)?;
            self.read_target(&target)
        };
        read().map_err(|error| self.located(error))
    }

    /// Reads the file, decides, and writes, while no other process writes.
    pub(crate) fn update<T>(
        &self,
        decide: impl FnOnce(Option<&[u8]>) -> Result<(Change, T), StorageError>,
    ) -> Result<T, StorageError> {
        self.locked(|target, lock| {
            let bytes = self.read_bytes(target)?;
            let encoded = if self.encoding.is_some() { bytes.clone() } else { None };
            let old = bytes.map(|bytes| self.decode(bytes)).transpose()?;
            let is_plain = encoded.is_some() && encoded == old;
            let (change, answer) = decide(old.as_ref().map(|content| content.as_slice()))?;
            if is_plain && matches!(change, Change::Replace(..)) {
                // From here on the file is encoded, and so no plain copy of it may stay.
                self.forget_all(target, lock)?;
            }
            self.apply(target, lock, old.as_deref().map(Vec::as_slice), change)?;
            Ok(answer)
        })
    }

    fn apply(
        &self,
        target: &Path,
        lock: &WriteLock,
        old: Option<&[u8]>,
        change: Change,
    ) -> Result<(), StorageError> {
        let (content, fate) = match change {
            Change::Nothing => return Ok(()),
            Change::Forget(server) => return self.forget(target, lock, &server),
            Change::Replace(content, fate) => (content, fate),
        };
        let mut is_good = false;
        if let Some(old) = old {
            match fate {
                Old::Good => is_good = true,
                Old::Partly => {}
                Old::Damaged => drop(self.keep_aside(target)?),
                Old::Backup(ending) => self.replace(&beside(target, "", ending), lock, false, old)?,
                // Before the file is replaced: who dies in between has removed nothing, and left no copy.
                Old::With(server) => self.forget(target, lock, &server)?,
                Old::WithBackup(server, ending, backup) => {
                    self.forget(target, lock, &server)?;
                    self.replace(&beside(target, "", ending), lock, false, backup.as_bytes())?;
                }
            }
        }
        self.replace(target, lock, is_good, content.as_bytes())
    }

    /// Does something with the file while no other process writes.
    fn locked<T>(
        &self,
        work: impl FnOnce(&Path, &WriteLock) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let locked = || {
            let target = self.prepare()?;
            // Refused content is refused before anything is made beside it.
            self.check(&target)?;
            let lock = self.lock(&target)?;
            if !self.swept.swap(true, Ordering::Relaxed) {
                write::sweep(&target);
                lock.lease.sweep();
            }
            let answer = work(&target, &lock)?;
            drop(lock);
            Ok(answer)
        };
        locked().map_err(|error| self.located(error))
    }

    /// The file itself, in a directory that is there and safe.
    fn prepare(&self) -> Result<PathBuf, StorageError> {
        let target = self.target()?;
        let directory = directory_of(&target);
        if self.create_directories {
            files::create_directory_of(&target)?;
        }
        self.check_directory(&target)?;
        self.tighten_directory(directory);
        Ok(target)
    }

    /// Takes the right to refresh what is in the file, waiting for as long as somebody wants it.
    pub(crate) fn lock_refresh_while(
        &self,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<RefreshLease, StorageError> {
        let mut takeover = Takeover::new(self.lease_time);
        self.take_refresh(&mut takeover, &Wait::new(self.lock_wait(), is_wanted))
    }

    /// The same for async callers. When the future is dropped, the waiting ends too.
    pub(crate) fn wait_for_refresh(
        &self,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send + use<> {
        let file = self.clone();
        async move {
            let start = Instant::now();
            // All who share the turns wait equally long. So whoever is behind in the line has its turn before its
            // time is over, and no timer is needed, which a runtime may not have.
            let mut takeover = Arc::clone(&file.turn).lock_owned().await;
            let take = move |is_wanted: &dyn Fn() -> bool| {
                file.take_refresh(&mut takeover, &Wait::since(start, file.lock_wait(), is_wanted))
            };
            run_blocking_while_wanted(take).await
        }
    }

    fn take_refresh(&self, takeover: &mut Takeover, wait: &Wait<'_>) -> Result<RefreshLease, StorageError> {
        let mut take = || {
            let target = self.prepare()?;
            let lease = lease::acquire_while(&target, "refresh", takeover, wait)?;
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

    /// A place where tests let a step fail.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests let it fail"))]
    fn may(&self, step: Step) -> Result<(), StorageError> {
        #[cfg(test)]
        if let Some((at, others)) = self.meanwhile
            && at == step
        {
            others(&self.path);
        }
        #[cfg(test)]
        if let Some((at, kind)) = self.fail_at
            && at == step
        {
            return Err(StorageError::from_io(kind.into(), step.verb()));
        }
        failpoint::reach(step.failpoint()).map_err(|error| StorageError::from_io(error, step.verb()))
    }
}

fn new_turn(lease_time: Duration) -> Arc<tokio::sync::Mutex<Takeover>> {
    Arc::new(tokio::sync::Mutex::new(Takeover::new(lease_time)))
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
