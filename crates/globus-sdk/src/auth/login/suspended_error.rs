use std::path::PathBuf;

use globus_core::seal::SealError;
use globus_core::{StorageError, Timestamp};

/// Why a login that was begun elsewhere cannot be finished here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuspendedLoginError {
    /// It was finished before, or is being finished by another process. A login is good once.
    #[error("this login was finished already; start a new one")]
    AlreadyUsed,
    /// Its time is over.
    #[error("the time of this login ended at {expired_at}; start a new one and finish it sooner")]
    #[non_exhaustive]
    TooLate {
        /// When its time ended.
        expired_at: Timestamp,
    },
    /// It was begun for another client.
    #[error(
        "this login was begun for the client {begun_for}, not for {client_id}; finish it with that client, or start a \
         new one with this one"
    )]
    #[non_exhaustive]
    OtherClient {
        /// The id of the client that it was begun for.
        begun_for: String,
        /// The id of the client that was to finish it.
        client_id: String,
    },
    /// It was begun in another environment: with a Globus Auth at another address.
    #[error(
        "this login was begun at {begun_at}, not at {base_url}; finish it in that environment, or start a new one in \
         this one"
    )]
    #[non_exhaustive]
    OtherEnvironment {
        /// The address of the Globus Auth where it was begun.
        begun_at: String,
        /// The address of the client that was to finish it.
        base_url: String,
    },
    /// The key is another one, or what stands in it was changed. Which of these cannot be told.
    #[error(
        "the login does not open: its key is another one, or it was changed; use the key that it was suspended with, \
         or start a new one"
    )]
    WrongKey,
    /// This is no suspended login.
    #[error("this is no suspended login; give what the start of the login has written")]
    NotALogin,
    /// It was suspended by a newer version.
    #[error("this login is of a format that is not known here; update this program, or start a new login")]
    UnknownFormat,
    /// The key cannot be used.
    #[error("the login cannot be sealed or opened with this key; use another")]
    Key(#[source] SealError),
    /// There is no such file, and none was used.
    #[error("there is no login in {}; start one, or give the right path", .path.display())]
    #[non_exhaustive]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// There is something at the path already, which is not overwritten.
    #[error("{} is there already; finish that login, or remove it, or give another path", .path.display())]
    #[non_exhaustive]
    AlreadyExists {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be used: it is not safe, or the operating system refused.
    #[error("the file of the login cannot be used; use another path, or start a new login")]
    File(#[source] StorageError),
}
