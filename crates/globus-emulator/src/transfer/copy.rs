//! Transfer tasks: what is named, what is in it, and what is too much at the destination.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cap_std::fs::{DirEntry, FileType};

use super::file::FileWork;
use super::job::{Job, Labor, Subject, Trouble};
use super::paths::{Below, Directory, Root};
use super::problem::Problem;
use super::request::{Rules, Symlinks, TransferRequest};

/// A directory at the source and the one at the destination that it is copied to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) source: Below,
    pub(super) destination: Below,
}

/// One thing to do.
pub(super) enum Work {
    /// An item of the request, by its place there.
    Item(usize),
    Directory(Rc<Pair>),
    File(FileWork),
    Link {
        within: Rc<Pair>,
        name: OsString,
    },
    /// Removes from the destination what the source does not have.
    Extra(Rc<Pair>),
}

/// The directories that were worked in last: the next file mostly is in them too.
struct Opened {
    pair: Rc<Pair>,
    source: Option<Rc<Directory>>,
    destination: Option<Rc<Directory>>,
}

pub(super) struct Copying {
    pub(super) request: TransferRequest,
    source: Root,
    destination: Root,
    rules: Rules,
    /// Destinations that several items name.
    ambiguous: HashSet<Below>,
    opened: Option<Opened>,
    /// Directories whose destinations may have too much.
    walked: Vec<Rc<Pair>>,
    pub(super) buffer: Vec<u8>,
}

impl Copying {
    pub(super) fn new(request: TransferRequest, source: Root, destination: Root) -> Self {
        let mut seen = HashSet::new();
        let ambiguous = request
            .items
            .iter()
            .filter_map(|item| Below::parse(&item.destination_path).ok())
            .filter_map(|path| seen.replace(path))
            .collect();
        Self {
            // The rules were checked when the task was submitted.
            rules: request.rules().unwrap_or_default(),
            request,
            source,
            destination,
            ambiguous,
            opened: None,
            walked: Vec::new(),
            buffer: Vec::new(),
        }
    }

    fn opened(&mut self, pair: &Rc<Pair>) -> &mut Opened {
        if self.opened.as_ref().is_none_or(|opened| opened.pair != *pair) {
            self.opened = None;
        }
        self.opened.get_or_insert_with(|| Opened { pair: pair.clone(), source: None, destination: None })
    }

    /// The source's directory.
    pub(super) fn source_directory(&mut self, pair: &Rc<Pair>) -> Result<Rc<Directory>, Problem> {
        if let Some(open) = &self.opened(pair).source {
            return Ok(open.clone());
        }
        let open = Rc::new(self.source.directory(&pair.source)?);
        self.opened(pair).source = Some(open.clone());
        Ok(open)
    }

    /// The destination's directory, made as needed.
    pub(super) fn destination_directory(&mut self, pair: &Rc<Pair>) -> Result<Rc<Directory>, Problem> {
        if let Some(open) = &self.opened(pair).destination {
            return Ok(open.clone());
        }
        let open = Rc::new(self.destination.directory_for_writing(&pair.destination)?);
        self.opened(pair).destination = Some(open.clone());
        Ok(open)
    }

    /// The directory and name of what a link at the source leads to.
    pub(super) fn followed(&self, link: &Below) -> Result<(Directory, OsString), Problem> {
        let real = self.source.resolve(link)?;
        self.source.parent(&real)?.ok_or(Problem::IsDirectory)
    }

