//! Calls to the keyring, each with a time limit.
//!
//! A call may take for ever: a locked keyring waits for somebody to answer its prompt. So calls are made on a
//! thread of their own. One that does not answer in time is left behind with its thread, and the next call gets
//! a new one. The thread must be no thread of an async runtime: the library for Secret Service blocks on a
//! runtime of its own, and a runtime that ends would wait for its threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use globus_core::storage::StorageError;
use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use crate::failure;

/// So many threads may wait for a keyring that does not answer. Further calls are refused at once.
const MAX_LEFT_BEHIND: usize = 4;

/// How to reach the keyring.
pub(crate) type Connect = Arc<dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync>;

/// The bytes of an entry.
pub(crate) type Value = Zeroizing<Vec<u8>>;

/// What an entry is called: the service and the user, in the words of keyrings.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) service: String,
    pub(crate) user: String,
}

/// Without `Debug`, as it may hold a secret.
enum Call {
    Read(Name),
    Create(Name, Value),
    Delete(Name),
}

type Answer = keyring_core::Result<Option<Value>>;

/// A call, and where its answer goes.
type Order = (Call, SyncSender<Answer>);

/// Makes the calls.
pub(crate) struct Calls {
    connect: Connect,
    thread: Mutex<Option<Caller>>,
    left_behind: Arc<AtomicUsize>,
}

/// The thread that makes calls now.
struct Caller {
    orders: Sender<Order>,
    is_left_behind: Arc<AtomicBool>,
}

impl Calls {
    pub(crate) fn new(connect: Connect) -> Self {
        Self { connect, thread: Mutex::default(), left_behind: Arc::default() }
    }

    /// The value of an entry, if there is one.
    pub(crate) fn read(&self, name: Name, limit: Duration) -> Result<Option<Value>, StorageError> {
        self.ask(Call::Read(name), limit)
    }

    /// Makes an entry. If there is one of the name already it gets this value.
    pub(crate) fn create(&self, name: Name, value: Value, limit: Duration) -> Result<(), StorageError> {
        self.ask(Call::Create(name, value), limit).map(drop)
    }

    /// Deletes an entry, if there is one.
    pub(crate) fn delete(&self, name: Name, limit: Duration) -> Result<(), StorageError> {
        self.ask(Call::Delete(name), limit).map(drop)
    }

    fn ask(&self, call: Call, limit: Duration) -> Result<Option<Value>, StorageError> {
        let size = if let Call::Create(_, value) = &call { value.len() } else { 0 };
        let (reply, answer) = mpsc::sync_channel(1);
        let mut thread = self.thread();
        let caller = match thread.take() {
            Some(caller) => caller,
            None => self.start()?,
        };
        // It has ended where the library panicked in the call before.
        let caller = match caller.orders.send((call, reply)) {
            Ok(()) => caller,
            Err(mpsc::SendError(order)) => {
                let caller = self.start()?;
                drop(caller.orders.send(order));
                caller
            }
        };
        match answer.recv_timeout(limit) {
            Ok(answer) => {
                *thread = Some(caller);
                answer.map_err(|error| failure::refused(error, size))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.left_behind.fetch_add(1, Ordering::SeqCst);
                caller.is_left_behind.store(true, Ordering::SeqCst);
                Err(failure::no_answer(limit))
            }
            Err(RecvTimeoutError::Disconnected) => Err(failure::broken_off()),
        }
    }

    fn start(&self) -> Result<Caller, StorageError> {
        let waiting = self.left_behind.load(Ordering::SeqCst);
        if waiting >= MAX_LEFT_BEHIND {
            return Err(failure::too_many_without_answer(waiting));
        }
        let (orders, received) = mpsc::channel();
        let is_left_behind = Arc::new(AtomicBool::new(false));
        let connection = Connection { connect: Arc::clone(&self.connect), store: None };
        let end =
            End { is_left_behind: Arc::clone(&is_left_behind), left_behind: Arc::clone(&self.left_behind) };
        std::thread::Builder::new()
            .name("keyring calls".to_owned())
            .spawn(move || {
                let _end = end;
                connection.serve(&received);
            })
            .map_err(|error| StorageError::from_io(error, "start a thread for"))?;
        Ok(Caller { orders, is_left_behind })
    }

    fn thread(&self) -> MutexGuard<'_, Option<Caller>> {
        // It is whole at any moment.
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a thread that was left behind no longer when it comes to its end after all.
struct End {
    is_left_behind: Arc<AtomicBool>,
    left_behind: Arc<AtomicUsize>,
}

impl Drop for End {
    fn drop(&mut self) {
        if self.is_left_behind.load(Ordering::SeqCst) {
            self.left_behind.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// The keyring as one thread sees it.
struct Connection {
    connect: Connect,
    store: Option<Arc<CredentialStore>>,
}

impl Connection {
    /// Makes the calls until nobody has any more.
    fn serve(mut self, orders: &Receiver<Order>) {
        for (call, reply) in orders {
            // The library has been seen to panic. Its message is its own; the secret is not in it.
            let Ok(answer) = catch_unwind(AssertUnwindSafe(|| self.perform(&call))) else { return };
            if reply.send(answer).is_err()
                && let Call::Create(name, _) = call
            {
                // Whoever wanted the entry has been told that it could not be made. What remains of it all the
                // same is found in the index.
                drop(self.perform(&Call::Delete(name)));
            }
        }
    }

    fn perform(&mut self, call: &Call) -> Answer {
        let is_new = self.store.is_none();
        match self.attempt(call) {
            // The keyring may have been started again since the last call. All calls can be repeated.
            Err(Error::PlatformFailure(_)) if !is_new => self.attempt(call),
            answer => answer,
        }
    }

    fn attempt(&mut self, call: &Call) -> Answer {
        let answer = self.store().and_then(|store| call.make(&*store));
        if matches!(answer, Err(Error::PlatformFailure(_))) {
            self.store = None;
        }
        answer
    }

    fn store(&mut self) -> keyring_core::Result<Arc<CredentialStore>> {
        if let Some(store) = &self.store {
            return Ok(Arc::clone(store));
        }
        let store = (self.connect)()?;
        self.store = Some(Arc::clone(&store));
        Ok(store)
    }
}

impl Call {
    fn make(&self, store: &CredentialStore) -> Answer {
        let entry =
            |name: &Name| -> keyring_core::Result<Entry> { store.build(&name.service, &name.user, None) };
        let answer = match self {
            Self::Read(name) => entry(name)?.get_secret().map(|value| Some(Zeroizing::new(value))),
            Self::Create(name, value) => entry(name)?.set_secret(value).map(|()| None),
            Self::Delete(name) => entry(name)?.delete_credential().map(|()| None),
        };
        match answer {
            Err(Error::NoEntry) => Ok(None),
            answer => answer,
        }
    }
}
