//! How fast and how long a task may go, by the emulated clock.

use globus_core::Clock as _;
use jiff::{SignedDuration, Timestamp};

use super::runner::Control;
use crate::app::App;
use crate::world::settings::TransferLimits;

/// The largest piece that is copied between two looks at the limits.
const LARGEST_PIECE: u64 = 16 * 1024 * 1024;

/// Keeps one task to its limits, which may change while it runs.
pub(super) struct Pace<'a> {
    app: &'a App,
    task: &'a str,
    control: &'a Control,
    version: u64,
    limits: TransferLimits,
    deadline: Timestamp,
    since: Timestamp,
    bytes: u64,
    /// When the last file was begun, or the task.
    last_file: Timestamp,
}

impl<'a> Pace<'a> {
    pub(super) fn new(app: &'a App, task: &'a str, control: &'a Control) -> Self {
        let mut pace = Self {
            app,
            task,
            control,
            version: 0,
            limits: TransferLimits::default(),
            deadline: Timestamp::MAX,
            since: app.clock.now(),
            bytes: 0,
            last_file: app.clock.now(),
        };
        pace.read_limits();
        pace
    }

    fn read_limits(&mut self) {
        self.version = self.control.limits_version();
        let (limits, deadline) = self
            .app
            .world
            .read(|world| (world.settings.limits, world.tasks.get(self.task).map(|task| task.deadline)));
        if limits.bytes_per_second != self.limits.bytes_per_second {
            self.since = self.app.clock.now();
            self.bytes = 0;
        }
        self.limits = limits;
        self.deadline = deadline.unwrap_or(Timestamp::MAX);
    }

    pub(super) fn limits(&mut self) -> TransferLimits {
        if self.control.limits_version() != self.version {
            self.read_limits();
        }
        self.limits
    }

    pub(super) fn has_expired(&mut self) -> bool {
        self.limits();
        self.app.clock.now() >= self.deadline
    }

    /// Whether the task was cancelled, or has no more time.
    pub(super) fn is_over(&mut self) -> bool {
        self.control.is_canceled() || self.has_expired()
    }

    /// How many bytes to copy next: about a tenth of a second's worth.
    pub(super) fn piece(&mut self) -> u64 {
        (self.limits().bytes_per_second.unwrap_or(u64::MAX) / 10).clamp(1, LARGEST_PIECE)
    }

    /// Counts bytes that were copied. Answers until when to wait, if there is a limit.
    pub(super) fn copied(&mut self, bytes: u64) -> Option<Timestamp> {
        self.bytes += bytes;
        let rate = self.limits().bytes_per_second?.max(1);
        let millis = u128::from(self.bytes) * 1000 / u128::from(rate);
        Some(later(self.since, i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// Until when to wait before the next file. The wait counts from the file before, so that who sees that one
    /// done and then moves the clock knows what will be begun.
    pub(super) fn next_file(&mut self) -> Option<Timestamp> {
        let delay = self.limits().file_delay_ms;
        (delay > 0).then(|| later(self.last_file, i64::try_from(delay).unwrap_or(i64::MAX)))
    }

    pub(super) fn begin_file(&mut self) {
        self.last_file = self.app.clock.now();
    }

    /// Whether it is not yet that time.
    pub(super) fn is_early(&self, until: Timestamp) -> bool {
        self.app.clock.now() < until
    }

    /// Waits until an emulated time, the end of the task, or new limits.
    pub(super) fn wait_until(&self, until: Timestamp) {
        let stop = || self.control.is_canceled() || self.control.limits_version() != self.version;
        self.app.clock.wait_until(until.min(self.deadline), &stop);
    }
}

fn later(time: Timestamp, millis: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX)
}
