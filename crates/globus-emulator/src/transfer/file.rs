//! One file of a transfer task: copied to a temporary name, verified, then renamed.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::rc::Rc;
use std::time::SystemTime;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::OpenOptions;

use super::copy::{Copying, Pair, count};
use super::job::{Job, Trouble};
use super::paths::{Below, Directory};
use super::problem::Problem;
use super::record::Moved;
use super::temporary::Temporary;
use super::verify::{self, Algorithm};

/// Up to so many bytes a file is read and written by us: asking the kernel to copy takes more calls.
const SMALL: u64 = 128 * 1024;

/// A file to copy.
pub(super) struct FileWork {
    pub(super) within: Rc<Pair>,
    pub(super) name: OsString,
    /// Its name at the destination, if that is another one.
    pub(super) new_name: Option<OsString>,
    /// Whether it may be a link, which is followed.
    pub(super) follow: bool,
    /// The item that names this very file, with its checksum.
    pub(super) item: Option<usize>,
}

impl FileWork {
    /// A file that was found in a directory.
    pub(super) fn entry(within: &Rc<Pair>, name: &OsStr, follow: bool) -> Self {
        Self { within: within.clone(), name: name.to_owned(), new_name: None, follow, item: None }
    }

    fn new_name(&self) -> &OsStr {
        self.new_name.as_deref().unwrap_or(&self.name)
    }

    pub(super) fn source(&self) -> Below {
        self.within.source.join(&self.name)
    }

    pub(super) fn destination(&self) -> Below {
        self.within.destination.join(self.new_name())
    }
}

/// What checksum a copy is to have, or to be given.
struct Wanted {
    algorithm: Algorithm,
    /// The one that the caller knows.
    external: Option<String>,
}

impl Copying {
    pub(super) fn file(&mut self, job: &mut Job<'_>, work: &FileWork) -> Result<(), Trouble> {
        job.before_file()?;
        let (mut from, seen) = self.open_source(work).map_err(Trouble::Source)?;
        let directory = self.destination_directory(&work.within).map_err(Trouble::Destination)?;
        let there = directory.find(work.new_name()).map_err(Trouble::Destination)?;
        if there.as_ref().is_some_and(cap_std::fs::Metadata::is_dir) {
            return Err(Trouble::Destination(Problem::IsDirectory));
        }
        let there = there.filter(cap_std::fs::Metadata::is_file);
        if let Some(there) = there
            && self.is_in_sync(job, work, &mut from, &seen, &directory, &there)?
        {
            job.counters.files_skipped += 1;
            job.counters.succeeded += 1;
            return Ok(());
        }
        let before = job.counters.bytes_transferred;
        let outcome = self.copy(job, work, &mut from, &seen, &directory);
        let size = job.counters.bytes_transferred - before;
        job.end_file(if outcome.is_ok() { size } else { 0 });
        let checksum = outcome?;
        job.counters.files_transferred += 1;
        job.counters.succeeded += 1;
        job.moved(Moved {
            source: work.source().shown().into(),
            destination: work.destination().shown().into(),
            size,
            checksum,
        });
        Ok(())
    }

    fn copy(
        &mut self,
        job: &mut Job<'_>,
        work: &FileWork,
        from: &mut File,
        seen: &Metadata,
        directory: &Rc<Directory>,
    ) -> Result<Option<(Algorithm, Box<str>)>, Trouble> {
        let mut temporary = Temporary::create(directory, job.id()).map_err(Trouble::Destination)?;
        let before = job.counters.bytes_transferred;
        let wanted = self.wanted(work);
        let checksum = match &wanted {
            None => {
                self.copy_only(job, from, seen.len(), &mut temporary.file)?;
                None
            }
            Some(wanted) => {
                Some(self.copy_with_checksum(job, from, seen.len(), &mut temporary.file, wanted.algorithm)?)
            }
        };
        let size = job.counters.bytes_transferred - before;
        let now = from.metadata().map_err(Trouble::at_source)?;
        if size != seen.len() || now.len() != seen.len() || modified(&now) != modified(seen) {
            return Err(Trouble::Changed);
        }
        if let (Some(wanted), Some(checksum)) = (&wanted, &checksum) {
            self.check(job, work, wanted, checksum, &mut temporary.file)?;
            if self.request.verify_checksum {
                job.counters.bytes_checksummed += size;
            }
        }
        if let (true, Ok(modified)) = (self.request.preserve_timestamp, seen.modified()) {
            temporary.file.set_modified(modified).map_err(Trouble::at_destination)?;
        }
        temporary.keep(work.new_name()).map_err(Trouble::Destination)?;
        Ok(wanted.zip(checksum).map(|(wanted, checksum)| (wanted.algorithm, checksum.into())))
    }

    /// Opens the file at the source, which may be nothing but a file.
    fn open_source(&mut self, work: &FileWork) -> Result<(File, Metadata), Problem> {
        if work.follow {
            let (directory, name) = self.followed(&work.source())?;
            return open_file(&directory, &name);
        }
        let directory = self.source_directory(&work.within)?;
        open_file(&directory, &work.name)
    }

    /// The checksum that a copy is to have; nothing where nobody asks for one.
    fn wanted(&self, work: &FileWork) -> Option<Wanted> {
        let item = work.item.map(|place| &self.request.items[place]);
        let named = item.and_then(|item| item.checksum_algorithm.as_deref()).and_then(Algorithm::parse);
        let external =
            item.and_then(|item| item.external_checksum.as_ref()).map(|sum| sum.to_ascii_lowercase());
        if external.is_none() && !self.request.verify_checksum {
            return None;
        }
        // What comes from outside is MD5 unless it says otherwise.
        let usual = if external.is_some() { Algorithm::Md5 } else { Algorithm::FASTEST };
        Some(Wanted { algorithm: named.unwrap_or(usual), external })
    }

