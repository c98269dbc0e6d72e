//! What is kept of old contents: the last good copy, and what was set aside.
//!
//! Both are second names of the old content's own file where the file system has hard links, and copies where it
//! has none. A second name costs no waiting for the disk, and stays as it is when the file gets a new content,
//! be it by us, who replace it, or by another program in place after that.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::lock::WriteLock;
use super::{Durability, Step, TokenFile, beside, directory_of, os, write};
use crate::storage::{StorageError, StorageErrorKind};
use crate::token::ResourceServer;
use crate::token::json::Json;

const LAST_GOOD: &str = "last-good";
const DAMAGED: &str = "damaged-";
/// What an upgrade keeps of a file of format 1.0.
pub(crate) const BEFORE_UPGRADE: &str = "v1.bak";

/// More files are not set aside in one second.
const MAX_IN_A_SECOND: u32 = 1000;

/// What reads a content, to judge it.
pub(crate) type Read<'a, T> = &'a dyn Fn(&[u8]) -> Result<T, StorageError>;

impl TokenFile {
    /// Lets the content that is about to be replaced be the last good copy. Failing that is no failure of the
    /// write, which is worth more.
    pub(super) fn keep_last_good(&self, target: &Path) {
        // Who seals a file with another key wants nothing left under the old one.
        if !self.keep_last_good || self.encoding.is_some() {
            return;
        }
        let copy = beside(target, "", LAST_GOOD);
        let keep = || -> io::Result<()> {
            self.may(Step::KeepLastGood).map_err(io::Error::other)?;
            // Renaming over it would do nothing where both are names of one file.
            remove(&copy)?;
            second_name(target, &copy, Durability::Rename)
        };
        if let Err(error) = keep() {
            tracing::debug!(path = %copy.display(), %error, "no last good copy was kept");
        }
    }

    /// Gives the content another name, which tells when it was set aside. The file itself stays.
    pub(super) fn keep_aside(&self, target: &Path) -> Result<PathBuf, StorageError> {
        self.may(Step::SetAside)?;
        let refused = |error| StorageError::from_io(error, Step::SetAside.verb());
        let stem = format!("{DAMAGED}{}", Timestamp::now().strftime("%Y%m%dT%H%M%SZ"));
        for number in 1..=MAX_IN_A_SECOND {
            let ending = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let aside = beside(target, "", &ending);
            match second_name(target, &aside, self.durability) {
                Ok(()) => return Ok(aside),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refused(error)),
            }
        }
        Err(refused(io::ErrorKind::AlreadyExists.into()))
    }

    /// The last good copy, read, with its path and the time at which it was written.
    pub(crate) fn last_good<T>(&self, read: Read<'_, T>) -> Result<Option<LastGood<T>>, StorageError> {
        let target = self.target()?;
        self.check_directory(&target)?;
        let path = beside(&target, "", LAST_GOOD);
        let Some(content) = self.read_target(&path).map_err(|error| error.with_path(&path))? else {
            return Ok(None);
        };
        let written_at = std::fs::symlink_metadata(&path)
            .and_then(|facts: Metadata| facts.modified())
            .ok()
            .and_then(|time| Timestamp::try_from(time).ok())
            .unwrap_or_default();
        let holds = read(&content).map_err(|error| error.with_path(&path))?;
        Ok(Some(LastGood { path, written_at, content, holds }))
    }

    /// What was set aside, the oldest first.
    pub(crate) fn set_aside_before(&self) -> Result<Vec<PathBuf>, StorageError> {
        let beginning = beginning(&self.target()?, DAMAGED);
        let mut found: Vec<PathBuf> = copies(&self.target()?)?;
        found.retain(|path| begins(path, &beginning));
        Ok(found)
    }

    /// Puts the last good copy in the place of a damaged file, or of none, and answers where the damaged one is
    /// now.
    pub(crate) fn restore_last_good<T>(&self, read: Read<'_, T>) -> Result<Option<PathBuf>, StorageError> {
        self.locked(|target, lock| {
            let old = self.read_target(target)?;
            if let Some(old) = &old {
                require_damage(read(old))?;
            }
            let none = || StorageError::new(StorageErrorKind::NoLastGoodCopy);
            let good = match self.last_good(read) {
                Ok(found) => found.ok_or_else(none)?,
                Err(error) => return Err(none().with_source(error)),
            };
            let aside = old.map(|_| self.keep_aside(target)).transpose()?;
            self.replace(target, lock, false, &good.content)?;
            Ok(aside)
        })
    }

    /// Moves a damaged file away and answers where it is now.
    pub(crate) fn set_aside<T>(&self, read: Read<'_, T>) -> Result<PathBuf, StorageError> {
        self.locked(|target, lock| {
            let Some(old) = self.read_target(target)? else {
                return Err(StorageError::new(StorageErrorKind::NotFound));
            };
            require_damage(read(&old))?;
            let aside = self.keep_aside(target)?;
            self.take_away(target, lock)?;
            Ok(aside)
        })
    }

    /// Deletes the file, if its content may be deleted, and every copy of it, and says whether there was a file.
    pub(crate) fn delete(
        &self,
        may_go: impl Fn(&[u8]) -> Result<(), StorageError>,
    ) -> Result<bool, StorageError> {
        let is_there = |target: &Path| {
            let content = self.read_target(target)?;
            content.as_deref().map_or(Ok(()), |content| may_go(content))?;
            let is_there = content.is_some();
            Ok::<_, StorageError>((is_there, is_there || !copies(target)?.is_empty()))
        };
        let look = || is_there(&self.target()?);
        if !look().map_err(|error| self.located(error))?.1 {
            return Ok(false);
        }
        self.locked(|target, lock| {
            let (is_there, _) = is_there(target)?;
            self.forget_all(target, lock)?;
            self.take_away(target, lock)?;
            Ok(is_there)
        })
    }

    /// Deletes every copy.
    pub(super) fn forget_all(&self, target: &Path, lock: &WriteLock) -> Result<(), StorageError> {
        self.may(Step::Forget)?;
        lock.require_held()?;
        copies(target)?.iter().try_for_each(|copy| {
            remove(copy).map_err(|error| StorageError::from_io(error, Step::Forget.verb()).with_path(copy))
        })
    }

    fn take_away(&self, target: &Path, lock: &WriteLock) -> Result<(), StorageError> {
        lock.require_held()?;
        remove(target).map_err(|error| StorageError::from_io(error, "remove"))?;
        if self.durability == Durability::Full {
            os::sync_directory(directory_of(target))
                .map_err(|error| StorageError::from_io(error, Step::SyncDirectory.verb()))?;
        }
        Ok(())
    }

    /// Whether a copy may hold a token of this resource server.
    pub(crate) fn has_copies_with(&self, server: &ResourceServer) -> Result<bool, StorageError> {
        Ok(!self.copies_with(&self.target()?, server)?.is_empty())
    }

    /// Deletes the copies that may hold a token of this resource server.
    pub(super) fn forget(
        &self,
        target: &Path,
        lock: &WriteLock,
        server: &ResourceServer,
    ) -> Result<(), StorageError> {
        self.may(Step::Forget)?;
        let copies = self.copies_with(target, server)?;
        lock.require_held()?;
        for copy in copies {
            remove(&copy)
                .map_err(|error| StorageError::from_io(error, Step::Forget.verb()).with_path(&copy))?;
            tracing::info!(path = %copy.display(), "deleted a copy of tokens that were removed");
        }
        Ok(())
    }

    /// A copy that names the resource server anywhere counts, because what is damaged cannot be asked more
    /// precisely; so does one that cannot be read, and one that a dead writer left half written.
    fn copies_with(&self, target: &Path, server: &ResourceServer) -> Result<Vec<PathBuf>, StorageError> {
        let written = Json::text(server.as_str()).to_text();
        let names = [server.as_str(), written.trim_matches('"')];
        let mut found = copies(target)?;
        let half_written = PathBuf::from(write::prefix(target, "new"));
        let may_hold = |path: &Path| match self.read_target(path) {
            Ok(Some(content)) => names.iter().any(|name| contains(&content, name.as_bytes())),
            Ok(None) => false,
            Err(_) => true,
        };
        found.retain(|path| begins(path, &half_written) || may_hold(path));
        Ok(found)
    }
}

