//! The index: which entries of the keyring are in force. It holds names and no secret.
//!
//! A keyring cannot change several entries at once, and not every one can list its entries. So an entry never
//! changes: each record that is stored gets a new one, and the index, which is replaced in one step, says which
//! one counts. An entry is announced in the index before it is made, and stays there until it is deleted, so that
//! none is forgotten when a program dies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use globus_core::config::paths::{Platform, default_keyring_index_path};
use globus_core::config::{ConfigError, Variables};
use globus_core::storage::{Namespace, PrivateFile, RefreshLease, StorageError};
use globus_core::{ResourceServer, Timestamp};
use serde::{Deserialize, Serialize};

use crate::failure;

const FORMAT: &str = "1";

/// After so many seconds an entry that was announced comes no more: who announced it has died. One that comes
/// all the same is refused, as it is announced no longer.
const STALE_SECONDS: i64 = 600;

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Index {
    #[serde(rename = "keyring_index")]
    format: String,
    service: String,
    /// By namespace and resource server, the user text of the entry.
    records: BTreeMap<String, BTreeMap<String, String>>,
    /// Entries that somebody is making, and since when.
    #[serde(default)]
    announced: BTreeMap<String, i64>,
    /// Entries to be deleted.
    #[serde(default)]
    waste: BTreeSet<String>,
}

impl Index {
    fn new(service: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            service: service.to_owned(),
            records: BTreeMap::new(),
            announced: BTreeMap::new(),
            waste: BTreeSet::new(),
        }
    }

    fn parse(content: Option<&[u8]>, service: &str) -> Result<Self, StorageError> {
        let Some(content) = content else { return Ok(Self::new(service)) };
        // The parser's own error may quote the content, which is what somebody has put there.
        let index: Self = serde_json::from_slice(content).map_err(|_| failure::no_index())?;
        if index.service != service {
            return Err(failure::index_of_another());
        }
        if index.format != FORMAT {
            return Err(failure::newer_index(&index.format));
        }
        Ok(index)
    }

    /// Whether any record is stored.
    pub(crate) fn holds_records(&self) -> bool {
        self.records.values().any(|records| !records.is_empty())
    }

    /// The namespaces with records, in order.
    pub(crate) fn namespaces(&self) -> Vec<Namespace> {
        let holding = self.records.iter().filter(|(_, records)| !records.is_empty());
        holding.map(|(namespace, _)| namespace.as_str().into()).collect()
    }

    /// The entry of a record.
    pub(crate) fn entry(&self, namespace: &Namespace, server: &ResourceServer) -> Option<&String> {
        self.records.get(namespace.as_str())?.get(server.as_str())
    }

    /// The entries of a namespace.
    pub(crate) fn entries(&self, namespace: &Namespace) -> BTreeMap<ResourceServer, String> {
        let records = self.records.get(namespace.as_str()).into_iter().flatten();
        records.map(|(server, entry)| (server.as_str().into(), entry.clone())).collect()
    }

    /// The entries that are to be deleted.
    pub(crate) fn waste(&self) -> &BTreeSet<String> {
        &self.waste
    }

    /// Says that this entry will be made, and gives up those that were never finished.
    pub(crate) fn announce(&mut self, entry: &str) {
        let now = Timestamp::now().as_second();
        let (kept, stale) = std::mem::take(&mut self.announced)
            .into_iter()
            .partition(|&(_, since)| now.saturating_sub(since).abs() < STALE_SECONDS);
        self.announced = kept;
        self.waste.extend(BTreeMap::into_keys(stale));
        self.announced.insert(entry.to_owned(), now);
    }

    /// Whether an entry is announced, and not given up by anybody.
    pub(crate) fn is_announced(&self, entry: &str) -> bool {
        self.announced.contains_key(entry)
    }

    /// Puts an entry that was announced in force, in place of the one before.
    pub(crate) fn put(&mut self, namespace: &Namespace, server: &ResourceServer, entry: &str) {
        self.announced.remove(entry);
        let records = self.records.entry(namespace.as_str().to_owned()).or_default();
        self.waste.extend(records.insert(server.as_str().to_owned(), entry.to_owned()));
    }

    /// Gives up an entry that was announced, and says whether it was.
    pub(crate) fn withdraw(&mut self, entry: &str) -> bool {
        let was_announced = self.announced.remove(entry).is_some();
        if was_announced {
            self.waste.insert(entry.to_owned());
        }
        was_announced
    }

    /// Takes a record out of force, and says whether there was one.
    pub(crate) fn remove(&mut self, namespace: &Namespace, server: &ResourceServer) -> bool {
        let Some(records) = self.records.get_mut(namespace.as_str()) else { return false };
        let entry = records.remove(server.as_str());
        if records.is_empty() {
            self.records.remove(namespace.as_str());
        }
        let was_there = entry.is_some();
        self.waste.extend(entry);
        was_there
    }

    /// Forgets entries that are deleted.
    pub(crate) fn forget(&mut self, entries: &BTreeSet<String>) {
        self.waste.retain(|entry| !entries.contains(entry));
    }
}

