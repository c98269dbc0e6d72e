//! What a whole emulator is set to.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::ConsentMode;
use crate::clock;
use crate::random;

/// How long new tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TokenLifetimes {
    /// Seconds until an access token expires; 172800 (two days) by default.
    pub access_seconds: u64,
    /// Seconds without use until a refresh token expires; 15552000 (180 days) by default.
    pub refresh_idle_seconds: u64,
}

impl TokenLifetimes {
    /// Access tokens that live this long; refresh tokens keep their default.
    ///
    /// ```
    /// use globus_emulator::TokenLifetimes;
    /// use std::time::Duration;
    ///
    /// assert_eq!(TokenLifetimes::access(Duration::from_secs(600)).access_seconds, 600);
    /// ```
    pub fn access(lifetime: Duration) -> Self {
        Self { access_seconds: lifetime.as_secs(), ..Self::default() }
    }

    /// Sets how long a refresh token lives without being used.
    #[must_use]
    pub fn refresh_idle(mut self, lifetime: Duration) -> Self {
        self.refresh_idle_seconds = lifetime.as_secs();
        self
    }
}

impl Default for TokenLifetimes {
    fn default() -> Self {
        Self { access_seconds: 172_800, refresh_idle_seconds: 180 * 86_400 }
    }
}

/// Whether a refresh answers a new refresh token and spends the old one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Rotation {
    /// Whether refresh tokens rotate. They do not by default.
    pub rotate: bool,
    /// For so many seconds after its rotation a spent token is answered once more, with its successor. After
    /// that, using it revokes every token of its family.
    pub reuse_grace_seconds: u64,
}

impl Rotation {
    /// No rotation: a refresh repeats the refresh token.
    pub fn off() -> Self {
        Self::default()
    }

    /// Rotation with no grace: any use of a spent token counts as theft.
    pub fn on() -> Self {
        Self { rotate: true, reuse_grace_seconds: 0 }
    }

    /// Sets for how long a spent token may be used again.
    #[must_use]
    pub fn reuse_grace(mut self, grace: Duration) -> Self {
        self.reuse_grace_seconds = grace.as_secs();
        self
    }
}

/// Which time stands in id tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JwtTime {
    /// The machine's time, which is what clients check id tokens against.
    #[default]
    Real,
    /// The emulated time.
    Emulated,
}

/// Limits that make transfers slow, small or quick to fail, for tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TransferLimits {
    /// Bytes per second of emulated time that one task may copy; unlimited when absent.
    pub bytes_per_second: Option<u64>,
    /// Milliseconds of emulated time from the start of a task to its first file, copied or deleted, and from each
    /// to the next.
    pub file_delay_ms: u64,
    /// Whether an error that would be retried until the deadline fails the task at once.
    pub fail_fast: bool,
    /// How many tasks run at the same time; unlimited when absent.
    pub concurrency: Option<usize>,
    /// How many items one task may name; 1000000 when absent.
    pub max_items: Option<usize>,
    /// How many bytes of files may still be written at destinations; no limit of ours when absent. Once they are
    /// used up writing fails as on a full disk. A copy that fails gives back what it had taken, since its
    /// unfinished file is removed; deleting and overwriting files give nothing back.
    pub free_bytes: Option<u64>,
}

impl TransferLimits {
    /// No limits.
    ///
    /// ```
    /// use globus_emulator::TransferLimits;
    ///
    /// let slow = TransferLimits::none().bytes_per_second(1000);
    /// assert_eq!(slow.bytes_per_second, Some(1000));
    /// ```
    pub fn none() -> Self {
        Self::default()
    }

    /// Sets how many bytes one task may copy in a second of emulated time.
    #[must_use]
    pub fn bytes_per_second(mut self, bytes: u64) -> Self {
        self.bytes_per_second = Some(bytes);
        self
    }

    /// Sets how long a task waits, in emulated time, before its first file and from each to the next.
    #[must_use]
    pub fn file_delay(mut self, delay: Duration) -> Self {
        self.file_delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Makes tasks fail at once where they would try again until their deadline.
    #[must_use]
    pub fn fail_fast(mut self) -> Self {
        self.fail_fast = true;
        self
    }

    /// Sets how many tasks run at the same time.
    #[must_use]
    pub fn concurrency(mut self, tasks: usize) -> Self {
        self.concurrency = Some(tasks);
        self
    }

    /// Sets how many items one task may name.
    #[must_use]
    pub fn max_items(mut self, items: usize) -> Self {
        self.max_items = Some(items);
        self
    }

    /// Sets how many bytes may still be written at destinations.
    #[must_use]
    pub fn free_bytes(mut self, bytes: u64) -> Self {
        self.free_bytes = Some(bytes);
        self
    }
}

/// Everything that one emulator is set to, and what makes it itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The random part of the base path.
    pub(crate) base: String,
    /// The key from which rotated refresh tokens are derived.
    pub(crate) rotation_key: String,
    pub(crate) native_client: Uuid,
    pub(crate) confidential_client: Uuid,
    pub(crate) confidential_secret: String,
    /// The identity that automatic consent logs in.
    pub(crate) user: Uuid,
    pub(crate) lifetimes: TokenLifetimes,
    pub(crate) rotation: Rotation,
    pub(crate) jwt_time: JwtTime,
    #[serde(default)]
    pub(crate) consent_mode: ConsentMode,
    pub(crate) limits: TransferLimits,
    pub(crate) next_consent: i64,
    clock_offset_seconds: i64,
    clock_frozen: Option<Timestamp>,
}

impl Settings {
    pub(crate) fn fresh() -> Self {
        Self {
            base: random::hex128(),
            rotation_key: random::secret(""),
            native_client: Uuid::new_v4(),
            confidential_client: Uuid::new_v4(),
            confidential_secret: random::secret(""),
            user: Uuid::new_v4(),
            lifetimes: TokenLifetimes::default(),
            rotation: Rotation::default(),
            jwt_time: JwtTime::default(),
            consent_mode: ConsentMode::default(),
            limits: TransferLimits::default(),
            next_consent: 1,
            clock_offset_seconds: 0,
            clock_frozen: None,
        }
    }

    /// Back to what a fresh emulator is set to; ids, secrets, addresses and who decides on consent stay.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            base: self.base.clone(),
            rotation_key: self.rotation_key.clone(),
            confidential_secret: self.confidential_secret.clone(),
            native_client: self.native_client,
            confidential_client: self.confidential_client,
            user: self.user,
            next_consent: self.next_consent,
            consent_mode: self.consent_mode,
            ..Self::fresh()
        };
    }

    pub(crate) fn clock(&self) -> clock::Setting {
        clock::Setting {
            offset: SignedDuration::from_secs(self.clock_offset_seconds),
            frozen: self.clock_frozen,
        }
    }

    pub(crate) fn set_clock(&mut self, setting: clock::Setting) {
        self.clock_offset_seconds = setting.offset.as_secs();
        self.clock_frozen = setting.frozen;
    }
}
