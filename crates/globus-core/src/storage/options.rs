//! What storages have in common: the options of those in files, and what those around another one pass on to it.

/// Writes the setters of a storage that has its file in `self.file`.
macro_rules! file_options {
    () => {
        /// How sure a write is to outlive a power failure; [`Durability::Full`](crate::storage::Durability)
        /// by default.
        #[must_use]
        pub fn durability(mut self, durability: crate::storage::Durability) -> Self {
            self.file.durability = durability;
            self
        }

        /// Whether the file may be a symbolic link, whose target is then read and written. By default such a
        /// file is refused, because whoever can make links could have tokens written to a place of their
        /// choice.
        #[must_use]
        pub fn follow_symlinks(mut self, follow: bool) -> Self {
            self.file.follow_symlinks = follow;
            self
        }

        /// Whether writers use the advisory file lock of the operating system where there is one, which is
        /// the default. Turn it off on a network file system where locking hangs. Writers are kept apart all
        /// the same, by a lease file.
        #[must_use]
        pub fn flock(mut self, flock: bool) -> Self {
            self.file.flock =
                if flock { crate::storage::file::Flock::Use } else { crate::storage::file::Flock::Never };
            self
        }

        /// How long to wait for another process that writes or refreshes. By default 10 seconds longer than a
        /// [lease lasts](Self::lease_time), and so 40 seconds, which outlasts the lease of one that died.
        #[must_use]
        pub fn lock_wait(mut self, wait: std::time::Duration) -> Self {
            self.file.set_lock_wait(wait);
            self
        }

        /// How long a lease lasts after its holder died; 30 seconds by default. All who share the file must
        /// say the same. A living holder extends it every third part of that time.
        #[must_use]
        pub fn lease_time(mut self, time: std::time::Duration) -> Self {
            self.file.set_lease_time(time);
            self
        }
    };
}

/// Writes the setter of a storage that has its tokens in `self.file`.
macro_rules! last_good_option {
    () => {
        /// Whether a write keeps the content that it replaces as `<name>.last-good`, to go back to when the file
        /// is damaged; yes by default. It holds what was stored before, so turn it off while records are moved to
        /// a sealed form in this file.
        #[must_use]
        pub fn keep_last_good(mut self, keep: bool) -> Self {
            self.file.keep_last_good = keep;
            self
        }
    };
}

/// Writes the methods of a storage that wraps `self.inner` and does nothing of its own in them.
macro_rules! passed_on {
    () => {
        $crate::storage::options::passed_on!(and capabilities as they are);
    };
    (and capabilities $($change:tt)*) => {
        fn list(&self) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send {
            self.inner.list()
        }

        fn lock_refresh(
            &self,
            namespace: &Namespace,
            resource_server: &ResourceServer,
        ) -> impl Future<Output = Result<crate::storage::RefreshLease, StorageError>> + Send {
            self.inner.lock_refresh(namespace, resource_server)
        }

        fn capabilities(&self) -> crate::storage::Capabilities {
            $crate::storage::options::passed_on!(@ self.inner.capabilities(), $($change)*)
        }

        fn first_namespace(&self) -> Namespace {
            self.inner.first_namespace()
        }
    };
    (@ $inner:expr, as they are) => { $inner };
    (@ $inner:expr, $with:ident) => { $inner.$with() };
}
pub(super) use {file_options, last_good_option, passed_on};
