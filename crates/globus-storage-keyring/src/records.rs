//! Records in entries of the keyring: read, stored and removed, each in steps of which none loses one.
//!
//! No lock is held while the keyring is asked, as that may take long. A store reads what is there, makes new
//! entries, and then puts them in force if what it read still is; otherwise it begins again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use globus_core::storage::{Loaded, Namespace, StorageError, StoreKind};
use globus_core::{ResourceServer, TokenData, failpoint};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::calls::{Calls, Name, Value};
use crate::index::{Index, IndexFile, Write};

/// What Windows takes for one entry, in bytes.
pub(crate) const SMALLEST_LIMIT: usize = 2560;

/// What stays as it is in the parts of a name, of which none then has a slash.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// After so many vain attempts a reader keeps writers away.
const FREE_READS: usize = 3;

/// The records of one application.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) calls: Arc<Calls>,
    pub(crate) service: String,
    pub(crate) index: IndexFile,
    pub(crate) time_limit: Duration,
    pub(crate) size_limit: usize,
}

/// What the entries of some records hold. The value is missing where the keyring has no such entry.
type Current = BTreeMap<ResourceServer, (String, Option<Value>)>;

/// A record on its way into the keyring.
struct New {
    server: ResourceServer,
    /// The entry in force when the old record was read.
    old: Option<String>,
    entry: String,
    value: Value,
}

/// A step of a write at which tests let it fail or the process die.
fn reach(step: &'static str, verb: &'static str) -> Result<(), StorageError> {
    failpoint::reach(step).map_err(|error| StorageError::from_io(error, verb))
}

