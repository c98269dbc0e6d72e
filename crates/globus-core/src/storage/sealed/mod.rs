//! Records that are sealed one by one, in any storage.

mod rows;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use self::rows::{Opened, Place, Rows};
use super::options::passed_on;
use super::{
    AnyTokenStorage, Loaded, Namespace, Storage, StorageError, StorageErrorKind, StoreKind, TokenStorage,
};
use crate::detached_job::begin_detached;
use crate::seal::{SealError, SealingKeys};
use crate::token::{Generation, ResourceServer, TokenData};

/// How often a store looks again when the record was sealed anew meanwhile. Each time somebody else got a step further.
const ATTEMPTS: usize = 16;

/// For so many records it is remembered which sealed record they are.
const REMEMBERED: usize = 4096;

/// Seals each record on its own before it goes into another storage: a dump of the database contains no usable secret.
///
/// Both tokens and every member that this version does not know are replaced by sealed text. Resource server, identity,
/// scope, times and kind of token stay as they are, to be looked for; they are *not* protected from changes by who can
/// write to the storage, who can also delete a record or put back an older one of the same place. A sealed text opens
/// only in its own namespace, resource server and member, so that the token of one user copied to another one does not
/// open there.
///
/// The key must come from elsewhere than the storage, such as a secret manager. With
/// [`SealingKey::from_passphrase_and_salt`](crate::seal::SealingKey::from_passphrase_and_salt) it can be a passphrase.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use globus_core::TokenData;
/// use globus_core::seal::SealingKey;
/// use globus_core::storage::{MemoryTokenStorage, SealedTokenStorage, Storage, StoreKind};
///
/// # let text = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
/// let key = SealingKey::from_base64(text)?;
/// let database = Storage::from(MemoryTokenStorage::new());
/// let storage = Storage::from(SealedTokenStorage::new(&database, key)?);
///
/// let anna = storage.with_namespace("anna");
/// let token = TokenData::new("auth.globus.org", "openid", "AgExample", 1_700_172_800);
/// anna.store(vec![token.clone()], StoreKind::Login).await?;
/// assert_eq!(anna.get("auth.globus.org").await?, Some(token));
///
/// let stored = database.with_namespace("anna").get("auth.globus.org").await?.expect("it was stored");
/// assert!(stored.access_token.expose().starts_with("R0xTRUFM"));
/// # Ok(()) }
/// ```
///
/// A record that does not open is like a damaged one: it is in [`Loaded::damaged`], with an error of kind
/// [`CannotUnsealRecord`](StorageErrorKind::CannotUnsealRecord), and the next login replaces it. An unknown member that
/// does not open is left out, as if it were not there.
///
/// Sealed, a token is a third longer, and 64 characters more.
///
/// # Another key
///
/// With `SealingKeys::from(new).with_older(old)` what either key has sealed is opened, and sealed with the new one when
/// it is next stored. Where several processes share the storage, none may meet what it has no key for:
///
/// 1. Give all of them `SealingKeys::from(old).with_older(new)`, which still seals with the old key.
/// 2. When the last one has that, give all of them `SealingKeys::from(new).with_older(old)`.
/// 3. When the last one has that, [`reseal`](Self::reseal) what has not been stored since.
/// 4. Then `SealingKeys::from(new)` is enough, and the old key can be destroyed.
#[derive(Clone, Debug)]
pub struct SealedTokenStorage {
    inner: AnyTokenStorage,
    rows: Rows,
    known: Known,
}

impl SealedTokenStorage {
    /// Seals what goes into this storage.
    ///
    /// # Errors
    ///
    /// [`PassphraseForRows`](SealError::PassphraseForRows) when one of the keys is a passphrase.
    pub fn new(inner: impl Into<Storage>, keys: impl Into<SealingKeys>) -> Result<Self, SealError> {
        let keys = keys.into();
        if keys.has_passphrase() {
            return Err(SealError::PassphraseForRows);
        }
        Ok(Self {
            inner: inner.into().any(),
            rows: Rows { keys, takes_plain: false },
            known: Known::default(),
        })
    }

    /// Allows that there are records that are not sealed, which is needed when a storage is to be sealed that was not
    /// until now. They are sealed when they are next stored, or by [`reseal`](Self::reseal). By default they do not open.
    ///
    /// Allow it for the move only. While it is allowed, whoever can write to the storage can put tokens of theirs in the
    /// place of others.
    #[must_use]
    pub fn seal_existing(mut self, allow: bool) -> Self {
        self.rows.takes_plain = allow;
        self
    }

