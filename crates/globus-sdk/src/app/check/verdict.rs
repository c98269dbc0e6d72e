//! What a check answers.

use std::fmt;

use globus_core::{Shown, Timestamp};
use serde::Serialize;

use crate::gare::GlobusAuthorizationParameters;

/// Whether an app's credentials do what was asked, for as long as was asked. From
/// [`GlobusApp::check`](crate::GlobusApp::check). It holds no secret.
///
/// `Display` says it in words; serialized, it is a document for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The answer in one word.
    pub answer: Answer,
    /// When this was found out, by the clock of the services.
    pub checked_at: Timestamp,
    /// Until when the credentials were to hold.
    pub asked_until: Timestamp,
    /// What lapses before that, the first thing first. Empty unless the answer is [`Answer::No`].
    pub lapses: Vec<Lapse>,
    /// What could not be found out.
    pub unknown: Vec<Unknown>,
}

/// The answer of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// They hold, unless somebody withdraws a consent, revokes a token or changes a policy meanwhile.
    Yes,
    /// They do not: see [`Verdict::first_lapse`].
    No,
    /// Nothing was found that lapses, but not everything could be found out: see [`Verdict::unknown`].
    Unknown,
}

/// Something that is over too early, or missing from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lapse {
    /// What it is.
    pub reason: LapseReason,
    /// What it concerns: a resource server, or the id of a collection.
    pub concerns: String,
    /// From when on. A time that is not after [`Verdict::checked_at`] means: already now.
    pub at: Timestamp,
    /// What helps, in words.
    pub next_step: String,
    /// What the login that helps must be asked for, for [`Login::parameters`](crate::app::Login::parameters). `None` where a
    /// login does not help.
    pub login: Option<GlobusAuthorizationParameters>,
}

/// What lapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LapseReason {
    /// Nobody has logged in for this.
    NoToken,
    /// The stored record cannot be used.
    DamagedToken,
    /// Tokens of several identities are stored, and the app refuses all of them.
    SeveralIdentities,
    /// The login was without scopes that are needed.
    MissingScopes,
    /// The access token ends, and nothing renews it.
    AccessTokenEnds,
    /// There is no refresh token, although the app uses them.
    NoRefreshToken,
    /// Globus Auth no longer takes the refresh token.
    RefreshTokenDead,
    /// The service does not take the access token.
    TokenRefused,
    /// A consent is missing.
    ConsentMissing,
    /// The person's last sign-in gets too old for a collection.
    SessionTooOld,
    /// The login does not meet a collection's policy.
    PolicyNotMet,
    /// The collection asks for a second factor, which the login was without.
    SecondFactorMissing,
    /// Globus Auth does not take the client's id and secret, or not with these scopes.
    ClientRefused,
}

/// Something that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unknown {
    /// What, in words.
    pub what: String,
    /// Why not.
    pub why: String,
}

impl Verdict {
    pub(super) fn new(
        checked_at: Timestamp,
        asked_until: Timestamp,
        mut lapses: Vec<Lapse>,
        unknown: Vec<Unknown>,
    ) -> Self {
        // What was over long ago is over as much as what is missing: then the order of looking counts.
        lapses.sort_by_key(|lapse| lapse.at.max(checked_at));
        let answer = match (lapses.is_empty(), unknown.is_empty()) {
            (false, _) => Answer::No,
            (true, false) => Answer::Unknown,
            (true, true) => Answer::Yes,
        };
        Self { answer, checked_at, asked_until, lapses, unknown }
    }

    /// Whether the credentials hold, with nothing left open.
    pub fn is_positive(&self) -> bool {
        self.answer == Answer::Yes
    }

    /// The first thing that lapses.
    pub fn first_lapse(&self) -> Option<&Lapse> {
        self.lapses.first()
    }
}

impl LapseReason {
    fn words(self) -> &'static str {
        match self {
            Self::NoToken => "nobody has logged in",
            Self::DamagedToken => "the stored token cannot be used",
            Self::SeveralIdentities => "tokens of several identities are stored",
            Self::MissingScopes => "the login was without scopes that are needed",
            Self::AccessTokenEnds => "the access token ends, and nothing renews it",
            Self::NoRefreshToken => "there is no refresh token",
            Self::RefreshTokenDead => "the login can no longer be renewed",
            Self::TokenRefused => "the service does not take the access token",
            Self::ConsentMissing => "a consent is missing",
            Self::SessionTooOld => "the last sign-in is too old then",
            Self::PolicyNotMet => "the login does not meet the policy",
            Self::SecondFactorMissing => "the sign-in was without a second factor",
            Self::ClientRefused => "the client is not accepted",
        }
    }
}

impl fmt::Display for LapseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}); {}",
            self.reason,
            Shown::new(&self.concerns, 200),
            Shown::new(&self.next_step, 600)
        )
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Shown::new(&self.what, 200), Shown::new(&self.why, 400))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.answer, self.first_lapse()) {
            (Answer::No, Some(lapse)) if lapse.at <= self.checked_at => {
                write!(f, "no, already now: {lapse}")?;
            }
            (Answer::No, Some(lapse)) => write!(f, "no, only until {}: {lapse}", lapse.at)?,
            (Answer::Yes, _) => write!(f, "yes, until {} at least", self.asked_until)?,
            _ => write!(f, "not known for sure until {}", self.asked_until)?,
        }
        for unknown in &self.unknown {
            write!(f, "\nnot found out: {unknown}")?;
        }
        Ok(())
    }
}
