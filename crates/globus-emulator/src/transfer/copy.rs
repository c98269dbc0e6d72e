//! One task at work: takes items, walks directories, copies files, and keeps the record truthful.

use std::fs::{self, File, Metadata};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::SystemTime;

use globus_core::Clock as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::directory;
use super::pace::Pace;
use super::paths::{Below, Problem, Root};
use super::record::{Counters, End, Moved, Status, TaskRecord};
use super::request::{Rules, TransferRequest};
use super::runner::Control;
use super::verify::{self, Algorithm};
use crate::app::App;

/// Emulated time between two tries.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Runs a task to its end, or until it is cancelled or the emulator stops.
pub(super) fn run(app: &App, id: &str, control: &Control) {
    let Some(mut job) = Job::new(app, id, control) else { return };
    let Some(end) = job.work() else { return };
    job.publish_with(|task, now| task.end(now, end));
}

/// One thing to do.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// An item of the request, by its place there.
    Item(usize),
    Directory {
        source: Below,
        destination: Below,
    },
    File {
        source: Below,
        destination: Below,
        /// The item that names this very file, with its checksum.
        item: Option<usize>,
    },
    Link {
        source: Below,
        destination: Below,
    },
}

/// Why a thing could not be done.
#[derive(Debug)]
pub(super) enum Trouble {
    Source(Problem),
    Destination(Problem),
    /// The copy does not have the checksum of the source.
    Checksum,
    /// Trying again cannot help.
    Fatal(String, String),
    /// The task was cancelled, or the emulator stops.
    Stopped,
}

pub(super) struct Job<'a> {
    app: &'a App,
    id: &'a str,
    control: &'a Control,
    deadline: Timestamp,
    pub(super) request: TransferRequest,
    pub(super) source: Root,
    pub(super) destination: Root,
    pub(super) rules: Rules,
    pace: Pace<'a>,
    pub(super) counters: Counters,
    pub(super) todo: Vec<Work>,
}

impl<'a> Job<'a> {
    fn new(app: &'a App, id: &'a str, control: &'a Control) -> Option<Self> {
        let now = app.clock.now();
        app.world
            .change_anyway(|world| {
                let task = world.tasks.get_mut(id)?;
                if task.status != Status::Active {
                    return None;
                }
                if task.events.is_empty() {
                    task.note(now, "STARTED", "started", &json!({}), false);
                }
                // A task that an earlier emulator left unfinished begins anew; copying again does no harm.
                task.counters = Counters::default();
                task.successful.clear();
                task.skipped.clear();
                let (request, deadline) = (task.request.clone(), task.deadline);
                let root = |endpoint: &Option<String>| {
                    let id = endpoint.as_deref().unwrap_or_default().to_ascii_lowercase();
                    world.collections.get(&id).map(super::collection::CollectionRecord::root)
                };
                let (source, destination) =
                    (root(&request.source_endpoint), root(&request.destination_endpoint));
                let (Some(source), Some(destination)) = (source, destination) else {
                    let description = "a collection of the task is gone".to_owned();
                    let end = End::Fatal { code: "ENDPOINT_ERROR".to_owned(), description };
                    world.tasks.get_mut(id)?.end(now, end);
                    return None;
                };
                Some((request, deadline, source, destination))
            })
            .map(|(request, deadline, source, destination)| {
                let counters = Counters {
                    total: u64::try_from(request.items.len()).unwrap_or(u64::MAX),
                    ..Counters::default()
                };
                Self {
                    app,
                    id,
                    control,
                    deadline,
                    source,
                    destination,
                    // The rules were checked when the task was submitted.
                    rules: request.rules().unwrap_or_default(),
                    pace: Pace::new(app, control),
                    counters,
                    todo: (0..request.items.len()).rev().map(Work::Item).collect(),
                    request,
                }
            })
    }

