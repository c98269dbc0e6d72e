use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use globus_core::{EndpointId, Timestamp};

use super::CollectionFacts;

/// How many collections are kept at most.
pub(super) const MOST: usize = 1024;

/// For how long an answer counts. What a collection asks for is changed by hand, and rarely.
pub(super) const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What is known of collections, for a time and up to a number; the oldest goes first.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_id: HashMap<EndpointId, (Timestamp, CollectionFacts)>,
    order: VecDeque<EndpointId>,
}

impl Known {
    pub(super) fn get(&self, id: EndpointId, now: Timestamp) -> Option<CollectionFacts> {
        let (since, facts) = self.by_id.get(&id)?;
        let age = Duration::try_from(now.duration_since(*since)).ok()?;
        (age < LIFETIME).then(|| facts.clone())
    }

    pub(super) fn insert(&mut self, id: EndpointId, facts: CollectionFacts, now: Timestamp) {
        if self.by_id.insert(id, (now, facts)).is_some() {
            self.order.retain(|other| *other != id);
        }
        self.order.push_back(id);
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.by_id.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use globus_core::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::transfer::Endpoint;

    fn facts() -> CollectionFacts {
        CollectionFacts::from(&Endpoint::default())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn id(number: usize) -> EndpointId {
        Uuid::from_u128(number as u128).into()
    }

    #[test]
    fn answers_count_for_a_time() {
        let mut known = Known::default();
        known.insert(id(1), facts(), at(0));
        assert!(known.get(id(1), at(599)).is_some());
        assert!(known.get(id(1), at(600)).is_none());
        assert!(known.get(id(1), at(-1)).is_none(), "the clock was set back");
        known.insert(id(1), facts(), at(600));
        assert!(known.get(id(1), at(601)).is_some());
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut known = Known::default();
        for number in 0..MOST {
            known.insert(id(number), facts(), at(0));
        }
        known.insert(id(0), facts(), at(1));
        known.insert(id(MOST), facts(), at(1));
        assert!(known.get(id(0), at(1)).is_some());
        assert!(known.get(id(1), at(1)).is_none());
        assert_eq!((known.by_id.len(), known.order.len()), (MOST, MOST));
    }
}
