use globus_core::Error;

use crate::auth::id_token::IdTokenError;
use crate::gare::GlobusAuthorizationParameters;

/// A login that did not end with tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The redirect carries another `state` than this login's: it belongs to another login, or somebody is
    /// trying to slip in a login of theirs (RFC 6749, section 10.12). Nothing was sent. Wait for the right
    /// redirect, or start again.
    #[error("the redirect does not belong to this login: its state is another one; log in again")]
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
    #[error("the id token of the login was refused")]
    IdToken(#[from] IdTokenError),
    /// The login could not be started: what is asked for, or the client, is not usable. Correct the program.
    #[error("the login could not be started")]
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
}
