//! The turn of a flight: waiting for the storage's lease, and keeping it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Either;

use super::engine::Engine;
use super::errand::Errand;
use crate::authorizer::Authorization;
use crate::error::{Error, Result};
use crate::storage::{RefreshLease, StorageError, StorageErrorKind};

/// What came of waiting for the lease.
pub(super) enum Turn {
    /// It is ours, or the storage grants none.
    Ours(Option<RefreshLease>),
    /// It cannot be had now.
    Busy(Error),
    /// Another process has renewed the token.
    NotNeeded(Authorization),
}

impl Engine {
    /// Waits for the lease, or until it is not needed any more. What was not waited for to its end is dropped here:
    /// it may hold a connection that the renewal needs.
    pub(super) async fn turn(&self, errand: Errand) -> Turn {
        let lease = pin!(self.lease());
        let renewed = pin!(self.renewed_meanwhile(errand));
        match futures_util::future::select(lease, renewed).await {
            Either::Left((Ok(lease), _)) => Turn::Ours(lease),
            Either::Left((Err(error), _)) => Turn::Busy(error),
            Either::Right((header, _)) => Turn::NotNeeded(header),
        }
    }

    /// The right to renew, if the storage grants one. An error when another process has it and does not let go, or when
    /// the service that keeps the tokens is away: others may be renewing, and a second renewal could spend the same
    /// refresh token.
    async fn lease(&self) -> Result<Option<RefreshLease>> {
        let server = self.state().resource_server.clone();
        let Some(on_refresh) = &self.on_refresh else { return Ok(None) };
        match on_refresh.lock(server).await {
            Err(error) if is_locked(&error) || is_unavailable(&error) => Err(error),
            Err(error) => {
                tracing::warn!(%error, "renewing without the storage's refresh lease");
                Ok(None)
            }
            lease => lease,
        }
    }

    /// Ready when another process has renewed the token while this one waits for the lease: nothing needs the lease
    /// then, and of hundreds in line only one has to have its turn.
    async fn renewed_meanwhile(&self, errand: Errand) -> Authorization {
        let looking = async {
            let mut pause = Duration::from_millis(50);
            loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
                let is_something_to_store = {
                    let state = self.state();
                    state.arrival.is_some() || state.owed.is_some()
                };
                if !is_something_to_store
                    && let Ok(Some(stored)) = self.look().await
                    && let Some(header) = self.adopt(&stored)
                {
                    return header;
                }
            }
        };
        // Without a timer, or where the storage's code panics, the lease is waited for.
        if matches!(errand, Errand::Renew)
            && let Ok(header) = AssertUnwindSafe(looking).catch_unwind().await
        {
            return header;
        }
        std::future::pending().await
    }
}

/// Does the work, and keeps the lease alive meanwhile: its time is that of a dead holder, and the token endpoint
/// may take longer.
pub(super) async fn while_extending<T>(lease: &mut RefreshLease, work: impl Future<Output = T> + Send) -> T {
    let extending = async {
        loop {
            tokio::time::sleep(lease.time() / 3).await;
            match lease.extend().await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(
                        "the refresh lease has gone to another process; only one result is stored"
                    );
                    break;
                }
                Err(error) => tracing::debug!(%error, "the refresh lease could not be extended"),
            }
        }
    };
    // A runtime without timers, or a backend that panics, costs the extension and nothing else.
    let extending = async {
        drop(AssertUnwindSafe(extending).catch_unwind().await);
        std::future::pending::<()>().await;
    };
    match futures_util::future::select(pin!(work), pin!(extending)).await {
        Either::Left((done, _)) => done,
        Either::Right(((), _)) => unreachable!("extending never ends"),
    }
}

fn is_locked(error: &Error) -> bool {
    error.storage().is_some_and(StorageError::is_locked)
}

/// Whether the service that keeps the tokens is away.
pub(super) fn is_unavailable(error: &Error) -> bool {
    let kind = error.storage().map(StorageError::kind);
    matches!(kind, Some(StorageErrorKind::Unavailable | StorageErrorKind::KeyringLocked))
}
