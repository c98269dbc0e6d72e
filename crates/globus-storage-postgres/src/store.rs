//! Storing: read the old records and lock them, merge, write, in one transaction: two round
//! trips for one record.
//!
//! The beginning of the transaction goes out together with the read, and its end together with the last write. Should
//! that write fail, the server answers the end with a rollback.
//!
//! A row that is not there yet cannot be locked. It is inserted without regard to one that another transaction may
//! have inserted meanwhile: then the server refuses, nothing is stored, and all begins again with that row to lock.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join;
use globus_core::failpoint;
use globus_core::storage::{Namespace, StorageError, StorageErrorKind, StoreKind};
use globus_core::token::{ResourceServer, TokenData};
use tokio::time::Instant;
use tokio_postgres::{Row, Statement};
use zeroize::Zeroizing;

use crate::PostgresTokenStorage;
use crate::connection::{Connection, pause};
use crate::failure::{Failure, in_doubt, in_doubt_because_of, not_written};

/// How often a transaction is tried when others are in its way.
const ATTEMPTS: u32 = 16;

/// How long to try to find out what became of a transaction whose end was lost.
const FIND_OUT: Duration = Duration::from_secs(10);

/// The texts of records under the names that they are stored by.
type Records = BTreeMap<String, Zeroizing<String>>;

/// One record that is to be written.
struct Change {
    resource_server: ResourceServer,
    old: Option<Zeroizing<String>>,
    new: Zeroizing<String>,
}

/// What came of a transaction.
enum Outcome {
    Stored,
    /// The write was sent, and the connection was lost before the answer.
    InDoubt(Vec<Change>, StorageError),
    /// An earlier write is in doubt, and another program has written since.
    Overtaken,
}

impl PostgresTokenStorage {
    pub(crate) async fn put(
        &self,
        namespace: &Namespace,
        tokens: &[TokenData],
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        let begin = Instant::now();
        let mut pause = pause();
        let mut doubt: Option<(Vec<Change>, Instant)> = None;
        let mut attempt = 1;
        loop {
            let changes = doubt.as_ref().map(|(changes, _)| changes.as_slice());
            let failure = match self.attempt(namespace, tokens, kind, changes).await {
                Ok(Outcome::Stored) => return Ok(()),
                Ok(Outcome::Overtaken) => {
                    return Err(in_doubt("another program has stored or removed the record since"));
                }
                Ok(Outcome::InDoubt(changes, error)) => {
                    doubt.get_or_insert((changes, Instant::now()));
                    Failure::Lost(error)
                }
                Err(failure) => failure,
            };
            let goes_on = match (&failure, &doubt) {
                (Failure::Race(_), _) => attempt < ATTEMPTS,
                // A connection of the pool that had died long ago.
                (Failure::Lost(_), None) => attempt < 3,
                // Perhaps the server is just starting again. What was sent may be there.
                (Failure::Lost(error) | Failure::Refused(error), Some((_, since))) => {
                    *error.kind() == StorageErrorKind::Unavailable && since.elapsed() < FIND_OUT
                }
                _ => false,
            };
            if !goes_on {
                let error = match failure {
                    Failure::Blocked(_) => StorageError::locked(None, begin.elapsed()),
                    failure => failure.into(),
                };
                // A conflict says what to do in both cases: to read again. Any other error would say that nothing is
                // stored.
                return Err(if doubt.is_some() && !error.is_conflict() {
                    in_doubt_because_of(error)
                } else {
                    error
                });
            }
            if attempt > 1 {
                tokio::time::sleep(pause.length()).await;
            }
            attempt += 1;
        }
    }

    /// One transaction.
    async fn attempt(
        &self,
        namespace: &Namespace,
        tokens: &[TokenData],
        kind: StoreKind,
        doubt: Option<&[Change]>,
    ) -> Result<Outcome, Failure> {
        let connection = self.connect().await?;
        match self.all_but_the_last_step(&connection, namespace, tokens, kind, doubt).await {
            Ok(Decision::Write(last, changes)) => end(connection, last, namespace, changes).await,
            Ok(Decision::Leave(outcome)) => {
                connection.roll_back().await;
                Ok(outcome)
            }
            Err(failure) => {
                connection.roll_back().await;
                Err(failure)
            }
        }
    }

    async fn all_but_the_last_step(
        &self,
        connection: &Connection,
        namespace: &Namespace,
        tokens: &[TokenData],
        kind: StoreKind,
        doubt: Option<&[Change]>,
    ) -> Result<Decision, Failure> {
        let stored = self.begin(connection, namespace, tokens).await?;
        match doubt.map_or(Fate::NotStored, |changes| fate(changes, &stored)) {
            Fate::Stored => return Ok(Decision::Leave(Outcome::Stored)),
            // Of a refresh the merge says whether it is a conflict.
            Fate::Unknown if !matches!(kind, StoreKind::RefreshOf(_)) => {
                return Ok(Decision::Leave(Outcome::Overtaken));
            }
            Fate::NotStored | Fate::Unknown => {}
        }
        let changes = changes(&stored, tokens, kind)?;
        let Some((last, others)) = changes.split_last() else {
            return Ok(Decision::Leave(Outcome::Stored));
        };
        reach("postgres.write", "write to")?;
        for change in others {
            let statement = connection.prepare_cached(self.tables.write(change.old.is_some())).await?;
            written(write(connection, &statement, namespace, change).await?)?;
        }
        // The end is sent before it is known whether the last one was written. Where there are others, these must not
        // be stored without it.
        let last = if others.is_empty() {
            self.tables.write(last.old.is_some())
        } else {
            self.tables.write_or_fail(last.old.is_some())
        };
        let last = connection.prepare_cached(last).await?;
        reach("postgres.commit", "commit to")?;
        Ok(Decision::Write(last, changes))
    }

