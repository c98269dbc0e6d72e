//! A limit on how much retrying a program does altogether.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A limit on how much retrying a program does altogether, so that a service in trouble is not hit harder.
///
/// Each retry takes one from the budget, each call that succeeds gives one back. While the budget is empty, a
/// failure is an error at once. Clones share the budget.
///
/// ```
/// use globus_core::{RetryBudget, RetryPolicy};
///
/// let budget = RetryBudget::new(50);
/// let transfer = RetryPolicy::default().budget(budget.clone());
/// let search = RetryPolicy::default().budget(budget);
/// # let _ = (transfer, search);
/// ```
#[derive(Debug, Clone)]
pub struct RetryBudget(Arc<Tokens>);

#[derive(Debug)]
struct Tokens {
    left: AtomicU32,
    capacity: u32,
}

impl Default for RetryBudget {
    /// A budget of 100 retries.
    fn default() -> Self {
        Self::new(100)
    }
}

impl RetryBudget {
    /// A full budget of this many retries.
    pub fn new(capacity: u32) -> Self {
        Self(Arc::new(Tokens { left: AtomicU32::new(capacity), capacity }))
    }

    /// How many retries are left.
    pub fn left(&self) -> u32 {
        self.0.left.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> bool {
        self.0.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    pub(crate) fn give_back(&self) {
        let capacity = self.0.capacity;
        // Fails only when the budget is full, which is as it should be.
        let _full = self
            .0
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left < capacity).then_some(left + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_take_and_successes_give_back_up_to_the_capacity() {
        let budget = RetryBudget::new(2);
        assert!(budget.take() && budget.clone().take());
        assert!(!budget.take());
        budget.give_back();
        assert!(budget.take());
        for _ in 0..5 {
            budget.give_back();
        }
        assert_eq!(budget.left(), 2);
    }
}
