//! In which order the members of a document come.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The order in which the members of a kind of document came the last time.
///
/// A service writes the documents of a list one like the other, so that after a member most times the same one
/// comes as in the document before. A decoder that looks for that one first finds it with one comparison. It is
/// no more than a guess: whatever is in here, also from another thread, the same document comes out.
///
/// Slot 0 is the start of a document, slot `n + 1` is after member `n`; each holds the member that came there.
#[derive(Debug)]
pub struct Order<const SLOTS: usize>([AtomicUsize; SLOTS]);

impl<const SLOTS: usize> Order<SLOTS> {
    /// The order in which the members are declared.
    #[expect(clippy::new_without_default, reason = "for statics only")]
    pub const fn new() -> Self {
        let mut slots = [const { AtomicUsize::new(0) }; SLOTS];
        let mut slot = 0;
        while slot < SLOTS {
            slots[slot] = AtomicUsize::new(slot);
            slot += 1;
        }
        Self(slots)
    }

    /// The member that came in this slot the last time; none where the document ended or has no more members.
    #[inline]
    pub fn guess(&self, slot: usize) -> usize {
        self.0.get(slot).map_or(usize::MAX, |member| member.load(Ordering::Relaxed))
    }

    /// Another member came in this slot. Answers the slot after it.
    #[cold]
    pub fn learn(&self, slot: usize, member: usize) -> usize {
        if let Some(guess) = self.0.get(slot) {
            guess.store(member, Ordering::Relaxed);
        }
        member + 1
    }
}
