//! Who calls.

use std::fmt;
use std::sync::Arc;

use globus_core::{AccessToken, IdentityId, Timestamp};
use jiff::SignedDuration;

use crate::auth::{SessionInfo, TokenIntrospection};

/// What Globus Auth said about a token.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) introspection: TokenIntrospection,
    pub(super) identity: IdentityId,
    pub(super) identity_set: Vec<IdentityId>,
    /// How far the service's clock is ahead of ours.
    pub(super) offset: SignedDuration,
    /// When it was asked, on our clock.
    pub(super) asked_at: Timestamp,
}

impl Facts {
    /// The time now on the service's clock.
    pub(super) fn service_time(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.offset).unwrap_or(now)
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.introspection.scope.split_whitespace()
    }

    /// The name that one of the caller's identities logs in with, where it is known.
    pub(super) fn username_of(&self, identity: IdentityId) -> Option<&str> {
        let detail = self.introspection.identity_set_detail.iter().find(|linked| linked.sub == identity);
        let own = || (identity == self.identity).then_some(self.introspection.username.as_ref()).flatten();
        detail.and_then(|linked| linked.username.as_ref()).or_else(own).map(AsRef::as_ref)
    }
}

/// Somebody whose token was checked: it is good, and meant for this service. From
/// [`TokenChecker::check`](super::TokenChecker::check).
///
/// Clones share their content. `Debug` shows neither the token nor what is personal but the ids.
#[derive(Clone)]
pub struct Caller {
    pub(super) token: AccessToken,
    pub(super) facts: Arc<Facts>,
}

impl Caller {
    /// The identity that the token stands for. Permissions hang on this id, never on a name, which can pass to another.
    pub fn identity_id(&self) -> IdentityId {
        self.facts.identity
    }

    /// The name that this identity logs in with, such as `ana@example.org`.
    pub fn username(&self) -> Option<&str> {
        self.facts.introspection.username.as_ref().map(AsRef::as_ref)
    }

    /// The ids of all linked identities of the person, this one among them. What is shared with any of them is shared
    /// with the caller.
    pub fn identity_set(&self) -> &[IdentityId] {
        &self.facts.identity_set
    }

    /// Whether this is one of the person's identities.
    pub fn is_identity(&self, identity: impl Into<IdentityId>) -> bool {
        self.facts.identity_set.contains(&identity.into())
    }

    /// The scopes of the token, without their dependencies.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.facts.scopes()
    }

    /// Whether the token carries this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// The client that the token was given to: the program or portal that calls. Of a token that a service got for
    /// itself it is the identity, too.
    pub fn client_id(&self) -> &str {
        &self.facts.introspection.client_id
    }

    /// When the token expires, by the service's clock.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.facts.introspection.exp.and_then(|second| Timestamp::from_second(second).ok())
    }

    /// When the token expires, by our clock.
    pub(super) fn ends_at_here(&self) -> Option<Timestamp> {
        let expires_at = self.expires_at()?;
        Some(expires_at.checked_sub(self.facts.offset).unwrap_or(expires_at))
    }

    /// How and when the person logged in. `None` of a token without a session, such as a service's own.
    pub fn session(&self) -> Option<&SessionInfo> {
        self.facts.introspection.session_info.as_ref()
    }

    /// When the person last logged in during the session, by the service's clock.
    pub fn last_login(&self) -> Option<Timestamp> {
        let logins = self.session()?.authentications.values();
        Timestamp::from_second(logins.filter_map(|login| login.auth_time).max()?).ok()
    }

    /// All that Globus Auth said about the token.
    pub fn introspection(&self) -> &TokenIntrospection {
        &self.facts.introspection
    }

    /// The token that was presented.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }
}

impl From<&Caller> for AccessToken {
    fn from(caller: &Caller) -> Self {
        caller.token.clone()
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("identity_id", &self.facts.identity)
            .field("client_id", &self.client_id())
            .field("token_sha256", &self.token.fingerprint())
            .finish_non_exhaustive()
    }
}
