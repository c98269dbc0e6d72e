//! What to do about a failure: log in again, try later, or fix the configuration.
//!
//! [`NextStep::of`] looks at any error and answers with a value for programs; each says in words, with `Display`,
//! what a person should do.
//!
//! ```
//! use globus_sdk::{Error, NextStep};
//!
//! fn report(error: &Error) {
//!     match NextStep::of(error) {
//!         Some(NextStep::LogIn(login)) => {
//!             // Hand `login.parameters` to the next login; `login.reasons` says why it is needed.
//!             eprintln!("{login}");
//!         }
//!         Some(NextStep::TryLater(later)) => eprintln!("{later} ({:?})", later.after),
//!         Some(step) => eprintln!("{step}"),
//!         None => eprintln!("{error}"),
//!     }
//! }
//! ```
//!
//! # What is answered when
//!
//! | failure | step |
//! |---|---|
//! | an answer with an authorization requirement ([`Gare`](crate::Gare)), whatever its status | log in: what it requires |
//! | a refresh token or code that Globus Auth refused | log in: [`LoginReason::Ended`] |
//! | 401 to an access token | log in: [`LoginReason::TokenRefused`] |
//! | no token is stored, or its time is over | log in: [`LoginReason::NoToken`] |
//! | a validating storage found that a token does not cover what is needed | log in: [`LoginReason::NotCovered`] |
//! | a person has to log in and nobody can be asked | log in: what it is for |
//! | the login itself did not come to its end | log in: [`LoginReason::Unfinished`] |
//! | a suspended login was used already, is too old, or is not there | log in: [`LoginReason::Unfinished`] |
//! | stored tokens are another person's | log in: [`LoginReason::OtherIdentity`] |
//! | 429, 500, 502, 503, 504; no answer, a lost connection | try later |
//! | a token storage that is busy, out of reach, or changed by another process | try later |
//! | 401 to the client itself, `invalid_client`, `unauthorized_client`, `invalid_scope` | fix: client, scopes |
//! | a certificate refused, an address that cannot be asked | fix: network |
//! | a file or keyring that is denied, damaged, full, sealed with another key | fix: storage |
//! | usage and configuration errors; a suspended login of another client or with another key | fix: program |
//!
//! It is conservative: where none of the three would help, or it cannot be known, there is no next step. So a 403
//! without a requirement (the owner must grant access), a 404, a conflict, an answer that cannot be read and what a
//! collection's own file system refused have none; the error itself says what happened. A requirement that cannot be
//! fulfilled by a login, because it names scopes that cannot be read or nothing at all, does not count as one.

mod judge;
mod login_reason;
mod words;

use std::time::Duration;

pub use self::login_reason::LoginReason;
use crate::gare::GlobusAuthorizationParameters;

/// What to do about a failure. See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// A person has to log in again, and then the same call may succeed.
    LogIn(LogIn),
    /// The same call may succeed later, with nothing changed.
    TryLater(TryLater),
    /// Somebody has to change something first: the program, its registration, the machine.
    FixConfiguration(FixConfiguration),
}

/// Log in again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogIn {
    /// Why, at least one reason.
    pub reasons: Vec<LoginReason>,
    /// What that login must be asked for. Nothing special where it is empty.
    pub parameters: GlobusAuthorizationParameters,
}

/// Try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryLater {
    /// What is in the way.
    pub reason: WaitReason,
    /// When: how long the service asks to wait. `None` where it does not say.
    pub after: Option<Duration>,
}

/// What is in the way of a call that may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// Too many calls.
    RateLimited,
    /// The service failed, or cannot answer now.
    Service,
    /// The service was not reached, or its answer did not come through.
    Network,
    /// The token storage is busy, or out of reach.
    Storage,
}

/// Fix the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FixConfiguration {
    /// What is to be fixed.
    pub what: Fault,
    /// How, in words.
    pub detail: String,
}

/// What is to be fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The program, or a setting of it.
    Program,
    /// The client's id, secret or registration with Globus Auth.
    Client,
    /// The scopes that are asked for.
    Scopes,
    /// The network's setup on this machine: certificates, addresses.
    Network,
    /// Where tokens are kept.
    Storage,
    /// The account: a service account cannot do what is required.
    Account,
}

impl NextStep {
    /// The same for a program that logs in as itself, with an id and a secret: it has no session in a browser, no
    /// second factor and one identity, so that a login fulfils no requirement about them. What can be fulfilled stays.
    #[must_use]
    pub fn for_service_account(self) -> Self {
        match self {
            Self::LogIn(login) if login.reasons.iter().any(LoginReason::needs_a_person) => {
                Self::FixConfiguration(FixConfiguration {
                    what: Fault::Account,
                    detail: format!(
                        "a service account cannot fulfil what is required ({}); let a person log in, or have the \
                         owner except the account from it",
                        words::reasons(&login.reasons)
                    ),
                })
            }
            other => other,
        }
    }
}
