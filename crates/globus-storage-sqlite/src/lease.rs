//! The lease of the one who refreshes: a row of a table of our own.
//!
//! The row stays when the lease is given back, for the number in it must grow. Taking, extending and giving back are
//! an immediate transaction each; nobody keeps one while waiting. A holder is dead when its process is gone, or when
//! the row stayed the same for the whole time of a lease by the waiter's own clock: clocks of hosts may differ.

use std::fmt;
use std::sync::Weak;
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

/// Which token it is about.
#[derive(Clone)]
struct Key {
    namespace: Namespace,
    resource_server: ResourceServer,
}

/// What a row says.
#[derive(Clone, PartialEq)]
struct Row {
    fencing: i64,
    extended: i64,
    holder: Option<String>,
}

impl Row {
    fn holder(&self) -> Option<LeaseHolder> {
        self.holder.as_deref().and_then(|text| serde_json::from_str(text).ok())
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
             VALUES (?1, ?2, ?3, 0, ?4)",
        )?
        .execute(params![key.namespace.as_str(), key.resource_server.as_str(), fencing, holder])?;
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
    let begun = Instant::now();
    let mut pause = Pause::new();
    let mut seen: Option<(Row, Instant)> = None;
    loop {
        let found = database.read(|transaction| find(transaction, &key))?.flatten();
        let held_by = found.as_ref().and_then(Row::holder);
        if is_free(found.as_ref(), held_by.as_ref(), &mut seen, database.options().lease_time) {
            let holder = LeaseHolder::this_process();
            let text = serde_json::to_string(&holder).unwrap_or_default();
            let taken = database.write(|transaction| take(transaction, &key, found.as_ref(), &text))?;
            if let Some(fencing) = taken {
                let time = database.options().lease_time;
                let lease = SqliteLease { database: database.clone(), key, fencing, is_given_back: false };
                return Ok(RefreshLease::new(fencing.unsigned_abs(), time, lease));
            }
            continue;
        }
        if begun.elapsed() >= database.options().lock_wait || wanted.strong_count() == 0 {
            let holder = held_by.map(|holder| holder.to_string());
            return Err(StorageError::locked(holder, begun.elapsed()).with_path(database.path()));
        }
        pause.wait();
    }
}

/// Whether nobody holds the lease, or a dead one.
fn is_free(
    found: Option<&Row>,
    held_by: Option<&LeaseHolder>,
    seen: &mut Option<(Row, Instant)>,
    lease_time: Duration,
) -> bool {
    let Some(row) = found.filter(|row| row.holder.is_some()) else { return true };
    match seen {
        Some((same, since)) if same == row => {
            since.elapsed() >= lease_time || held_by.is_some_and(LeaseHolder::is_gone)
        }
        _ => {
            *seen = Some((row.clone(), Instant::now()));
            held_by.is_some_and(LeaseHolder::is_gone)
        }
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
    /// Changes the row if it is still this lease's, and says whether it is.
    fn change(
        &self,
        wait: Duration,
        query: &'static str,
    ) -> impl FnOnce() -> Result<bool, StorageError> + use<> {
        let (database, key, fencing) = (self.database.clone(), self.key.clone(), self.fencing);
        move || {
            database.write_within(wait, |transaction| {
                if !schema::has_table(transaction, TABLE)? {
                    return Ok(false);
                }
                let changed = transaction.prepare_cached(query)?.execute(params![
                    key.namespace.as_str(),
                    key.resource_server.as_str(),
                    fencing
                ])?;
                Ok(changed == 1)
            })
        }
    }

    fn give_back(&mut self, wait: Duration) -> impl FnOnce() -> Result<bool, StorageError> + use<> {
        self.is_given_back = true;
        self.change(
            wait,
            "UPDATE globus_sdk_rs_refresh_lease SET holder = NULL
             WHERE namespace = ?1 AND resource_server = ?2 AND fencing = ?3",
        )
    }
}

impl Lease for SqliteLease {
    fn extend(&mut self) -> Extend<'_> {
        Box::pin(run_blocking(self.change(
            self.database.options().lock_wait,
            "UPDATE globus_sdk_rs_refresh_lease SET extended = extended + 1
             WHERE namespace = ?1 AND resource_server = ?2 AND fencing = ?3 AND holder IS NOT NULL",
        )))
    }

    fn release(mut self: Box<Self>) -> Release {
        let wait = self.database.options().lock_wait;
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