impl Records {
    pub(crate) fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let mut loaded = Loaded::default();
        for (server, (_, value)) in self.current(|index| index.entries(namespace))? {
            match decode(namespace, &server, value) {
                Ok(token) => drop(loaded.tokens.insert(server, token)),
                Err(error) => loaded.damaged.push(error),
            }
        }
        Ok(loaded)
    }

    pub(crate) fn load(
        &self,
        namespace: &Namespace,
        server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let found = self.current(|index| one(index, namespace, server))?.remove(server);
        found.map(|(_, value)| decode(namespace, server, value)).transpose()
    }

    pub(crate) fn store(
        &self,
        namespace: &Namespace,
        tokens: &[TokenData],
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        let start = Instant::now();
        while !self.replace(namespace, self.merge(namespace, tokens, kind)?)? {
            // Another process has stored one of these records in between.
            if start.elapsed() >= self.index.lock_wait() {
                return Err(StorageError::locked(None, start.elapsed()));
            }
        }
        Ok(())
    }

    /// Removes a record and its entry.
    pub(crate) fn remove(
        &self,
        namespace: &Namespace,
        server: &ResourceServer,
    ) -> Result<bool, StorageError> {
        let index = self.index.read()?;
        let was_there = match index.entry(namespace, server) {
            None => false,
            Some(entry) => {
                // A keyring that cannot be reached should refuse before anything is changed.
                drop(self.calls.read(self.name(entry), self.time_limit)?);
                reach("keyring.remove", "remove an entry of")?;
                self.index.update(|index| Ok((Write::Index, index.remove(namespace, server))))?
            }
        };
        // Whoever logs out wants to know when a secret is still there. The next call tries again.
        self.sweep()?;
        Ok(was_there)
    }

    pub(crate) fn namespaces(&self) -> Result<Vec<Namespace>, StorageError> {
        Ok(self.index.read()?.namespaces())
    }

    /// Whether anything is stored, as far as the index knows.
    pub(crate) fn is_in_use(&self) -> Result<bool, StorageError> {
        Ok(self.index.read()?.holds_records())
    }

    /// Makes an entry without a secret and deletes it again, which shows whether the keyring can be used.
    pub(crate) fn probe(&self) -> Result<(), StorageError> {
        let value = Zeroizing::new(b"a trial, to be deleted".to_vec());
        self.calls.create(self.name("trial"), value, self.time_limit)?;
        self.calls.delete(self.name("trial"), self.time_limit)
    }

    /// What is stored now in the records that `wanted` picks from the index.
    fn current(
        &self,
        wanted: impl Fn(&Index) -> BTreeMap<ResourceServer, String>,
    ) -> Result<Current, StorageError> {
        for attempt in 0.. {
            let current = if attempt < FREE_READS {
                self.values(wanted(&self.index.read()?))?
            } else {
                // Entries in force stay while the index does.
                self.index.update(|index| Ok((Write::Nothing, self.values(wanted(index))?)))?
            };
            if current.values().all(|(_, value)| value.is_some()) {
                return Ok(current);
            }
            // Either the entry was replaced since the index was read, or it is really missing.
            let again = wanted(&self.index.read()?);
            if again.iter().eq(current.iter().map(|(server, (entry, _))| (server, entry))) {
                return Ok(current);
            }
        }
        unreachable!("the attempts do not end")
    }

    fn values(&self, entries: BTreeMap<ResourceServer, String>) -> Result<Current, StorageError> {
        let read = |(server, entry): (ResourceServer, String)| {
            let value = self.calls.read(self.name(&entry), self.time_limit)?;
            Ok((server, (entry, value)))
        };
        entries.into_iter().map(read).collect()
    }

    /// What is to be stored in place of what is there. Nothing is written yet.
    fn merge(
        &self,
        namespace: &Namespace,
        tokens: &[TokenData],
        kind: StoreKind,
    ) -> Result<Vec<New>, StorageError> {
        reach("keyring.read", "read")?;
        let current = self.current(|index| {
            let entries = tokens.iter().map(|token| one(index, namespace, &token.resource_server));
            entries.flatten().collect()
        })?;
        let mut merged: BTreeMap<ResourceServer, TokenData> = BTreeMap::new();
        for token in tokens {
            let server = &token.resource_server;
            let stored =
                || current.get(server).and_then(|(_, value)| TokenData::from_record(value.as_ref()?).ok());
            let previous = merged.get(server).cloned().or_else(stored);
            merged.insert(server.clone(), kind.merge(previous.as_ref(), token.clone())?);
        }
        let new = |(server, token): (ResourceServer, TokenData)| {
            let mut record = token.to_record();
            let value = Zeroizing::new(std::mem::take(&mut *record).into_bytes());
            if value.len() > self.size_limit {
                return Err(StorageError::too_large(value.len(), self.size_limit));
            }
            let old = current.get(&server).map(|(entry, _)| entry.clone());
            Ok(New { entry: entry_name(namespace, &server), server, old, value })
        };
        merged.into_iter().map(new).collect()
    }

    /// Makes the new entries and puts them in force. Answers whether the old ones were still those that the new
    /// ones came from; otherwise nothing has changed.
    fn replace(&self, namespace: &Namespace, mut batch: Vec<New>) -> Result<bool, StorageError> {
        let is_unchanged = |index: &Index, batch: &[New]| {
            batch.iter().all(|new| index.entry(namespace, &new.server) == new.old.as_ref())
        };
        reach("keyring.announce", "announce an entry in")?;
        let is_announced = self.index.update(|index| {
            if !is_unchanged(index, &batch) {
                return Ok((Write::Nothing, false));
            }
            for new in &batch {
                index.announce(&new.entry);
            }
            Ok((Write::Index, true))
        })?;
        if !is_announced {
            return Ok(false);
        }
        if let Err(error) = self.create(&mut batch) {
            // The keyring may answer no more, so nothing is asked of it now.
            self.withdraw(&batch);
            return Err(error);
        }
        let committed = reach("keyring.commit", "replace").and_then(|()| {
            self.index.update(|index| {
                if !is_unchanged(index, &batch) || !batch.iter().all(|new| index.is_announced(&new.entry)) {
                    return Ok((Write::Nothing, false));
                }
                for new in &batch {
                    index.put(namespace, &new.server, &new.entry);
                }
                Ok((Write::Index, true))
            })
        });
        if !matches!(committed, Ok(true)) {
            self.withdraw(&batch);
        }
        // The records are stored by now, or not; what is left over is deleted another time if not now.
        if let Err(error) = self.sweep() {
            tracing::debug!(%error, "entries of the keyring that are not used any more are still there");
        }
        committed
    }

    fn create(&self, batch: &mut [New]) -> Result<(), StorageError> {
        for new in batch {
            reach("keyring.create", "make an entry of")?;
            self.calls.create(self.name(&new.entry), std::mem::take(&mut new.value), self.time_limit)?;
            reach("keyring.created", "make an entry of")?;
        }
        Ok(())
    }

    /// Leaves the new entries of a store that failed for the sweep. Those that are in force after all, because
    /// only the last step of writing the index failed, stay.
    fn withdraw(&self, batch: &[New]) {
        let given_up = self.index.update(|index| {
            let mut write = Write::Nothing;
            for new in batch {
                if index.withdraw(&new.entry) {
                    write = Write::Index;
                }
            }
            Ok((write, ()))
        });
        if let Err(error) = given_up {
            tracing::debug!(%error, "entries that are not used will be given up later");
        }
    }

    /// Deletes the entries that are not used any more.
    fn sweep(&self) -> Result<(), StorageError> {
        let waste = self.index.read()?.waste().clone();
        if waste.is_empty() {
            return Ok(());
        }
        let mut deleted = BTreeSet::new();
        let delete = || {
            for entry in waste {
                reach("keyring.delete", "delete an entry of")?;
                self.calls.delete(self.name(&entry), self.time_limit)?;
                deleted.insert(entry);
            }
            Ok(())
        };
        let outcome = delete();
        reach("keyring.forget", "forget an entry in")?;
        self.index.update(|index| {
            index.forget(&deleted);
            Ok((Write::Index, ()))
        })?;
        outcome
    }

    fn name(&self, entry: &str) -> Name {
        Name { service: self.service.clone(), user: entry.to_owned() }
    }
}

