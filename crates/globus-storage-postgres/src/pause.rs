//! Waits between two tries.

use std::time::Duration;

/// Short at first, then up to a quarter of a second, never twice the same: thousands may be waiting.
#[derive(Debug)]
pub(crate) struct Pause(Duration);

impl Pause {
    pub(crate) fn new() -> Self {
        Self(Duration::from_millis(1))
    }

    /// Waits, but no longer than this.
    pub(crate) async fn wait(&mut self, at_most: Duration) {
        let share = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
        tokio::time::sleep(self.0.mul_f64(0.5 + share / 2.0).min(at_most)).await;
        self.0 = (self.0 * 2).min(Duration::from_millis(250));
    }
}
