//! The emulated clock: real time moved by an offset, or standing still.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use globus_core::Clock;
use globus_core::clock::Sleep;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The emulator's time. It decides the life of tokens, codes, tasks and their deadlines, and the `Date` header.
///
/// It runs with the machine's clock until it is advanced, set or frozen. Waits on it end when the *emulated*
/// time has passed: advancing the clock by an hour ends every wait of less than an hour at once.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use globus_emulator::{Clock, Emulator};
/// use std::time::Duration;
///
/// let emulator = Emulator::builder().start().await?;
/// let clock = emulator.clock();
/// clock.freeze();
/// let before = clock.now();
/// emulator.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now().as_second() - before.as_second(), 3600);
/// # Ok::<(), globus_emulator::StartError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct EmulatedClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    setting: Mutex<Setting>,
    /// Wakes threads that wait for emulated time.
    moved: Condvar,
    /// Wakes tasks that wait for emulated time.
    changed: watch::Sender<u64>,
}

/// What is kept of the clock over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) offset: SignedDuration,
    pub(crate) frozen: Option<Timestamp>,
}

impl Setting {
    fn now(self) -> Timestamp {
        self.frozen.unwrap_or_else(|| Timestamp::now().saturating_add(self.offset).unwrap_or(Timestamp::MAX))
    }
}

impl EmulatedClock {
    pub(crate) fn new(setting: Setting) -> Self {
        Self(Arc::new(Shared {
            setting: Mutex::new(setting),
            moved: Condvar::new(),
            changed: watch::Sender::new(0),
        }))
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        let step = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        self.change(|setting| match &mut setting.frozen {
            Some(now) => *now = now.saturating_add(step).unwrap_or(Timestamp::MAX),
            None => setting.offset = setting.offset.saturating_add(step),
        });
    }

    /// Moves the clock to a time, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.change(|setting| match &mut setting.frozen {
            Some(frozen) => *frozen = now,
            None => setting.offset = now.duration_since(Timestamp::now()),
        });
    }

    /// Stops the clock where it is. Waits then end only when it is advanced or set.
    pub fn freeze(&self) {
        self.change(|setting| setting.frozen = Some(setting.now()));
    }

    /// Lets a frozen clock run on from where it stands.
    pub fn unfreeze(&self) {
        self.change(|setting| {
            if let Some(now) = setting.frozen.take() {
                setting.offset = now.duration_since(Timestamp::now());
            }
        });
    }

    /// Whether the clock stands still.
    pub fn is_frozen(&self) -> bool {
        self.lock().frozen.is_some()
    }

    pub(crate) fn setting(&self) -> Setting {
        *self.lock()
    }

    pub(crate) fn restore(&self, setting: Setting) {
        self.change(|current| *current = setting);
    }

    /// Blocks this thread until the emulated time `until`, or until `stop` says so (asked at every wake).
    pub(crate) fn wait_until(&self, until: Timestamp, stop: &dyn Fn() -> bool) {
        let mut setting = self.lock();
        while setting.now() < until && !stop() {
            // A frozen clock moves only by a call that wakes us.
            let left = match setting.frozen {
                Some(_) => Duration::from_secs(3600),
                None => Duration::try_from(until.duration_since(setting.now())).unwrap_or_default(),
            };
            setting = self.0.moved.wait_timeout(setting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Wakes every waiting thread so that it asks its `stop` again.
    pub(crate) fn wake(&self) {
        // The lock makes sure that a thread between its question and its wait is not missed.
        let _setting = self.lock();
        self.0.moved.notify_all();
    }

    fn change(&self, change: impl FnOnce(&mut Setting)) {
        change(&mut self.lock());
        self.0.moved.notify_all();
        self.0.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Setting> {
        self.0.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for EmulatedClock {
    fn now(&self) -> Timestamp {
        self.lock().now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        let mut changed = clock.0.changed.subscribe();
        let wait = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let until = clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        Box::pin(async move {
            loop {
                let setting = clock.setting();
                let left = Duration::try_from(until.duration_since(setting.now())).unwrap_or_default();
                if left.is_zero() {
                    return;
                }
                let run = async {
                    match setting.frozen {
                        Some(_) => std::future::pending().await,
                        None => tokio::time::sleep(left).await,
                    }
                };
                tokio::select! {
                    () = run => {}
                    // The sender lives in `clock`, so this never fails while we hold it.
                    _ = changed.changed() => {}
                }
            }
        })
    }
}

/// A time in the form that every service uses: `2031-04-05T06:07:08+00:00`.
pub(crate) fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// A time in the form of file listings: `2031-04-05 06:07:08+00:00`.
pub(crate) fn listing_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string()
}

/// A time in the form of the `Date` header.
pub(crate) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen_at(second: i64) -> EmulatedClock {
        let now = Timestamp::from_second(second).unwrap();
        EmulatedClock::new(Setting { offset: SignedDuration::ZERO, frozen: Some(now) })
    }

    #[test]
    fn times_have_the_forms_that_clients_parse() {
        let time = Timestamp::from_second(1_932_962_828).unwrap();
        assert_eq!(text(time), "2031-04-03T06:07:08+00:00");
        assert_eq!(listing_text(time), "2031-04-03 06:07:08+00:00");
        assert_eq!(http_date(time), "Thu, 03 Apr 2031 06:07:08 GMT");
    }

    #[tokio::test]
    async fn a_wait_on_a_frozen_clock_ends_when_the_clock_is_advanced() {
        let clock = frozen_at(1000);
        let wait = clock.sleep(Duration::from_secs(3600));
        clock.advance(Duration::from_secs(3599));
        let mut wait = std::pin::pin!(wait);
        assert!(futures_now_or_never(wait.as_mut()).await.is_none());
        clock.advance(Duration::from_secs(1));
        wait.await;
        assert_eq!(clock.now().as_second(), 4600);
    }

    /// Polls a future a few times without letting real time decide.
    async fn futures_now_or_never<F: Future + Unpin>(future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = tokio::task::yield_now() => None,
        }
    }

    #[test]
    fn a_thread_waits_for_emulated_time_and_can_be_stopped() {
        let clock = frozen_at(1000);
        let until = Timestamp::from_second(1010).unwrap();
        let thread = std::thread::spawn({
            let clock = clock.clone();
            move || clock.wait_until(until, &|| false)
        });
        clock.advance(Duration::from_secs(10));
        thread.join().unwrap();

        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (clock, stop) = (clock.clone(), stop.clone());
            move || clock.wait_until(Timestamp::MAX, &|| stop.load(std::sync::atomic::Ordering::SeqCst))
        });
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        clock.wake();
        thread.join().unwrap();
    }

    #[test]
    fn unfreezing_goes_on_from_where_the_clock_stood() {
        let clock = frozen_at(4_000_000_000);
        clock.unfreeze();
        assert!(!clock.is_frozen());
        assert!(clock.now().as_second() >= 4_000_000_000);
    }
}
