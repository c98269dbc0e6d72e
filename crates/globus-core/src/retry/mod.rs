//! When a failed attempt is made again, and how long to wait before it.

mod budget;
mod retry_after;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::budget::RetryBudget;
pub(crate) use self::retry_after::http_date;
pub use self::retry_after::retry_after;

/// When a failed attempt is made again, and how long to wait before it.
///
/// The default follows the Python SDK: at most 5 retries; before retry *n*, counted from 0, a wait of
/// 0.25 to 0.75 seconds times 2ⁿ, at most 10 seconds. What is retried:
///
/// * 429 and 503, after the time in `Retry-After` if the service gave one: in full up to
///   [`max_wait`](Self::max_wait), and not at all beyond it;
/// * failures to connect;
/// * 500, 502, 504, timeouts and lost connections, if the call can be repeated without harm (it is
///   *idempotent*): the service may have done the work already;
/// * 401, once, with a fresh token and without waiting.
///
/// ```
/// use globus_core::RetryPolicy;
/// use std::time::Duration;
///
/// let patient = RetryPolicy::default().max_retries(8).max_sleep(Duration::from_secs(30));
/// let once = RetryPolicy::never();
/// # let _ = (patient, once);
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    pub(crate) max_retries: u32,
    pub(crate) max_sleep: Duration,
    pub(crate) max_wait: Duration,
    pub(crate) constant_backoff: Option<Duration>,
    pub(crate) transient: Arc<[u16]>,
    pub(crate) retry_after: Arc<[u16]>,
    pub(crate) expired_authorization: Arc<[u16]>,
    /// `None`: the client's own.
    pub(crate) budget: Option<RetryBudget>,
    jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 5,
            max_sleep: Duration::from_secs(10),
            max_wait: Duration::from_secs(300),
            constant_backoff: None,
            transient: Arc::new([429, 500, 502, 503, 504]),
            retry_after: Arc::new([429, 503]),
            expired_authorization: Arc::new([401]),
            budget: None,
            jitter: Arc::new(random),
        }
    }
}

impl RetryPolicy {
    /// One attempt, no retry of any kind.
    pub fn never() -> Self {
        Self::default().max_retries(0)
    }

    /// How many attempts may follow the first.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The longest wait that the policy chooses by itself.
    #[must_use]
    pub fn max_sleep(mut self, sleep: Duration) -> Self {
        self.max_sleep = sleep;
        self
    }

    /// The longest wait that a service may ask for with `Retry-After`. If it asks for more, the error comes
    /// at once; its `retry_after()` says how long the service wants.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Waits the same time before every retry, in place of a growing one.
    #[must_use]
    pub fn constant_backoff(mut self, wait: Duration) -> Self {
        self.constant_backoff = Some(wait);
        self
    }

    /// The statuses that count as passing failures, in place of 429, 500, 502, 503, 504.
    #[must_use]
    pub fn transient_statuses(mut self, statuses: &[u16]) -> Self {
        self.transient = statuses.into();
        self
    }

    /// The statuses on which `Retry-After` counts, in place of 429 and 503.
    #[must_use]
    pub fn retry_after_statuses(mut self, statuses: &[u16]) -> Self {
        self.retry_after = statuses.into();
        self
    }

    /// The statuses that mean an expired token, in place of 401.
    #[must_use]
    pub fn expired_authorization_statuses(mut self, statuses: &[u16]) -> Self {
        self.expired_authorization = statuses.into();
        self
    }

    /// Lets all clients that have this policy, or clones of it, share one budget: the one that was set, or a new one.
    #[must_use]
    pub fn sharing_budget(mut self) -> Self {
        self.budget.get_or_insert_default();
        self
    }

    /// Shares a [`RetryBudget`] with other clients. Without it, each client has one of its own, on which
    /// policies for a single call draw as well.
    #[must_use]
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Where the jitter comes from: numbers from 0 up to, not including, 1. For tests.
    #[must_use]
    pub fn jitter(mut self, source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.jitter = Arc::new(source);
        self
    }

    /// The wait before the retry that follows attempt number `attempt`, counted from 0.
    pub(crate) fn backoff(&self, attempt: u32) -> Duration {
        let wait = self.constant_backoff.unwrap_or_else(|| {
            let seconds = (0.25 + 0.5 * (self.jitter)()) * 2_f64.powi(attempt.min(30).cast_signed());
            Duration::try_from_secs_f64(seconds).unwrap_or(self.max_sleep)
        });
        wait.min(self.max_sleep)
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_retries", &self.max_retries)
            .field("max_sleep", &self.max_sleep)
            .field("max_wait", &self.max_wait)
            .field("constant_backoff", &self.constant_backoff)
            .field("transient_statuses", &self.transient)
            .field("retry_after_statuses", &self.retry_after)
            .finish_non_exhaustive()
    }
}

/// A random number from 0 up to, not including, 1. Without a source of randomness, the middle.
pub(crate) fn random() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_maximum() {
        let policy = RetryPolicy::default().jitter(|| 0.5);
        let waits: Vec<_> = (0..6).map(|attempt| policy.backoff(attempt).as_secs_f64()).collect();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]);
        assert_eq!(policy.backoff(u32::MAX), Duration::from_secs(10));
    }

    #[test]
    fn random_numbers_stay_in_range() {
        assert!((0..1000).all(|_| (0.0..1.0).contains(&random())));
    }
}
