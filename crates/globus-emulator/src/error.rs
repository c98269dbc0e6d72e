//! Errors of starting an emulator and of logging in to it.

use std::path::PathBuf;

use crate::registration::RegistrationError;
pub use crate::store::StoreError;

/// The emulator could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port could not be opened. Choose another, or none, to get a free one.
    #[error("the emulator could not listen on 127.0.0.1:{port}; choose another port or none")]
    Listen {
        /// The port that was asked for; 0 for any.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The directory of a collection does not exist, is no directory, or has a path that is not UTF-8. Make it
    /// first, or give another.
    #[error(
        "the directory {directory:?} of the collection {name:?} cannot be used; make it first, or give another"
    )]
    Collection {
        /// The name of the collection.
        name: String,
        /// Its directory.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Two collections have the same name. Give each a name of its own.
    #[error("two collections are called {name:?}; give each a name of its own")]
    SameName {
        /// The name.
        name: String,
    },
    /// A project cannot be made as it was given.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The rules of a collection are not possible for its kind.
    #[error("the rules of the collection {name:?} are not possible")]
    Rules {
        /// The name of the collection.
        name: String,
        /// What is wrong with them.
        #[source]
        source: RulesError,
    },
    /// The data directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no tokio runtime here. Start the emulator inside one.
    #[error("the emulator must be started inside a tokio runtime")]
    NoRuntime,
}

/// A collection cannot get these rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// Only mapped collections that are not high-assurance can ask for consent to `data_access`.
    #[error("only mapped collections that are not high-assurance can ask for consent to data_access")]
    NoDataAccess,
    /// There is no collection with this id.
    #[error("there is no such collection; check its id")]
    NoCollection,
}

/// A login through the scripted human did not end with a code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Consent was refused, or the request was wrong: the client was told by redirect.
    #[error("the login ended with {error}: {description}")]
    Refused {
        /// The OAuth2 word, such as `access_denied`.
        error: String,
        /// The service's description.
        description: String,
        /// The state that came back.
        state: Option<String>,
    },
    /// The person saw a page and was not redirected: client or redirect URI are wrong, or nobody fits what
    /// the session asks for.
    #[error("the login ended on a page with status {status}: {text}")]
    Page {
        /// The HTTP status.
        status: u16,
        /// What the page says, without its markup.
        text: String,
    },
    /// The address is not one of this emulator. Point the client at the emulator.
    #[error("the authorize address is not one of this emulator; give its variables to the client")]
    Elsewhere,
    /// The emulator could not be reached; it may have been stopped.
    #[error("the emulator did not answer; it may have been stopped")]
    Unreachable,
}
