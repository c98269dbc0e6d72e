//! The right to refresh a token, which one process has at a time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::StorageError;

/// The future that [`Lease::release`] answers.
pub type Release = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send>>;

/// The future that [`Lease::extend`] answers: whether the lease is still held.
pub type Extend<'a> = Pin<Box<dyn Future<Output = Result<bool, StorageError>> + Send + 'a>>;

/// What a storage backend does to keep a lease and to give it back. Dropping it unreleased gives it back as well
/// as that can be done without waiting.
pub trait Lease: fmt::Debug + Send + 'static {
    /// Lets the lease last for its whole time again from now, and says whether it is still held. By default
    /// nothing is done, and the lease is held as far as is known.
    fn extend(&mut self) -> Extend<'_> {
        Box::pin(std::future::ready(Ok(true)))
    }

    /// Gives the lease back, so that the next one in line need not wait until it ends by itself.
    fn release(self: Box<Self>) -> Release;
}

/// The right to refresh a token, granted by a storage to one holder at a time, across processes.
///
/// Two processes that spend the same refresh token would lose one of the answers. So whoever refreshes takes
/// the lease first, reads the stored token again, refreshes only if nobody else has, stores, and releases. A
/// lease ends by itself after its time, 30 seconds by default, when its holder dies; a living holder extends it. Where
/// a service rotates refresh tokens and takes a replaced one for a while, the time of leases should be shorter than
/// that: what a dead holder had spent can then still be renewed.
///
/// A lease saves requests; it does not guard the stored record. A holder that stood still for longer than its
/// lease is kept from overwriting what its successor has stored by
/// [`StoreKind::RefreshOf`](super::StoreKind::RefreshOf).
#[derive(Debug)]
pub struct RefreshLease {
    fencing: u64,
    time: Duration,
    inner: Box<dyn Lease>,
}

impl RefreshLease {
    /// How long a lease lasts after its holder died, unless the storage was told otherwise.
    pub const TIME: Duration = Duration::from_secs(30);

    /// Wraps a backend's lease, which ends by itself after `time`.
    pub fn new(fencing: u64, time: Duration, inner: impl Lease) -> Self {
        Self { fencing, time, inner: Box::new(inner) }
    }

    /// A number that grows from holder to holder: of two that both believe to hold the lease, the one with
    /// the greater number is right.
    ///
    /// No storage of this crate compares it when something is stored; what a late holder stores is told by the record
    /// that it renews ([`StoreKind::RefreshOf`](super::StoreKind::RefreshOf)). It is for programs that guard something
    /// of their own with the lease. In files it is the time of the holder's clock in microseconds, or one more than the
    /// number of the holder before, where that one's lease was found. So where the clocks of machines differ it may
    /// fall back after a holder that gave its lease back.
    pub fn fencing(&self) -> u64 {
        self.fencing
    }

    /// How long the lease lasts from its beginning, or from its last extension.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Lets the lease last for its whole time again from now, and says whether it is still held.
    ///
    /// # Errors
    ///
    /// When the storage cannot be reached. The lease may still be held; try again soon.
    pub async fn extend(&mut self) -> Result<bool, StorageError> {
        self.inner.extend().await
    }

    /// Gives the lease back. Dropping it does the same as well as that can be done without waiting.
    ///
    /// # Errors
    ///
    /// When the storage cannot be reached. The lease then ends by itself; nothing else needs to be done.
    pub async fn release(self) -> Result<(), StorageError> {
        self.inner.release().await
    }
}
