//! Leases as files: made in one step, ending by themselves, taken over by one process only.
//!
//! The file of a lease names its holder. Whoever finds it waits until it is gone, or takes it over when the
//! holder is dead: its process is gone (which only a process of the same machine can see), or the file stayed
//! the same for the whole time of a lease by the waiter's own clock, or its deadline is more than a day past.
//!
//! A dead lease must be removed once and never its successor, which may appear at any moment in the same
//! place. So whoever removes a lease first makes a *claim*, a file named after the very content to be
//! removed. There can be one, and while it is there nobody else removes that content. A claim of a dead
//! process gives way to one with the next number.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::os::Moment;
use super::{beside, directory_of, os, write};
use crate::blocking_job::run_blocking;
use crate::storage::{Extend, Lease, LeaseHolder, Pause, RefreshLease, Release, StorageError};

/// How long a lease lasts when its holder dies.
pub(super) const TIME: Duration = RefreshLease::TIME;

/// Nothing is on its way in or out for longer, but of a process that stands still; that one then starts anew.
const LONGEST_STEP: Duration = Duration::from_secs(60);

/// Clocks of two machines do not differ by more.
const CLOCK_DIFFERENCE_SECONDS: i64 = 24 * 60 * 60;

/// What the file of a lease says.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    #[serde(flatten)]
    process: LeaseHolder,
    /// Seconds since 1970-01-01 UTC by the holder's clock.
    deadline: i64,
    /// How many times it was extended.
    #[serde(default)]
    extended: u64,
    fencing: u64,
}

fn deadline(time: Duration) -> i64 {
    Timestamp::now().as_second().saturating_add(time.as_secs().cast_signed())
}

impl Holder {
    fn this_process(time: Duration, fencing: u64) -> Self {
        Self { process: LeaseHolder::this_process(), deadline: deadline(time), extended: 0, fencing }
    }

    fn is_long_over(&self) -> bool {
        self.deadline.saturating_add(CLOCK_DIFFERENCE_SECONDS) < Timestamp::now().as_second()
    }
}

/// A lease that this process holds. Extending it and giving it back are jobs of their own threads, one at a
/// time.
#[derive(Debug)]
pub(super) struct FileLease(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    target: PathBuf,
    /// The file of the lease itself, wherever it may be by now. Writing to it never touches a successor's.
    file: File,
    holder: Holder,
    content: Vec<u8>,
    time: Duration,
    since: Moment,
    is_given_back: bool,
}

impl FileLease {
    pub(super) fn fencing(&self) -> u64 {
        self.held().holder.fencing
    }

    /// Whether it is certainly still this process's: nobody can have seen it unchanged for its whole time, and its
    /// file is where it was made.
    pub(super) fn is_held(&self) -> io::Result<bool> {
        let held = self.held();
        // The time is asked for last, as whoever looks may have stood still before that.
        Ok(os::is_at(&held.path, &held.file)? && held.since.elapsed() < held.time)
    }

    /// Deletes what dead processes left of their leases.
    pub(super) fn sweep(&self) {
        let held = self.held();
        sweep(&held.target, &held.path);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        lock(&self.0)
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    // Every step leaves it whole, so a panic elsewhere does not spoil it.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    /// Changes the content, which makes everybody who waits count from now again.
    fn extend(&mut self) -> io::Result<bool> {
        if self.is_given_back {
            return Ok(false);
        }
        let since = Moment::now();
        self.holder.deadline = deadline(self.time);
        self.holder.extended = self.holder.extended.saturating_add(1);
        let content = serde_json::to_vec(&self.holder)?;
        match self.write(&content) {
            Err(error) if os::is_gone(&error) => return Ok(false),
            written => written?,
        }
        self.content = content;
        self.since = since;
        os::is_at(&self.path, &self.file)
    }

    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(content)?;
        // Other machines see it when it has left this one.
        self.file.sync_data()
    }

    fn give_back(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_given_back, true) || !os::is_at(&self.path, &self.file)? {
            return Ok(());
        }
        if self.since.elapsed() < self.time / 2 {
            // Nobody can have seen it unchanged for the whole time yet, so it is ours to remove.
            return remove(&self.path);
        }
        Takeover::new(self.time).remove(&self.target, &self.path, &self.content)
    }
}

impl Lease for FileLease {
    fn extend(&mut self) -> Extend<'_> {
        let held = Arc::clone(&self.0);
        Box::pin(run_blocking(move || {
            let mut held = lock(&held);
            let path = held.path.clone();
            held.extend().map_err(|error| StorageError::from_io(error, "extend").with_path(path))
        }))
    }

    fn release(self: Box<Self>) -> Release {
        Box::pin(run_blocking(move || {
            let mut held = self.held();
            let path = held.path.clone();
            held.give_back().map_err(|error| StorageError::from_io(error, "release").with_path(path))
        }))
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        // The lease ends by itself if this fails.
        drop(self.held().give_back());
    }
}

