//! What a renewing authorizer holds, behind one short lock.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::errand::Flight;
use super::windows::RefreshWindows;
use crate::authorizer::Authorization;
use crate::error::{Error, Result};
use crate::secret::{AccessToken, RefreshToken};
use crate::token::{Generation, ResourceServer, TokenData, TokenResponse};

/// The longest wait before storing is tried again, or a background renewal.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The tokens that a renewing authorizer holds at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldTokens {
    /// The access token, if there is one.
    pub access_token: Option<AccessToken>,
    /// When it expires, in seconds since 1970-01-01 UTC. `None`: not known, or the service has refused it.
    pub expires_at_seconds: Option<i64>,
    /// The refresh token in force; none with client credentials.
    pub refresh_token: Option<RefreshToken>,
}

/// A renewed token that is in use but could not be stored yet.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PendingPersist {
    /// How many times storing it has failed.
    pub failures: u32,
    /// The last failure.
    pub error: Error,
}

/// The access token in use.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) header: Authorization,
    pub(super) text: AccessToken,
    pub(super) expires_at: i64,
    /// Whether the service has refused it.
    pub(super) refused: bool,
    advisory_at: Timestamp,
    mandatory_at: Timestamp,
}

impl Token {
    pub(super) fn new(
        access_token: AccessToken,
        expires_at: i64,
        lifetime: Option<Duration>,
        windows: &RefreshWindows,
    ) -> Result<Self> {
        let (advisory_at, mandatory_at) = windows.begin(expires_at, lifetime);
        let header = Authorization::bearer(&access_token)?;
        Ok(Self { header, text: access_token, expires_at, refused: false, advisory_at, mandatory_at })
    }

    /// Whether the service would still take it.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        !self.refused && now.as_second() < self.expires_at
    }

    /// Whether it is good for more than a moment.
    pub(super) fn is_worth_taking(&self, now: Timestamp) -> bool {
        now <= self.mandatory_at
    }
}

/// What a renewed token takes the place of in the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// Whatever is there: there was nothing, or it could not be read.
    Anything,
    /// The record with this generation, which is the one that was renewed.
    Ours(Generation),
    /// The record with this generation, which was there before our tokens came: it gives way as to a login.
    Older(Generation),
    /// Somebody else's record, which came after ours, or none where ours was removed: so it stays, and the renewed token
    /// is not stored.
    Nothing,
}

/// A response that has come and is on its way to the storage.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) token: Token,
    pub(super) response: TokenResponse,
    pub(super) replaced: Replaced,
    /// The refresh token that it cost.
    pub(super) spent: Option<RefreshToken>,
    pub(super) refresh_token: Option<RefreshToken>,
    pub(super) resource_server: ResourceServer,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival").field("resource_server", &self.resource_server).finish_non_exhaustive()
    }
}

/// A response that is still owed to the storage.
#[derive(Clone)]
pub(super) struct Owed {
    pub(super) response: TokenResponse,
    pub(super) replaced: Replaced,
    /// The refresh token that it cost.
    pub(super) spent: Option<RefreshToken>,
    pub(super) failures: u32,
    pub(super) error: Error,
    not_before: Timestamp,
}

impl Owed {
    pub(super) fn new(
        response: TokenResponse,
        replaced: Replaced,
        spent: Option<RefreshToken>,
        error: Error,
    ) -> Self {
        Self { response, replaced, spent, failures: 0, error, not_before: Timestamp::MIN }
    }

    /// It failed once more.
    pub(super) fn again(self, error: Error) -> Self {
        Self { error, ..self }
    }
}

impl fmt::Debug for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owed").field("failures", &self.failures).finish_non_exhaustive()
    }
}

/// What a caller is to do.
#[derive(Debug)]
pub(super) enum Zone {
    /// Send this; nothing to do.
    Fresh(Authorization),
    /// Send this, and let a flight start.
    Advisory(Authorization),
    /// Wait for a flight.
    Mandatory,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) token: Option<Token>,
    pub(super) refresh_token: Option<RefreshToken>,
    pub(super) resource_server: Option<ResourceServer>,
    /// Whose tokens these are, where a record has said so.
    pub(super) identity_id: Option<String>,
    /// The last stored record that was ours.
    pub(super) known_record: Option<Generation>,
    /// Whether our tokens have ever been in the storage.
    pub(super) was_stored: bool,
    pub(super) flight: Option<Flight>,
    /// Left here only by a flight that died while it stored: the next one lands it.
    pub(super) arrival: Option<Arrival>,
    pub(super) owed: Option<Owed>,
    /// Before this second of the local clock the token is fresh and nothing is owed: the one comparison of the
    /// fast path.
    quiet_until: i64,
    advisory_failures: u32,
    advisory_not_before: Option<Timestamp>,
    /// How far the service's clock is ahead of ours.
    offset: SignedDuration,
    /// Whether it was said already that the service's clock is not to be believed.
    pub(super) disbelieves: bool,
}