/// The entry of one record, if there is one.
fn one(index: &Index, namespace: &Namespace, server: &ResourceServer) -> BTreeMap<ResourceServer, String> {
    index.entry(namespace, server).map(|entry| (server.clone(), entry.clone())).into_iter().collect()
}

/// The user text of a new entry: whose record it is, for people who look into their keyring, and what tells it
/// from the entries before and after.
fn entry_name(namespace: &Namespace, server: &ResourceServer) -> String {
    let part = |text| utf8_percent_encode(text, PLAIN);
    let (namespace, server) = (part(namespace.as_str()), part(server.as_str()));
    format!("{namespace}/{server}/{}", uuid::Uuid::new_v4().simple())
}

/// An entry that is missing, as where somebody has emptied the keyring, is told like a damaged one.
fn decode(
    namespace: &Namespace,
    server: &ResourceServer,
    value: Option<Value>,
) -> Result<TokenData, StorageError> {
    TokenData::from_record(&value.unwrap_or_default())
        .map_err(|error| StorageError::invalid_record(Some(namespace), Some(server), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries_are_unambiguous() {
        let name = |namespace: &str, server: &str| {
            let name = entry_name(&namespace.into(), &server.into());
            name.rsplit_once('/').unwrap().0.to_owned()
        };
        assert_eq!(name("DEFAULT", "transfer.api.globus.org"), "DEFAULT/transfer.api.globus.org");
        assert_ne!(name("a/b", "c"), name("a", "b/c"));
        assert_ne!(name("a%2Fb", "c"), name("a/b", "c"));
        assert_ne!(entry_name(&"a".into(), &"b".into()), entry_name(&"a".into(), &"b".into()));
    }
}
