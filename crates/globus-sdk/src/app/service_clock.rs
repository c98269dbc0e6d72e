use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use globus_core::clock::{Sleep, clock_offset};
use globus_core::{Clock, Timestamp};
use jiff::SignedDuration;

/// The clock of the services, as far as their answers have shown it: the machine's, corrected. Expiry is judged by it, so
/// that a machine whose clock is wrong neither renews all the time nor uses what is over.
#[derive(Clone, Debug)]
pub(super) struct ServiceClock {
    machine: Arc<dyn Clock>,
    offset_seconds: Arc<AtomicI64>,
}

impl ServiceClock {
    pub(super) fn new(machine: Arc<dyn Clock>) -> Self {
        Self { machine, offset_seconds: Arc::default() }
    }

    pub(super) fn machine(&self) -> &Arc<dyn Clock> {
        &self.machine
    }

    /// A service's clock showed this just now. What is further off than a day is not believed.
    pub(super) fn observe(&self, service_time: Timestamp) {
        if let Some(offset) = clock_offset(service_time, self.machine.now()) {
            self.offset_seconds.store(offset.as_secs(), Ordering::Relaxed);
        }
    }

    /// How far the services are ahead of the machine.
    pub(super) fn offset(&self) -> SignedDuration {
        SignedDuration::from_secs(self.offset_seconds.load(Ordering::Relaxed))
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Timestamp {
        let now = self.machine.now();
        now.saturating_add(self.offset()).unwrap_or(now)
    }

    fn now_second(&self) -> i64 {
        self.machine.now_second().saturating_add(self.offset_seconds.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.machine.sleep(duration)
    }
}