impl State {
    pub(super) fn new(refresh_token: Option<RefreshToken>, resource_server: Option<ResourceServer>) -> Self {
        Self { refresh_token, resource_server, ..Self::default() }
    }

    /// The header, if this second of the local clock is in the quiet time.
    pub(super) fn quiet(&self, second: i64) -> Option<&Authorization> {
        let token = self.token.as_ref()?;
        (second < self.quiet_until).then_some(&token.header)
    }

    /// The time now on the service's clock.
    pub(super) fn corrected(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.offset).unwrap_or(now)
    }

    pub(super) fn zone(&self, local_now: Timestamp) -> Zone {
        let now = self.corrected(local_now);
        match &self.token {
            None => Zone::Mandatory,
            Some(token) if token.refused || now > token.mandatory_at => Zone::Mandatory,
            Some(_) if self.owed.as_ref().is_some_and(|owed| local_now >= owed.not_before) => Zone::Mandatory,
            Some(token)
                if now > token.advisory_at
                    && self.advisory_not_before.is_none_or(|not_before| local_now >= not_before) =>
            {
                Zone::Advisory(token.header.clone())
            }
            Some(token) => Zone::Fresh(token.header.clone()),
        }
    }

    /// Whether a stored record is the last one that was ours, or holds one of our tokens.
    pub(super) fn has_tokens_of(&self, stored: &TokenData) -> bool {
        self.known_record == Some(stored.generation())
            || stored.usable_refresh_token().is_some_and(|token| self.refresh_token.as_ref() == Some(token))
            || self.token.as_ref().is_some_and(|token| token.text == stored.access_token)
    }

    /// A stored record is ours.
    pub(super) fn recognize(&mut self, stored: &TokenData) {
        self.known_record = Some(stored.generation());
        self.was_stored = true;
        if let Some(identity_id) = &stored.identity_id {
            self.identity_id = Some(identity_id.clone());
        }
    }

    /// Takes a token into use.
    pub(super) fn publish(&mut self, token: Token) {
        self.token = Some(token);
        self.advisory_failures = 0;
        self.advisory_not_before = None;
        self.set_quiet_time();
    }

    /// The service refused the token. Answers whether it was the current one.
    pub(super) fn invalidate(&mut self, used: &Authorization) -> bool {
        match &mut self.token {
            Some(token) if token.header == *used => {
                token.refused = true;
                self.set_quiet_time();
                true
            }
            _ => false,
        }
    }

    /// Whether this is the current token's header and the service has refused it.
    pub(super) fn is_refused(&self, header: &Authorization) -> bool {
        self.token.as_ref().is_some_and(|token| token.refused && token.header == *header)
    }

    /// A background renewal failed: the next one waits a while.
    pub(super) fn advisory_failed(&mut self, now: Timestamp) {
        self.advisory_failures = self.advisory_failures.saturating_add(1);
        self.advisory_not_before = Some(later(now, backoff(self.advisory_failures)));
        self.set_quiet_time();
    }

    /// Storing failed: it is owed, and tried again after a while.
    pub(super) fn owe(&mut self, owed: Owed, now: Timestamp) {
        let failures = self.owed.as_ref().map_or(0, |owed| owed.failures).saturating_add(1);
        // The very next header tries again; only a storage that stays broken is left in peace for longer.
        let wait = if failures > 1 { backoff(failures - 1) } else { Duration::ZERO };
        self.owed = Some(Owed { failures, not_before: later(now, wait), ..owed });
        self.set_quiet_time();
    }

    pub(super) fn paid(&mut self) {
        self.owed = None;
        self.set_quiet_time();
    }

    pub(super) fn set_offset(&mut self, offset: SignedDuration) {
        self.offset = offset;
        self.set_quiet_time();
    }

    pub(super) fn offset(&self) -> SignedDuration {
        self.offset
    }

    fn set_quiet_time(&mut self) {
        let local = |at: Timestamp| at.checked_sub(self.offset).unwrap_or(at);
        self.quiet_until = self.token.as_ref().map_or(i64::MIN, |token| {
            if token.refused {
                return i64::MIN;
            }
            let renewal = match self.advisory_not_before {
                Some(not_before) => local(token.advisory_at).max(not_before).min(local(token.mandatory_at)),
                None => local(token.advisory_at),
            };
            self.owed.as_ref().map_or(renewal, |owed| renewal.min(owed.not_before)).as_second()
        });
    }
}

/// 1, 2, 4 … seconds, at most [`LONGEST_BACKOFF`].
fn backoff(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(5)).min(LONGEST_BACKOFF)
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
