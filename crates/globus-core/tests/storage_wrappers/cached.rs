//! What is remembered, for how long, and that a write is never undone by it.

use std::time::Duration;

use globus_core::storage::{
    CachedTokenStorage, MemoryTokenStorage, StorageErrorKind, StoreKind, TokenStorage,
};
use globus_core::{ManualClock, Storage, StorageError, Timestamp};

use crate::support::{Inner, idle, soon, text, token};

struct World {
    inner: Inner,
    clock: ManualClock,
    cached: CachedTokenStorage,
    storage: Storage,
}

impl World {
    fn new() -> Self {
        Self::with(|cached| cached)
    }

    fn with(options: impl FnOnce(CachedTokenStorage) -> CachedTokenStorage) -> Self {
        let (inner, clock) = (Inner::new(), ManualClock::at(1_700_000_000));
        let cached = options(CachedTokenStorage::new(inner.clone()).clock(clock.clone()));
        Self { inner, clock, storage: cached.clone().into(), cached }
    }

    async fn store(&self, access_token: &str) -> Result<(), StorageError> {
        self.storage.store(vec![token("rs", access_token)], StoreKind::Login).await
    }

    async fn store_elsewhere(&self, access_token: &str) {
        let tokens = vec![token("rs", access_token)];
        self.inner.elsewhere().store(&"DEFAULT".into(), tokens, StoreKind::Login).await.unwrap();
    }

    async fn get(&self) -> Result<Option<String>, StorageError> {
        self.storage.get("rs").await.map(text)
    }

    async fn expect(&self, access_token: &str, reads: usize) {
        assert_eq!(self.get().await.unwrap().as_deref(), Some(access_token));
        assert_eq!(self.inner.reads(), reads);
    }
}

#[tokio::test]
async fn what_was_read_is_good_for_its_time() {
    let world = World::new();
    world.store("A").await.unwrap();
    for _ in 0..3 {
        world.expect("A", 1).await;
        assert!(world.storage.get("no such").await.unwrap().is_none());
        assert_eq!(world.storage.get_all().await.unwrap().tokens.len(), 1);
    }
    assert_eq!(world.inner.reads(), 1);
    world.store_elsewhere("B").await;
    world.clock.advance(Duration::from_millis(29_999));
    world.expect("A", 1).await;
    world.clock.advance(Duration::from_millis(1));
    world.expect("B", 2).await;
    // Time counts from the reading on, not from the last use.
    world.expect("B", 2).await;
}

