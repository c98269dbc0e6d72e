//! What is in the cache, and which reads are on their way into it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use jiff::Timestamp;

use crate::storage::{Loaded, Namespace, StorageError};
use crate::token::{ResourceServer, TokenData};

/// A read of a namespace, for all who want it at the same time. Whoever of them is polled drives it.
pub(super) type Reading = Shared<Pin<Box<dyn Future<Output = Content> + Send>>>;
pub(super) type Content = Result<Arc<Loaded>, StorageError>;

/// Whole namespaces, at most so many, the least recently used of which goes first.
///
/// A map and the order of use beside it are all that is needed; the crates for this have a look-up in common, but
/// not the rule that a read may not come after a write.
#[derive(Default)]
pub(super) struct Entries {
    namespaces: HashMap<Namespace, Entry>,
    by_use: BTreeMap<u64, Namespace>,
    reads: HashMap<Namespace, Read>,
    /// Numbers for uses and reads.
    count: u64,
}

struct Entry {
    content: Arc<Loaded>,
    read_at: Timestamp,
    used: u64,
}

/// A read that is under way. One that is no longer listed must not fill the cache.
struct Read {
    number: u64,
    reading: WeakShared<Pin<Box<dyn Future<Output = Content> + Send>>>,
}

impl Entries {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// What was read less than `max_age` ago. What comes from the future, by a clock that was set back, does not
    /// count.
    pub(super) fn get(
        &mut self,
        namespace: &Namespace,
        now: Timestamp,
        max_age: Duration,
    ) -> Option<Arc<Loaded>> {
        let used = self.next();
        let entry = self.namespaces.get_mut(namespace)?;
        let age = Duration::try_from(now.duration_since(entry.read_at)).ok()?;
        if age >= max_age {
            return None;
        }
        let name = self.by_use.remove(&entry.used)?;
        entry.used = used;
        self.by_use.insert(used, name);
        Some(Arc::clone(&entry.content))
    }

    /// The read that is under way, or the one that `begin` makes, given its number.
    pub(super) fn read<F>(&mut self, namespace: &Namespace, begin: impl FnOnce(u64) -> F) -> Reading
    where
        F: Future<Output = Content> + Send + 'static,
    {
        if let Some(reading) = self.reads.get(namespace).and_then(|read| read.reading.upgrade()) {
            return reading;
        }
        let number = self.next();
        let reading = begin(number).boxed().shared();
        if let Some(weak) = reading.downgrade() {
            self.reads.insert(namespace.clone(), Read { number, reading: weak });
        }
        reading
    }

    /// A read has ended, with this content if it did well. It is kept unless the read is outdated.
    pub(super) fn read_ended(
        &mut self,
        namespace: &Namespace,
        number: u64,
        content: Option<(&Arc<Loaded>, Timestamp)>,
        max_namespaces: usize,
    ) {
        if self.reads.get(namespace).is_none_or(|read| read.number != number) {
            return;
        }
        self.reads.remove(namespace);
        let Some((content, read_at)) = content else { return };
        self.remove_entry(namespace);
        let used = self.next();
        self.by_use.insert(used, namespace.clone());
        self.namespaces.insert(namespace.clone(), Entry { content: Arc::clone(content), read_at, used });
        while self.namespaces.len() > max_namespaces
            && let Some((_, least)) = self.by_use.pop_first()
        {
            self.namespaces.remove(&least);
        }
    }

    /// A namespace has changed, or may have: what is known of it goes, and what is being read comes too late.
    pub(super) fn outdate(&mut self, namespace: &Namespace) {
        self.remove_entry(namespace);
        self.reads.remove(namespace);
    }

    /// A record was read past the cache. Where that is another one than is known here, the namespace has changed.
    pub(super) fn compare(
        &mut self,
        namespace: &Namespace,
        server: &ResourceServer,
        now: Option<&TokenData>,
    ) {
        let same = |entry: &Entry| entry.content.token(server).is_ok_and(|known| known == now);
        if !self.namespaces.get(namespace).is_some_and(same) {
            self.outdate(namespace);
        }
    }

    fn remove_entry(&mut self, namespace: &Namespace) {
        if let Some(entry) = self.namespaces.remove(namespace) {
            self.by_use.remove(&entry.used);
        }
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("namespaces", &self.namespaces.len())
            .field("reads", &self.reads.len())
            .finish_non_exhaustive()
    }
}
