//! The contract of storages that keep many tokens.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use super::{RefreshLease, StorageError};
use crate::token::{Grant, ResourceServer, TokenData, TokenResponse, text_newtype};

text_newtype! {
    /// A part of a storage that is kept apart from the others, such as one of several accounts.
    ///
    /// The default one is `DEFAULT`, as in the Python SDK.
    Namespace
}

impl Default for Namespace {
    fn default() -> Self {
        "DEFAULT".into()
    }
}

/// Why tokens are stored; it decides what of the old record stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreKind {
    /// A login, or a client's own grant: the new record replaces the old one.
    Login,
    /// A refresh: where the new record has no refresh token, an empty one, or no identity, the old one's
    /// stays.
    Refresh,
}

impl StoreKind {
    /// What is to be stored in place of `previous`, the stored record of the same resource server. Every
    /// storage calls this between reading the old record and writing the new one, under the same lock.
    ///
    /// Members of the old record that this version does not know always stay.
    #[must_use]
    pub fn merge(self, previous: Option<&TokenData>, mut new: TokenData) -> TokenData {
        let Some(previous) = previous else { return new };
        if self == Self::Refresh {
            if new.usable_refresh_token().is_none() {
                new.refresh_token.clone_from(&previous.refresh_token);
            }
            if new.identity_id.is_none() {
                new.identity_id.clone_from(&previous.identity_id);
            }
        }
        for (key, value) in &previous.extra {
            new.extra.entry(key).or_insert_with(|| value.clone());
        }
        new
    }
}

impl From<&TokenResponse> for StoreKind {
    fn from(response: &TokenResponse) -> Self {
        if response.grant() == Grant::RefreshToken { Self::Refresh } else { Self::Login }
    }
}

/// What a namespace holds. A damaged record does not hide the good ones.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The tokens, under the name that they are stored by.
    pub tokens: BTreeMap<ResourceServer, TokenData>,
    /// One error of kind [`InvalidRecord`](super::StorageErrorKind::InvalidRecord) for each damaged record.
    pub damaged: Vec<StorageError>,
}

impl Loaded {
    /// These tokens, nothing damaged.
    pub fn new(tokens: BTreeMap<ResourceServer, TokenData>) -> Self {
        Self { tokens, damaged: Vec::new() }
    }

    /// The one record of this resource server.
    ///
    /// # Errors
    ///
    /// The record's own error when it is damaged.
    pub fn into_token(mut self, resource_server: &ResourceServer) -> Result<Option<TokenData>, StorageError> {
        match self.damaged.into_iter().find(|error| error.resource_server() == Some(resource_server)) {
            Some(error) => Err(error),
            None => Ok(self.tokens.remove(resource_server)),
        }
    }
}

/// What a storage can do beyond the minimum. A backend declares it; what it declares is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent abilities, each a yes or no")]
pub struct Capabilities {
    /// A batch given to [`TokenStorage::store`] is stored as a whole or not at all.
    pub atomic_batch: bool,
    /// A write by somebody who has lost the lease is refused by the storage itself.
    pub cas: bool,
    /// [`TokenStorage::list`] knows the namespaces.
    pub list: bool,
    /// What one process stores, another one finds.
    pub shared: bool,
    /// What was stored is there after a power failure.
    pub durable: bool,
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

    /// Declares that the storage itself refuses writes of those who have lost the lease.
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
}

/// Keeps many tokens, by namespace and resource server. The contract of every storage backend.
///
/// Programs hold a [`Storage`](super::Storage), into which every implementation converts. Implementations
/// write plain `async fn`s; where a write needs blocking work,
/// [`run_blocking`](crate::blocking_job::run_blocking) keeps it from being lost when the caller goes away.
pub trait TokenStorage: Debug + Send + Sync + 'static {
    /// Everything that a namespace holds. A namespace that does not exist is empty.
    ///
    /// # Errors
    ///
    /// When the storage as a whole cannot be read. Single damaged records are in [`Loaded::damaged`].
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send;

    /// One token as it is stored now, past every cache.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, or this very record is damaged.
    fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        async { self.load_all(namespace).await?.into_token(resource_server) }
    }

    /// Stores tokens, each in place of the stored one of its resource server, joined with it as
    /// [`StoreKind::merge`] says. Other records stay as they are.
    ///
    /// # Errors
    ///
    /// When the tokens could not be stored. The old ones are then still there.
    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Removes one token and says whether there was one.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read or written.
    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// The namespaces that hold tokens, in order.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, or cannot list ([`Capabilities::list`]).
    fn list(&self) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send;

    /// Takes the right to refresh this token; waits for another holder, but not forever.
    ///
    /// # Errors
    ///
    /// [`Locked`](super::StorageErrorKind::Locked) when another holder does not let go in time.
    fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send;

    /// What the storage can do.
    fn capabilities(&self) -> Capabilities;
}

impl<T: TokenStorage> TokenStorage for Arc<T> {
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send {
        (**self).load_all(namespace)
    }

    fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        (**self).load_fresh(namespace, resource_server)
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        (**self).store(namespace, tokens, kind)
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        (**self).remove(namespace, resource_server)
    }

    fn list(&self) -> impl Future<Output = Result<Vec<Namespace>, StorageError>> + Send {
        (**self).list()
    }

    fn lock_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<RefreshLease, StorageError>> + Send {
        (**self).lock_refresh(namespace, resource_server)
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> TokenData {
        let mut token = TokenData::new("rs", "s", "old", 1).with_refresh_token("rt").with_identity_id("id");
        token.extra.insert("unknown".into(), 1.into());
        token
    }

    #[test]
    fn a_refresh_keeps_what_its_answer_lacks() {
        for answer in
            [TokenData::new("rs", "s", "new", 2), TokenData::new("rs", "s", "new", 2).with_refresh_token("")]
        {
            let merged = StoreKind::Refresh.merge(Some(&stored()), answer);
            assert_eq!(merged.access_token.expose(), "new");
            assert_eq!(merged.refresh_token, stored().refresh_token);
            assert_eq!(merged.identity_id.as_deref(), Some("id"));
            assert_eq!(merged.extra["unknown"], 1);
        }
    }

    #[test]
    fn a_refresh_takes_what_its_answer_has() {
        let answer = TokenData::new("rs", "s", "new", 2).with_refresh_token("rt2").with_identity_id("id2");
        let merged = StoreKind::Refresh.merge(Some(&stored()), answer.clone());
        assert_eq!((merged.refresh_token, merged.identity_id), (answer.refresh_token, answer.identity_id));
    }

    #[test]
    fn a_login_keeps_unknown_members_only() {
        let merged = StoreKind::Login.merge(Some(&stored()), TokenData::new("rs", "s", "new", 2));
        assert_eq!((merged.refresh_token, merged.identity_id), (None, None));
        assert_eq!(merged.extra["unknown"], 1);
    }
}
