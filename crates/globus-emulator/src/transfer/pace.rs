//! How fast a task may go, by the emulated clock.

use globus_core::Clock as _;
use jiff::{SignedDuration, Timestamp};

use super::runner::Control;
use crate::app::App;
use crate::world::settings::TransferLimits;

/// The largest piece that is copied between two looks at the limits.
const LARGEST_PIECE: usize = 1024 * 1024;

/// Keeps one task to the limits, which may change while it runs.
pub(super) struct Pace<'a> {
    app: &'a App,
    control: &'a Control,
    version: u64,
    limits: TransferLimits,
    since: Timestamp,
    bytes: u64,
}

impl<'a> Pace<'a> {
    pub(super) fn new(app: &'a App, control: &'a Control) -> Self {
        let mut pace = Self {
            app,
            control,
            version: 0,
            limits: TransferLimits::default(),
            since: app.clock.now(),
            bytes: 0,
        };
        pace.read_limits();
        pace
    }

    fn read_limits(&mut self) {
        self.version = self.control.limits_version();
        self.limits = self.app.world.read(|world| world.settings.limits);
        self.since = self.app.clock.now();
        self.bytes = 0;
    }

    pub(super) fn limits(&mut self) -> TransferLimits {
        if self.control.limits_version() != self.version {
            self.read_limits();
        }
        self.limits
    }

    /// How many bytes to copy next: about a tenth of a second's worth.
    pub(super) fn piece(&mut self) -> usize {
        let rate = self.limits().bytes_per_second.unwrap_or(u64::MAX);
        usize::try_from(rate / 10).unwrap_or(LARGEST_PIECE).clamp(1, LARGEST_PIECE)
    }

    /// Waits as the limit on bytes asks, after so many more were copied.
    pub(super) fn copied(&mut self, bytes: u64) {
        self.bytes += bytes;
        while !self.control.is_canceled() {
            let Some(rate) = self.limits().bytes_per_second.map(|rate| rate.max(1)) else { return };
            let millis = u128::from(self.bytes) * 1000 / u128::from(rate);
            let millis = i64::try_from(millis).unwrap_or(i64::MAX);
            let until =
                self.since.saturating_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX);
            if self.app.clock.now() >= until {
                return;
            }
            self.wait_until(until);
        }
    }

    /// Waits before a file.
    pub(super) fn before_file(&mut self) {
        let begun = self.app.clock.now();
        while !self.control.is_canceled() {
            let delay = i64::try_from(self.limits().file_delay_ms).unwrap_or(i64::MAX);
            let until = begun.saturating_add(SignedDuration::from_millis(delay)).unwrap_or(Timestamp::MAX);
            if self.app.clock.now() >= until {
                return;
            }
            self.wait_until(until);
        }
    }

    /// Waits until an emulated time, the end of the task, or new limits.
    pub(super) fn wait_until(&self, until: Timestamp) {
        let stop = || self.control.is_canceled() || self.control.limits_version() != self.version;
        self.app.clock.wait_until(until, &stop);
    }
}
