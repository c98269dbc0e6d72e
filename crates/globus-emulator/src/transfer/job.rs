//! The work of a task, whatever its kind: one thing after the other, tried again, counted and shown.

use std::time::{Duration, Instant};

use globus_core::Clock as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::collection::CollectionRecord;
use super::copy::Copying;
use super::delete::Deleting;
use super::pace::Pace;
use super::paths::Root;
use super::problem::Problem;
use super::record::{Counters, End, Moved, News, Skipped, Status, TaskRecord};
use super::request::Request;
use super::runner::Control;
use crate::app::App;

/// Emulated time between two tries.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Emulated time between two `PROGRESS` events.
const PROGRESS_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// How old what is shown of a task may be. Showing it after every small file would cost more than the file.
const SHOWN_EVERY: Duration = Duration::from_millis(5);

/// What one kind of task knows to do.
pub(super) trait Labor {
    /// One thing to do.
    type Work;

    /// The first things to do, the last of them first.
    fn begin(&mut self, job: &mut Job<'_>) -> Vec<Self::Work>;

    /// Does one thing. What it finds to be done next goes to the end of `todo`.
    fn attempt(
        &mut self,
        job: &mut Job<'_>,
        work: &Self::Work,
        todo: &mut Vec<Self::Work>,
    ) -> Result<(), Trouble>;

    /// What comes when everything else is done.
    fn afterwards(&mut self, _job: &mut Job<'_>) -> Vec<Self::Work> {
        Vec::new()
    }

    /// What a thing to do is about.
    fn subject(&self, work: &Self::Work) -> Subject;

    /// Whether an error at the source is skipped.
    fn skips_source_errors(&self) -> bool {
        false
    }

    /// Whether a full disk ends the task at once.
    fn fails_when_full(&self) -> bool {
        false
    }
}

/// What a thing to do is about, for events and for the list of what was skipped.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) source: String,
    pub(super) destination: String,
    pub(super) is_directory: bool,
    pub(super) is_symlink: bool,
    pub(super) is_extra: bool,
    pub(super) external_checksum: Option<String>,
    pub(super) checksum_algorithm: Option<String>,
}

/// Why a thing could not be done.
#[derive(Debug)]
pub(super) enum Trouble {
    Source(Problem),
    Destination(Problem),
    /// The copy does not have the checksum of the source.
    Checksum,
    /// The source is not what it was when its copy was begun.
    Changed,
    /// Trying again cannot help.
    Fatal(&'static str, String),
    /// The task was cancelled, its time is over, or the emulator stops.
    Stopped,
}

impl Trouble {
    pub(super) fn at_source(error: impl Into<Problem>) -> Self {
        Self::Source(error.into())
    }

    pub(super) fn at_destination(error: impl Into<Problem>) -> Self {
        Self::Destination(error.into())
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Source(problem) | Self::Destination(problem) => problem.event_code(),
            Self::Checksum => "VERIFY_CHECKSUM",
            Self::Changed => "FILE_SIZE_CHANGED",
            Self::Fatal(code, _) => code,
            Self::Stopped => "INTERNAL_ERROR",
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Source(problem) | Self::Destination(problem) => problem.words(),
            Self::Checksum => "the copy has another checksum than the source",
            Self::Changed => "the source changed while it was copied",
            Self::Fatal(_, words) => words,
            Self::Stopped => "the task was interrupted",
        }
    }

    /// Whether trying again cannot help.
    fn lasts(&self) -> bool {
        match self {
            Self::Source(problem) => problem.lasts_at_source(),
            Self::Destination(problem) => problem.lasts_at_destination(),
            Self::Fatal(..) => true,
            Self::Checksum | Self::Changed | Self::Stopped => false,
        }
    }
}

/// Runs a task to its end, or until it is cancelled or the emulator stops.
pub(super) fn run(app: &App, id: &str, control: &Control) {
    let Some(start) = start(app, id) else { return };
    let mut job = Job {
        app,
        id,
        control,
        pace: Pace::new(app, id, control),
        counters: start.counters,
        items_done: start.items_done,
        news: News::default(),
        reserved: 0,
        shown: Instant::now(),
        progress: (app.clock.now(), 0),
    };
    let end = match start.request {
        Request::Transfer(request) => {
            let [source, destination] = start.roots;
            job.work(&mut Copying::new(request, source, destination))
        }
        Request::Delete(request) => {
            let [root, _] = start.roots;
            job.work(&mut Deleting::new(request, root, start.begun_before))
        }
    };
    if let Some(end) = end {
        job.keep(|task, now| task.end(now, end));
    }
    // It may have been cancelled since the last look at it.
    job.settle();
}

/// Where a task begins.
struct Start {
    request: Request,
    /// The collections' directories: source and destination, which are the same for a task with one.
    roots: [Root; 2],
    counters: Counters,
    items_done: usize,
    begun_before: bool,
}

