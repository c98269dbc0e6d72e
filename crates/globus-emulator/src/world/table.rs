//! A table of documents that knows which of them changed since they were last kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Change, Store, StoreError};

pub(crate) struct Table<T> {
    kind: &'static str,
    rows: BTreeMap<String, T>,
    changed: BTreeSet<String>,
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    /// The table of a kind, filled with what the store has.
    pub(crate) fn load(kind: &'static str, store: &Store) -> Result<Self, StoreError> {
        let rows = store
            .load(kind)?
            .into_iter()
            .map(|(id, body)| match serde_json::from_str(&body) {
                Ok(row) => Ok((id, row)),
                Err(_) => Err(StoreError::Document { kind }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { kind, rows, changed: BTreeSet::new() })
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(id)
    }

    /// The document, which counts as changed from now on.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let row = self.rows.get_mut(id)?;
        self.changed.insert(id.to_owned());
        Some(row)
    }

    /// The document, for a change that need not outlive the emulator.
    pub(crate) fn get_passing_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows.get_mut(id)
    }

    pub(crate) fn insert(&mut self, id: impl Into<String>, row: T) {
        let id = id.into();
        self.changed.insert(id.clone());
        self.rows.insert(id, row);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.rows.iter().map(|(id, row)| (id.as_str(), row))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    /// Changes every document for which `change` answers true; answers how many did.
    pub(crate) fn change_each(&mut self, mut change: impl FnMut(&str, &mut T) -> bool) -> usize {
        let mut count = 0;
        for (id, row) in &mut self.rows {
            if change(id, row) {
                self.changed.insert(id.clone());
                count += 1;
            }
        }
        count
    }

    /// Removes every document that `keep` refuses.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, &T) -> bool) {
        let changed = &mut self.changed;
        self.rows.retain(|id, row| {
            let kept = keep(id, row);
            if !kept {
                changed.insert(id.clone());
            }
            kept
        });
    }
}

/// What a table owes the store.
pub(crate) trait Kept {
    fn owed(&self, changes: &mut Vec<Change>);
    fn settle(&mut self);
}

impl<T: Serialize> Kept for Table<T> {
    fn owed(&self, changes: &mut Vec<Change>) {
        changes.extend(self.changed.iter().map(|id| Change {
            kind: self.kind,
            id: id.clone(),
            // The documents are plain structs with text keys, which always serialize.
            body: self.rows.get(id).and_then(|row| serde_json::to_string(row).ok()),
        }));
    }

    fn settle(&mut self) {
        self.changed.clear();
    }
}
