//! A storage that checks what goes in and what comes out.

mod builtin;
mod identities;
mod validator;

use std::future::Future;
use std::sync::Arc;

pub use builtin::{HasRefreshTokens, NotExpired, UnchangingIdentity};
use identities::{Identities, one_identity};
pub use validator::{TokenValidator, ValidationContext};

use super::options::passed_on;
use super::{AnyTokenStorage, Loaded, Namespace, Storage, StorageError, StoreKind, TokenStorage};
use crate::detached_job::begin_detached;
use crate::token::{ResourceServer, TokenData};

/// Asks validators, in order, before tokens are stored and before they are given out. Clones share what they know.
///
/// * Where a validator refuses, nothing is stored.
/// * [`Storage::get`] answers the error [`MissingToken`](super::StorageErrorKind::MissingToken) where nothing is
///   stored, and the validator's error where the token must not be used. Other tokens are not looked at.
/// * [`Storage::get_all`] answers the good tokens, and the errors of the others in [`Loaded::damaged`]. Tokens of
///   several persons in one namespace are an error as a whole.
/// * Removing is not validated.
/// * A token to be renewed is read past the validators ([`Storage::get_for_refresh`]): one whose time is over is the
///   very one to renew. So a renewing authorizer takes this storage in `on_refresh` whatever its validators are.
///   What was renewed is validated as everything that is stored.
///
/// Each namespace has its own identity. What is stored decides which one it is: it is read before a login that says
/// whose it is. It is forgotten when the last token is removed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), globus_core::StorageError> {
/// use globus_core::TokenData;
/// use globus_core::storage::{
///     HasRefreshTokens, MemoryTokenStorage, Storage, StoreKind, UnchangingIdentity, ValidatingTokenStorage,
/// };
///
/// let validating = ValidatingTokenStorage::new(MemoryTokenStorage::new())
///     .validator(HasRefreshTokens)
///     .validator(UnchangingIdentity);
/// let storage = Storage::from(validating.clone());
///
/// let token = TokenData::new("auth.globus.org", "openid", "AgExample", 1_700_172_800);
/// storage.store(vec![token.clone().with_identity_id("one")], StoreKind::Login).await?;
/// assert!(storage.get("auth.globus.org").await.unwrap_err().is_validation(), "there is no refresh token");
///
/// let another = vec![token.with_identity_id("another")];
/// assert!(storage.store(another.clone(), StoreKind::Login).await.is_err());
/// storage.remove("auth.globus.org").await?;
/// storage.store(another, StoreKind::Login).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ValidatingTokenStorage {
    inner: AnyTokenStorage,
    validators: Vec<Arc<dyn validator::dynamic::TokenValidator>>,
    identities: Arc<Identities>,
}

impl ValidatingTokenStorage {
    /// A storage that keeps tokens in another one. Without validators it differs by
    /// [`MissingToken`](super::StorageErrorKind::MissingToken) and
    /// [`SeveralIdentities`](super::StorageErrorKind::SeveralIdentities).
    pub fn new(inner: impl Into<Storage>) -> Self {
        Self { inner: inner.into().any(), validators: Vec::new(), identities: Arc::default() }
    }

    /// Adds a validator, to be asked after those that are there.
    #[must_use]
    pub fn validator(mut self, validator: impl TokenValidator) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// The storage that the tokens are in, past all validators; such as for a logout that revokes what it finds.
    /// What is stored there is found here.
    pub fn inner(&self) -> &Storage {
        self.inner.as_storage()
    }

    /// Who has logged in, where that is known. Programs ask this at their start.
    ///
    /// # Errors
    ///
    /// [`SeveralIdentities`](super::StorageErrorKind::SeveralIdentities) when the stored tokens are those of several
    /// persons; when the storage cannot be read.
    pub async fn identity(&self, namespace: &Namespace) -> Result<Option<String>, StorageError> {
        self.identities.saw_all(namespace, &self.inner.load_all(namespace).await?)
    }

    /// Forgets who has logged in. What the stored tokens say stays known: to let another person in, remove them.
    pub fn forget_identity(&self, namespace: &Namespace) {
        self.identities.forget(namespace);
    }

