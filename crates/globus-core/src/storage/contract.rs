//! The contract of storages that keep many tokens.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use super::{Capabilities, RefreshLease, StorageError, StoreKind};
use crate::token::{ResourceServer, TokenData, text_newtype};

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

/// What a namespace holds. A damaged record does not hide the good ones.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The tokens, under the name that they are stored by.
    pub tokens: BTreeMap<ResourceServer, TokenData>,
    /// One error of kind [`InvalidRecord`](super::StorageErrorKind::InvalidRecord) for each damaged record, or of
    /// kind [`CannotUnsealRecord`](super::StorageErrorKind::CannotUnsealRecord) for one that does not open. Of a
    /// [validating storage](super::ValidatingTokenStorage) also one for each record that it refuses.
    pub damaged: Vec<StorageError>,
}

impl Loaded {
    /// These tokens, nothing damaged.
    pub fn new(tokens: BTreeMap<ResourceServer, TokenData>) -> Self {
        Self { tokens, damaged: Vec::new() }
    }

    /// The one record of this resource server, or its own error when it is damaged.
    pub(super) fn token(
        &self,
        resource_server: &ResourceServer,
    ) -> Result<Option<&TokenData>, &StorageError> {
        match self.damaged.iter().find(|error| error.resource_server() == Some(resource_server)) {
            Some(error) => Err(error),
            None => Ok(self.tokens.get(resource_server)),
        }
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

/// Keeps many tokens, by namespace and resource server. The contract of every storage backend.
///
/// Programs hold a [`Storage`](super::Storage), into which every implementation converts.
/// [`writing_a_backend`](super::writing_a_backend) is a complete one, step by step.
pub trait TokenStorage: Debug + Send + Sync + 'static {
    /// Everything that a namespace holds. A namespace that does not exist is empty.
    ///
    /// # Errors
    ///
    /// When the storage as a whole cannot be read. Single damaged records are in [`Loaded::damaged`].
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send;

    /// One token, which may come from a cache where the storage has one.
    ///
    /// # Errors
    ///
    /// Those of [`load_fresh`](Self::load_fresh).
    fn load(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        self.load_fresh(namespace, resource_server)
    }

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

    /// One token as it is stored now, for whoever is about to renew it: a storage that refuses to give out some
    /// tokens, such as those whose time is over, gives them out here. Other storages leave it as it is.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, or this very record is damaged.
    fn load_for_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        self.load_fresh(namespace, resource_server)
    }

    /// Stores tokens, each in place of the stored one of its resource server, joined with it as
    /// [`StoreKind::merge`] says. Other records stay as they are.
    ///
    /// The write is decided by the call: it is done, or not done at all, even if the future is dropped.
    ///
    /// # Errors
    ///
    /// When the tokens could not be stored. The old ones are then still there.
    /// [`Conflict`](super::StorageErrorKind::Conflict) when the stored record is not the one that a refresh
    /// was of.
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

    /// Takes the right to refresh this token; waits for another holder, but not forever. A storage may give one
    /// lease for several tokens.
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

    /// The namespace that a [`Storage`](super::Storage) made of this begins in. A storage that wraps another one
    /// answers the namespace of the handle that it was given; others leave it at `DEFAULT`.
    fn first_namespace(&self) -> Namespace {
        Namespace::default()
    }
}

impl<T: TokenStorage> TokenStorage for Arc<T> {
    fn load_all(&self, namespace: &Namespace) -> impl Future<Output = Result<Loaded, StorageError>> + Send {
        (**self).load_all(namespace)
    }

    fn load(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        (**self).load(namespace, resource_server)
    }

    fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        (**self).load_fresh(namespace, resource_server)
    }

    fn load_for_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<Option<TokenData>, StorageError>> + Send {
        (**self).load_for_refresh(namespace, resource_server)
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

    fn first_namespace(&self) -> Namespace {
        (**self).first_namespace()
    }
}