/// What [`IndexFile::update`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Nothing,
    Index,
}

/// The file of the index, with the options of files.
#[derive(Clone, Debug)]
pub(crate) struct IndexFile {
    service: String,
    path: Option<PathBuf>,
    lease_time: Duration,
    lock_wait: Option<Duration>,
    /// Where it is usually is known when it is first needed. Clones share it, and so what it remembers.
    file: Arc<OnceLock<PrivateFile>>,
}

impl IndexFile {
    pub(crate) fn new(service: String) -> Self {
        Self { service, path: None, lease_time: RefreshLease::TIME, lock_wait: None, file: Arc::default() }
    }

    pub(crate) fn set_path(&mut self, path: PathBuf) {
        self.path = Some(path);
        self.file = Arc::default();
    }

    pub(crate) fn set_lease_time(&mut self, time: Duration) {
        self.lease_time = time;
        self.file = Arc::default();
    }

    pub(crate) fn set_lock_wait(&mut self, wait: Duration) {
        self.lock_wait = Some(wait);
        self.file = Arc::default();
    }

    pub(crate) fn lease_time(&self) -> Duration {
        self.lease_time
    }

    /// By default longer than the lease of one that died lasts.
    pub(crate) fn lock_wait(&self) -> Duration {
        self.lock_wait.unwrap_or_else(|| self.lease_time.saturating_add(Duration::from_secs(10)))
    }

    /// What is in force now.
    pub(crate) fn read(&self) -> Result<Index, StorageError> {
        let file = self.file()?;
        let content = file.read()?;
        Index::parse(content.as_deref(), &self.service).map_err(|error| error.with_path(file.path()))
    }

    /// Changes the index while nobody else does.
    pub(crate) fn update<T>(
        &self,
        change: impl FnOnce(&mut Index) -> Result<(Write, T), StorageError>,
    ) -> Result<T, StorageError> {
        self.file()?.update(|content| {
            let mut index = Index::parse(content, &self.service)?;
            let (write, answer) = change(&mut index)?;
            let text = match write {
                Write::Nothing => None,
                Write::Index => Some(
                    serde_json::to_string_pretty(&index)
                        .map_err(|error| StorageError::from_io(error.into(), "write"))?,
                ),
            };
            Ok((text, answer))
        })
    }

    pub(crate) fn lock_refresh_while(
        &self,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<RefreshLease, StorageError> {
        self.file()?.lock_refresh_while(is_wanted)
    }

    fn file(&self) -> Result<&PrivateFile, StorageError> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let path = match &self.path {
            Some(path) => path.clone(),
            None => self.default_path().map_err(|error| failure::no_place_for_the_index(&error))?,
        };
        let file = PrivateFile::new(path).lease_time(self.lease_time).lock_wait(self.lock_wait());
        Ok(self.file.get_or_init(|| file))
    }

