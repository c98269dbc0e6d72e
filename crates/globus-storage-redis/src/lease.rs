//! Leases: keys that end by themselves and name their holder.

use std::time::{Duration, Instant};

use crate::finishing::finish;
use globus_core::storage::{Extend, Lease, LeaseHolder, Pause, RefreshLease, Release, StorageError};
use redis::{FromRedisValue, ParsingError, Value};
use tokio::runtime::Handle;

use crate::server::{EXTEND, LONGEST_PAUSE, RELEASE, Server, TAKE};

/// What [`TAKE`] answers.
enum Taken {
    /// It is ours, with this fencing number.
    Ours(u64),
    /// Another has it.
    By(Vec<u8>),
}

impl FromRedisValue for Taken {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        match value {
            Value::Int(_) => u64::from_redis_value(value).map(Self::Ours),
            other => Vec::from_redis_value(other).map(Self::By),
        }
    }
}

/// Takes the lease `key`, waiting for another holder.
pub(crate) async fn take(
    server: Server,
    key: String,
    fencing_key: &str,
    time: Duration,
    max_wait: Duration,
) -> Result<RefreshLease, StorageError> {
    let start = Instant::now();
    // Made before it is asked for: if this future is dropped while the answer is on its way, the lease is given back.
    let lease = RedisLease::new(server, key, time);
    let mut pause = Pause::up_to(LONGEST_PAUSE);
    loop {
        let keys = [lease.at.key.as_str(), fencing_key];
        let arguments = [lease.at.holder.as_bytes(), lease.milliseconds.as_bytes()];
        match lease.at.server.run(&TAKE, &keys, &arguments).await? {
            Taken::Ours(fencing) => return Ok(RefreshLease::new(fencing, time, lease)),
            Taken::By(holder) if start.elapsed() >= max_wait => {
                return Err(StorageError::locked(holder_in_words(&holder), start.elapsed()));
            }
            Taken::By(_) => tokio::time::sleep(pause.length()).await,
        }
    }
}

/// A lease that this process holds, or is about to take.
#[derive(Debug)]
struct RedisLease {
    at: At,
    milliseconds: String,
    /// For giving back from a thread that has no runtime.
    runtime: Option<Handle>,
    is_given_back: bool,
}

/// Where a lease is, and whose it is.
#[derive(Clone)]
struct At {
    server: Server,
    key: String,
    holder: String,
}

impl std::fmt::Debug for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("At").field("key", &self.key).field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl At {
    async fn give_back(self) -> Result<(), StorageError> {
        let _: u64 = self.server.run(&RELEASE, &[&self.key], &[self.holder.as_bytes()]).await?;
        Ok(())
    }
}

impl RedisLease {
    fn new(server: Server, key: String, time: Duration) -> Self {
        let holder = serde_json::json!(LeaseHolder::this_process()).to_string();
        // The server takes no time that goes beyond what its clock can show.
        let milliseconds = time.as_millis().clamp(1, 1 << 40).to_string();
        let runtime = Handle::try_current().ok();
        Self { at: At { server, key, holder }, milliseconds, runtime, is_given_back: false }
    }
}

impl Lease for RedisLease {
    fn extend(&mut self) -> Extend<'_> {
        Box::pin(async {
            let arguments = [self.at.holder.as_bytes(), self.milliseconds.as_bytes()];
            self.at.server.run(&EXTEND, &[&self.at.key], &arguments).await
        })
    }

    fn release(mut self: Box<Self>) -> Release {
        self.is_given_back = true;
        Box::pin(finish(self.at.clone().give_back()))
    }
}

impl Drop for RedisLease {
    fn drop(&mut self) {
        if self.is_given_back {
            return;
        }
        // Without a runtime, and if this fails, the lease ends by itself.
        if let Some(runtime) = Handle::try_current().ok().or_else(|| self.runtime.take()) {
            let at = self.at.clone();
            drop(runtime.spawn(async move { drop(at.give_back().await) }));
        }
    }
}

/// Who holds the lease, from its value, which anybody may have written.
fn holder_in_words(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok().map(|holder: LeaseHolder| holder.to_string())
}
