//! The next step in words. What services sent is shown without control characters, and not at any length.

use std::fmt;

use globus_core::Shown;

use super::{FixConfiguration, LogIn, LoginReason, NextStep, TryLater, WaitReason};

impl fmt::Display for NextStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogIn(login) => login.fmt(f),
            Self::TryLater(later) => later.fmt(f),
            Self::FixConfiguration(fix) => fix.fmt(f),
        }
    }
}

impl fmt::Display for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log in: {}", reasons(&self.reasons))?;
        match self.parameters.session_message.as_deref().filter(|message| !message.trim().is_empty()) {
            Some(message) => write!(f, " (the service says: {})", Shown::new(message, 300)),
            None => Ok(()),
        }
    }
}

/// The reasons in one line.
pub(super) fn reasons(reasons: &[LoginReason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for LoginReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consents(scopes) => write!(f, "your consent is needed to {}", List(scopes, "and")),
            Self::Identities(identities) => {
                write!(f, "use the identities {} in one session", List(identities, "and"))
            }
            Self::Domains(domains) => write!(f, "use an identity of {}", List(domains, "or")),
            Self::Policies(policies) => {
                write!(f, "the login must satisfy the policies {}", List(policies, "and"))
            }
            Self::Mfa => f.write_str("use a second factor"),
            Self::SessionAge => f.write_str("a fresh login is needed"),
            Self::Ended => f.write_str("the earlier login has ended"),
            Self::TokenRefused => f.write_str("the service does not take the token of the earlier login"),
            Self::NoToken => f.write_str("there is no valid token for this"),
            Self::NotCovered { missing } => {
                write!(f, "the earlier login does not cover what is needed: {}", Shown::new(missing, 300))
            }
            Self::Unfinished => f.write_str("the login was not finished"),
            Self::OtherIdentity { before } => {
                write!(
                    f,
                    "use the identity of the earlier login, {}, or log out first",
                    Shown::new(before, 100)
                )
            }
        }
    }
}

/// The first of some texts.
struct List<'a>(&'a [String], &'a str);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        let Self(texts, word) = self;
        for (place, text) in texts.iter().take(SHOWN).enumerate() {
            match place {
                0 => {}
                _ if place + 1 == texts.len() => write!(f, " {word} ")?,
                _ => f.write_str(", ")?,
            }
            Shown::new(text, 200).fmt(f)?;
        }
        match texts.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " {word} {more} more"),
        }
    }
}

impl fmt::Display for TryLater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            Some(after) => write!(f, "try again in {} seconds: ", after.as_secs_f64().ceil())?,
            None => f.write_str("try again later: ")?,
        }
        f.write_str(match self.reason {
            WaitReason::RateLimited => "the service is asked too often",
            WaitReason::Service => "the service cannot answer now",
            WaitReason::Network => "the service was not reached; check the network if that lasts",
            WaitReason::Storage => "the token storage is busy or out of reach; check it if that lasts",
        })
    }
}

impl fmt::Display for FixConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fix the configuration: {}", self.detail)
    }
}
