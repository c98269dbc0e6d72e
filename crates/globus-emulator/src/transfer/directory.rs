//! Directories and links of a task.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use super::copy::{Job, Trouble, Work, permanent, permanent_destination};
use super::paths::{Below, Problem};
use super::request::Symlinks;

fn at_source(error: io::Error) -> Trouble {
    Trouble::Source(error.into())
}

fn at_destination(error: io::Error) -> Trouble {
    Trouble::Destination(error.into())
}

/// Makes the directory at the destination and adds what is in it to what is to do.
pub(super) fn walk(job: &mut Job<'_>, source: &Below, destination: &Below) -> Result<(), Trouble> {
    let real = job.source.existing(source).map_err(permanent)?;
    // Listed before the destination is made, which may be in here.
    let mut entries: Vec<DirEntry> = fs::read_dir(&real).and_then(Iterator::collect).map_err(at_source)?;
    entries.sort_by_key(DirEntry::file_name);
    let made = job.destination.directory_for_writing(destination).map_err(permanent_destination)?;
    if made.starts_with(&real) {
        let text = "a directory cannot be transferred into itself".to_owned();
        return Err(Trouble::Fatal("DIRECTORY_INTO_ITSELF".to_owned(), text));
    }
    let mut found = Vec::new();
    let mut names = HashSet::new();
    for entry in &entries {
        names.insert(entry.file_name());
        found.extend(child(job, entry, &real, source, destination)?);
    }
    if job.request.delete_destination_extra {
        remove_extra(&made, &names)?;
    }
    job.counters.total += u64::try_from(found.len()).unwrap_or(u64::MAX);
    job.counters.files += found.iter().map(|work| u64::from(matches!(work, Work::File { .. }))).sum::<u64>();
    job.todo.extend(found.into_iter().rev());
    job.counters.directories += 1;
    job.counters.succeeded += 1;
    Ok(())
}

/// What is to be done with an entry, if anything.
fn child(
    job: &Job<'_>,
    entry: &DirEntry,
    directory: &Path,
    source: &Below,
    destination: &Below,
) -> Result<Option<Work>, Trouble> {
    let name = entry.file_name();
    let (source, destination) = (source.join(&name), destination.join(&name));
    let mut kind = entry.file_type().map_err(at_source)?;
    if kind.is_symlink() {
        match job.request.recursive_symlinks {
            Symlinks::Ignore => return Ok(None),
            Symlinks::Keep => return Ok(Some(Work::Link { source, destination })),
            Symlinks::Copy => {
                let target = job.source.target_inside(&entry.path()).map_err(permanent)?;
                kind = fs::symlink_metadata(&target).map_err(at_source)?.file_type();
                if kind.is_dir() && directory.starts_with(&target) {
                    // A link back to where we are would be followed for ever.
                    return Ok(None);
                }
            }
        }
    }
    if !job.rules.include(&name, kind.is_dir()) {
        return Ok(None);
    }
    Ok(if kind.is_dir() {
        Some(Work::Directory { source, destination })
    } else if kind.is_file() {
        Some(Work::File { source, destination, item: None })
    } else {
        None
    })
}

/// Removes what the source does not have.
fn remove_extra(directory: &Path, names: &HashSet<OsString>) -> Result<(), Trouble> {
    for entry in fs::read_dir(directory).map_err(at_destination)? {
        let entry = entry.map_err(at_destination)?;
        if names.contains(&entry.file_name()) {
            continue;
        }
        let is_directory = entry.file_type().map_err(at_destination)?.is_dir();
        let path = entry.path();
        // Neither follows links.
        let removed = if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.map_err(at_destination)?;
    }
    Ok(())
}

/// Makes the same link at the destination, if it would lead to something inside there too.
pub(super) fn copy_link(job: &mut Job<'_>, source: &Below, destination: &Below) -> Result<(), Trouble> {
    let (parent, name) = source.split().ok_or(Trouble::Source(Problem::Malformed))?;
    let link = job.source.existing(&parent).map_err(permanent)?.join(name);
    let target = fs::read_link(&link).map_err(at_source)?;
    job.source.target_inside(&link).map_err(permanent)?;
    if target.is_absolute() {
        return Err(Trouble::Fatal(
            "PERMISSION_DENIED".to_owned(),
            "an absolute link cannot be kept".to_owned(),
        ));
    }
    let (parent, name) = job.destination.parent_for_writing(destination).map_err(permanent_destination)?;
    let new = parent.join(name);
    match fs::symlink_metadata(&new) {
        Ok(there) if there.is_dir() => return Err(permanent_destination(Problem::IsDirectory)),
        Ok(_) => fs::remove_file(&new).map_err(at_destination)?,
        Err(_) => {}
    }
    make_link(&target, &new).map_err(at_destination)?;
    job.counters.symlinks += 1;
    job.counters.succeeded += 1;
    Ok(())
}

#[cfg(unix)]
fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn make_link(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