    async fn validate_and_store(
        &self,
        namespace: &Namespace,
        mut tokens: Vec<TokenData>,
        mut kind: StoreKind,
    ) -> Result<(), StorageError> {
        let mut identity = one_identity(&tokens)?.map(str::to_owned);
        let (prior, turn) = match &identity {
            Some(new) if !kind.is_refresh() => {
                let turn = self.identities.turn(namespace).await;
                (self.prior_of_login(namespace, new).await?, Some(turn))
            }
            // Nothing is read first: a renewed token that has arrived is on its way at once.
            _ => (self.identities.known(namespace), None),
        };
        if kind.is_refresh() {
            for token in &mut tokens {
                // What is stored in its place stays, if nothing is known here; see `StoreKind::merge`.
                token.identity_id = token.identity_id.take().or_else(|| prior.clone());
            }
            identity = identity.or_else(|| prior.clone());
        }
        for validator in &self.validators {
            let context = ValidationContext {
                namespace,
                prior_identity: prior.as_deref(),
                identity: identity.as_deref(),
                kind: Some(kind),
            };
            validator.before_store(context, &tokens).await?;
            kind = validator.store_kind(kind);
        }
        self.inner.store(namespace, tokens, kind).await?;
        self.identities.saw(namespace, identity.as_deref());
        drop(turn);
        Ok(())
    }

    /// Who is logged in where `new` wants to.
    async fn prior_of_login(&self, namespace: &Namespace, new: &str) -> Result<Option<String>, StorageError> {
        let mut stored = self.inner.load_all(namespace).await?;
        let others = |stored: &Loaded| {
            let other = |token: &&TokenData| token.identity_id.as_deref().is_some_and(|other| other != new);
            stored.tokens.values().filter(other).cloned().collect::<Vec<_>>()
        };
        // There may be a cache below, which does not know that they have logged out: before somebody is turned away
        // it is looked past.
        for other in others(&stored) {
            let now = self.inner.load_for_refresh(namespace, &other.resource_server).await;
            if now.is_ok_and(|now| now.as_ref() != Some(&other)) {
                stored = self.inner.load_all(namespace).await?;
                break;
            }
        }
        self.identities.saw_all(namespace, &stored)
    }

    async fn validate(&self, namespace: &Namespace, token: &TokenData) -> Result<(), StorageError> {
        let prior = self.identities.known(namespace);
        let context = ValidationContext {
            namespace,
            prior_identity: prior.as_deref(),
            identity: token.identity_id.as_deref(),
            kind: None,
        };
        for validator in &self.validators {
            let verdict = validator.after_retrieve(context, token).await;
            verdict.map_err(|error| error.with_resource_server(&token.resource_server))?;
        }
        Ok(())
    }

    async fn validated(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
        token: Option<TokenData>,
    ) -> Result<Option<TokenData>, StorageError> {
        let token = token.ok_or_else(|| StorageError::missing_token(resource_server))?;
        self.validate(namespace, &token).await?;
        self.identities.saw(namespace, token.identity_id.as_deref());
        Ok(Some(token))
    }
}

impl TokenStorage for ValidatingTokenStorage {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let stored = self.inner.load_all(namespace).await?;
        self.identities.saw_all(namespace, &stored)?;
        let mut loaded = Loaded { damaged: stored.damaged, ..Loaded::default() };
        for (name, token) in stored.tokens {
            match self.validate(namespace, &token).await {
                Ok(()) => drop(loaded.tokens.insert(name, token)),
                Err(error) => loaded.damaged.push(error),
            }
        }
        Ok(loaded)
    }

    async fn load(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let token = self.inner.load(namespace, resource_server).await?;
        self.validated(namespace, resource_server, token).await
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let token = self.inner.load_fresh(namespace, resource_server).await?;
        self.validated(namespace, resource_server, token).await
    }

    async fn load_for_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let token = self.inner.load_for_refresh(namespace, resource_server).await?;
        self.identities.saw(namespace, token.as_ref().and_then(|token| token.identity_id.as_deref()));
        Ok(token)
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (storage, namespace) = (self.clone(), namespace.clone());
        begin_detached(async move { storage.validate_and_store(&namespace, tokens, kind).await })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        let (storage, namespace, server) = (self.clone(), namespace.clone(), resource_server.clone());
        begin_detached(async move {
            let removed = storage.inner.remove(&namespace, &server).await?;
            // Whether nothing is left. Where that cannot be told now, the next login looks again.
            if removed && let Ok(left) = storage.inner.load_all(&namespace).await {
                drop(storage.identities.saw_all(&namespace, &left));
            }
            Ok(removed)
        })
    }

    passed_on!();
}
