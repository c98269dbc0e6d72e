//! Time as the SDK sees it: an injected [`Clock`] that tells the time and waits.
//!
//! Programs use [`SystemClock`], which every client has by default. Tests use [`ManualClock`], which stands
//! still until it is told to move, or the clock of the emulator.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The future that [`Clock::sleep`] answers.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time and waits.
///
/// ```
/// use globus_core::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::at(1_700_000_000);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().as_second(), 1_700_000_060);
/// ```
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The whole seconds since 1970-01-01 UTC now, which every request asks for. A clock overrides it where it
    /// has them cheaper than by [`now`](Self::now); a few milliseconds behind is near enough.
    fn now_second(&self) -> i64 {
        self.now().as_second()
    }

    /// Ready after `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> Sleep;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn now_second(&self) -> i64 {
        (**self).now_second()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        (**self).sleep(duration)
    }
}

/// Differences between two clocks below this many seconds are the network's.
const SMALL_OFFSET: i64 = 5;

/// A service's time further away than this is not believed.
const LARGEST_OFFSET: i64 = 24 * 3600;

/// How far a service's clock is ahead of this machine's: zero below 5 seconds, `None` above a day, which is
/// not believed.
pub fn clock_offset(service: Timestamp, local: Timestamp) -> Option<SignedDuration> {
    let seconds = service.duration_since(local).as_secs();
    match seconds.abs() {
        0..SMALL_OFFSET => Some(SignedDuration::ZERO),
        SMALL_OFFSET..=LARGEST_OFFSET => Some(SignedDuration::from_secs(seconds)),
        _ => None,
    }
}

/// The clock of the machine; waits with tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    // A few milliseconds behind at most, for a quarter of the price.
    #[cfg(target_os = "linux")]
    fn now_second(&self) -> i64 {
        rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse).tv_sec
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock for tests: it moves when told to, and by every wait, at once. The waits are kept.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<Mutex<Manual>>);

#[derive(Debug, Default)]
struct Manual {
    now: Timestamp,
    sleeps: Vec<Duration>,
}

impl ManualClock {
    /// A clock that stands at this many seconds since 1970-01-01 UTC.
    ///
    /// # Panics
    ///
    /// When the time is out of `Timestamp`'s range (before year -9999 or after 9999).
    #[expect(clippy::expect_used, reason = "a test's own constant; the panic is documented")]
    pub fn at(seconds: i64) -> Self {
        let clock = Self::default();
        clock.set(Timestamp::from_second(seconds).expect("seconds within year -9999 to 9999"));
        clock
    }

    /// Moves the clock to a time.
    pub fn set(&self, now: Timestamp) {
        self.lock().now = now;
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.lock().advance(duration);
    }

    /// Every wait asked of this clock so far, in order.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.lock().sleeps.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Manual> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Manual {
    fn advance(&mut self, duration: Duration) {
        self.now = self.now.checked_add(duration).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut clock = self.lock();
        clock.sleeps.push(duration);
        clock.advance(duration);
        Box::pin(tokio::task::yield_now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_neither_noise_nor_nonsense() {
        let local = Timestamp::from_second(1_700_000_000).unwrap();
        let offset = |seconds| clock_offset(local + SignedDuration::from_secs(seconds), local);
        assert_eq!(offset(4), Some(SignedDuration::ZERO));
        assert_eq!(offset(-4), Some(SignedDuration::ZERO));
        assert_eq!(offset(-3600), Some(SignedDuration::from_secs(-3600)));
        assert_eq!(offset(86_400), Some(SignedDuration::from_secs(86_400)));
        assert_eq!(offset(86_401), None);
    }

    #[test]
    fn the_cheap_second_is_the_second() {
        let before = SystemClock.now().as_second();
        let second = SystemClock.now_second();
        let after = SystemClock.now().as_second();
        // The coarse clock may still show the second before.
        assert!((before - 1..=after).contains(&second));
        let clock = ManualClock::at(7);
        clock.advance(Duration::from_millis(999));
        assert_eq!(Arc::new(clock).now_second(), 7);
    }
}
