use std::time::Duration;

use globus_core::Error;

#[cfg(feature = "seal")]
use super::suspended_error::SuspendedLoginError;
use super::unsuitable::Unsuitable;
use crate::auth::id_token::IdTokenError;
use crate::gare::GlobusAuthorizationParameters;

/// A login that did not end with tokens.
///
/// | what a program can do | when |
/// |---|---|
/// | ask in another way | [`Unsuitable`](Self::Unsuitable) |
/// | let a person log in at a terminal, or finish the login elsewhere | [`PersonNeeded`](Self::PersonNeeded) |
/// | offer to log in again | [`TimedOut`](Self::TimedOut), [`Refused`](Self::Refused), [`Exchange`](Self::Exchange), [`Cancelled`](Self::Cancelled), [`InputEnded`](Self::InputEnded) |
/// | wait on, with the same login | [`StateMismatch`](Self::StateMismatch), [`NoCode`](Self::NoCode), [`NotAnAddress`](Self::NotAnAddress) |
/// | be corrected | [`Start`](Self::Start) |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The redirect carries another `state` than this login's: it belongs to another login, or somebody is
    /// trying to slip in a login of theirs (RFC 6749, section 10.12). Nothing was sent. Wait for the right
    /// redirect, or start again.
    #[error(
        "the redirect does not belong to this login: its state is another one, so the code in it was not used; bring the address of this login, or log in again"
    )]
    StateMismatch,
    /// The person, or Globus Auth, refused. `error` is the code of RFC 6749, section 4.1.2.1.
    #[error("the login was refused ({error}){}; log in again, or ask for other scopes", .description.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The code, such as `access_denied`.
        error: String,
        /// What Globus Auth says about it.
        description: Option<String>,
    },
    /// The redirect carries neither a code nor an error.
    #[error("the redirect carries no code; copy the whole address that the browser was sent to")]
    NoCode,
    /// The address of the redirect cannot be read.
    #[error("the redirect is not an address; copy the whole address that the browser was sent to")]
    NotAnAddress,
    /// The code could not be exchanged. A code is good once and for ten minutes: start the login again.
    #[error("the code could not be exchanged for tokens; log in again")]
    Exchange(#[source] Error),
    /// The statement of who logged in is not to be believed.
    #[error("the id token of the login was refused; log in again")]
    IdToken(#[from] IdTokenError),
    /// The login could not be started: what is asked for, or the client, is not usable. Correct the program.
    #[error("the login could not be started; correct what it asks for")]
    Start(#[source] Error),
    /// A person has to log in, and there is none who could be asked: no terminal, or the program may not prompt.
    #[error(
        "a person has to log in: {reason}; log in with this program at a terminal first, or start the login here and finish it elsewhere"
    )]
    #[non_exhaustive]
    PersonNeeded {
        /// Why nobody is asked.
        reason: &'static str,
        /// What the login is for.
        parameters: Box<GlobusAuthorizationParameters>,
    },
    /// The person went away: the input ended, or the program's own way of asking failed.
    #[error("the login was not finished; log in again")]
    Ui(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No browser of this machine can be used. Ask in another way, such as [`PasteLogin`](crate::login::PasteLogin);
    /// [`AutomaticLogin`](crate::login::AutomaticLogin) does so by itself.
    #[error("no browser can be used for the login; log in by pasting a code")]
    Unsuitable(#[source] Unsuitable),
    /// The browser did not come back in time.
    #[error("the browser did not come back within {} seconds; log in again", .after.as_secs())]
    #[non_exhaustive]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The person has pressed Ctrl-C.
    #[error("the login was cancelled; log in again to go on")]
    Cancelled,
    /// The input ended before there was a code.
    #[error("the input ended before the code; log in again at a terminal")]
    InputEnded,
    /// A login that was begun elsewhere cannot be finished here.
    #[cfg(feature = "seal")]
    #[error(transparent)]
    Suspended(#[from] SuspendedLoginError),
}

impl LoginError {
    pub(crate) fn person_needed(reason: &'static str, parameters: &GlobusAuthorizationParameters) -> Self {
        Self::PersonNeeded { reason, parameters: Box::new(parameters.clone()) }
    }

    /// Whether a person has to log in, and nobody could be asked.
    pub fn is_person_needed(&self) -> bool {
        matches!(self, Self::PersonNeeded { .. })
    }

    /// Why no browser of this machine can be used, if that is what went wrong.
    pub fn unsuitable(&self) -> Option<&Unsuitable> {
        if let Self::Unsuitable(why) = self { Some(why) } else { None }
    }

    /// Whether nobody came back in time.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// Whether the person wants no login: Ctrl-C, or a refusal on the page.
    pub fn is_declined(&self) -> bool {
        match self {
            Self::Cancelled => true,
            Self::Refused { error, .. } => error == "access_denied",
            _ => false,
        }
    }

    /// Whether the same login can still be finished: what was brought was not its code, and nothing was sent.
    pub fn can_still_be_finished(&self) -> bool {
        matches!(self, Self::StateMismatch | Self::NoCode | Self::NotAnAddress)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn no_cause_is_told_twice() {
        for error in [
            LoginError::Unsuitable(Unsuitable::RemoteSession),
            LoginError::Exchange(Error::usage("a reason")),
            LoginError::Start(Error::usage("a reason")),
            LoginError::Ui("a reason".into()),
            LoginError::IdToken(IdTokenError::Signature),
        ] {
            assert!(!error.to_string().contains(&error.source().unwrap().to_string()), "{error:?}");
        }
    }
}
