//! What can be wrong with a storage, and in words.

use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::storage::Namespace;
use crate::token::ResourceServer;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// There is no such file, or its directory does not exist. Log in first, or create the directory.
    NotFound,
    /// The operating system refused for another reason.
    #[non_exhaustive]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it was refused.
        reason: io::ErrorKind,
    },
    /// The content is not JSON.
    #[non_exhaustive]
    NotJson {
        /// The line at which it stops being JSON, from 1.
        line: usize,
        /// The column there.
        column: usize,
    },
    /// The content is JSON, but no object.
    NotAnObject,
    /// The content is of a format that this storage does not read.
    #[non_exhaustive]
    UnknownFormat {
        /// The format that the content names, where it names one.
        found: Option<String>,
    },
    /// A member that the format requires is missing.
    #[non_exhaustive]
    MissingField {
        /// The member.
        field: String,
    },
    /// A member is of the wrong type.
    #[non_exhaustive]
    InvalidField {
        /// The member.
        field: String,
    },
    /// The record of one token is damaged.
    #[non_exhaustive]
    InvalidRecord {
        /// The namespace of the record, where the storage has namespaces.
        namespace: Option<Namespace>,
        /// The name that the record is stored by, where it is known.
        resource_server: Option<ResourceServer>,
        /// The member at fault; `None` where the record as a whole is no JSON object.
        field: Option<String>,
    },
    /// The file holds something else, which would be lost.
    ForeignFile,
    /// The file holds the token of another resource server.
    #[non_exhaustive]
    ResourceServerMismatch {
        /// The one that was asked for.
        expected: ResourceServer,
        /// The one that is there.
        found: ResourceServer,
    },
    /// The file is of an older format, which storing would replace for good.
    #[non_exhaustive]
    NeedsUpgrade {
        /// The format of the file.
        found: &'static str,
    },
    /// Another process holds the lock and did not let go in time.
    #[non_exhaustive]
    Locked {
        /// Who holds it, where that is known.
        holder: Option<String>,
        /// How long was waited.
        waited: Duration,
    },
    /// This program stood still in the middle of a write for longer than its lock lasts, and another one may have
    /// written meanwhile. Nothing was written; try again.
    LockLost,
    /// The operating system denies access, or the file belongs to somebody else.
    Permissions,
    /// The path is a symbolic link.
    Symlink,
    /// The token response has no such token.
    NoSuchToken,
    /// The disk or a quota is full.
    NoSpace,
    /// The storage does not offer this.
    #[non_exhaustive]
    Unsupported {
        /// What it does not offer.
        what: &'static str,
    },
    /// The schema of the database is newer than this version knows.
    #[non_exhaustive]
    UnsupportedSchema {
        /// The version of the schema.
        found: String,
    },
    /// The database refused.
    Database,
    /// The service that keeps the tokens (a database server, the keyring) cannot be reached or does not
    /// answer.
    Unavailable,
    /// The record is not the one that the refresh was of: somebody else has stored another one meanwhile, or
    /// removed it. Read it again.
    Conflict,
    /// The keyring is there but locked, or it does not answer in time, as when a prompt waits to be seen.
    KeyringLocked,
    /// The keyring or the server denies this program access.
    Denied,
    /// The record, or the whole file with it, is larger than the storage takes.
    #[non_exhaustive]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// What the storage takes, in bytes.
        limit: usize,
    },
    /// What is stored is sealed, and the key does not open it: it is another key's, or it was changed. Use the key that
    /// it was sealed with. Where that is lost, nothing opens it any more: move it away and log in again.
    CannotUnseal,
    /// What is stored is sealed in a newer version of the format. Update this program.
    #[non_exhaustive]
    UnknownSealVersion {
        /// The version of its format.
        version: u8,
    },
    /// To make the key of the passphrase takes more memory or time than is accepted, or than there is.
    SealTooCostly,
    /// The key to seal with is no good; the [source](std::error::Error::source) says why.
    UnusableKey,
    /// The record of one token does not open: it was sealed with another key or in another place, was changed, or is
    /// not sealed.
    #[non_exhaustive]
    CannotUnsealRecord {
        /// The namespace of the record.
        namespace: Namespace,
        /// The name that the record is stored by.
        resource_server: ResourceServer,
    },
    /// What is stored is not sealed, where it should be.
    NotSealed,
    /// The file or its directory belongs to another user, who is not root.
    #[non_exhaustive]
    ForeignOwner {
        /// The number of that user.
        owner: u32,
    },
    /// Everybody may write to the directory of the file, and so exchange the file of tokens.
    #[non_exhaustive]
    UnsafeDirectory {
        /// The mode of the directory, such as `0o777`.
        mode: u32,
    },
    /// The file can be read, so there is nothing to restore or to set aside.
    NotDamaged,
    /// There is no last good copy that could be restored.
    NoLastGoodCopy,
    /// A database was left in the middle of a write, and only its own program may finish that.
    NeedsRecovery,
    /// A validating storage: there is no token for this resource server, or none that can be refreshed. Log in.
    #[non_exhaustive]
    MissingToken {
        /// The one without a token.
        resource_server: ResourceServer,
    },
    /// A validating storage: the token's time is over.
    #[non_exhaustive]
    ExpiredToken {
        /// Whose token it is.
        resource_server: ResourceServer,
        /// When its time was over.
        expired_at: Timestamp,
    },
    /// A validating storage: the token does not cover what is asked of it. Log in for these scopes.
    #[non_exhaustive]
    UnmetScopeRequirements {
        /// Whose token it is.
        resource_server: ResourceServer,
        /// What is missing, in words.
        missing: String,
    },
    /// A validating storage: the tokens to be stored do not say whose they are.
    MissingIdentity,
    /// A validating storage: the tokens to be stored are another person's than the stored ones.
    #[non_exhaustive]
    IdentityMismatch {
        /// The identity that has logged in before.
        stored: String,
        /// The identity that has logged in now.
        new: String,
    },
    /// A validating storage: the tokens are those of several identities, where they must be of one.
    SeveralIdentities,
    /// A [validator](crate::storage::TokenValidator) of the program's own refuses the tokens.
    #[non_exhaustive]
    Refused {
        /// Why, in its own words.
        reason: String,
    },
}