    /// Does everything; nothing when the task is to be left as it is.
    fn work(&mut self) -> Option<End> {
        self.publish();
        while let Some(work) = self.todo.pop() {
            loop {
                if self.control.is_canceled() {
                    return None;
                }
                if self.app.clock.now() >= self.deadline {
                    return Some(End::DeadlinePassed);
                }
                match self.attempt(&work) {
                    Ok(()) => break,
                    Err(Trouble::Stopped) => return None,
                    Err(Trouble::Fatal(code, description)) => return Some(End::Fatal { code, description }),
                    Err(Trouble::Source(problem)) if self.request.skip_source_errors => {
                        self.skip(&work, problem);
                        break;
                    }
                    Err(trouble) => {
                        if let Some(end) = self.stumble(&work, &trouble) {
                            return Some(end);
                        }
                    }
                }
            }
            self.publish();
        }
        Some(End::Succeeded)
    }

    fn attempt(&mut self, work: &Work) -> Result<(), Trouble> {
        match work {
            Work::Item(place) => self.take_item(*place),
            Work::Directory { source, destination } => directory::walk(self, source, destination),
            Work::Link { source, destination } => directory::copy_link(self, source, destination),
            Work::File { source, destination, item } => {
                let before = (self.counters.bytes_transferred, self.counters.bytes_checksummed);
                let outcome = self.file(source, destination, *item);
                if outcome.is_err() {
                    // A try that failed moved nothing.
                    (self.counters.bytes_transferred, self.counters.bytes_checksummed) = before;
                }
                outcome
            }
        }
    }

    /// Finds out what an item is, and puts that in its place.
    fn take_item(&mut self, place: usize) -> Result<(), Trouble> {
        let item = &self.request.items[place];
        let parse = |path: &str| Below::parse(path);
        let source = parse(&item.source_path).map_err(Trouble::Source)?;
        let destination = parse(&item.destination_path).map_err(Trouble::Destination)?;
        let real = self.source.existing(&source).map_err(permanent)?;
        let found = fs::symlink_metadata(real).map_err(|error| Trouble::Source(error.into()))?;
        let fatal = |code: &str, text: &str| Err(Trouble::Fatal(code.to_owned(), text.to_owned()));
        match (found.is_dir(), item.recursive) {
            (true, Some(false)) => return fatal("IS_A_DIRECTORY", "a directory needs recursive"),
            (false, Some(true)) => {
                return fatal("NOT_A_DIRECTORY", "a file cannot be transferred recursively");
            }
            (true, _) => self.todo.push(Work::Directory { source, destination }),
            (false, _) => {
                self.counters.files += 1;
                self.todo.push(Work::File { source, destination, item: Some(place) });
            }
        }
        Ok(())
    }

