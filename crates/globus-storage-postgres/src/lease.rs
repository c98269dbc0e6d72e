//! Leases as rows, in the time of the server's clock.
//!
//! A lease is taken by one statement. So nobody holds a connection or a transaction while waiting, or while the
//! holder asks the token endpoint.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use globus_core::detached_job::run_detached;
use globus_core::storage::{Extend, Lease, LeaseHolder, Namespace, RefreshLease, Release, StorageError};
use globus_core::token::ResourceServer;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::PostgresTokenStorage;
use crate::connection::{ANSWER, Values, pause};
use crate::failure::{Failure, unavailable};

/// Longer than any lease; the server cannot add much more to a time.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Times that are about to end are not waited for to the microsecond.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What one look at a lease has found.
enum Look {
    Taken(u64, Held),
    /// Somebody has it: who, and for how long if it is not extended.
    Busy(Option<String>, Duration),
}

/// Takes the lease, or waits for it.
pub(crate) async fn take(
    storage: PostgresTokenStorage,
    namespace: Namespace,
    resource_server: ResourceServer,
) -> Result<RefreshLease, StorageError> {
    let begin = Instant::now();
    let wait = storage.lock_wait;
    let key = (namespace.as_str().to_owned(), resource_server.as_str().to_owned());
    let Ok(_turn) = timeout(wait, storage.turns.take(key)).await else {
        return Err(if storage.is_away.load(Relaxed) {
            unavailable("the server does not answer others of this process either")
        } else {
            StorageError::locked(Some("others of this process".to_owned()), begin.elapsed())
        });
    };
    let nonce = nonce()?;
    let mut pause = pause();
    let mut last_holder = None;
    loop {
        let left = wait.saturating_sub(begin.elapsed());
        // Goes on without this one, so that a lease that the server has given is given back when nobody wants it
        // any more.
        let look = run_detached({
            let (storage, nonce) = (storage.clone(), nonce.clone());
            let (namespace, resource_server) = (namespace.clone(), resource_server.clone());
            let limit = left.max(storage.restart_wait.saturating_add(ANSWER));
            async move { timeout(limit, storage.look(namespace, resource_server, nonce)).await }
        });
        let ends_in = match look.await {
            Ok(Ok(Look::Taken(fencing, held))) => {
                return Ok(RefreshLease::new(fencing, storage.lease_time, held));
            }
            Ok(Ok(Look::Busy(holder, ends_in))) => {
                last_holder = holder.or(last_holder);
                ends_in
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                storage.is_away.store(true, Relaxed);
                return Err(unavailable("the server did not answer in time, or the pool had no connection"));
            }
        };
        let left = wait.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err(StorageError::locked(last_holder, begin.elapsed()));
        }
        tokio::time::sleep(pause.length().min(left).min(ends_in.max(SHORTEST_WAIT))).await;
    }
}

impl PostgresTokenStorage {
    async fn look(
        self,
        namespace: Namespace,
        resource_server: ResourceServer,
        nonce: String,
    ) -> Result<Look, StorageError> {
        let seconds = self.lease_seconds();
        let this_process = LeaseHolder::this_process().to_string();
        let values: Values<'_> =
            &[&namespace.as_str(), &resource_server.as_str(), &this_process, &nonce, &seconds];
        let answer = match self.run(&self.tables.take_lease, values).await {
            // Where the server is told to be strict about transactions, taking it at once with others fails.
            Err(Failure::Race(_)) => return Ok(Look::Busy(None, Duration::MAX)),
            done => done?,
        };
        let Some(row) = answer.rows.first() else { return Ok(Look::Busy(None, Duration::MAX)) };
        let fencing: Option<i64> = row.try_get(0).map_err(Failure::from)?;
        if let Some(fencing) = fencing {
            let (storage, runtime, is_given_back) = (self, Handle::current(), false);
            let held = Held { storage, namespace, resource_server, nonce, runtime, is_given_back };
            return Ok(Look::Taken(fencing.unsigned_abs(), held));
        }
        let holder: Option<String> = row.try_get(1).map_err(Failure::from)?;
        let seconds: Option<f64> = row.try_get(2).map_err(Failure::from)?;
        let ends_in = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(Look::Busy(holder, ends_in.unwrap_or(Duration::MAX)))
    }

    fn lease_seconds(&self) -> f64 {
        self.lease_time.min(LONGEST).as_secs_f64()
    }
}

/// The lease of one holder, known by its nonce.
struct Held {
    storage: PostgresTokenStorage,
    namespace: Namespace,
    resource_server: ResourceServer,
    nonce: String,
    runtime: Handle,
    is_given_back: bool,
}

impl Held {
    fn give_back(&mut self) -> impl Future<Output = Result<(), StorageError>> + Send + use<> {
        self.is_given_back = true;
        let (storage, nonce) = (self.storage.clone(), self.nonce.clone());
        let (namespace, resource_server) = (self.namespace.clone(), self.resource_server.clone());
        async move {
            let values: Values<'_> = &[&namespace.as_str(), &resource_server.as_str(), &nonce];
            storage.run(&storage.tables.release_lease, values).await?;
            Ok(())
        }
    }
}

impl Lease for Held {
    fn extend(&mut self) -> Extend<'_> {
        Box::pin(async {
            let seconds = self.storage.lease_seconds();
            let values: Values<'_> =
                &[&self.namespace.as_str(), &self.resource_server.as_str(), &self.nonce, &seconds];
            let answer = self.storage.run(&self.storage.tables.extend_lease, values).await?;
            Ok(!answer.rows.is_empty())
        })
    }

    fn release(mut self: Box<Self>) -> Release {
        Box::pin(run_detached(self.give_back()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.is_given_back {
            // The lease ends by itself if this fails.
            let runtime = self.runtime.clone();
            drop(runtime.spawn(self.give_back()));
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("namespace", &self.namespace)
            .field("resource_server", &self.resource_server)
            .finish_non_exhaustive()
    }
}

/// Tells one request for a lease from all others.
fn nonce() -> Result<String, StorageError> {
    let number = || getrandom::u64().map_err(|error| StorageError::from_io(error.into(), "make a nonce for"));
    Ok(format!("{:016x}{:016x}", number()?, number()?))
}
