//! What was got for a caller's token.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use globus_core::clock::clock_offset;
use globus_core::{Authorization, ResourceServer, Result, Scopes, Timestamp, TokenData, TokenResponse};
use jiff::SignedDuration;

use super::judge::name_of;

/// A caller's token is traded again after a refusal, or in search of a token that was not among those got, at most once
/// in this time.
const PAUSE: Duration = Duration::from_secs(60);

/// The longest time before its expiry in which a token is replaced; for tokens of less than 20 minutes a twentieth of
/// their lifetime.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Which of the tokens is meant.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    ResourceServer(ResourceServer),
    Scopes(Scopes),
}

impl Wanted {
    fn is(&self, token: &Held) -> bool {
        match self {
            Self::ResourceServer(server) => token.resource_server == *server,
            Self::Scopes(scopes) => {
                let carries = |scope| token.scope.split_whitespace().any(|granted| granted == name_of(scope));
                !scopes.is_empty() && scopes.iter().all(carries)
            }
        }
    }
}

/// A token as a header, with the times of its end on our clock.
#[derive(Debug)]
pub(super) struct Held {
    resource_server: ResourceServer,
    scope: String,
    pub(super) header: Result<Authorization>,
    renew_at: Timestamp,
    expires_at: Timestamp,
    refused: AtomicBool,
}

impl Held {
    fn new(token: &TokenData, now: Timestamp, offset: SignedDuration) -> Self {
        let expires_at = Timestamp::from_second(token.expires_at_seconds).unwrap_or(Timestamp::MAX);
        let expires_at = expires_at.checked_sub(offset).unwrap_or(expires_at);
        let margin = MARGIN.min(expires_at.duration_since(now) / 20);
        Self {
            resource_server: token.resource_server.clone(),
            scope: token.scope.clone(),
            header: Authorization::bearer(&token.access_token),
            renew_at: expires_at.checked_sub(margin).unwrap_or(expires_at),
            expires_at,
            refused: AtomicBool::new(false),
        }
    }

    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.renew_at && !self.is_refused()
    }

    /// Whether the service would still take it: better than an error.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at && !self.is_refused()
    }

    fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }
}

/// All tokens of one trade.
#[derive(Debug)]
pub(super) struct Granted {
    tokens: Vec<Held>,
    after_refusal: bool,
    /// Before this moment the caller's token is not traded again on suspicion.
    pause_until: Timestamp,
}

impl Granted {
    pub(super) fn new(response: &TokenResponse, asked_at: Timestamp, after_refusal: bool) -> Self {
        let offset = response.server_time().and_then(|time| clock_offset(time, asked_at)).unwrap_or_default();
        let tokens = response.by_resource_server().iter();
        Self {
            tokens: tokens.map(|token| Held::new(token, asked_at, offset)).collect(),
            after_refusal,
            pause_until: asked_at.checked_add(PAUSE).unwrap_or(Timestamp::MAX),
        }
    }

    pub(super) fn get(&self, wanted: &Wanted) -> Option<&Held> {
        self.tokens.iter().find(|token| wanted.is(token))
    }

    /// Whether trading again would be of no use for what is wanted.
    pub(super) fn will_do(&self, wanted: &Wanted, now: Timestamp) -> bool {
        match self.get(wanted) {
            Some(token) => token.is_fresh(now),
            None => now < self.pause_until,
        }
    }

    /// Whether a refusal of one of these tokens is worth another trade: it is not, if they came of such a one just now.
    pub(super) fn may_be_replaced(&self, now: Timestamp) -> bool {
        !self.after_refusal || now >= self.pause_until
    }

    /// Whether a service has refused one of the tokens.
    pub(super) fn is_refused(&self) -> bool {
        self.tokens.iter().any(Held::is_refused)
    }

    /// When the last of them is over.
    pub(super) fn ends_at(&self) -> Timestamp {
        self.tokens.iter().map(|token| token.expires_at).max().unwrap_or(self.pause_until)
    }
}