fn start(app: &App, id: &str) -> Option<Start> {
    let now = app.clock.now();
    app.world.change_anyway(|world| {
        let task = world.tasks.get_mut(id)?;
        if task.status != Status::Active {
            return None;
        }
        let begun_before = !task.events.is_empty();
        if !begun_before {
            task.note(now, "STARTED", "started", &json!({}), false);
        }
        if let Request::Transfer(_) = task.request {
            // What an earlier emulator left unfinished begins anew: copying again does no harm.
            task.counters = Counters::default();
            task.successful.clear();
            task.skipped.clear();
        }
        task.counters.retrying = 0;
        let (request, counters, items_done) = (task.request.clone(), task.counters.clone(), task.items_done);
        let roots: Vec<Root> = request
            .endpoints()
            .into_iter()
            .filter_map(|id| world.collections.get(&id.to_ascii_lowercase()))
            .map(CollectionRecord::root)
            .collect();
        let roots = match (&request, roots.as_slice()) {
            (Request::Transfer(_), [source, destination]) => [source.clone(), destination.clone()],
            (Request::Delete(_), [root]) => [root.clone(), root.clone()],
            _ => {
                let description = "a collection of the task is gone".to_owned();
                let end = End::Fatal { code: "ENDPOINT_ERROR".to_owned(), description };
                world.tasks.get_mut(id)?.end(now, end);
                return None;
            }
        };
        Some(Start { request, roots, counters, items_done, begun_before })
    })
}

/// One task at work.
pub(super) struct Job<'a> {
    app: &'a App,
    id: &'a str,
    control: &'a Control,
    pace: Pace<'a>,
    pub(super) counters: Counters,
    /// How many items, from the first, are done with.
    pub(super) items_done: usize,
    news: News,
    /// Room on the disk that the file at hand may use.
    reserved: u64,
    /// When the task was last shown.
    shown: Instant,
    /// The last time and number of things done that a `PROGRESS` event told.
    progress: (Timestamp, u64),
}