impl fmt::Display for StorageErrorKind {
    #[expect(clippy::too_many_lines, reason = "a line for each kind")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(problem) = self.damage() {
            return write!(f, "{problem}; move it away and log in again, or restore a backup");
        }
        match self {
            Self::NotJson { .. } | Self::NotAnObject | Self::MissingField { .. } | Self::InvalidField { .. } => Ok(()),
            Self::NotFound => {
                f.write_str("there is no such file or directory; log in first, or make the directory")
            }
            Self::Io { action, reason } => {
                write!(f, "cannot {action} it ({reason}); see to the path and try again")
            }
            Self::UnknownFormat { found: Some(found) } => write!(
                f,
                "the content is of format {found:?}, which is not known here; use another path, or the \
                 program that wrote it"
            ),
            Self::UnknownFormat { found: None } => {
                f.write_str("the content names no format that is known here; use another path")
            }
            Self::InvalidRecord { namespace, resource_server, field } => {
                f.write_str("the record")?;
                if let Some(name) = resource_server {
                    write!(f, " of {name:?}")?;
                }
                if let Some(name) = namespace {
                    write!(f, " in namespace {name:?}")?;
                }
                match field {
                    Some(field) => {
                        write!(f, " is damaged: `{}` is missing or of the wrong type", field.escape_debug())?;
                    }
                    None => f.write_str(" is damaged: it is no JSON object")?,
                }
                f.write_str("; log in again to replace it")
            }
            Self::ForeignFile => f.write_str(
                "the file holds something else, which would be lost; use another path, or allow to \
                 overwrite it",
            ),
            Self::ResourceServerMismatch { expected, found } => write!(
                f,
                "the file holds the token of {found:?}, not of {expected:?}; use another path for each \
                 resource server"
            ),
            Self::NeedsUpgrade { found } => write!(
                f,
                "the file is of the older format {found}; allow the upgrade, after which older programs \
                 cannot read it, or use another path"
            ),
            Self::Locked { holder, waited } => {
                write!(f, "it is still locked after {:.1} s", waited.as_secs_f64())?;
                if let Some(holder) = holder {
                    write!(f, " by {holder}")?;
                }
                f.write_str("; try again when that program is done")
            }
            Self::LockLost => f.write_str(
                "the write took longer than its lock lasts, and another program may have written meanwhile; \
                 nothing was written, try again, or let leases last longer (`lease_time`)",
            ),
            Self::Permissions => f.write_str(
                "access is denied; the file must belong to the user who runs this and be writable",
            ),
            Self::Symlink => f.write_str("it is a symbolic link; name the target, or allow to follow links"),
            Self::NoSuchToken => {
                f.write_str("the token response has no such token; ask for its scopes in the login")
            }
            Self::NoSpace => f.write_str(
                "there is no space left on the disk or in a quota; the old content is untouched, \
                     free some",
            ),
            Self::Unsupported { what } => write!(f, "this storage has no {what}; use another storage"),
            Self::UnsupportedSchema { found } => {
                write!(
                    f,
                    "the database has schema version {found:?}, which is newer than this version; \
                     update it"
                )
            }
            Self::Database => f.write_str("the database refused; see its own error below"),
            Self::Unavailable => f.write_str(
                "the service that keeps the tokens is not available; see that it runs and try again",
            ),
            Self::Conflict => {
                f.write_str("another program has stored or removed the record meanwhile; read it again")
            }
            Self::KeyringLocked => f.write_str(
                "the keyring is locked or waits for a prompt to be answered; unlock it and try again, or keep \
                 tokens in a file",
            ),
            Self::Denied => f.write_str("access is denied; allow this program to use the storage"),
            Self::TooLarge { size, limit } => write!(
                f,
                "{size} bytes are more than the {limit} bytes that are taken; remove what is not needed, or use another storage"
            ),
            Self::CannotUnseal => f.write_str(
                "what is stored does not open with this key, or was changed; use the key that it was sealed with, \
                 or restore a backup, or if that key is lost, move it away and log in again",
            ),
            Self::UnknownSealVersion { version } => write!(
                f,
                "what is stored is sealed in version {version} of the format, which is not known here; update \
                 this program"
            ),
            Self::SealTooCostly => f.write_str(
                "to make the key of the passphrase takes more memory or time than is accepted, or than there is; \
                 allow this program more memory, or if what is stored was changed, restore a backup, or move it \
                 away and log in again",
            ),
            Self::UnusableKey => f.write_str("the key to seal with cannot be used; see its own error below"),
            Self::CannotUnsealRecord { namespace, resource_server } => write!(
                f,
                "the record of {resource_server:?} in namespace {namespace:?} does not open with this key; use the \
                 key that it was sealed with, or log in again to replace it"
            ),
            Self::NotSealed => f.write_str(
                "what is stored is not sealed, so that others may know it or may have put it there; allow to seal \
                 what exists, or log in again in another place",
            ),
            Self::ForeignOwner { owner } => write!(
                f,
                "it belongs to the user with number {owner}, who could exchange the tokens; use a path of your \
                 own, or change the owner"
            ),
            Self::UnsafeDirectory { mode } => write!(
                f,
                "everybody may write to this directory (mode {mode:o}) and exchange the file of tokens; take that \
                 right away with `chmod o-w`, or use another directory"
            ),
            Self::NotDamaged => f.write_str(
                "the file can be read; there is nothing to restore or to set aside",
            ),
            Self::NoLastGoodCopy => f.write_str(
                "there is no last good copy to go back to; set the file aside (`set_aside`) and log in again, or \
                 restore a backup",
            ),
            Self::NeedsRecovery => f.write_str(
                "the database was left in the middle of a write, which only the program that it belongs to may \
                 finish; run that program once and try again",
            ),
            Self::MissingToken { resource_server } => {
                write!(f, "there is no usable token for {resource_server:?}; log in")
            }
            Self::ExpiredToken { resource_server, expired_at } => {
                write!(f, "the token for {resource_server:?} has expired at {expired_at}; log in again")
            }
            Self::UnmetScopeRequirements { resource_server, missing } => write!(
                f,
                "the login for {resource_server:?} does not cover what is needed: {}; log in again",
                missing.escape_debug()
            ),
            Self::MissingIdentity => f.write_str(
                "the tokens do not say whose they are; ask for the scope `openid` in the login, and have the \
                 id token decoded before storing",
            ),
            Self::IdentityMismatch { stored, new } => write!(
                f,
                "the tokens are those of identity {new:?}, but {stored:?} has logged in before; log in as that \
                 one, or log out first"
            ),
            Self::SeveralIdentities => f.write_str(
                "the tokens belong to several identities; log out of the storage and log in as one",
            ),
            Self::Refused { reason } => {
                write!(f, "the tokens are refused: {}", reason.escape_debug())
            }
        }
    }
}

impl StorageErrorKind {
    /// What is wrong with a damaged file, without what to do.
    pub(super) fn damage(&self) -> Option<String> {
        Some(match self {
            Self::NotJson { line, column } => {
                format!("the content is not JSON (line {line}, column {column})")
            }
            Self::NotAnObject => "the content is JSON but no object".to_owned(),
            Self::MissingField { field } => format!("the member `{}` is missing", field.escape_debug()),
            Self::InvalidField { field } => {
                format!("the member `{}` is of the wrong type", field.escape_debug())
            }
            _ => return None,
        })
    }
}