    /// Compares the checksum of what was read with the one that was given, and with what was written.
    fn check(
        &self,
        job: &mut Job<'_>,
        work: &FileWork,
        wanted: &Wanted,
        checksum: &str,
        copied: &mut File,
    ) -> Result<(), Trouble> {
        if wanted.external.as_deref().is_some_and(|external| external != checksum) {
            let words =
                format!("the file does not have the checksum that was given: {}", work.source().shown());
            return Err(Trouble::Fatal("EXTERNAL_CHECKSUM_MISMATCH", words));
        }
        if self.request.verify_checksum {
            let written = verify::of_file(copied, wanted.algorithm, &|| job.is_canceled());
            let written = written.map_err(Trouble::at_destination)?.ok_or(Trouble::Stopped)?;
            if written != checksum {
                return Err(Trouble::Checksum);
            }
        }
        Ok(())
    }

    /// Moves as many bytes as the file had when it was opened; large files by the kernel, past our memory.
    fn copy_only(
        &mut self,
        job: &mut Job<'_>,
        from: &mut File,
        size: u64,
        to: &mut File,
    ) -> Result<(), Trouble> {
        from.rewind().map_err(Trouble::at_source)?;
        if size <= SMALL {
            return self.pump(job, from, size, to, |_| {});
        }
        let mut left = size;
        while left > 0 {
            job.check()?;
            let piece = job.next_piece(left)?;
            let copied = io::copy(&mut (&*from).take(piece), to);
            let copied = copied.map_err(|error| blame(from, error))?;
            if copied == 0 {
                break;
            }
            left -= copied;
            job.copied(copied)?;
        }
        Ok(())
    }

    fn copy_with_checksum(
        &mut self,
        job: &mut Job<'_>,
        from: &mut File,
        size: u64,
        to: &mut File,
        algorithm: Algorithm,
    ) -> Result<String, Trouble> {
        // A comparison of checksums may have read the source before.
        from.rewind().map_err(Trouble::at_source)?;
        let mut checksum = algorithm.begin();
        self.pump(job, from, size, to, |piece| checksum.update(piece))?;
        Ok(checksum.finish())
    }

    /// Moves the bytes through our memory and shows them on their way.
    fn pump(
        &mut self,
        job: &mut Job<'_>,
        from: &mut File,
        size: u64,
        to: &mut File,
        mut show: impl FnMut(&[u8]),
    ) -> Result<(), Trouble> {
        self.buffer.resize(verify::PIECE, 0);
        let mut left = size;
        while left > 0 {
            job.check()?;
            let piece = job.next_piece(left.min(count(self.buffer.len())))?;
            // Not more than the buffer has.
            let buffer = &mut self.buffer[..usize::try_from(piece).unwrap_or(0)];
            let read = from.read(buffer).map_err(Trouble::at_source)?;
            if read == 0 {
                break;
            }
            show(&buffer[..read]);
            to.write_all(&buffer[..read]).map_err(Trouble::at_destination)?;
            left -= count(read);
            job.copied(count(read))?;
        }
        Ok(())
    }

    /// Whether the sync level says that the file need not be copied.
    fn is_in_sync(
        &self,
        job: &Job<'_>,
        work: &FileWork,
        from: &mut File,
        seen: &Metadata,
        directory: &Directory,
        there: &cap_std::fs::Metadata,
    ) -> Result<bool, Trouble> {
        let Some(level) = self.request.sync_level else { return Ok(false) };
        let same_size = there.len() == seen.len();
        match level {
            0 => Ok(true),
            1 => Ok(same_size),
            2 => {
                let theirs =
                    there.modified().map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std);
                Ok(same_size && modified(seen) <= theirs)
            }
            _ if !same_size => Ok(false),
            _ => {
                let stop = || job.is_canceled();
                let (mut to, _) = open_file(directory, work.new_name()).map_err(Trouble::Destination)?;
                let ours = verify::of_file(from, Algorithm::FASTEST, &stop);
                let theirs = verify::of_file(&mut to, Algorithm::FASTEST, &stop);
                let ours = ours.map_err(Trouble::at_source)?;
                let theirs = theirs.map_err(Trouble::at_destination)?;
                Ok(ours.ok_or(Trouble::Stopped)? == theirs.ok_or(Trouble::Stopped)?)
            }
        }
    }
}

fn modified(file: &Metadata) -> SystemTime {
    file.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Opens a regular file for reading.
fn open_file(directory: &Directory, name: &OsStr) -> Result<(File, Metadata), Problem> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        // Not waiting for the other end of a pipe.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = directory.handle.open_with(name, &options)?.into_std();
    let seen = file.metadata()?;
    if seen.is_dir() {
        return Err(Problem::IsDirectory);
    }
    if seen.is_file() { Ok((file, seen)) } else { Err(Problem::Special) }
}

/// Says which side failed when the kernel copied: the source if it cannot be read on.
fn blame(from: &mut File, error: io::Error) -> Trouble {
    let problem = Problem::from(error);
    if !matches!(problem, Problem::NoSpace | Problem::Quota) && from.read(&mut [0]).is_err() {
        return Trouble::Source(problem);
    }
    Trouble::Destination(problem)
}
