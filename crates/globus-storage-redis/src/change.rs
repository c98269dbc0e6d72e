//! Changing records: read, decide, and replace if nobody was faster.

use std::time::{Duration, Instant};

use globus_core::failpoint;
use globus_core::storage::{Namespace, StorageError, StorageErrorKind, StoreKind};
use globus_core::token::{ResourceServer, TokenData};
use redis::{FromRedisValue, ParsingError, Value, cmd};
use zeroize::Zeroizing;

use crate::error::{in_doubt, may_have_been_done, overtaken};
use crate::keys::Keys;
use crate::record::Record;
use crate::server::{Retry, SWAP, Server};

/// What is stored; `None` where there is nothing.
type Stored = Option<Record>;

/// What [`SWAP`] answers.
enum Swap {
    Done,
    /// Somebody was faster; this is there now.
    Lost(Vec<Stored>),
}

impl FromRedisValue for Swap {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        match value {
            Value::Int(_) => Ok(Self::Done),
            other => Vec::from_redis_value(other).map(Self::Lost),
        }
    }
}

/// A change whose answer was lost.
struct Sent {
    old: Vec<Stored>,
    new: Vec<Zeroizing<String>>,
}

/// What became of a change whose answer was lost.
enum Fate {
    Done,
    NotDone,
    /// Another program has stored since, over what was changed or instead of it.
    Unknown,
}

impl Sent {
    fn fate(&self, now: &[Stored]) -> Fate {
        let new = self.new.iter().map(|new| (!new.is_empty()).then_some(new.as_bytes()));
        if now.iter().map(Option::as_deref).eq(new) {
            Fate::Done
        } else if now == self.old {
            Fate::NotDone
        } else {
            Fate::Unknown
        }
    }
}

/// What to do where another program has stored since a change whose answer was lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfUnknown {
    GoOn,
    /// A change decided before would undo what the other program has stored, and it knew better.
    GiveUp,
}

/// How a change ended.
#[derive(PartialEq, Eq)]
enum Ended {
    Changed,
    Unchanged,
    Unknown,
}

/// The records of one namespace.
pub(crate) struct Records {
    pub(crate) server: Server,
    pub(crate) keys: Keys,
    pub(crate) namespace: Namespace,
    /// How long to try while others are faster.
    pub(crate) lock_wait: Duration,
}

impl Records {
    pub(crate) async fn store(self, tokens: Vec<TokenData>, kind: StoreKind) -> Result<(), StorageError> {
        let mut names: Vec<&ResourceServer> = tokens.iter().map(|token| &token.resource_server).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Ok(());
        }
        let if_unknown = match kind {
            // The merge says whether it is a conflict.
            StoreKind::RefreshOf(_) => IfUnknown::GoOn,
            _ => IfUnknown::GiveUp,
        };
        self.change(&names, if_unknown, |stored| merged(&names, stored, &tokens, kind)).await?;
        Ok(())
    }

    pub(crate) async fn remove(self, resource_server: &ResourceServer) -> Result<bool, StorageError> {
        self.change(&[resource_server], IfUnknown::GoOn, |stored| {
            Ok(stored.iter().any(Option::is_some).then(|| vec![Zeroizing::default()]))
        })
        .await
    }

    /// Replaces the records of `names` by what `decide` answers for the stored ones: a text for each, an empty one to
    /// remove it, or `None` to leave all as it is. Says whether something was changed.
    async fn change(
        &self,
        names: &[&ResourceServer],
        if_unknown: IfUnknown,
        decide: impl Fn(&[Stored]) -> Result<Option<Vec<Zeroizing<String>>>, StorageError>,
    ) -> Result<bool, StorageError> {
        let mut sent = None;
        match self.try_to_change(names, if_unknown, decide, &mut sent).await {
            Ok(Ended::Unknown) => Err(overtaken()),
            Ok(ended) => Ok(ended == Ended::Changed),
            // Any other error says that nothing was changed.
            Err(error) if sent.is_some() && !error.is_conflict() => Err(in_doubt(error)),
            Err(error) => Err(error),
        }
    }

    /// `sent` becomes the first change whose answer was lost.
    async fn try_to_change(
        &self,
        names: &[&ResourceServer],
        if_unknown: IfUnknown,
        decide: impl Fn(&[Stored]) -> Result<Option<Vec<Zeroizing<String>>>, StorageError>,
        sent: &mut Option<Sent>,
    ) -> Result<Ended, StorageError> {
        let start = Instant::now();
        let keys = [self.keys.tokens(&self.namespace), self.keys.namespaces()];
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut retry = Retry::new();
        let mut was_late = false;
        let mut stored = self.read(names).await?;
        loop {
            if stored.len() != names.len() {
                // No server answers so.
                return Err(StorageError::new(StorageErrorKind::Database));
            }
            match sent.as_ref().map(|sent| sent.fate(&stored)) {
                Some(Fate::Done) => return Ok(Ended::Changed),
                Some(Fate::Unknown) if if_unknown == IfUnknown::GiveUp => return Ok(Ended::Unknown),
                Some(Fate::NotDone | Fate::Unknown) | None => {}
            }
            let Some(new) = decide(&stored)? else { return Ok(Ended::Unchanged) };
            if was_late && start.elapsed() >= self.lock_wait {
                return Err(StorageError::locked(None, start.elapsed()));
            }
            reach("redis.write", "write")?;
            let mut arguments: Vec<&[u8]> = vec![self.namespace.as_str().as_bytes()];
            for ((name, stored), new) in names.iter().zip(&stored).zip(&new) {
                arguments.push(name.as_str().as_bytes());
                arguments.push(stored.as_deref().unwrap_or_default());
                arguments.push(new.as_bytes());
            }
            let answer = self.server.run_once(&SWAP, &keys, &arguments).await;
            was_late = matches!(answer, Ok(Swap::Lost(_)));
            stored = match answer {
                Ok(Swap::Done) => {
                    reach("redis.written", "write")?;
                    return Ok(Ended::Changed);
                }
                Ok(Swap::Lost(now)) => now,
                Err(error) => {
                    if may_have_been_done(&error) {
                        sent.get_or_insert(Sent { old: stored, new });
                    }
                    retry.after(&error).await?;
                    self.read(names).await?
                }
            };
        }
    }

    async fn read(&self, names: &[&ResourceServer]) -> Result<Vec<Stored>, StorageError> {
        reach("redis.read", "read")?;
        let mut command = cmd("HMGET");
        command.arg(self.keys.tokens(&self.namespace));
        for name in names {
            command.arg(name.as_str());
        }
        self.server.ask(&command).await
    }
}

/// The records of `names` after `tokens` are stored one after the other.
fn merged(
    names: &[&ResourceServer],
    stored: &[Stored],
    tokens: &[TokenData],
    kind: StoreKind,
) -> Result<Option<Vec<Zeroizing<String>>>, StorageError> {
    let parse = |stored: &Stored| TokenData::from_record(stored.as_ref()?).ok();
    let mut records: Vec<Option<TokenData>> = stored.iter().map(parse).collect();
    for token in tokens {
        if let Ok(position) = names.binary_search(&&token.resource_server) {
            let record = &mut records[position];
            *record = Some(kind.merge(record.as_ref(), token.clone())?);
        }
    }
    let text = |record: Option<TokenData>| record.map(|record| record.to_record());
    Ok(records.into_iter().map(text).collect())
}

fn reach(step: &str, action: &'static str) -> Result<(), StorageError> {
    failpoint::reach(step).map_err(|error| StorageError::from_io(error, action))
}