    /// Copies one file: to a temporary name, verified, then renamed.
    fn file(&mut self, source: &Below, destination: &Below, item: Option<usize>) -> Result<(), Trouble> {
        self.pace.before_file();
        let (mut from, seen) = self.source.open(source).map_err(permanent)?;
        let (parent, name) =
            self.destination.parent_for_writing(destination).map_err(permanent_destination)?;
        let target = parent.join(&name);
        let there = fs::symlink_metadata(&target).ok();
        if there.as_ref().is_some_and(Metadata::is_dir) {
            let text = format!("{} is a directory", destination.shown());
            return Err(Trouble::Fatal("IS_A_DIRECTORY".to_owned(), text));
        }
        if self.is_in_sync(&mut from, &seen, destination, there.as_ref())? {
            self.counters.files_skipped += 1;
            self.counters.succeeded += 1;
            return Ok(());
        }
        let mut temporary = temporary_in(&parent).map_err(|error| Trouble::Destination(error.into()))?;
        let item = item.map(|place| &self.request.items[place]);
        let named = item.and_then(|item| item.checksum_algorithm.as_deref());
        let algorithm = named.and_then(Algorithm::parse).unwrap_or(Algorithm::Md5);
        let expected =
            item.and_then(|item| item.external_checksum.as_ref()).map(|sum| sum.to_ascii_lowercase());
        let before = self.counters.bytes_transferred;
        let checksum = self.pump(&mut from, temporary.as_file_mut(), algorithm)?;
        if expected.is_some_and(|expected| expected != checksum) {
            let text = format!("{} does not have the checksum that was given for it", source.shown());
            return Err(Trouble::Fatal("VERIFY_CHECKSUM".to_owned(), text));
        }
        if self.request.verify_checksum {
            let control = self.control;
            let copied = verify::of_file(temporary.as_file_mut(), algorithm, &|| control.is_canceled());
            let copied =
                copied.map_err(|error| Trouble::Destination(error.into()))?.ok_or(Trouble::Stopped)?;
            if copied != checksum {
                return Err(Trouble::Checksum);
            }
            self.counters.bytes_checksummed += self.counters.bytes_transferred - before;
        }
        if let (true, Ok(modified)) = (self.request.preserve_timestamp, seen.modified()) {
            temporary.as_file().set_modified(modified).map_err(|error| Trouble::Destination(error.into()))?;
        }
        self.destination.still_inside(&parent).map_err(permanent_destination)?;
        // A link that stands at the target is replaced, not followed.
        temporary.persist(&target).map_err(|error| Trouble::Destination(error.error.into()))?;
        self.counters.files_transferred += 1;
        self.counters.succeeded += 1;
        let moved = Moved {
            source: source.shown(),
            destination: destination.shown(),
            size: self.counters.bytes_transferred - before,
            algorithm: algorithm.name().to_owned(),
            checksum,
        };
        self.look_at_record(|task| task.successful.push(moved));
        Ok(())
    }

    /// Moves the bytes; answers their checksum.
    fn pump(&mut self, from: &mut File, to: &mut File, algorithm: Algorithm) -> Result<String, Trouble> {
        use std::io::Seek as _;
        // A comparison of checksums may have read the source before.
        from.rewind().map_err(|error| Trouble::Source(error.into()))?;
        let mut checksum = algorithm.begin();
        let mut buffer = Vec::new();
        loop {
            if self.control.is_canceled() {
                return Err(Trouble::Stopped);
            }
            buffer.resize(self.pace.piece(), 0);
            let count = from.read(&mut buffer).map_err(|error| Trouble::Source(error.into()))?;
            if count == 0 {
                return Ok(checksum.finish());
            }
            let piece = &buffer[..count];
            checksum.update(piece);
            to.write_all(piece).map_err(|error| Trouble::Destination(error.into()))?;
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.counters.bytes_transferred += count;
            self.publish();
            self.pace.copied(count);
        }
    }

    /// Whether the sync level says that the file need not be copied.
    fn is_in_sync(
        &self,
        from: &mut File,
        seen: &Metadata,
        destination: &Below,
        there: Option<&Metadata>,
    ) -> Result<bool, Trouble> {
        let (Some(level), Some(there)) = (self.request.sync_level, there) else { return Ok(false) };
        if !there.is_file() {
            return Ok(false);
        }
        let same_size = there.len() == seen.len();
        let time = |file: &Metadata| file.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        match level {
            0 => Ok(true),
            1 => Ok(same_size),
            2 => Ok(same_size && time(seen) <= time(there)),
            _ if !same_size => Ok(false),
            _ => {
                let stop = || self.control.is_canceled();
                let (mut to, _) = self.destination.open(destination).map_err(permanent_destination)?;
                let ours = verify::of_file(from, Algorithm::Md5, &stop);
                let theirs = verify::of_file(&mut to, Algorithm::Md5, &stop);
                let ours = ours.map_err(|error| Trouble::Source(error.into()))?;
                let theirs = theirs.map_err(|error| Trouble::Destination(error.into()))?;
                Ok(ours.ok_or(Trouble::Stopped)? == theirs.ok_or(Trouble::Stopped)?)
            }
        }
    }

    fn skip(&mut self, work: &Work, problem: Problem) {
        self.counters.skipped_errors += 1;
        let (source, destination) = self.names(work);
        let row = (source, destination, problem.event_code().to_owned());
        self.look_at_record(|task| task.skipped.push(row));
    }

