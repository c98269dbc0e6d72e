//! Who holds a lease, and how others wait for it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::file::os;

/// The process that holds a lease, as a storage writes it down for others to see.
///
/// Two leases of the same process are told apart too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    pub(super) host: String,
    pub(super) boot: Option<String>,
    pub(super) pid_namespace: Option<String>,
    pub(super) pid: u32,
    pub(super) nonce: String,
}

impl LeaseHolder {
    /// This process, with a new lease.
    pub fn this_process() -> Self {
        Self {
            host: os::host(),
            boot: os::boot_id(),
            pid_namespace: os::pid_namespace(),
            pid: std::process::id(),
            nonce: uuid::Uuid::new_v4().simple().to_string(),
        }
    }

    /// Whether the process is certainly gone. Known only of this start of this machine, and of this container.
    pub fn is_gone(&self) -> bool {
        self.host == os::host()
            && self.boot.is_some()
            && self.boot == os::boot_id()
            && self.pid_namespace.is_some()
            && self.pid_namespace == os::pid_namespace()
            && os::process_is_gone(self.pid)
    }
}

impl fmt::Display for LeaseHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on host {:?}", self.pid, self.host)
    }
}

/// Pauses between two looks at a lock or a lease: short at first, then up to a longest one, never twice the same.
#[derive(Debug)]
pub struct Pause {
    next: Duration,
    longest: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self::new()
    }
}

impl Pause {
    /// For looks on the same machine: the first pause is of a millisecond or less, the longest of 25 ms.
    pub fn new() -> Self {
        Self::up_to(Duration::from_millis(25))
    }

    /// With another longest one, for looks over a network.
    pub fn up_to(longest: Duration) -> Self {
        Self { next: Duration::from_millis(1).min(longest), longest }
    }

    /// How long to pause now; the next time up to twice as long.
    pub fn length(&mut self) -> Duration {
        let share = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
        let length = self.next.mul_f64(0.5 + share / 2.0);
        self.next = (self.next * 2).min(self.longest);
        length
    }

    /// Blocks the thread for that long.
    pub fn wait(&mut self) {
        std::thread::sleep(self.length());
    }
}