    /// Seals all records of a namespace with the first key that are sealed with an older one, or not at all where
    /// that is [allowed](Self::seal_existing), and says how many there were. Those that do not open stay as they are.
    ///
    /// Which records there are is read as the storage says it; one that [remembers](super::CachedTokenStorage) what it
    /// has read does not know of those that others have stored in the last moments.
    ///
    /// ```
    /// # use globus_core::storage::{SealedTokenStorage, StorageError, TokenStorage};
    /// # async fn example(storage: SealedTokenStorage) -> Result<(), StorageError> {
    /// for namespace in storage.list().await? {
    ///     storage.reseal(&namespace).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When the storage cannot be read or written, and [`Conflict`](StorageErrorKind::Conflict) when a record changes
    /// again and again. Records that were sealed until then stay sealed.
    pub async fn reseal(&self, namespace: &Namespace) -> Result<usize, StorageError> {
        let mut count = 0;
        for (resource_server, row) in self.inner.load_all(namespace).await?.tokens {
            let place = Place { namespace, resource_server: &resource_server };
            count += usize::from(self.reseal_row(place, row).await?);
        }
        Ok(count)
    }

    /// Whether the record had to be sealed anew, and was.
    async fn reseal_row(&self, place: Place<'_>, row: TokenData) -> Result<bool, StorageError> {
        let mut found = Some(row);
        for _ in 0..ATTEMPTS {
            let Some(row) = found else { return Ok(false) };
            let Ok(Opened { token, is_current: false }) = self.rows.open(place, row.clone()) else {
                return Ok(false);
            };
            let sealed = self.rows.seal_over(place, &row, token)?;
            let kind = StoreKind::RefreshOf(row.generation());
            match self.inner.store(place.namespace, vec![sealed], kind).await {
                // Stored meanwhile, maybe by somebody who has the older key only.
                Err(error) if error.is_conflict() => found = self.row(place).await?,
                done => return done.map(|()| true),
            }
        }
        Err(StorageError::new(StorageErrorKind::Conflict))
    }

    fn open(&self, place: Place<'_>, row: TokenData) -> Result<Opened, StorageError> {
        self.rows.open(place, row).map_err(|error| {
            StorageError::cannot_unseal_record(place.namespace, place.resource_server).with_source(error)
        })
    }

    /// Opens what was found. For whoever may replace it, it is remembered in `known` which sealed record it was.
    fn opened(
        &self,
        place: Place<'_>,
        row: Option<TokenData>,
        known: Option<&Known>,
    ) -> Result<Option<TokenData>, StorageError> {
        let Some(row) = row else { return Ok(None) };
        let Some(known) = known else { return self.open(place, row).map(|opened| Some(opened.token)) };
        let sealed = row.generation();
        let Opened { token, is_current } = self.open(place, row)?;
        if is_current {
            known.remember(token.generation(), sealed);
        }
        Ok(Some(token))
    }

    fn seal_all(&self, namespace: &Namespace, tokens: &[TokenData]) -> Result<Vec<TokenData>, StorageError> {
        tokens.iter().map(|token| Ok(self.rows.seal(namespace, token.clone())?)).collect()
    }

    /// The sealed record as it is now. A damaged one counts as none.
    async fn row(&self, place: Place<'_>) -> Result<Option<TokenData>, StorageError> {
        match self.inner.load_for_refresh(place.namespace, place.resource_server).await {
            Err(error) => match error.kind() {
                StorageErrorKind::InvalidRecord { .. } | StorageErrorKind::CannotUnsealRecord { .. } => {
                    Ok(None)
                }
                _ => Err(error),
            },
            found => found,
        }
    }

    /// The same and what is in it, unless it does not open.
    async fn row_and_token(
        &self,
        place: Place<'_>,
    ) -> Result<Option<(TokenData, Option<TokenData>)>, StorageError> {
        let row = self.row(place).await?;
        Ok(row.map(|row| (row.clone(), self.rows.open(place, row).ok().map(|opened| opened.token))))
    }

    async fn put(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        match (kind, &tokens[..]) {
            (StoreKind::RefreshOf(replaced), _) => self.put_in_place_of(namespace, &tokens, replaced).await,
            (StoreKind::Refresh, [token]) if token.usable_refresh_token().is_none() => {
                self.put_beside_refresh_token(namespace, token).await
            }
            _ => self.inner.store(namespace, self.seal_all(namespace, &tokens)?, kind).await,
        }
    }