#[tokio::test]
async fn that_there_is_nothing_is_remembered_too() {
    let world = World::new();
    assert_eq!(world.get().await.unwrap(), None);
    world.store_elsewhere("A").await;
    assert_eq!(world.get().await.unwrap(), None);
    assert_eq!(world.inner.reads(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_nothing_young_again() {
    let world = World::with(|cached| cached.max_age(Duration::from_secs(3600)));
    world.store("A").await.unwrap();
    world.expect("A", 1).await;
    world.clock.set(Timestamp::from_second(1_699_999_999).unwrap());
    world.expect("A", 2).await;
}

#[tokio::test]
async fn a_thousand_readers_read_once() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.inner.shut_reads();
    let readers: Vec<_> = (0..1000)
        .map(|number| {
            let storage = world.storage.clone();
            tokio::spawn(async move {
                match number % 3 {
                    0 => storage.get_all().await.unwrap().tokens.remove("rs"),
                    1 => storage.get("rs").await.unwrap(),
                    _ => storage.get("no such").await.unwrap().or(Some(token("rs", "A"))),
                }
            })
        })
        .collect();
    world.inner.read_waits().await;
    idle().await;
    world.inner.open_reads();
    for reader in readers {
        assert_eq!(text(soon(reader).await.unwrap()).as_deref(), Some("A"));
    }
    assert_eq!(world.inner.reads(), 1);
}

#[tokio::test]
async fn a_read_from_before_a_write_is_not_remembered() {
    for remove in [false, true] {
        let world = World::new();
        world.store("old").await.unwrap();
        world.inner.shut_reads();
        let reader = tokio::spawn({
            let storage = world.storage.clone();
            async move { storage.get("rs").await }
        });
        world.inner.read_waits().await;
        if remove {
            assert!(world.storage.remove("rs").await.unwrap());
        } else {
            world.store("new").await.unwrap();
        }
        world.inner.open_reads();
        // The reader began before the write, so either is right for it.
        assert_eq!(text(soon(reader).await.unwrap().unwrap()).as_deref(), Some("old"));
        assert_eq!(world.get().await.unwrap().as_deref(), (!remove).then_some("new"));
        assert_eq!(world.inner.reads(), 2);
    }
}

#[tokio::test]
async fn who_reads_after_a_write_does_not_join_a_read_from_before_it() {
    let world = World::new();
    world.store("old").await.unwrap();
    world.inner.shut_reads();
    let read = || {
        let storage = world.storage.clone();
        tokio::spawn(async move { storage.get("rs").await })
    };
    let before = read();
    world.inner.read_waits().await;
    world.store("new").await.unwrap();
    let after = read();
    world.inner.read_waits().await;
    world.inner.open_reads();
    assert_eq!(text(soon(after).await.unwrap().unwrap()).as_deref(), Some("new"));
    soon(before).await.unwrap().unwrap();
    world.expect("new", 2).await;
}

#[tokio::test]
async fn what_was_read_during_a_write_goes_with_its_end() {
    for dropped in [false, true] {
        let world = World::new();
        world.store("old").await.unwrap();
        world.inner.shut_writes();
        let writing = world.storage.store(vec![token("rs", "new")], StoreKind::Login);
        world.expect("old", 1).await;
        if dropped {
            drop(writing);
            world.expect("old", 1).await;
            world.inner.open_writes();
            idle().await;
        } else {
            world.inner.open_writes();
            soon(writing).await.unwrap();
        }
        world.expect("new", 2).await;
    }
}

#[tokio::test]
async fn a_write_that_fails_may_have_been_done() {
    let world = World::new();
    world.store("old").await.unwrap();
    world.expect("old", 1).await;
    world.inner.lose_answers();
    world.store("new").await.unwrap_err();
    world.expect("new", 2).await;
}

#[tokio::test]
async fn a_write_is_begun_by_the_call() {
    let world = World::new();
    drop(world.storage.store(vec![token("rs", "A")], StoreKind::Login));
    assert_eq!(world.inner.writes(), 1);
    drop(world.cached.remove(&"DEFAULT".into(), &"rs".into()));
    assert_eq!(world.inner.writes(), 2);
}

#[tokio::test]
async fn reading_past_the_memory_corrects_it() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.expect("A", 1).await;
    assert_eq!(text(world.storage.get_fresh("rs").await.unwrap()).as_deref(), Some("A"));
    world.expect("A", 1).await;

    world.store_elsewhere("B").await;
    world.expect("A", 1).await;
    assert_eq!(text(world.storage.get_fresh("rs").await.unwrap()).as_deref(), Some("B"));
    world.expect("B", 2).await;

    world.store_elsewhere("C").await;
    assert_eq!(text(world.storage.get_for_refresh("rs").await.unwrap()).as_deref(), Some("C"));
    world.expect("C", 3).await;

    world.inner.elsewhere().remove(&"DEFAULT".into(), &"rs".into()).await.unwrap();
    assert!(world.storage.get_fresh("rs").await.unwrap().is_none());
    assert_eq!(world.get().await.unwrap(), None);
}

#[tokio::test]
async fn a_read_past_the_memory_is_not_followed_by_an_older_one() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.inner.shut_reads();
    let reader = tokio::spawn({
        let storage = world.storage.clone();
        async move { storage.get("rs").await }
    });
    world.inner.read_waits().await;
    world.store_elsewhere("B").await;
    assert_eq!(text(world.storage.get_fresh("rs").await.unwrap()).as_deref(), Some("B"));
    world.inner.open_reads();
    soon(reader).await.unwrap().unwrap();
    world.expect("B", 2).await;
}

#[tokio::test]
async fn errors_are_not_remembered() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.inner.set_down(true);
    for reads in 1..=2 {
        assert_eq!(*world.get().await.unwrap_err().kind(), StorageErrorKind::Unavailable);
        assert_eq!(world.inner.reads(), reads);
    }
    world.inner.set_down(false);
    world.expect("A", 3).await;
}

#[tokio::test]
async fn damaged_records_are_not_remembered_and_do_not_keep_the_good_ones_from_it() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.storage.store(vec![token("bad", "B")], StoreKind::Login).await.unwrap();
    world.inner.damage(&["bad"]);
    world.expect("A", 1).await;
    assert!(matches!(
        world.storage.get("bad").await.unwrap_err().kind(),
        StorageErrorKind::InvalidRecord { .. }
    ));
    assert_eq!(world.storage.get_all().await.unwrap().damaged.len(), 1);
    world.expect("A", 3).await;
    world.inner.damage(&[]);
    assert_eq!(text(world.storage.get("bad").await.unwrap()).as_deref(), Some("B"));
    assert!(world.storage.get_all().await.unwrap().damaged.is_empty());
    assert_eq!(world.inner.reads(), 4);
}

