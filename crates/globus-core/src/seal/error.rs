//! What goes wrong with sealing and opening.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::storage::{StorageError, StorageErrorKind};

/// Something cannot be sealed or opened, or a key is no good. No text shows anything of the content or of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It was sealed with another key or in another context, or was changed since. Which of these cannot be told.
    #[error(
        "what is sealed does not open: it was sealed with another key or for another place, or it was changed; use \
         the key that it was sealed with"
    )]
    CannotUnseal,
    /// The content is not sealed at all.
    #[error("the content is not sealed")]
    NotSealed,
    /// It was sealed by a newer version.
    #[error(
        "the content is sealed in version {version} of the format, which is not known here; update this program"
    )]
    #[non_exhaustive]
    UnknownVersion {
        /// The version of its format.
        version: u8,
    },
    /// To make the key of the passphrase would cost more than is allowed, or than there is memory. Nothing was
    /// tried.
    #[error(
        "to make the key of the passphrase takes {memory_kib} KiB of memory, {passes} passes and {lanes} lanes, which \
         is not accepted"
    )]
    #[non_exhaustive]
    TooCostly {
        /// The memory in KiB.
        memory_kib: u32,
        /// How often the memory is passed over.
        passes: u32,
        /// How many lanes.
        lanes: u32,
    },
    /// The text is not a key.
    #[error("the sealing key is not 32 bytes in base64; make one with `openssl rand -base64 32`")]
    InvalidKey,
    /// The passphrase is empty; perhaps a variable is not set.
    #[error("the passphrase is empty; see that the variable or file that it is from is set")]
    EmptyPassphrase,
    /// A salt of fewer than 16 bytes.
    #[error("the salt has fewer than 16 bytes; use a longer one")]
    ShortSalt,
    /// Where each row is sealed on its own, a passphrase would have to be derived again and again.
    #[error(
        "rows cannot be sealed with a passphrase, which would be too slow; use a key, or \
         `SealingKey::from_passphrase_and_salt`"
    )]
    PassphraseForRows,
    /// A key file cannot be used.
    #[error("key file {}: {problem}", .path.display())]
    #[non_exhaustive]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: KeyFileProblem,
    },
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomNumbers,
}

/// What is wrong with a key file.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// The operating system refused.
    Io(io::Error),
    /// It is no regular file.
    NotAFile,
    /// It belongs to another user.
    #[non_exhaustive]
    ForeignOwner {
        /// The number of that user.
        owner: u32,
    },
    /// Other users may read or write it.
    #[non_exhaustive]
    OpenToOthers {
        /// The mode of the file, such as `0o644`.
        mode: u32,
    },
    /// It does not hold a key.
    NotAKey,
    /// A key file was to be made, and there is something in its place.
    AlreadyExists,
}

impl fmt::Display for KeyFileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it cannot be used: {error}"),
            Self::NotAFile => {
                f.write_str("it is not a regular file; read it yourself and hand over its text")
            }
            Self::ForeignOwner { owner } => {
                write!(f, "it belongs to the user with number {owner}; it must be yours, or root's")
            }
            Self::OpenToOthers { mode } => write!(
                f,
                "other users may read it (mode {mode:o}), so it may be known to them; make a new key, or if nobody \
                 can have read it, `chmod 600` it"
            ),
            Self::NotAKey => {
                f.write_str("it does not hold 32 bytes in base64; make one with `openssl rand -base64 32`")
            }
            Self::AlreadyExists => {
                f.write_str("it is there already, and is not overwritten; use it, or another path")
            }
        }
    }
}

impl std::error::Error for KeyFileProblem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Io(error) = self { Some(error) } else { None }
    }
}

impl From<SealError> for StorageError {
    fn from(error: SealError) -> Self {
        let kind = match &error {
            SealError::CannotUnseal => StorageErrorKind::CannotUnseal,
            SealError::NotSealed => StorageErrorKind::NotSealed,
            SealError::UnknownVersion { version } => {
                StorageErrorKind::UnknownSealVersion { version: *version }
            }
            SealError::TooCostly { .. } => StorageErrorKind::SealTooCostly,
            SealError::InvalidKey
            | SealError::EmptyPassphrase
            | SealError::ShortSalt
            | SealError::PassphraseForRows
            | SealError::KeyFile { .. } => StorageErrorKind::UnusableKey,
            SealError::NoRandomNumbers => {
                return Self::from_io(io::Error::other(error), "seal");
            }
        };
        Self::new(kind).with_source(error)
    }
}
