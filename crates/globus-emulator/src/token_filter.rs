//! Which tokens are made to expire.

use serde::{Deserialize, Serialize};

use crate::world::World;
use crate::world::tokens::Family;

/// Access or refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TokenKind {
    /// Access tokens.
    Access,
    /// Refresh tokens.
    Refresh,
}

/// A choice of tokens; what is not set matches all.
///
/// ```
/// use globus_emulator::TokenFilter;
///
/// let transfer_only = TokenFilter::access().resource_server("transfer.api.globus.org");
/// # let _ = transfer_only;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenFilter {
    identity: Option<String>,
    client: Option<String>,
    resource_server: Option<String>,
    kind: Option<TokenKind>,
}

impl TokenFilter {
    /// Every token.
    pub fn all() -> Self {
        Self::default()
    }

    /// Every access token.
    pub fn access() -> Self {
        Self { kind: Some(TokenKind::Access), ..Self::default() }
    }

    /// Every refresh token.
    pub fn refresh() -> Self {
        Self { kind: Some(TokenKind::Refresh), ..Self::default() }
    }

    /// Only tokens of this identity, by id.
    #[must_use]
    pub fn identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// Only tokens of this client.
    #[must_use]
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// Only tokens for this resource server.
    #[must_use]
    pub fn resource_server(mut self, server: impl Into<String>) -> Self {
        self.resource_server = Some(server.into());
        self
    }

    fn accepts(&self, family: &Family) -> bool {
        self.identity.as_ref().is_none_or(|identity| *identity == family.login.identity)
            && self.client.as_ref().is_none_or(|client| *client == family.client)
            && self.resource_server.as_ref().is_none_or(|server| *server == family.resource_server)
    }

    /// Makes the chosen tokens expire; answers how many there were.
    pub(crate) fn expire(&self, world: &mut World) -> usize {
        let World { families, access_tokens, refresh_tokens, .. } = world;
        let chosen = |family: &str| families.get(family).is_some_and(|family| self.accepts(family));
        let mut count = 0;
        if self.kind != Some(TokenKind::Refresh) {
            count += access_tokens.change_each(|_, token| {
                let hit = token.expires_at > token.issued_at && chosen(&token.family);
                if hit {
                    token.expires_at = token.issued_at;
                }
                hit
            });
        }
        if self.kind != Some(TokenKind::Access) {
            count += refresh_tokens.change_each(|_, token| {
                let hit = !token.expired && chosen(&token.family);
                token.expired |= hit;
                hit
            });
        }
        count
    }
}
