//! The validators that most programs need.

use std::sync::Arc;

use jiff::Timestamp;

use super::{TokenValidator, ValidationContext};
use crate::clock::{Clock, SystemClock};
use crate::storage::{StorageError, StorageErrorKind, StoreKind};
use crate::token::TokenData;

/// Gives out only tokens that come with a refresh token, and so can be renewed. For programs that ask for refresh
/// tokens: a login without them is then noticed at once and not when the access token ends.
///
/// The error is [`MissingToken`](StorageErrorKind::MissingToken).
#[doc(alias = "HasRefreshTokensValidator")]
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to set")]
pub struct HasRefreshTokens;

impl TokenValidator for HasRefreshTokens {
    async fn after_retrieve(&self, _: ValidationContext<'_>, token: &TokenData) -> Result<(), StorageError> {
        match token.usable_refresh_token() {
            Some(_) => Ok(()),
            None => Err(StorageError::missing_token(&token.resource_server)),
        }
    }
}

/// Gives out only access tokens whose time is not over. For programs without refresh tokens; with them it would ask
/// for a login where the token only needs to be renewed, so they use [`HasRefreshTokens`] in its place.
///
/// In the very second of its end a token still counts as good. The error is
/// [`ExpiredToken`](StorageErrorKind::ExpiredToken).
#[doc(alias = "NotExpiredValidator")]
#[derive(Clone, Debug)]
pub struct NotExpired {
    clock: Arc<dyn Clock>,
}

impl NotExpired {
    /// By the clock of the machine.
    pub fn new() -> Self {
        Self { clock: Arc::new(SystemClock) }
    }

    /// By another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl Default for NotExpired {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenValidator for NotExpired {
    async fn after_retrieve(&self, _: ValidationContext<'_>, token: &TokenData) -> Result<(), StorageError> {
        if !token.is_expired(self.clock.now()) {
            return Ok(());
        }
        // It is before now, so what is no time here lies too far back.
        let expired_at = Timestamp::from_second(token.expires_at_seconds).unwrap_or(Timestamp::MIN);
        Err(StorageError::expired_token(&token.resource_server, expired_at))
    }
}

/// Takes only logins of one person: the one whose tokens are stored. Log out to let another one in.
///
/// A login must say whose it is ([`MissingIdentity`](StorageErrorKind::MissingIdentity) otherwise), and be the stored
/// identity's ([`IdentityMismatch`](StorageErrorKind::IdentityMismatch)). A refresh cannot change the identity; one
/// that does not name it passes.
///
/// What is stored is read right before the login is checked; of a [cache](crate::storage::CachedTokenStorage) below,
/// that is what it remembers. In addition the check is part of the write
/// ([`StoreKind::LoginOfSameIdentity`]): of two processes that log in as different persons at the same time, and of
/// whose tokens one is for the same resource server (as that of `auth.globus.org` is in every app), only one
/// succeeds. That holds with storages that can [compare and swap](crate::storage::Capabilities::with_cas). Two
/// processes whose logins have no resource server in common may both succeed, if they store within moments of each
/// other, or over a cache within the time for which it remembers; reading then answers [`SeveralIdentities`](StorageErrorKind::SeveralIdentities).
#[doc(alias = "UnchangingIdentityIDValidator")]
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to set")]
pub struct UnchangingIdentity;

impl TokenValidator for UnchangingIdentity {
    async fn before_store(
        &self,
        context: ValidationContext<'_>,
        _: &[TokenData],
    ) -> Result<(), StorageError> {
        match (context.identity, context.prior_identity) {
            (None, _) if context.kind.is_some_and(StoreKind::is_refresh) => Ok(()),
            (None, _) => Err(StorageError::new(StorageErrorKind::MissingIdentity)),
            (Some(new), Some(prior)) if new != prior => Err(StorageError::identity_mismatch(prior, new)),
            (Some(_), _) => Ok(()),
        }
    }

    fn store_kind(&self, kind: StoreKind) -> StoreKind {
        if kind == StoreKind::Login { StoreKind::LoginOfSameIdentity } else { kind }
    }
}