    /// Stores where the record of this generation is, which callers have seen opened.
    async fn put_in_place_of(
        &self,
        namespace: &Namespace,
        tokens: &[TokenData],
        replaced: Generation,
    ) -> Result<(), StorageError> {
        let kind = StoreKind::RefreshOf(replaced);
        // Up to the store nothing waits here, so that a token that has just arrived is on its way at once.
        if let Some(sealed) = self.known.sealed(replaced) {
            let batch = self.seal_all(namespace, tokens)?;
            match self.inner.store(namespace, batch, StoreKind::RefreshOf(sealed)).await {
                Err(error) if error.is_conflict() => {}
                done => return done,
            }
        }
        for _ in 0..ATTEMPTS {
            let mut batch = Vec::with_capacity(tokens.len());
            let mut sealed = None;
            for token in tokens {
                let place = Place { namespace, resource_server: &token.resource_server };
                let (row, opened) = self.row_and_token(place).await?.unzip();
                let opened = opened.flatten();
                // A conflict here is one.
                let merged = kind.merge(opened.as_ref(), token.clone())?;
                let Some(row) = row else { continue };
                if opened.as_ref() == Some(&merged) {
                    // Stored already. As it is, it goes along for the storage to see that it still is.
                    sealed = sealed.or(Some(row.generation()));
                    batch.push(row);
                } else {
                    sealed = Some(row.generation());
                    batch.push(self.rows.seal_over(place, &row, merged)?);
                }
            }
            let Some(sealed) = sealed else { return Ok(()) };
            match self.inner.store(namespace, batch, StoreKind::RefreshOf(sealed)).await {
                // Changed since it was read, or only sealed anew: looked at again.
                Err(error) if error.is_conflict() => {}
                done => return done,
            }
        }
        Err(StorageError::new(StorageErrorKind::Conflict))
    }

    /// Stores the answer to a refresh that has no refresh token. The stored one stays, unless it does not open.
    ///
    /// For several tokens at once nothing is done about that: comparing and storing cannot be one step then.
    async fn put_beside_refresh_token(
        &self,
        namespace: &Namespace,
        token: &TokenData,
    ) -> Result<(), StorageError> {
        let place = Place { namespace, resource_server: &token.resource_server };
        for _ in 0..ATTEMPTS {
            let Some((row, opened)) = self.row_and_token(place).await? else { break };
            let merged = StoreKind::Refresh.merge(opened.as_ref(), token.clone())?;
            let sealed = self.rows.seal_over(place, &row, merged)?;
            match self.inner.store(namespace, vec![sealed], StoreKind::RefreshOf(row.generation())).await {
                Err(error) if error.is_conflict() => {}
                done => return done,
            }
        }
        let sealed = self.rows.seal(namespace, token.clone())?;
        self.inner.store(namespace, vec![sealed], StoreKind::Refresh).await
    }
}

impl TokenStorage for SealedTokenStorage {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        let Loaded { tokens, mut damaged } = self.inner.load_all(namespace).await?;
        let mut opened = Loaded::default();
        for (resource_server, row) in tokens {
            match self.open(Place { namespace, resource_server: &resource_server }, row) {
                Ok(Opened { token, .. }) => drop(opened.tokens.insert(resource_server, token)),
                Err(error) => damaged.push(error),
            }
        }
        opened.damaged = damaged;
        Ok(opened)
    }

    async fn load(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let row = self.inner.load(namespace, resource_server).await?;
        self.opened(Place { namespace, resource_server }, row, None)
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let row = self.inner.load_fresh(namespace, resource_server).await?;
        self.opened(Place { namespace, resource_server }, row, Some(&self.known))
    }

    async fn load_for_refresh(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        let row = self.inner.load_for_refresh(namespace, resource_server).await?;
        self.opened(Place { namespace, resource_server }, row, Some(&self.known))
    }

    fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let (storage, namespace) = (self.clone(), namespace.clone());
        begin_detached(async move { storage.put(&namespace, tokens, kind).await })
    }

    fn remove(
        &self,
        namespace: &Namespace,
        resource_server: &ResourceServer,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send {
        self.inner.remove(namespace, resource_server)
    }

    passed_on!(and capabilities with_confidential);
}

/// Which sealed record a record is, by their hashes, for those that were read past every cache lately, as is done before
/// one is replaced. Reads from a cache are far more, and would drive those out. What is forgotten is read again.
#[derive(Clone, Debug, Default)]
struct Known(Arc<Mutex<HashMap<Generation, Generation>>>);

impl Known {
    fn remember(&self, opened: Generation, sealed: Generation) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(opened, sealed);
    }

    fn sealed(&self, opened: Generation) -> Option<Generation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&opened).copied()
    }
}
