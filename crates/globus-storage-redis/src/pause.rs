//! Waiting between two looks.

use std::time::Duration;

const LONGEST: Duration = Duration::from_millis(100);

/// Waits between two looks: short at first, then up to 100 ms, never twice the same.
pub(crate) struct Pause(Duration);

impl Pause {
    pub(crate) fn new() -> Self {
        Self(Duration::from_millis(2))
    }

    pub(crate) async fn wait(&mut self) {
        let share = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
        tokio::time::sleep(self.0.mul_f64(0.5 + share / 2.0)).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}
