//! Delete tasks: what is named, what is in it, and never what a link leads to.

use std::ffi::OsString;
use std::rc::Rc;

use super::copy::{count, sorted_entries};
use super::job::{Job, Labor, Subject, Trouble};
use super::paths::{Below, Directory, Root};
use super::pattern::matcher;
use super::problem::Problem;
use super::request::DeleteRequest;

/// One thing to do.
pub(super) enum Work {
    /// An item of the request, by its place there.
    Item(usize),
    /// A name in a directory whose path has no links.
    Entry { within: Rc<Below>, name: OsString, recursive: bool },
    /// A directory that was emptied.
    Emptied { within: Rc<Below>, name: OsString },
}

pub(super) struct Deleting {
    request: DeleteRequest,
    root: Root,
    /// Whether an earlier emulator began the task: what is missing may be what it deleted.
    begun_before: bool,
    /// The directory that was worked in last: the next entry mostly is in it too.
    opened: Option<(Rc<Below>, Rc<Directory>)>,
}

impl Deleting {
    pub(super) fn new(request: DeleteRequest, root: Root, begun_before: bool) -> Self {
        Self { request, root, begun_before, opened: None }
    }

    fn directory(&mut self, real: &Rc<Below>) -> Result<Rc<Directory>, Problem> {
        if let Some((path, open)) = &self.opened
            && path == real
        {
            return Ok(open.clone());
        }
        let open = Rc::new(self.root.enter(real)?);
        self.opened = Some((real.clone(), open.clone()));
        Ok(open)
    }

    /// Finds out what an item names, and puts that in its place.
    fn take_item(&mut self, job: &mut Job<'_>, place: usize, todo: &mut Vec<Work>) -> Result<(), Trouble> {
        job.items_done = place;
        let path = Below::parse(&self.request.items[place].path).map_err(Trouble::Source)?;
        let named = if self.request.interpret_globs {
            self.expand(&path).map_err(Trouble::Source)?
        } else {
            self.name(&path).map_err(Trouble::Source)?.into_iter().collect()
        };
        if named.is_empty() && !self.request.ignore_missing && !self.begun_before {
            let words = format!("{}: {}", Problem::Missing.words(), self.request.items[place].path);
            return Err(Trouble::Fatal(Problem::Missing.event_code(), words));
        }
        // The item itself was counted as one; it stands for as many as it names.
        job.counters.total = job.counters.total - 1 + count(named.len());
        let entries = named.into_iter().rev().map(|(within, name)| Work::Entry {
            within: Rc::new(within),
            name,
            recursive: self.request.recursive,
        });
        todo.extend(entries);
        Ok(())
    }