impl Job<'_> {
    /// Does everything; nothing when the task is to be left as it is.
    fn work<L: Labor>(&mut self, labor: &mut L) -> Option<End> {
        let mut todo = labor.begin(self);
        self.show();
        loop {
            while let Some(work) = todo.pop() {
                loop {
                    if self.control.is_canceled() {
                        return None;
                    }
                    if self.pace.has_expired() {
                        return Some(End::Expired);
                    }
                    let before = (self.counters.bytes_transferred, self.counters.bytes_checksummed);
                    let Err(trouble) = labor.attempt(self, &work, &mut todo) else { break };
                    // A try that failed or was stopped moved nothing: its unfinished file is gone.
                    (self.counters.bytes_transferred, self.counters.bytes_checksummed) = before;
                    if matches!(trouble, Trouble::Stopped) {
                        continue;
                    }
                    if matches!(trouble, Trouble::Source(_)) && labor.skips_source_errors() {
                        self.skip(&trouble, labor.subject(&work));
                        break;
                    }
                    if let Some(end) = self.stumble(&trouble, &labor.subject(&work), labor.fails_when_full())
                    {
                        return Some(end);
                    }
                }
                self.show_soon();
            }
            todo = labor.afterwards(self);
            if todo.is_empty() {
                return Some(End::Succeeded);
            }
        }
    }

    pub(super) fn id(&self) -> &str {
        self.id
    }

    /// The trouble of a task that must stop, if it must.
    pub(super) fn check(&mut self) -> Result<(), Trouble> {
        if self.pace.is_over() { Err(Trouble::Stopped) } else { Ok(()) }
    }

    pub(super) fn is_canceled(&self) -> bool {
        self.control.is_canceled()
    }

    /// Waits before a file as the limits ask.
    pub(super) fn before_file(&mut self) -> Result<(), Trouble> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method's lifetime is one of many"
        )]
        self.wait(|pace| pace.next_file())?;
        self.pace.begin_file();
        Ok(())
    }

    /// Counts bytes that were copied, and waits as the limits ask.
    pub(super) fn copied(&mut self, bytes: u64) -> Result<(), Trouble> {
        self.counters.bytes_transferred += bytes;
        self.show_soon();
        let mut bytes = Some(bytes);
        self.wait(|pace| pace.copied(bytes.take().unwrap_or(0)))
    }

    /// Waits until a time, which is asked anew whenever the limits change.
    fn wait(&mut self, mut until: impl FnMut(&mut Pace<'_>) -> Option<Timestamp>) -> Result<(), Trouble> {
        while let Some(until) = until(&mut self.pace) {
            if !self.pace.is_early(until) {
                break;
            }
            self.check()?;
            self.show();
            self.pace.wait_until(until);
        }
        self.check()
    }

    /// How many bytes to copy next of so many that are left, and that the disk has room for.
    pub(super) fn next_piece(&mut self, left: u64) -> Result<u64, Trouble> {
        let piece = self.pace.piece().min(left);
        if piece == 0 || self.pace.limits().free_bytes.is_none() {
            return Ok(piece);
        }
        let granted = self.app.world.change_anyway(|world| match &mut world.settings.limits.free_bytes {
            Some(free) => {
                let granted = piece.min(*free);
                *free -= granted;
                granted
            }
            None => piece,
        });
        self.reserved += granted;
        if granted == 0 { Err(Trouble::Destination(Problem::NoSpace)) } else { Ok(granted) }
    }

    /// Gives back what was reserved of the disk's room and is not used by so many bytes that were kept.
    pub(super) fn end_file(&mut self, kept: u64) {
        let back = std::mem::take(&mut self.reserved).saturating_sub(kept);
        if back > 0 {
            self.app.world.change_anyway(|world| {
                if let Some(free) = &mut world.settings.limits.free_bytes {
                    *free = free.saturating_add(back);
                }
            });
        }
    }

    pub(super) fn moved(&mut self, moved: Moved) {
        self.news.moved.push(moved);
    }

    /// Notes an event that is no error.
    pub(super) fn note(&mut self, code: &str, description: &str) {
        self.keep(|task, now| task.note(now, code, description, &json!({}), false));
    }

    fn skip(&mut self, trouble: &Trouble, subject: Subject) {
        self.counters.skipped_errors += 1;
        self.news.skipped.push(Skipped {
            source: subject.source,
            destination: subject.destination,
            code: trouble.code().to_owned(),
            details: trouble.words().to_owned(),
            time: self.app.clock.now(),
            is_directory: subject.is_directory,
            is_symlink: subject.is_symlink,
            is_extra: subject.is_extra,
            external_checksum: subject.external_checksum,
            checksum_algorithm: subject.checksum_algorithm,
        });
    }

    /// Notes an error and waits before the next try, or ends the task when there will be none.
    fn stumble(&mut self, trouble: &Trouble, subject: &Subject, fail_when_full: bool) -> Option<End> {
        let (code, words) = (trouble.code(), trouble.words());
        let at_destination = matches!(trouble, Trouble::Destination(_));
        let path = if at_destination { &subject.destination } else { &subject.source };
        let description = format!("{words}: {path}");
        self.counters.faults += 1;
        let full = matches!(code, "QUOTA_EXCEEDED" | "NO_SPACE_LEFT") && fail_when_full;
        if trouble.lasts() || full || self.pace.limits().fail_fast {
            return Some(End::Fatal { code: code.to_owned(), description });
        }
        self.counters.retrying = 1;
        let details = json!({"context": [{"operation": "task", "path": path}], "error": {"body": words}});
        self.keep(|task, now| {
            task.trouble = Some((code.to_owned(), description.clone()));
            task.note(now, code, &description, &details, true);
        });
        let next = self.app.clock.now().saturating_add(RETRY_AFTER).unwrap_or(Timestamp::MAX);
        while self.pace.is_early(next) && !self.pace.is_over() && !self.pace.limits().fail_fast {
            self.pace.wait_until(next);
        }
        self.counters.retrying = 0;
        None
    }

    /// Shows how far the task is, if that was last done some time ago.
    pub(super) fn show_soon(&mut self) {
        if self.shown.elapsed() >= SHOWN_EVERY {
            self.show();
        }
    }

    /// Shows how far the task is. It is not written to the data directory: that would take longer than the work.
    fn show(&mut self) {
        self.shown = Instant::now();
        let now = self.app.clock.now();
        let (last, done) = self.progress;
        let new = self.counters.succeeded + self.counters.bytes_transferred;
        let due = last.saturating_add(PROGRESS_EVERY).is_ok_and(|due| now >= due) && new != done;
        if due {
            self.progress = (now, new);
        }
        let (counters, items_done) = (&self.counters, self.items_done);
        let news = std::mem::take(&mut self.news);
        self.app.world.change_anyway(|world| {
            let task = world.tasks.get_passing_mut(self.id);
            let Some(task) = task.filter(|task| task.status == Status::Active) else {
                return self.news = news;
            };
            task.advance(counters, news);
            task.items_done = items_done;
            task.trouble = None;
            if due {
                let seconds = now.duration_since(task.request_time).as_secs().max(1);
                let details = json!({
                    "bytes_transferred": counters.bytes_transferred, "duration": seconds,
                    "files_transferred": counters.files_transferred, "subtasks_succeeded": counters.succeeded,
                });
                task.note(now, "PROGRESS", "progress", &details, false);
            }
        });
    }

    /// Shows how far the task is, with a change that is kept.
    fn keep(&mut self, change: impl FnOnce(&mut TaskRecord, Timestamp)) {
        let now = self.app.clock.now();
        let (counters, items_done) = (&self.counters, self.items_done);
        let news = std::mem::take(&mut self.news);
        self.app.world.change_anyway(|world| {
            let task = world.tasks.get_mut(self.id);
            let Some(task) = task.filter(|task| task.status == Status::Active) else {
                return self.news = news;
            };
            task.advance(counters, news);
            task.items_done = items_done;
            change(task, now);
        });
    }

    /// Shows how far the task came before it was stopped.
    fn settle(&mut self) {
        self.keep(|_, _| {});
        let news = std::mem::take(&mut self.news);
        self.app.world.change_anyway(|world| {
            if let Some(task) = world.tasks.get_mut(self.id) {
                task.settle(&self.counters, news);
            }
        });
    }
}