/// A last good copy that can be read.
pub(crate) struct LastGood<T> {
    pub(crate) path: PathBuf,
    pub(crate) written_at: Timestamp,
    pub(super) content: Zeroizing<Vec<u8>>,
    pub(crate) holds: T,
}

/// Passes where reading failed because of damage.
fn require_damage<T>(read: Result<T, StorageError>) -> Result<(), StorageError> {
    match read {
        Ok(_) => Err(StorageError::new(StorageErrorKind::NotDamaged)),
        Err(error) if error.is_damaged() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives a file a second name, under which nobody but its owner can read it, or makes a copy under that name.
fn second_name(target: &Path, name: &Path, durability: Durability) -> io::Result<()> {
    let mut old = os::open_to_read(target)?;
    let is_open = os::is_open_to_others(&old.metadata()?);
    if !is_open || os::make_private(&old).is_ok() {
        match std::fs::hard_link(target, name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // A file system without hard links, or a file of root.
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
    }
    copy(&mut old, name, durability)
}

/// Makes a copy that nobody but its owner can read.
pub(super) fn copy(old: &mut File, name: &Path, durability: Durability) -> io::Result<()> {
    let mut new = os::private(OpenOptions::new().write(true).create_new(true)).open(name)?;
    let copied =
        os::make_private(&new).and_then(|()| io::copy(old, &mut new)).and_then(|_| match durability {
            Durability::Full => new.sync_all(),
            Durability::Rename => Ok(()),
        });
    copied.inspect_err(|_| drop(remove(name)))
}

/// The files beside `target` that hold its old contents, or contents that never took its place.
fn copies(target: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let exact = [beside(target, "", LAST_GOOD), beside(target, "", BEFORE_UPGRADE)];
    let beginnings = [beginning(target, DAMAGED), PathBuf::from(write::prefix(target, "new"))];
    let entries = match std::fs::read_dir(directory_of(target)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StorageError::from_io(error, "look for copies of")),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| StorageError::from_io(error, "look for copies of"))?.path();
        let is = |other: &PathBuf| other.file_name() == path.file_name();
        if exact.iter().any(is) || beginnings.iter().any(|beginning| begins(&path, beginning)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn beginning(target: &Path, ending: &str) -> PathBuf {
    beside(target, "", ending)
}

fn begins(path: &Path, beginning: &Path) -> bool {
    let bytes =
        |path: &Path| path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
    bytes(path).starts_with(&bytes(beginning))
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    part.is_empty() || content.windows(part.len()).any(|window| window == part)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