    /// Finds out what an item is, and puts that in its place.
    fn take_item(&mut self, job: &mut Job<'_>, place: usize, todo: &mut Vec<Work>) -> Result<(), Trouble> {
        let item = &self.request.items[place];
        let recursive = item.recursive;
        let source = Below::parse(&item.source_path).map_err(Trouble::Source)?;
        let destination = Below::parse(&item.destination_path).map_err(Trouble::Destination)?;
        let (found, is_link) = self.look(&source, &destination).map_err(Trouble::Source)?;
        let fatal = |code: &'static str, text: &str| {
            Err(Trouble::Fatal(code, format!("{text}: {}", self.request.items[place].source_path)))
        };
        match (found.is_dir(), recursive) {
            (true, Some(false)) => return fatal("IS_A_DIRECTORY", "a directory needs recursive"),
            (false, Some(true)) => {
                return fatal("NOT_A_DIRECTORY", "a file cannot be transferred recursively");
            }
            (true, _) => todo.push(Work::Directory(Rc::new(Pair { source, destination }))),
            (false, _) if self.ambiguous.contains(&destination) => {
                return fatal("AMBIGUOUS_PATH", "another item has the same destination");
            }
            (false, _) => {
                let (Some((from, name)), Some((to, new_name))) = (source.split(), destination.split()) else {
                    return Err(Trouble::Destination(Problem::IsDirectory));
                };
                job.counters.files += 1;
                let within = Rc::new(Pair { source: from, destination: to });
                let new_name = (new_name != name).then_some(new_name);
                let work = FileWork { within, name, new_name, follow: is_link, item: Some(place) };
                todo.push(Work::File(work));
            }
        }
        Ok(())
    }

    /// What stands at a source, through links, and whether it is a link.
    fn look(&mut self, source: &Below, destination: &Below) -> Result<(FileType, bool), Problem> {
        if let (Some((from, name)), Some((to, _))) = (source.split(), destination.split()) {
            let pair = Rc::new(Pair { source: from, destination: to });
            let found = self.source_directory(&pair)?.find(&name)?.ok_or(Problem::Missing)?;
            if !found.is_symlink() {
                return Ok((found.file_type(), false));
            }
        }
        Ok((self.source.target(source)?.1.file_type(), true))
    }

    /// Makes the directory at the destination and adds what is in it to what is to do.
    fn walk(&mut self, job: &mut Job<'_>, pair: &Rc<Pair>, todo: &mut Vec<Work>) -> Result<(), Trouble> {
        let source = self.source_directory(pair).map_err(Trouble::Source)?;
        // Listed before the destination is made, which may be in here.
        let entries = sorted_entries(&source).map_err(Trouble::at_source)?;
        let destination = self.destination_directory(pair).map_err(Trouble::Destination)?;
        let (from, to) = (self.source.absolute(&source), self.destination.absolute(&destination));
        if to.map_err(Trouble::Destination)?.starts_with(from.map_err(Trouble::Source)?) {
            return Err(Trouble::Destination(Problem::IntoItself));
        }
        let (mut directories, mut rest) = (Vec::new(), Vec::new());
        for entry in &entries {
            match self.child(job, pair, entry) {
                Some(work @ Work::Directory(_)) => directories.push(work),
                Some(work) => rest.push(work),
                None => {}
            }
        }
        if self.request.delete_destination_extra {
            self.walked.push(pair.clone());
        }
        let files = rest.iter().filter(|work| matches!(work, Work::File(_))).count();
        job.counters.files += count(files);
        job.counters.total += count(directories.len() + rest.len());
        // What is in this very directory comes first, while it is open.
        todo.extend(directories.into_iter().rev());
        todo.extend(rest.into_iter().rev());
        job.counters.directories += 1;
        job.counters.succeeded += 1;
        Ok(())
    }

    /// What is to be done with an entry, if anything.
    fn child(
        &self,
        job: &mut Job<'_>,
        within: &Rc<Pair>,
        (name, kind): &(OsString, FileType),
    ) -> Option<Work> {
        let mut is_directory = kind.is_dir();
        let mut is_file = kind.is_file();
        let is_link = kind.is_symlink();
        if is_link {
            match self.request.recursive_symlinks {
                Symlinks::Ignore => return None,
                Symlinks::Keep => {
                    return Some(Work::Link { within: within.clone(), name: name.clone() });
                }
                Symlinks::Copy => {
                    let Ok((real, found)) = self.source.target(&within.source.join(name)) else {
                        if !self.rules.include(name, false) {
                            return None;
                        }
                        // It is met, told and perhaps skipped where its turn comes.
                        return Some(Work::File(FileWork::entry(within, name, true)));
                    };
                    if found.is_dir() && self.leads_back(&within.source, &real) {
                        return None;
                    }
                    (is_directory, is_file) = (found.is_dir(), found.is_file());
                }
            }
        }
        job.show_soon();
        if !self.rules.include(name, is_directory) {
            return None;
        }
        if is_directory {
            let (source, destination) = (within.source.join(name), within.destination.join(name));
            Some(Work::Directory(Rc::new(Pair { source, destination })))
        } else if is_file {
            Some(Work::File(FileWork::entry(within, name, is_link)))
        } else {
            None
        }
    }

    /// Whether a directory is one that the walk to `place` came through, links included: to follow a link to it would
    /// go round for ever.
    fn leads_back(&self, place: &Below, real: &Below) -> bool {
        std::iter::successors(Some(place.clone()), |place| Some(place.split()?.0))
            .any(|above| self.source.resolve(&above).is_ok_and(|above| above.starts_with(real)))
    }

    /// Makes the same link at the destination, if it would lead to something inside there too.
    fn link(&mut self, job: &mut Job<'_>, within: &Rc<Pair>, name: &OsStr) -> Result<(), Trouble> {
        job.before_file()?;
        let source = self.source_directory(within).map_err(Trouble::Source)?;
        let target = source.handle.read_link_contents(name).map_err(Trouble::at_source)?;
        self.source.resolve(&within.source.join(name)).map_err(Trouble::Source)?;
        if target.is_absolute() {
            let words = format!("an absolute link cannot be kept: {}", within.source.join(name).shown());
            return Err(Trouble::Fatal("INVALID_SYMLINK", words));
        }
        let destination = self.destination_directory(within).map_err(Trouble::Destination)?;
        // It must not lead out at the destination either, which may lie less deep.
        if !stays_inside(&destination.real, &target) {
            return Err(Trouble::Destination(Problem::Escape));
        }
        match destination.find(name).map_err(Trouble::Destination)? {
            Some(there) if there.is_dir() => return Err(Trouble::Destination(Problem::IsDirectory)),
            Some(_) => destination.handle.remove_file(name).map_err(Trouble::at_destination)?,
            None => {}
        }
        make_link(&destination, &target, name).map_err(Trouble::at_destination)?;
        job.counters.symlinks += 1;
        job.counters.succeeded += 1;
        Ok(())
    }

    /// Removes what the source does not have.
    fn remove_extra(&mut self, job: &mut Job<'_>, pair: &Rc<Pair>) -> Result<(), Trouble> {
        let source = self.source_directory(pair).map_err(Trouble::Source)?;
        let names: HashSet<OsString> =
            sorted_entries(&source).map_err(Trouble::at_source)?.into_iter().map(|(name, _)| name).collect();
        let destination = self.destination_directory(pair).map_err(Trouble::Destination)?;
        for (name, kind) in sorted_entries(&destination).map_err(Trouble::at_destination)? {
            if names.contains(&name) {
                continue;
            }
            job.before_file()?;
            // Neither follows links.
            let removed = if kind.is_dir() {
                destination.handle.remove_dir_all(&name)
            } else {
                destination.handle.remove_file(&name)
            };
            removed.map_err(Trouble::at_destination)?;
        }
        job.counters.succeeded += 1;
        Ok(())
    }
}