/// Deletes leases on their way in or out whose process is dead: certainly, or because they have been on their way for
/// longer than any step takes. A claim stays while the lease is there that it is made for.
///
/// `own` is a lease just made, whose time is that of the file system's clock. What cannot be deleted is left for
/// another time.
fn sweep(target: &Path, own: &Path) {
    let now = std::fs::metadata(own).and_then(|facts| facts.modified());
    let (leases, claims) = (write::prefix(target, "lease"), write::prefix(target, "claim"));
    let claimed: Vec<OsString> = ["write", "refresh"]
        .iter()
        .filter_map(|ending| read(&beside(target, "", ending)).ok().flatten())
        .map(|content| claim_name(target, &content))
        .collect();
    let Ok(entries) = std::fs::read_dir(directory_of(target)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let begins = |beginning: &OsString| name.as_encoded_bytes().starts_with(beginning.as_encoded_bytes());
        if !(begins(&leases) || begins(&claims) && !claimed.iter().any(begins)) {
            continue;
        }
        let is_gone = || {
            // A lease may have no content yet, so its name says whose it is.
            if let Some(rest) = name.to_str()?.strip_prefix(leases.to_str()?) {
                let (origin, rest) = rest.split_once('-')?;
                let (pid, _) = rest.split_once('-')?;
                return Some(origin == this_origin()? && os::process_is_gone(pid.parse().ok()?));
            }
            let content = read(&entry.path()).ok().flatten()?;
            Some(serde_json::from_slice::<Holder>(&content).ok()?.process.is_gone())
        };
        let is_old = || {
            let since = entry.metadata().and_then(|facts| facts.modified()).ok()?;
            Some(now.as_ref().ok()?.duration_since(since).ok()? > LONGEST_STEP)
        };
        if is_gone() == Some(true) || is_old() == Some(true) {
            drop(remove(&entry.path()));
        }
    }
}

/// Who holds the lease, in words.
pub(super) fn holder(target: &Path, ending: &str) -> Option<String> {
    let content = read(&beside(target, "", ending)).ok()??;
    let holder: Holder = serde_json::from_slice(&content).ok()?;
    Some(holder.process.to_string())
}

/// Takes the lease `<name>.<ending>`.
pub(super) fn acquire(
    target: &Path,
    ending: &str,
    time: Duration,
    max_wait: Duration,
) -> Result<FileLease, StorageError> {
    acquire_while(target, ending, &mut Takeover::new(time), &Wait::new(max_wait, &|| true))
}

/// For how long a lease is waited for.
pub(super) struct Wait<'a> {
    start: Instant,
    longest: Duration,
    is_wanted: &'a dyn Fn() -> bool,
}

impl<'a> Wait<'a> {
    pub(super) fn new(longest: Duration, is_wanted: &'a dyn Fn() -> bool) -> Self {
        Self::since(Instant::now(), longest, is_wanted)
    }

    pub(super) fn since(start: Instant, longest: Duration, is_wanted: &'a dyn Fn() -> bool) -> Self {
        Self { start, longest, is_wanted }
    }
}

/// The same, for as long as somebody wants it: who has gone away need not have a turn. What was seen of the lease is
/// known to the next one who waits with the same `takeover`.
pub(super) fn acquire_while(
    target: &Path,
    ending: &str,
    takeover: &mut Takeover,
    wait: &Wait<'_>,
) -> Result<FileLease, StorageError> {
    let path = beside(target, "", ending);
    let time = takeover.time;
    let mut pause = Pause::new();
    let mut fencing_above = 0;
    let refused = |error| StorageError::from_io(error, "take the lease of");
    loop {
        if let Some(found) = read(&path).map_err(refused)? {
            if let Ok(holder) = serde_json::from_slice::<Holder>(&found) {
                fencing_above = fencing_above.max(holder.fencing.saturating_add(1));
            }
            if takeover.is_dead(&path, &found) {
                takeover.remove(target, &path, &found).map_err(refused)?;
            }
        } else {
            let since = Moment::now();
            let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0);
            let fencing = now.max(fencing_above);
            let holder = Holder::this_process(time, fencing);
            if let Some((content, file)) = place(target, &path, &holder).map_err(refused)? {
                takeover.seen.clear();
                let target = target.to_owned();
                let is_given_back = false;
                return Ok(FileLease(Arc::new(Mutex::new(Held {
                    path,
                    target,
                    file,
                    holder,
                    content,
                    time,
                    since,
                    is_given_back,
                }))));
            }
        }
        if wait.start.elapsed() >= wait.longest || !(wait.is_wanted)() {
            takeover.forget_halves();
            return Err(StorageError::locked(holder(target, ending), wait.start.elapsed()));
        }
        pause.wait();
    }
}

