//! The lease of the one who refreshes: a row of a table of our own.
//!
//! The row stays when the lease is given back, for the number in it must grow. Taking, extending and giving back are
//! an immediate transaction each; nobody keeps one while waiting. A holder is dead when its process is gone, when the
//! row stayed the same for the whole time of a lease by the waiter's own clock, as clocks of hosts may differ, or when
//! the lease is over for more than a day by both clocks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use globus_core::blocking_job::run_blocking;
use globus_core::storage::{Extend, Lease, LeaseHolder, Pause, RefreshLease, Release};
use globus_core::{Namespace, ResourceServer, StorageError, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::database::Database;
use crate::error::Failure;
use crate::schema;

const TABLE: &str = "globus_sdk_rs_refresh_lease";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS globus_sdk_rs_refresh_lease (
    namespace VARCHAR NOT NULL,
    resource_server VARCHAR NOT NULL,
    fencing INTEGER NOT NULL,
    extended INTEGER NOT NULL,
    holder VARCHAR,
    PRIMARY KEY (namespace, resource_server)
)";

/// How long a lease that is dropped tries to be given back. Then it ends by itself.
const DROP_WAIT: Duration = Duration::from_secs(1);

/// Clocks of two hosts do not differ by more, in microseconds.
const CLOCK_DIFFERENCE: i64 = 24 * 60 * 60 * 1_000_000;

/// Which token it is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    namespace: Namespace,
    resource_server: ResourceServer,
}

/// What a row says.
#[derive(Clone, PartialEq)]
struct Row {
    fencing: i64,
    /// Until when, in microseconds since 1970 by the holder's clock. Grows with every extension.
    extended: i64,
    holder: Option<String>,
}