impl Labor for Copying {
    type Work = Work;

    fn begin(&mut self, job: &mut Job<'_>) -> Vec<Work> {
        job.counters.total = count(self.request.items.len());
        (0..self.request.items.len()).rev().map(Work::Item).collect()
    }

    fn attempt(&mut self, job: &mut Job<'_>, work: &Work, todo: &mut Vec<Work>) -> Result<(), Trouble> {
        let outcome = match work {
            Work::Item(place) => self.take_item(job, *place, todo),
            Work::Directory(pair) => self.walk(job, pair, todo),
            Work::Link { within, name } => self.link(job, within, name),
            Work::File(work) => self.file(job, work),
            Work::Extra(pair) => self.remove_extra(job, pair),
        };
        if outcome.is_err() {
            // The next try must see what is there then.
            self.opened = None;
        }
        outcome
    }

    fn afterwards(&mut self, job: &mut Job<'_>) -> Vec<Work> {
        let walked = std::mem::take(&mut self.walked);
        if walked.is_empty() {
            return Vec::new();
        }
        if job.counters.skipped_errors > 0 {
            job.note(
                "DELETE_DESTINATION_EXTRA_SKIPPED",
                "nothing was removed from the destination because source errors were skipped",
            );
            return Vec::new();
        }
        job.counters.total += count(walked.len());
        walked.into_iter().rev().map(Work::Extra).collect()
    }

