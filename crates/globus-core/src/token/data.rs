//! The record of one token.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::ResourceServer;
use crate::secret::{AccessToken, RefreshToken};

/// One token of one resource server: what storages keep.
///
/// `Debug` shows neither token, and of [`extra`](Self::extra) the keys only.
///
/// ```
/// use globus_core::{Timestamp, TokenData};
///
/// let token = TokenData::new("transfer.api.globus.org", "scope text", "AgExample", 1_700_172_800)
///     .with_refresh_token("AgExampleRefresh");
/// assert!(!token.is_expired(Timestamp::from_second(1_700_172_800)?));
/// assert!(token.is_expired(Timestamp::from_second(1_700_172_801)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenData {
    /// The service that the token is good for.
    pub resource_server: ResourceServer,
    /// The id of the identity that logged in, where it is known.
    pub identity_id: Option<String>,
    /// The scopes that were granted, with blanks between them.
    pub scope: String,
    /// The access token.
    pub access_token: AccessToken,
    /// The refresh token, where one was granted.
    pub refresh_token: Option<RefreshToken>,
    /// When the access token ends, in seconds since 1970-01-01 UTC.
    pub expires_at_seconds: i64,
    /// The kind of token; `Bearer` for all that Globus hands out today.
    pub token_type: Option<String>,
    /// Members of a stored record that this version does not know. They are written back as they are.
    pub extra: Map<String, Value>,
}

impl TokenData {
    /// A record with what every token has.
    pub fn new(
        resource_server: impl Into<ResourceServer>,
        scope: impl Into<String>,
        access_token: impl Into<AccessToken>,
        expires_at_seconds: i64,
    ) -> Self {
        Self {
            resource_server: resource_server.into(),
            identity_id: None,
            scope: scope.into(),
            access_token: access_token.into(),
            refresh_token: None,
            expires_at_seconds,
            token_type: None,
            extra: Map::new(),
        }
    }

    /// Sets the refresh token.
    #[must_use]
    pub fn with_refresh_token(mut self, refresh_token: impl Into<RefreshToken>) -> Self {
        self.refresh_token = Some(refresh_token.into());
        self
    }

    /// Sets the id of the identity that logged in.
    #[must_use]
    pub fn with_identity_id(mut self, identity_id: impl Into<String>) -> Self {
        self.identity_id = Some(identity_id.into());
        self
    }

    /// Sets the kind of token.
    #[must_use]
    pub fn with_token_type(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = Some(token_type.into());
        self
    }

    /// Sets the members that this version does not know.
    #[must_use]
    pub fn with_extra(mut self, extra: Map<String, Value>) -> Self {
        self.extra = extra;
        self
    }

    /// Whether the access token's time is over. In the very second of its end it still counts as good.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        i128::from(self.expires_at_seconds) * 1_000_000_000 < now.as_nanosecond()
    }

    /// The refresh token, unless there is none or it is empty.
    pub fn usable_refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref().filter(|token| !token.is_empty())
    }

    /// Tells two versions of a record apart: equal records, and only they, have equal generations.
    pub fn generation(&self) -> Generation {
        Generation(Sha256::digest(self.to_record().as_bytes()).into())
    }
}

impl fmt::Debug for TokenData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenData")
            .field("resource_server", &self.resource_server)
            .field("identity_id", &self.identity_id)
            .field("scope", &self.scope)
            .field("access_token", &self.access_token)
            .field("refresh_token", &self.refresh_token)
            .field("expires_at_seconds", &self.expires_at_seconds)
            .field("token_type", &self.token_type)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// The hash of a stored record; see [`TokenData::generation`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation([u8; 32]);

impl Generation {
    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, fourth, ..] = self.0;
        write!(f, "Generation({first:02x}{second:02x}{third:02x}{fourth:02x})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_means_strictly_before_now() {
        let token = TokenData::new("rs", "s", "a", 100);
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        assert!(!token.is_expired(at(99_999)));
        assert!(!token.is_expired(at(100_000)));
        assert!(token.is_expired(at(100_001)));
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut token = TokenData::new("rs", "s", "AgAccess", 1).with_refresh_token("AgRefresh");
        token.extra.insert("known_key".into(), "AgInExtra".into());
        let shown = format!("{token:?} {token:#?}");
        assert!(!shown.contains("Ag"), "{shown}");
        assert!(shown.contains("known_key") && shown.contains("AccessToken(redacted)"), "{shown}");
    }

    #[test]
    fn any_change_is_another_generation() {
        let token = TokenData::new("rs", "s", "a", 1);
        assert_eq!(token.generation(), token.clone().generation());
        assert_ne!(token.generation(), token.clone().with_refresh_token("r").generation());
        let extra = Map::from_iter([("x".to_owned(), Value::Null)]);
        assert_ne!(token.generation(), token.clone().with_extra(extra).generation());
    }
}
