//! What a storage can do beyond the minimum.

/// What a storage can do beyond the minimum. A backend declares it; what it declares is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent abilities, each a yes or no")]
pub struct Capabilities {
    /// A batch given to [`TokenStorage::store`](super::TokenStorage::store) is stored as a whole or not at all.
    pub atomic_batch: bool,
    /// Comparing and storing is one step: of two refreshes of the same record
    /// ([`StoreKind::RefreshOf`](super::StoreKind::RefreshOf)) one is stored and the other is told.
    pub cas: bool,
    /// [`TokenStorage::list`](super::TokenStorage::list) knows the namespaces.
    pub list: bool,
    /// What one process stores, another one finds.
    pub shared: bool,
    /// What was stored is there after a power failure of the machine that keeps it.
    pub durable: bool,
    /// Whoever reads the disk or the database cannot use the tokens: they are sealed, in a keyring, or in memory only.
    pub confidential: bool,
}

impl Capabilities {
    /// The minimum.
    pub fn minimal() -> Self {
        Self::default()
    }

    /// Declares that a batch is stored as a whole or not at all.
    #[must_use]
    pub fn with_atomic_batch(mut self) -> Self {
        self.atomic_batch = true;
        self
    }

    /// Declares that comparing and storing is one step.
    #[must_use]
    pub fn with_cas(mut self) -> Self {
        self.cas = true;
        self
    }

    /// Declares that the namespaces can be listed.
    #[must_use]
    pub fn with_list(mut self) -> Self {
        self.list = true;
        self
    }

    /// Declares that processes share what is stored.
    #[must_use]
    pub fn with_shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Declares that what was stored outlives a power failure.
    #[must_use]
    pub fn with_durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Declares that nobody can use the tokens who reads the disk or the database.
    #[must_use]
    pub fn with_confidential(mut self) -> Self {
        self.confidential = true;
        self
    }
}
