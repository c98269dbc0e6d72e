//! How long to wait between two looks at a task.

use std::time::Duration;

/// The first wait of a growing interval.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait of a growing interval.
const LONGEST: Duration = Duration::from_secs(10);

/// Counts the time that is waited, and says how long to wait next.
#[derive(Debug, Clone)]
pub(super) struct Polling {
    timeout: Option<Duration>,
    /// `None`: growing.
    interval: Option<Duration>,
    next: Duration,
    waited: Duration,
}

impl Polling {
    pub(super) fn new(timeout: Option<Duration>, interval: Option<Duration>) -> Self {
        Self { timeout, interval, next: FIRST, waited: Duration::ZERO }
    }

    /// The wait before the next look; `None` when the time is over.
    ///
    /// A fixed interval that would go beyond the timeout is not begun, as in the Python SDK; a growing one is cut,
    /// so that the last look is when the time is over.
    pub(super) fn next(&mut self) -> Option<Duration> {
        let left = self.timeout.map(|timeout| timeout.saturating_sub(self.waited));
        let wait = match (self.interval, left) {
            (Some(interval), Some(left)) => {
                let interval = self.timeout.map_or(interval, |timeout| interval.min(timeout));
                (interval <= left).then_some(interval)?
            }
            (Some(interval), None) => interval,
            (None, Some(left)) => (!left.is_zero()).then(|| self.next.min(left))?,
            (None, None) => self.next,
        };
        self.next = (self.next * 2).min(LONGEST);
        self.waited += wait;
        Some(wait)
    }

    /// How long was waited altogether.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(timeout: Option<u64>, interval: Option<u64>) -> Vec<f64> {
        let mut polling = Polling::new(timeout.map(Duration::from_secs), interval.map(Duration::from_secs));
        std::iter::from_fn(|| polling.next()).take(8).map(|wait| wait.as_secs_f64()).collect()
    }

    #[test]
    fn a_fixed_interval_ends_as_in_python() {
        assert_eq!(waits(Some(10), Some(5)), [5.0, 5.0]);
        assert_eq!(waits(Some(3), Some(10)), [3.0]);
        assert_eq!(waits(Some(20), Some(7)), [7.0, 7.0]);
        assert_eq!(waits(None, Some(7)).len(), 8);
    }

    #[test]
    fn a_growing_interval_doubles_and_ends_with_the_timeout() {
        assert_eq!(waits(None, None), [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]);
        assert_eq!(waits(Some(5), None), [0.5, 1.0, 2.0, 1.5]);
    }
}
