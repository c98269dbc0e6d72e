//! A keyring in memory whose calls can be made to fail, to hang, or to be preceded by something else.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{CredentialStore, Entry, Error, Result};

use crate::storage::Keyring;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Connect,
    Read,
    Create,
    Delete,
}

/// What comes before a call. An error is the call's answer.
type Fault = Box<dyn FnMut(Operation) -> Result<()> + Send>;

/// The keyring of one test.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<State>);

#[derive(Default)]
struct State {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    changed: Condvar,
    fault: Mutex<Option<Fault>>,
    calls: AtomicUsize,
    connections: AtomicUsize,
}

impl Fake {
    /// Threads of their own to this keyring, as another program has them.
    pub(crate) fn open(&self) -> Arc<Keyring> {
        let fake = self.clone();
        Arc::new(Keyring::new(Arc::new(move || {
            fake.0.connections.fetch_add(1, Ordering::SeqCst);
            fake.before(Operation::Connect)?;
            let store: Arc<CredentialStore> = Arc::new(fake.clone());
            Ok(store)
        })))
    }

    /// Lets this come before each call from now on.
    pub(crate) fn fault(&self, fault: impl FnMut(Operation) -> Result<()> + Send + 'static) {
        *self.0.fault.lock().unwrap() = Some(Box::new(fault));
    }

    /// Lets the next call that is of these hang until the second door is opened; it opens the first one.
    pub(crate) fn hang(&self, which: impl Fn(Operation) -> bool + Send + 'static) -> (Door, Door) {
        let (called, door) = (Door::default(), Door::default());
        let doors = (called.clone(), door.clone());
        let mut is_next = true;
        self.fault(move |operation| {
            if which(operation) && std::mem::take(&mut is_next) {
                doors.0.open();
                doors.1.wait();
            }
            Ok(())
        });
        (called, door)
    }

    pub(crate) fn no_fault(&self) {
        *self.0.fault.lock().unwrap() = None;
    }

    /// The names of the entries.
    pub(crate) fn entries(&self) -> Vec<String> {
        self.0.entries.lock().unwrap().keys().cloned().collect()
    }

    /// Deletes everything, as somebody does with the system's own program.
    pub(crate) fn clear(&self) {
        self.0.entries.lock().unwrap().clear();
    }

    /// Waits until there are so many entries.
    pub(crate) fn wait_for_entries(&self, count: usize) {
        let entries = self.0.entries.lock().unwrap();
        drop(self.0.changed.wait_while(entries, |entries| entries.len() != count).unwrap());
    }

    /// Waits until there is an entry of a record, and not only the trial.
    pub(crate) fn wait_for_record(&self) {
        let entries = self.0.entries.lock().unwrap();
        let has_record = |entries: &BTreeMap<String, _>| entries.keys().any(|name| name.contains('/'));
        drop(self.0.changed.wait_while(entries, |entries| !has_record(entries)).unwrap());
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// How many times it was connected to.
    pub(crate) fn connections(&self) -> usize {
        self.0.connections.load(Ordering::SeqCst)
    }

    fn before(&self, operation: Operation) -> Result<()> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        // Not held while it runs: it may hang, and other calls go on then.
        let Some(mut fault) = self.0.fault.lock().unwrap().take() else { return Ok(()) };
        let answer = fault(operation);
        self.0.fault.lock().unwrap().get_or_insert(fault);
        answer
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl CredentialStoreApi for Fake {
    fn vendor(&self) -> String {
        "tests".to_owned()
    }

    fn id(&self) -> String {
        "fake".to_owned()
    }

    fn build(&self, service: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let entry = FakeEntry { fake: self.clone(), name: format!("{service}: {user}") };
        Ok(Entry::new_with_credential(Arc::new(entry)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Debug)]
struct FakeEntry {
    fake: Fake,
    name: String,
}

impl CredentialApi for FakeEntry {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.fake.before(Operation::Create)?;
        self.fake.0.entries.lock().unwrap().insert(self.name.clone(), secret.to_owned());
        self.fake.0.changed.notify_all();
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.fake.before(Operation::Read)?;
        self.fake.0.entries.lock().unwrap().get(&self.name).cloned().ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        self.fake.before(Operation::Delete)?;
        let deleted = self.fake.0.entries.lock().unwrap().remove(&self.name);
        self.fake.0.changed.notify_all();
        deleted.map(drop).ok_or(Error::NoEntry)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A door that is shut until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |is_open| !*is_open).unwrap());
    }
}
