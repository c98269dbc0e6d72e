//! Waiting until a task has ended.

mod error;
mod polling;
mod progress;
mod updates;
mod waiter;

pub use self::error::{TaskFailure, TaskWaitError};
pub use self::progress::{TaskFault, TaskProgress};
pub use self::updates::TaskUpdates;
pub use self::waiter::TaskWaiter;
