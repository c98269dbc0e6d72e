//! A bounded memory of what was answered about tokens, by the SHA-256 of the token.

use std::collections::HashMap;
use std::time::Duration;

use globus_core::{AccessToken, Timestamp};
use sha2::{Digest, Sha256};

/// The SHA-256 of a token: its place in memory. The token itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(token: &AccessToken) -> Self {
        Self(Sha256::digest(token.expose().as_bytes()).into())
    }
}

/// How often everything is looked through for what has ended.
const TIDYING: Duration = Duration::from_secs(60);

struct Slot<V> {
    value: V,
    /// From this moment on it counts no more.
    ends_at: Timestamp,
    /// The number of its last use.
    used: u64,
}

/// Values that end. There are never more than `capacity`; the ones that were not used for longest go first.
pub(super) struct Kept<V> {
    slots: HashMap<Key, Slot<V>>,
    capacity: usize,
    uses: u64,
    tidy_at: Timestamp,
}

impl<V: Clone> Kept<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { slots: HashMap::new(), capacity: capacity.max(1), uses: 0, tidy_at: Timestamp::MIN }
    }

    pub(super) fn get(&mut self, key: &Key, now: Timestamp) -> Option<V> {
        let slot = self.slots.get_mut(key)?;
        if slot.ends_at <= now {
            self.slots.remove(key);
            return None;
        }
        self.uses += 1;
        slot.used = self.uses;
        Some(slot.value.clone())
    }

    pub(super) fn insert(&mut self, key: Key, value: V, ends_at: Timestamp, now: Timestamp) {
        if ends_at <= now {
            self.slots.remove(&key);
            return;
        }
        if now >= self.tidy_at {
            self.slots.retain(|_, slot| slot.ends_at > now);
            self.tidy_at = now.checked_add(TIDYING).unwrap_or(Timestamp::MAX);
        }
        if self.slots.len() >= self.capacity && !self.slots.contains_key(&key) {
            self.make_room();
        }
        self.uses += 1;
        self.slots.insert(key, Slot { value, ends_at, used: self.uses });
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.slots.remove(key);
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Lets an eighth go at once, so that a full memory is not looked through for every new token.
    fn make_room(&mut self) {
        let mut uses: Vec<u64> = self.slots.values().map(|slot| slot.used).collect();
        let going = (self.capacity / 8).max(1).min(uses.len());
        if going == 0 {
            return;
        }
        let (_, &mut last_to_go, _) = uses.select_nth_unstable(going - 1);
        self.slots.retain(|_, slot| slot.used > last_to_go);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        Key::of(&AccessToken::new(format!("token {number}")))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_value_ends_at_its_moment() {
        let mut kept = Kept::new(4);
        kept.insert(key(1), 'a', at(10), at(0));
        assert_eq!(kept.get(&key(1), at(9)), Some('a'));
        assert_eq!(kept.get(&key(1), at(10)), None);
        assert_eq!(kept.len(), 0);
        kept.insert(key(1), 'a', at(10), at(10));
        assert_eq!(kept.len(), 0, "what has ended already is not kept");
    }

    #[test]
    fn there_are_never_more_than_the_capacity_and_what_is_used_stays() {
        for capacity in [0, 1, 2, 7, 100] {
            let mut kept = Kept::new(capacity);
            kept.insert(key(0), 0, at(10), at(0));
            for number in 1..1_000 {
                kept.insert(key(number), number, at(10), at(0));
                assert!(kept.len() <= capacity.max(1));
                assert_eq!(kept.get(&key(number), at(0)), Some(number));
                if capacity > 1 {
                    assert_eq!(kept.get(&key(0), at(0)), Some(0), "{number} of {capacity}");
                }
            }
        }
    }

    #[test]
    fn what_has_ended_goes_though_nobody_asks_for_it() {
        let mut kept = Kept::new(100);
        for number in 0..50 {
            kept.insert(key(number), number, at(10), at(0));
        }
        kept.insert(key(99), 99, at(200), at(61));
        assert_eq!(kept.len(), 1);
    }
}