#[tokio::test]
async fn a_reader_who_goes_away_takes_nobody_along() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.inner.shut_reads();
    let read = || {
        let storage = world.storage.clone();
        tokio::spawn(async move { storage.get("rs").await })
    };
    let (first, second) = (read(), read());
    world.inner.read_waits().await;
    idle().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    world.inner.open_reads();
    assert_eq!(text(soon(second).await.unwrap().unwrap()).as_deref(), Some("A"));
    world.expect("A", 1).await;
}

#[tokio::test]
async fn when_all_readers_have_gone_away_the_next_one_reads() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.inner.shut_reads();
    let only = tokio::spawn({
        let storage = world.storage.clone();
        async move { storage.get("rs").await }
    });
    world.inner.read_waits().await;
    only.abort();
    assert!(only.await.unwrap_err().is_cancelled());
    assert!(format!("{:?}", world.cached).contains("reads: 0"), "nothing is left of it");
    world.inner.open_reads();
    world.expect("A", 2).await;
}

#[tokio::test]
async fn a_read_that_panics_is_not_the_last_one() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.inner.panic_at_next_read();
    let storage = world.storage.clone();
    assert!(tokio::spawn(async move { storage.get("rs").await }).await.unwrap_err().is_panic());
    world.expect("A", 2).await;
}

#[tokio::test]
async fn the_least_recently_used_namespace_goes_first() {
    let world = World::with(|cached| cached.max_namespaces(2));
    let look = async |name: &str, reads: usize| {
        world.storage.with_namespace(name).get("rs").await.unwrap();
        assert_eq!(world.inner.reads(), reads, "{name}");
    };
    look("one", 1).await;
    look("two", 2).await;
    look("one", 2).await;
    look("three", 3).await;
    look("one", 3).await;
    look("three", 3).await;
    look("two", 4).await;
    assert!(format!("{:?}", world.cached).contains("namespaces: 2"));
}

#[tokio::test]
async fn nothing_older_is_given_out_while_the_storage_is_down_unless_allowed() {
    let world = World::new();
    world.store("A").await.unwrap();
    world.expect("A", 1).await;
    world.inner.set_down(true);
    world.expect("A", 1).await;
    world.clock.advance(Duration::from_secs(30));
    world.get().await.unwrap_err();

    let world = World::with(|cached| cached.serve_stale(Duration::from_secs(60)));
    world.store("A").await.unwrap();
    world.expect("A", 1).await;
    world.inner.set_down(true);
    world.clock.advance(Duration::from_secs(89));
    world.expect("A", 2).await;
    assert_eq!(world.storage.get_all().await.unwrap().tokens.len(), 1);
    world.clock.advance(Duration::from_secs(1));
    world.get().await.unwrap_err();
    world.inner.set_down(false);
    world.store_elsewhere("B").await;
    assert_eq!(world.get().await.unwrap().as_deref(), Some("B"));
}

#[tokio::test]
async fn what_is_not_remembered_is_passed_on() {
    let inner = Storage::from(MemoryTokenStorage::new()).with_namespace("user");
    let cached = CachedTokenStorage::new(&inner);
    let storage = Storage::from(cached.clone());
    assert_eq!(storage.namespace(), "user");
    storage.store(vec![token("rs", "A")], StoreKind::Login).await.unwrap();
    assert_eq!(text(inner.get("rs").await.unwrap()).as_deref(), Some("A"));
    assert_eq!(text(cached.inner().get("rs").await.unwrap()).as_deref(), Some("A"));
    assert_eq!(storage.list().await.unwrap(), ["user"]);
    assert_eq!(storage.capabilities(), inner.capabilities());
    let lease = storage.lock_refresh("rs").await.unwrap();
    assert!(tokio::time::timeout(Duration::ZERO, inner.lock_refresh("rs")).await.is_err());
    lease.release().await.unwrap();
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let world = World::new();
    world.store("AgSecret").await.unwrap();
    world.expect("AgSecret", 1).await;
    assert!(!format!("{:?}", world.cached).contains("AgSecret"));
}
