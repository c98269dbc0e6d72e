//! Keys in files.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::key::to_base64;
use super::passphrase::random;
use super::{KeyFileProblem, SealError, SealingKey};
use crate::storage::files::for_keys;

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
    let directory = for_keys::directory_of(path);
    let key = Zeroizing::new(random()?);
    let line = to_base64(&key);
    // Whole beside its place first: half a key would look like a damaged one for ever.
    let mut new = tempfile::Builder::new().prefix(".key-").tempfile_in(directory).map_err(io)?;
    for_keys::make_private(new.as_file()).map_err(io)?;
    new.write_all(line.as_bytes()).map_err(io)?;
    new.write_all(b"\n").map_err(io)?;
    new.as_file().sync_all().map_err(io)?;
    new.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => at_fault(KeyFileProblem::AlreadyExists),
        _ => io(error.error),
    })?;
    // What is sealed with the key must not outlive it.
    for_keys::sync_directory(directory).map_err(io)?;
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

fn check(facts: &Metadata) -> Result<(), KeyFileProblem> {
    if let Some(owner) = for_keys::foreign_owner(facts) {
        return Err(KeyFileProblem::ForeignOwner { owner });
    }
    match for_keys::open_to_others(facts) {
        Some(mode) => Err(KeyFileProblem::OpenToOthers { mode }),
        None => Ok(()),
    }
}