    /// Notes an error and waits before the next try, or ends the task when there will be none.
    fn stumble(&mut self, work: &Work, trouble: &Trouble) -> Option<End> {
        let (code, words) = match trouble {
            Trouble::Source(problem) | Trouble::Destination(problem) => {
                (problem.event_code(), problem.words())
            }
            Trouble::Checksum => ("VERIFY_CHECKSUM", "the copy has another checksum than the source"),
            Trouble::Fatal(..) | Trouble::Stopped => ("ENDPOINT_ERROR", "the task was interrupted"),
        };
        let (source, destination) = self.names(work);
        let at_source = matches!(trouble, Trouble::Source(_));
        let description = format!("{words}: {}", if at_source { &source } else { &destination });
        self.counters.faults += 1;
        let full = matches!(code, "QUOTA_EXCEEDED" | "NO_SPACE") && self.request.fail_on_quota_errors;
        if full || self.pace.limits().fail_fast {
            return Some(End::Fatal { code: code.to_owned(), description });
        }
        self.counters.retrying = 1;
        let details =
            json!({"context": [{"operation": "transfer", "path": source}], "error": {"body": words}});
        self.publish_with(|task, now| {
            task.trouble = Some((code.to_owned(), description.clone()));
            task.note(now, code, &description, &details, true);
        });
        let next =
            self.app.clock.now().saturating_add(RETRY_AFTER).unwrap_or(Timestamp::MAX).min(self.deadline);
        while self.app.clock.now() < next && !self.control.is_canceled() && !self.pace.limits().fail_fast {
            self.pace.wait_until(next);
        }
        self.counters.retrying = 0;
        None
    }

    fn names(&self, work: &Work) -> (String, String) {
        match work {
            Work::Item(place) => {
                let item = &self.request.items[*place];
                (item.source_path.clone(), item.destination_path.clone())
            }
            Work::Directory { source, destination }
            | Work::Link { source, destination }
            | Work::File { source, destination, .. } => (source.shown(), destination.shown()),
        }
    }

    /// Shows how far the task is. It need not outlive the emulator, since the task would begin anew.
    fn publish(&self) {
        let counters = self.counters.clone();
        self.look_at_record(|task| {
            task.counters = counters;
            task.trouble = None;
        });
    }

    fn look_at_record(&self, change: impl FnOnce(&mut TaskRecord)) {
        self.app.world.change_anyway(|world| {
            let task = world.tasks.get_passing_mut(self.id);
            if let Some(task) = task.filter(|task| task.status == Status::Active) {
                change(task);
            }
        });
    }

    /// Shows how far the task is, with a change that is kept.
    fn publish_with(&self, change: impl FnOnce(&mut TaskRecord, Timestamp)) {
        let now = self.app.clock.now();
        let counters = self.counters.clone();
        self.app.world.change_anyway(|world| {
            let task = world.tasks.get_mut(self.id);
            if let Some(task) = task.filter(|task| task.status == Status::Active) {
                task.counters = counters;
                change(task, now);
            }
        });
    }
}

/// A new file beside the target, under a name of its own.
fn temporary_in(parent: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".globus-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any program would make it: the process's mask decides.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(parent)
}

/// A problem at the source. One that cannot pass by itself ends the task.
pub(super) fn permanent(problem: Problem) -> Trouble {
    match problem {
        Problem::Escape | Problem::Malformed | Problem::Special => fatal(problem),
        problem => Trouble::Source(problem),
    }
}

/// A problem at the destination. One that cannot pass by itself ends the task.
pub(super) fn permanent_destination(problem: Problem) -> Trouble {
    match problem {
        Problem::Escape | Problem::Malformed | Problem::NotDirectory | Problem::IsDirectory => fatal(problem),
        problem => Trouble::Destination(problem),
    }
}

fn fatal(problem: Problem) -> Trouble {
    Trouble::Fatal(problem.event_code().to_owned(), problem.words().to_owned())
}
