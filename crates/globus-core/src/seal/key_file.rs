//! Keys in files.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::key::to_base64;
use super::passphrase::random;
use super::{KeyFileProblem, SealError, SealingKey};

/// More than any key with what may stand around it.
const MAX_SIZE: u64 = 1024;

pub(super) fn read(path: &Path) -> Result<SealingKey, SealError> {
    let at_fault = |problem| SealError::KeyFile { path: path.to_owned(), problem };
    let io = |error| at_fault(KeyFileProblem::Io(error));
    let file = open(path).map_err(io)?;
    let facts = file.metadata().map_err(io)?;
    if !facts.is_file() {
        return Err(at_fault(KeyFileProblem::NotAFile));
    }
    check(&facts).map_err(at_fault)?;
    let mut text = Zeroizing::new(String::with_capacity(1 + usize::try_from(MAX_SIZE).unwrap_or(0)));
    match file.take(MAX_SIZE).read_to_string(&mut text) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(io(error)),
        _ => {}
    }
    SealingKey::from_base64(&*text).map_err(|_| at_fault(KeyFileProblem::NotAKey))
}

pub(super) fn create(path: &Path) -> Result<SealingKey, SealError> {
    let at_fault = |problem| SealError::KeyFile { path: path.to_owned(), problem };
    let io = |error| at_fault(KeyFileProblem::Io(error));
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let key = Zeroizing::new(random()?);
    let line = to_base64(&key);
    // Whole beside its place first: half a key would look like a damaged one for ever.
    let mut new = tempfile::Builder::new().prefix(".key-").tempfile_in(directory).map_err(io)?;
    make_private(new.as_file()).map_err(io)?;
    new.write_all(line.as_bytes()).map_err(io)?;
    new.write_all(b"\n").map_err(io)?;
    new.as_file().sync_all().map_err(io)?;
    new.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => at_fault(KeyFileProblem::AlreadyExists),
        _ => io(error.error),
    })?;
    // What is sealed with the key must not outlive it.
    sync_directory(directory).map_err(io)?;
    Ok(SealingKey::from_bytes(*key))
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // A pipe is not waited for.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn check(facts: &Metadata) -> Result<(), KeyFileProblem> {
    use std::os::unix::fs::MetadataExt;
    let owner = facts.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(KeyFileProblem::ForeignOwner { owner });
    }
    let mode = facts.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileProblem::OpenToOthers { mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(_: &Metadata) -> Result<(), KeyFileProblem> {
    Ok(())
}

#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_private(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path).and_then(|directory| directory.sync_all()) {
        // Not every file system can say.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        done => done,
    }
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