    /// Begins the transaction, locks the rows, and reads them.
    async fn begin(
        &self,
        connection: &Connection,
        namespace: &Namespace,
        tokens: &[TokenData],
    ) -> Result<Records, Failure> {
        reach("postgres.begin", "begin a transaction in")?;
        // Zero would be no limit at all.
        let milliseconds = i32::try_from(self.lock_wait.as_millis()).unwrap_or(i32::MAX).max(1);
        let opening = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {milliseconds}"
        );
        let names: Vec<&str> = tokens.iter().map(|token| token.resource_server.as_str()).collect();
        let read = async {
            // The server is told each statement once for each connection; that waits for locks as well.
            let lock = connection.prepare_cached(&self.tables.lock).await?;
            connection.query(&lock, &[&namespace.as_str(), &names]).await
        };
        // Sent in this order, without waiting for the answer to the first.
        let (begun, rows) = join(connection.batch_execute(&opening), read).await;
        begun?;
        let records = rows?.iter().map(name_and_record).collect::<Result<_, _>>()?;
        reach("postgres.read", "read from")?;
        Ok(records)
    }
}

/// What is left to do in a transaction.
enum Decision {
    /// To write the last of these changes with this statement, and to commit.
    Write(Statement, Vec<Change>),
    /// Nothing.
    Leave(Outcome),
}

/// Writes the last change, and ends the transaction.
async fn end(
    connection: Connection,
    statement: Statement,
    namespace: &Namespace,
    changes: Vec<Change>,
) -> Result<Outcome, Failure> {
    let Some(last) = changes.last() else { return Ok(Outcome::Stored) };
    // Sent in this order, without waiting for the answer to the first.
    let done =
        join(write(&connection, &statement, namespace, last), connection.batch_execute("COMMIT")).await;
    let rows = match done {
        (Ok(rows), Ok(())) => Ok(rows),
        (Err(error), _) | (_, Err(error)) => Err(Failure::from(error)),
    };
    if let Err(Failure::Lost(error)) = rows {
        return Ok(Outcome::InDoubt(changes, error));
    }
    connection.give_back();
    written(rows?)?;
    reach("postgres.committed", "go on after the commit to")?;
    Ok(Outcome::Stored)
}

async fn write(
    connection: &Connection,
    statement: &Statement,
    namespace: &Namespace,
    change: &Change,
) -> Result<u64, tokio_postgres::Error> {
    let (name, record) = (change.resource_server.as_str(), change.new.as_str());
    connection.execute(statement, &[&namespace.as_str(), &name, &record]).await
}

/// A rule or a trigger of somebody else's may leave a row out without a word.
fn written(rows: u64) -> Result<(), StorageError> {
    if rows == 1 { Ok(()) } else { Err(not_written()) }
}

fn reach(step: &str, verb: &'static str) -> Result<(), StorageError> {
    failpoint::reach(step).map_err(|error| StorageError::from_io(error, verb))
}

pub(crate) fn name_and_record(row: &Row) -> Result<(String, Zeroizing<String>), Failure> {
    Ok((row.try_get(0)?, Zeroizing::new(row.try_get(1)?)))
}

/// What is to be written in place of what is stored.
fn changes(stored: &Records, tokens: &[TokenData], kind: StoreKind) -> Result<Vec<Change>, StorageError> {
    let mut merged = BTreeMap::<&ResourceServer, TokenData>::new();
    for token in tokens {
        let name = &token.resource_server;
        let damaged_counts_as_none =
            |record: &Zeroizing<String>| TokenData::from_record(record.as_bytes()).ok();
        // Of two tokens of the same name in a batch the second one comes after the first.
        let previous =
            merged.remove(name).or_else(|| stored.get(name.as_str()).and_then(damaged_counts_as_none));
        merged.insert(name, kind.merge(previous.as_ref(), token.clone())?);
    }
    let change = |(name, token): (&ResourceServer, TokenData)| Change {
        resource_server: name.clone(),
        old: stored.get(name.as_str()).cloned(),
        new: token.to_record(),
    };
    Ok(merged.into_iter().map(change).filter(|change| change.old.as_ref() != Some(&change.new)).collect())
}

/// What became of a write whose answer was lost.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Stored,
    NotStored,
    /// Another program has written since, over what was stored or instead of it.
    Unknown,
}

fn fate(changes: &[Change], stored: &Records) -> Fate {
    let now = |change: &Change| stored.get(change.resource_server.as_str());
    if changes.iter().all(|change| now(change) == Some(&change.new)) {
        Fate::Stored
    } else if changes.iter().all(|change| now(change) == change.old.as_ref()) {
        Fate::NotStored
    } else {
        Fate::Unknown
    }
}
