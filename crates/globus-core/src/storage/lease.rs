//! The right to refresh a token, which one process has at a time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::StorageError;

/// The future that [`Lease::release`] answers.
pub type Release = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send>>;

/// What a storage backend does to give a lease back. Dropping it unreleased gives it back as well as that can
/// be done without waiting.
pub trait Lease: fmt::Debug + Send + 'static {
    /// Gives the lease back, so that the next one in line need not wait until it ends by itself.
    fn release(self: Box<Self>) -> Release;
}

/// The right to refresh a token, granted by a storage to one holder at a time, across processes.
///
/// Two processes that spend the same refresh token would lose one of the answers. So whoever refreshes takes
/// the lease first, reads the stored token again, refreshes only if nobody else has, stores, and releases. A
/// lease ends by itself after 30 seconds when its holder dies.
#[derive(Debug)]
pub struct RefreshLease {
    fencing: u64,
    inner: Box<dyn Lease>,
}

impl RefreshLease {
    /// Wraps a backend's lease.
    pub fn new(fencing: u64, inner: impl Lease) -> Self {
        Self { fencing, inner: Box::new(inner) }
    }

    /// A number that grows from holder to holder: of two that both believe to hold the lease, the one with
    /// the greater number is right.
    pub fn fencing(&self) -> u64 {
        self.fencing
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