impl Row {
    fn holder(&self) -> Option<LeaseHolder> {
        self.holder.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    fn is_long_over(&self) -> bool {
        self.extended.saturating_add(CLOCK_DIFFERENCE) < Timestamp::now().as_microsecond()
    }
}

/// When a lease that begins now, or is extended now, is over by this host's clock.
fn end(time: Duration) -> i64 {
    Timestamp::now().as_microsecond().saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

/// The rows of others that all who wait in a storage have seen, and since when they are the same. So a dead lease ends
/// even if each of them waits for a shorter time.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<Key, (Row, Instant)>>>);

impl Seen {
    /// How long the row has been the same.
    fn unchanged(&self, key: &Key, row: &Row) -> Duration {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(key) {
            Some((same, since)) if same == row => since.elapsed(),
            _ => {
                seen.insert(key.clone(), (row.clone(), Instant::now()));
                Duration::ZERO
            }
        }
    }

    fn forget(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn find(transaction: &Transaction<'_>, key: &Key) -> Result<Option<Row>, Failure> {
    if !schema::has_table(transaction, TABLE)? {
        return Ok(None);
    }
    let mut statement = transaction.prepare_cached(
        "SELECT fencing, extended, holder FROM globus_sdk_rs_refresh_lease
         WHERE namespace = ?1 AND resource_server = ?2",
    )?;
    let row = statement
        .query_row([key.namespace.as_str(), key.resource_server.as_str()], |row| {
            Ok(Row { fencing: row.get(0)?, extended: row.get(1)?, holder: row.get(2)? })
        })
        .optional()?;
    Ok(row)
}

/// Takes the lease if the row is still the one that was found, and answers its number.
fn take(
    transaction: &Transaction<'_>,
    key: &Key,
    found: Option<&Row>,
    holder: &str,
    time: Duration,
) -> Result<Option<i64>, Failure> {
    transaction.execute(CREATE, [])?;
    let now = find(transaction, key)?;
    if now.as_ref() != found {
        return Ok(None);
    }
    // Grows even if the database is deleted meanwhile.
    let fencing = Timestamp::now().as_microsecond().max(now.map_or(0, |row| row.fencing.saturating_add(1)));
    transaction
        .prepare_cached(
            "REPLACE INTO globus_sdk_rs_refresh_lease (namespace, resource_server, fencing, extended, holder)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![key.namespace.as_str(), key.resource_server.as_str(), fencing, end(time), holder])?;
    Ok(Some(fencing))
}

/// Takes the lease, or waits for it for as long as somebody wants it.
pub(crate) fn acquire(
    database: &Database,
    namespace: Namespace,
    resource_server: ResourceServer,
    wanted: &Weak<()>,
) -> Result<RefreshLease, StorageError> {
    let key = Key { namespace, resource_server };
    let time = database.options().lease_time;
    let begun = Instant::now();
    let mut pause = Pause::new();
    loop {
        let found = database.read(|transaction| find(transaction, &key))?.flatten();
        let held_by = found.as_ref().and_then(Row::holder);
        let is_free = match &found {
            Some(row) if row.holder.is_some() => {
                database.seen.unchanged(&key, row) >= time
                    || row.is_long_over()
                    || held_by.as_ref().is_some_and(LeaseHolder::is_gone)
            }
            _ => true,
        };
        if is_free {
            let holder = serde_json::to_string(&LeaseHolder::this_process()).unwrap_or_default();
            let taken =
                database.write(|transaction| take(transaction, &key, found.as_ref(), &holder, time))?;
            if let Some(fencing) = taken {
                database.seen.forget(&key);
                let lease = SqliteLease { database: database.clone(), key, fencing, is_given_back: false };
                return Ok(RefreshLease::new(fencing.unsigned_abs(), time, lease));
            }
            continue;
        }
        if begun.elapsed() >= database.options().lock_wait() || wanted.strong_count() == 0 {
            let holder = held_by.map(|holder| holder.to_string());
            return Err(StorageError::locked(holder, begun.elapsed()).with_path(database.path()));
        }
        pause.wait();
    }
}

/// A lease that this process holds. The number tells it from every other of the same row.
struct SqliteLease {
    database: Database,
    key: Key,
    fencing: i64,
    is_given_back: bool,
}

impl SqliteLease {
    /// Changes the row if it is still this lease's, and says whether it is. A lease went with its database.
    fn change(
        &self,
        wait: Duration,
        query: &'static str,
        end: Option<i64>,
    ) -> impl FnOnce() -> Result<bool, StorageError> + use<> {
        let (database, key, fencing) = (self.database.clone(), self.key.clone(), self.fencing);
        move || {
            let changed = database.change(wait, |transaction| {
                if !schema::has_table(transaction, TABLE)? {
                    return Ok(false);
                }
                let changed = transaction.prepare_cached(query)?.execute(params![
                    key.namespace.as_str(),
                    key.resource_server.as_str(),
                    fencing,
                    end
                ])?;
                Ok(changed == 1)
            })?;
            Ok(changed.unwrap_or_default())
        }
    }

    fn give_back(&mut self, wait: Duration) -> impl FnOnce() -> Result<bool, StorageError> + use<> {
        self.is_given_back = true;
        self.change(
            wait,
            "UPDATE globus_sdk_rs_refresh_lease SET holder = ?4
             WHERE namespace = ?1 AND resource_server = ?2 AND fencing = ?3",
            None,
        )
    }
}

impl Lease for SqliteLease {
    fn extend(&mut self) -> Extend<'_> {
        let options = self.database.options();
        Box::pin(run_blocking(self.change(
            options.lock_wait(),
            "UPDATE globus_sdk_rs_refresh_lease SET extended = MAX(extended + 1, ?4)
             WHERE namespace = ?1 AND resource_server = ?2 AND fencing = ?3 AND holder IS NOT NULL",
            Some(end(options.lease_time)),
        )))
    }

    fn release(mut self: Box<Self>) -> Release {
        let wait = self.database.options().lock_wait();
        let released = run_blocking(self.give_back(wait));
        Box::pin(async move { released.await.map(drop) })
    }
}

impl Drop for SqliteLease {
    fn drop(&mut self) {
        if !self.is_given_back {
            drop(run_blocking(self.give_back(DROP_WAIT)));
        }
    }
}

impl fmt::Debug for SqliteLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLease")
            .field("namespace", &self.key.namespace)
            .field("resource_server", &self.key.resource_server)
            .field("fencing", &self.fencing)
            .finish_non_exhaustive()
    }
}