    fn default_path(&self) -> Result<PathBuf, ConfigError> {
        default_keyring_index_path(&self.service, &Variables::process(), Platform::current())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use globus_core::storage::StorageErrorKind;

    use super::*;

    fn names() -> (Namespace, ResourceServer) {
        (Namespace::default(), "rs".into())
    }

    #[test]
    fn an_entry_is_known_from_its_announcement_until_it_is_deleted() {
        let (namespace, server) = names();
        let mut index = Index::new("app");
        index.announce("one");
        assert!(index.is_announced("one") && !index.holds_records());
        index.put(&namespace, &server, "one");
        assert!(index.holds_records() && !index.is_announced("one"));
        index.announce("two");
        index.put(&namespace, &server, "two");
        assert_eq!(index.entry(&namespace, &server).map(String::as_str), Some("two"));
        assert!(index.remove(&namespace, &server) && !index.remove(&namespace, &server));
        assert!(!index.holds_records() && index.namespaces().is_empty());
        assert_eq!(index.waste(), &BTreeSet::from(["one".to_owned(), "two".to_owned()]));
        index.forget(&BTreeSet::from(["one".to_owned()]));
        assert_eq!(index.waste(), &BTreeSet::from(["two".to_owned()]));
    }

    #[test]
    fn what_nobody_finishes_is_given_up() {
        let mut index = Index::new("app");
        index.announce("dead");
        index.announced.insert("dead".to_owned(), Timestamp::now().as_second() - STALE_SECONDS);
        index.announce("alive");
        index.announce("next");
        assert!(index.is_announced("alive") && !index.is_announced("dead"));
        assert!(index.waste().contains("dead"));
        assert!(index.withdraw("alive") && !index.withdraw("alive"));
    }

    #[test]
    fn a_foreign_file_is_refused_and_not_quoted() {
        let other = serde_json::to_vec(&Index::new("other")).unwrap();
        let mut newer = Index::new("app");
        newer.format = "2".to_owned();
        let newer = serde_json::to_vec(&newer).unwrap();
        for (content, kind) in [
            (&b"AgSecret"[..], StorageErrorKind::ForeignFile),
            (br#"{"data": "AgSecret"}"#, StorageErrorKind::ForeignFile),
            (&other, StorageErrorKind::ForeignFile),
        ] {
            let error = Index::parse(Some(content), "app").unwrap_err();
            assert_eq!(*error.kind(), kind);
            let advice = error.source().unwrap().to_string();
            assert!(advice.contains("KeyringTokenStorage::index_file"), "{advice}");
            assert!(!format!("{error} {error:?} {advice}").contains("AgSecret"));
        }
        let error = Index::parse(Some(&newer), "app").unwrap_err();
        let secret = std::str::from_utf8(&newer).unwrap().replace("\"2\"", "\"AgSecret\"");
        let shown = Index::parse(Some(secret.as_bytes()), "app").unwrap_err().to_string();
        assert!(shown.contains("no number"), "{shown}");
        assert!(matches!(error.kind(), StorageErrorKind::UnsupportedSchema { found, .. } if found == "2"));
        assert!(error.source().unwrap().to_string().contains("update this program"));
    }

    #[test]
    fn a_wait_outlasts_a_lease_unless_it_is_told() {
        let mut index = IndexFile::new("app".to_owned());
        assert_eq!(index.lock_wait(), Duration::from_secs(40));
        index.set_lease_time(Duration::from_secs(60));
        assert_eq!(index.lock_wait(), Duration::from_secs(70));
        index.set_lock_wait(Duration::from_secs(5));
        assert_eq!(index.lock_wait(), Duration::from_secs(5));
    }

    #[test]
    fn clones_share_the_file_until_an_option_changes() {
        let mut index = IndexFile::new("app".to_owned());
        index.set_path("/x/one.json".into());
        let clone = index.clone();
        assert!(std::ptr::eq(index.file().unwrap(), clone.file().unwrap()));
        index.set_path("/x/two.json".into());
        assert!(clone.file().unwrap().path().ends_with("one.json"));
        assert!(index.file().unwrap().path().ends_with("two.json"));
    }
}