    /// The directory and name of a path, if something is there.
    fn name(&self, path: &Below) -> Result<Option<(Below, OsString)>, Problem> {
        match self.root.parent(path) {
            Ok(Some((directory, name))) => Ok(directory.find(&name)?.map(|_| (directory.real, name))),
            // A submission that names the root is refused.
            Ok(None) | Err(Problem::Missing | Problem::NotDirectory | Problem::InvalidLink) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Everything that a pattern names: nothing outside, even if links lead there. As in a shell, a wildcard does
    /// not stand for the dot of a hidden name.
    fn expand(&self, pattern: &Below) -> Result<Vec<(Below, OsString)>, Problem> {
        let mut found = vec![Below::default()];
        for part in pattern.parts() {
            let Some(text) = part.to_str().filter(|text| text.contains(['*', '?', '['])) else {
                found = found.iter().map(|path| path.join(part)).collect();
                continue;
            };
            let glob = matcher(text).map_err(|_| Problem::Malformed)?;
            let mut next = Vec::new();
            for path in &found {
                let Some(directory) = found_inside(self.root.directory(path).map(Some))? else { continue };
                let names = sorted_entries(&directory)?.into_iter().map(|(name, _)| name);
                let hidden = |name: &OsString| name.as_encoded_bytes().starts_with(b".");
                let names =
                    names.filter(|name| glob.is_match(name) && (!hidden(name) || text.starts_with('.')));
                next.extend(names.map(|name| path.join(&name)));
            }
            found = next;
        }
        found.iter().filter_map(|path| found_inside(self.name(path)).transpose()).collect()
    }

    fn entry(
        &mut self,
        job: &mut Job<'_>,
        (within, name, recursive): (&Rc<Below>, &OsString, bool),
        todo: &mut Vec<Work>,
    ) -> Result<(), Trouble> {
        let directory = match self.directory(within) {
            Ok(directory) => directory.find(name).map(|found| Some(directory).zip(found)),
            Err(Problem::Missing) => Ok(None),
            Err(problem) => Err(problem),
        };
        let Some((directory, found)) = directory.map_err(Trouble::Source)? else {
            // Somebody else was quicker.
            job.counters.succeeded += 1;
            return Ok(());
        };
        if found.is_dir() {
            if !recursive {
                let words = format!("a directory needs recursive: {}", within.join(name).shown());
                return Err(Trouble::Fatal("IS_A_DIRECTORY", words));
            }
            todo.push(Work::Emptied { within: within.clone(), name: name.clone() });
            self.add_content(job, &within.join(name), todo)?;
            return Ok(());
        }
        job.before_file()?;
        match directory.handle.remove_file(name).map_err(Problem::from) {
            Ok(()) if found.is_symlink() => job.counters.symlinks += 1,
            Ok(()) => job.counters.files += 1,
            Err(Problem::Missing) => {}
            Err(problem) => return Err(Trouble::Source(problem)),
        }
        job.counters.succeeded += 1;
        Ok(())
    }

    /// Adds what is in a directory to what is to do.
    fn add_content(&self, job: &mut Job<'_>, path: &Below, todo: &mut Vec<Work>) -> Result<(), Trouble> {
        let within = Rc::new(path.clone());
        let directory = self.root.enter(path).map_err(Trouble::Source)?;
        let mut entries = sorted_entries(&directory).map_err(Trouble::at_source)?;
        // What is taken from the end comes first: files, while the directory is open, then directories.
        entries.sort_by_key(|(_, kind)| !kind.is_dir());
        job.counters.total += count(entries.len());
        todo.extend(entries.into_iter().map(|(name, _)| Work::Entry {
            within: within.clone(),
            name,
            recursive: true,
        }));
        Ok(())
    }

    fn emptied(
        &mut self,
        job: &mut Job<'_>,
        within: &Rc<Below>,
        name: &OsString,
        todo: &mut Vec<Work>,
    ) -> Result<(), Trouble> {
        let directory = self.directory(within).map_err(Trouble::Source)?;
        match directory.handle.remove_dir(name).map_err(Problem::from) {
            Ok(()) => job.counters.directories += 1,
            Err(Problem::Missing) => {}
            Err(Problem::NotEmpty) => {
                // Something was put there meanwhile.
                todo.push(Work::Emptied { within: within.clone(), name: name.clone() });
                return self.add_content(job, &within.join(name), todo);
            }
            Err(problem) => return Err(Trouble::Source(problem)),
        }
        job.counters.succeeded += 1;
        Ok(())
    }
}

/// What a pattern finds: what is not there, or not inside, it does not find.
fn found_inside<T>(found: Result<Option<T>, Problem>) -> Result<Option<T>, Problem> {
    match found {
        Err(Problem::Escape | Problem::Missing | Problem::NotDirectory | Problem::InvalidLink) => Ok(None),
        found => found,
    }
}

impl Labor for Deleting {
    type Work = Work;

    fn begin(&mut self, job: &mut Job<'_>) -> Vec<Work> {
        let items = self.request.items.len();
        job.counters.total = job.counters.succeeded + count(items.saturating_sub(job.items_done));
        (job.items_done..items).rev().map(Work::Item).collect()
    }

    fn attempt(&mut self, job: &mut Job<'_>, work: &Work, todo: &mut Vec<Work>) -> Result<(), Trouble> {
        let planned = todo.len();
        let outcome = match work {
            Work::Item(place) => self.take_item(job, *place, todo),
            Work::Entry { within, name, recursive } => self.entry(job, (within, name, *recursive), todo),
            Work::Emptied { within, name } => self.emptied(job, within, name, todo),
        };
        if outcome.is_err() {
            // The next try must see, and plan, what is there then.
            self.opened = None;
            todo.truncate(planned);
        }
        outcome
    }

    fn subject(&self, work: &Work) -> Subject {
        let (path, is_directory) = match work {
            Work::Item(place) => (self.request.items[*place].path.clone(), false),
            Work::Entry { within, name, .. } => (within.join(name).shown(), false),
            Work::Emptied { within, name } => (within.join(name).shown_directory(), true),
        };
        Subject { source: path, is_directory, ..Subject::default() }
    }
}
