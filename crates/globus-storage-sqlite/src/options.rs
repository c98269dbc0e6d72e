//! The options that both storages have.

/// Writes the setters of a storage that has its database in this field.
macro_rules! database_options {
    ($($field:ident).+) => {
        /// How sure a write is to outlive a power failure;
        /// [`Durability::Full`](globus_core::storage::Durability) by default. See [the crate's page](crate).
        #[must_use]
        pub fn durability(mut self, durability: globus_core::storage::Durability) -> Self {
            self.$($field).+ = self.$($field).+.with(|options| options.durability = durability);
            self
        }

        /// Whether the file may be a symbolic link, whose target is then read and written. By default such a
        /// file is refused, because whoever can make links could have tokens written to a place of their
        /// choice.
        #[must_use]
        pub fn follow_symlinks(mut self, follow: bool) -> Self {
            self.$($field).+ = self.$($field).+.with(|options| options.follow_symlinks = follow);
            self
        }

        /// How long to wait for a lock of the database, or for another process that refreshes; by default for
        /// 10 seconds longer than a [lease](Self::lease_time) lasts, so 40 seconds, which outlasts the lease of one
        /// that died. Where it is shorter than a lease, a dead one still ends for a storage that goes on asking for
        /// it; programs that each ask only once wait in vain for a day.
        #[must_use]
        pub fn lock_wait(mut self, wait: std::time::Duration) -> Self {
            self.$($field).+ = self.$($field).+.with(|options| options.lock_wait = Some(wait));
            self
        }

        /// How long a lease lasts after its holder died; 30 seconds by default. All who share the database must
        /// say the same. A living holder extends it every third part of that time.
        #[must_use]
        pub fn lease_time(mut self, time: std::time::Duration) -> Self {
            self.$($field).+ = self.$($field).+.with(|options| options.lease_time = time);
            self
        }

        /// Where the database is.
        pub fn path(&self) -> &std::path::Path {
            self.$($field).+.path()
        }
    };
}
pub(crate) use database_options;