/// Makes the file with its whole content in one step, and answers both; `None` when there is one already.
fn place(target: &Path, path: &Path, holder: &Holder) -> io::Result<Option<(Vec<u8>, File)>> {
    let content = serde_json::to_vec(holder)?;
    let mut new = tempfile::Builder::new()
        .prefix(&on_its_way(target))
        .rand_bytes(12)
        .tempfile_in(directory_of(target))?;
    os::make_private(new.as_file())?;
    new.write_all(&content)?;
    let (file, new) = new.into_parts();
    match std::fs::hard_link(&new, path) {
        Ok(()) => return Ok(Some((content, file))),
        // Over a network the first answer may get lost, and the repeated question find our own work.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Ok((read(path)?.as_ref() == Some(&content)).then_some((content, file)));
        }
        // Swept because this process stood still; or the directory is gone, which the next try tells.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // A file system without hard links.
        Err(_) => {}
    }
    match os::private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Ok(mut file) => match file.write_all(&content) {
            Ok(()) => Ok(Some((content, file))),
            Err(error) => {
                // Half a lease would keep everybody waiting.
                drop(remove(path));
                Err(error)
            }
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let look = || {
        let mut content = Vec::new();
        os::open_to_read(path)?.take(64 * 1024).read_to_end(&mut content)?;
        Ok(content)
    };
    let is_stale = |error: &io::Error| error.kind() == io::ErrorKind::StaleNetworkFileHandle;
    match os::look_again(is_stale, look) {
        Ok(content) => Ok(Some(content)),
        Err(error) if os::is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if os::is_gone(&error) => Ok(()),
        done => done,
    }
}

/// What waiters have seen of leases and claims, and since when.
pub(super) struct Takeover {
    time: Duration,
    seen: HashMap<PathBuf, (Vec<u8>, Instant)>,
}

impl fmt::Debug for Takeover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Takeover").field("time", &self.time).finish_non_exhaustive()
    }
}

impl Takeover {
    pub(super) fn new(time: Duration) -> Self {
        Self { time, seen: HashMap::new() }
    }

    /// Forgets what is no whole lease. While nobody looks, another one may come that looks the same; a whole one has
    /// its own number.
    fn forget_halves(&mut self) {
        self.seen.retain(|_, (content, _)| serde_json::from_slice::<Holder>(content).is_ok());
    }

    fn is_dead(&mut self, path: &Path, content: &[u8]) -> bool {
        let since = match self.seen.get(path) {
            Some((seen, since)) if seen == content => *since,
            _ => {
                let now = Instant::now();
                self.seen.insert(path.to_owned(), (content.to_owned(), now));
                now
            }
        };
        since.elapsed() >= self.time
            || serde_json::from_slice::<Holder>(content)
                .is_ok_and(|holder| holder.process.is_gone() || holder.is_long_over())
    }

    /// Removes the lease if it still has this content and nobody else is about to do so.
    fn remove(&mut self, target: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
        for number in 0.. {
            let claim = claim_path(target, content, number);
            if place(target, &claim, &Holder::this_process(self.time, 0))?.is_none() {
                match read(&claim)? {
                    Some(other) if self.is_dead(&claim, &other) => continue,
                    _ => return Ok(()),
                }
            }
            if read(path)?.as_deref() == Some(content) {
                std::fs::rename(path, &claim)?;
                if read(&claim)?.as_deref() != Some(content) {
                    // Only after this process stood still for the whole time of a lease: put back what is not
                    // ours.
                    drop(std::fs::hard_link(&claim, path));
                }
            }
            return (0..=number).try_for_each(|number| remove(&claim_path(target, content, number)));
        }
        Ok(())
    }
}

/// The beginning of the name of a lease that this process is making.
fn on_its_way(target: &Path) -> OsString {
    let mut name = write::prefix(target, "lease");
    name.push(format!("{}-{}-", this_origin().unwrap_or_default(), std::process::id()));
    name
}

/// Tells this start of this machine, and this container, from others: where the number of a process means something.
fn this_origin() -> Option<String> {
    let origin = format!("{}\n{}\n{}", os::host(), os::boot_id()?, os::pid_namespace()?);
    Some(short_hash(origin.as_bytes()))
}

fn short_hash(text: &[u8]) -> String {
    let start =
        Sha256::digest(text).iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    format!("{start:016x}")
}

fn claim_path(target: &Path, content: &[u8], number: u32) -> PathBuf {
    let mut name = claim_name(target, content);
    name.push(number.to_string());
    directory_of(target).join(name)
}

/// The beginning of the names of the claims to this content.
fn claim_name(target: &Path, content: &[u8]) -> OsString {
    let mut name = write::prefix(target, "claim");
    name.push(short_hash(content) + "-");
    name
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