    fn subject(&self, work: &Work) -> Subject {
        match work {
            Work::Item(place) => {
                let item = &self.request.items[*place];
                Subject {
                    source: item.source_path.clone(),
                    destination: item.destination_path.clone(),
                    is_directory: item.recursive == Some(true),
                    external_checksum: item.external_checksum.clone(),
                    checksum_algorithm: item.checksum_algorithm.clone(),
                    ..Subject::default()
                }
            }
            Work::Directory(pair) | Work::Extra(pair) => Subject {
                source: pair.source.shown_directory(),
                destination: pair.destination.shown_directory(),
                is_directory: true,
                is_extra: matches!(work, Work::Extra(_)),
                ..Subject::default()
            },
            Work::Link { within, name } => Subject {
                source: within.source.join(name).shown(),
                destination: within.destination.join(name).shown(),
                is_symlink: true,
                ..Subject::default()
            },
            Work::File(work) => {
                let item = work.item.map(|place| &self.request.items[place]);
                Subject {
                    source: work.source().shown(),
                    destination: work.destination().shown(),
                    is_symlink: work.follow,
                    external_checksum: item.and_then(|item| item.external_checksum.clone()),
                    checksum_algorithm: item.and_then(|item| item.checksum_algorithm.clone()),
                    ..Subject::default()
                }
            }
        }
    }

    fn skips_source_errors(&self) -> bool {
        self.request.skip_source_errors
    }

    fn fails_when_full(&self) -> bool {
        self.request.fail_on_quota_errors
    }
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Names and kinds of what is in a directory.
pub(super) fn sorted_entries(directory: &Directory) -> io::Result<Vec<(OsString, FileType)>> {
    let entries = directory.handle.entries()?.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name(), kind(&entry)?))
    });
    let mut entries: Vec<_> = entries.collect::<io::Result<_>>()?;
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entries)
}

fn kind(entry: &DirEntry) -> io::Result<FileType> {
    match entry.file_type()? {
        // Not every file system tells.
        kind if kind == FileType::unknown() => Ok(entry.metadata()?.file_type()),
        kind => Ok(kind),
    }
}

/// Whether a relative link in a directory keeps below the root, as far as its text says. Other links on its way
/// count when it is followed: every path is resolved anew.
fn stays_inside(directory: &Below, target: &Path) -> bool {
    let mut depth = directory.parts().count();
    for part in target.components() {
        match part {
            std::path::Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            std::path::Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    true
}

#[cfg(unix)]
fn make_link(directory: &Directory, target: &PathBuf, name: &OsStr) -> io::Result<()> {
    directory.handle.symlink_contents(target, Path::new(name))
}

#[cfg(not(unix))]
fn make_link(_directory: &Directory, _target: &PathBuf, _name: &OsStr) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
