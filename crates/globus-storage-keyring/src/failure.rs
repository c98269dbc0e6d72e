//! What a refusal of the keyring means for the one who wants tokens from it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use globus_core::config::ConfigError;
use globus_core::storage::{StorageError, StorageErrorKind};

use crate::system;

/// What to do, and what the keyring itself said, where that can show nothing that is stored.
///
/// The errors of the keyring's own library are never kept: some carry the bytes of the secret.
#[derive(Debug)]
struct Refusal {
    advice: &'static str,
    detail: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.advice)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl Error for Refusal {}

fn refusal(kind: StorageErrorKind, detail: &str) -> StorageError {
    let advice = match kind {
        StorageErrorKind::KeyringLocked => system::UNLOCK,
        StorageErrorKind::Denied => system::ALLOW,
        _ => system::START,
    };
    // From outside, so it may be of any length and hold anything.
    let detail = detail.chars().filter(|c| !c.is_control()).take(300).collect();
    StorageError::new(kind).with_source(Refusal { advice, detail })
}

/// The keyring did not answer in time, most often because it waits for somebody to unlock it.
pub(crate) fn no_answer(limit: Duration) -> StorageError {
    let detail = format!("there was no answer for {:.1} s", limit.as_secs_f64());
    refusal(StorageErrorKind::KeyringLocked, &detail)
}

/// So many calls have not come back that no further ones are made.
pub(crate) fn too_many_without_answer(count: usize) -> StorageError {
    let detail = format!("{count} calls are still without an answer");
    refusal(StorageErrorKind::KeyringLocked, &detail)
}

/// The library of the keyring gave up in the middle of a call.
pub(crate) fn broken_off() -> StorageError {
    refusal(StorageErrorKind::Unavailable, "the library that talks to it failed")
}

/// The index is the file of something else, or damaged.
pub(crate) fn no_index() -> StorageError {
    let advice = "it is no index of entries in the keyring: name another file with \
        `KeyringTokenStorage::index_file`; or, if it was one and is damaged, move it away and log in again";
    index_refused(StorageError::new(StorageErrorKind::ForeignFile), advice, "")
}

/// The index is another application's.
pub(crate) fn index_of_another() -> StorageError {
    let advice = "it is the index of another application: name another file with \
        `KeyringTokenStorage::index_file`, or say the same name";
    index_refused(StorageError::new(StorageErrorKind::ForeignFile), advice, "")
}

/// The index is one that a newer version of this crate has written.
pub(crate) fn newer_index(format: &str) -> StorageError {
    let advice = "the index of entries in the keyring is of a format that is not known here: update this program, or \
        name another file with `KeyringTokenStorage::index_file` and log in again";
    // Anything may stand there.
    let is_number = format.len() <= 16 && format.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let format = if is_number { format } else { "no number" };
    index_refused(StorageError::unsupported_schema(format), advice, "")
}

/// The usual place of the index is not known.
pub(crate) fn no_place_for_the_index(error: &ConfigError) -> StorageError {
    let advice = "the usual place for the index of entries in the keyring is not known: name a file with \
        `KeyringTokenStorage::index_file`";
    index_refused(StorageError::new(StorageErrorKind::NotFound), advice, &error.to_string())
}

fn index_refused(error: StorageError, advice: &'static str, detail: &str) -> StorageError {
    error.with_source(Refusal { advice, detail: detail.to_owned() })
}

/// The error for what the keyring's library says. `size` is that of the value that was to be kept, if any.
pub(crate) fn refused(error: keyring_core::Error, size: usize) -> StorageError {
    use keyring_core::Error as Keyring;
    match error {
        Keyring::PlatformFailure(cause) => refusal(system::kind_of(&*cause, false), &cause.to_string()),
        Keyring::NoStorageAccess(cause) => refusal(system::kind_of(&*cause, true), &cause.to_string()),
        Keyring::TooLong(_, limit) => {
            StorageError::too_large(size, usize::try_from(limit).unwrap_or(usize::MAX))
        }
        Keyring::Invalid(..) => StorageError::unsupported("entry of such a name in the keyring"),
        Keyring::NotSupportedByStore(_) => StorageError::unsupported("such call in the keyring"),
        Keyring::Ambiguous(_) => refusal(StorageErrorKind::Unavailable, "several entries have the same name"),
        _ => refusal(StorageErrorKind::Unavailable, "its answer makes no sense"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: &StorageError) -> String {
        format!("{error} {error:?} {:?}", error.source().map(ToString::to_string))
    }

    #[test]
    fn bytes_of_a_secret_are_not_kept() {
        for error in [
            keyring_core::Error::BadEncoding(b"AgSecret".to_vec()),
            keyring_core::Error::BadDataFormat(b"AgSecret".to_vec(), "AgSecret".into()),
            keyring_core::Error::BadStoreFormat("AgSecret".to_owned()),
            keyring_core::Error::Invalid("AgSecret".to_owned(), "AgSecret".to_owned()),
            keyring_core::Error::TooLong("AgSecret".to_owned(), 7),
        ] {
            let error = refused(error, 9);
            let bytes = format!("{:?}", b"AgSecret");
            assert!(!shown(&error).contains("AgSecret") && !shown(&error).contains(&bytes), "{error:?}");
        }
    }

    #[test]
    fn each_kind_says_what_to_do() {
        let locked = no_answer(Duration::from_secs(5));
        assert_eq!(*locked.kind(), StorageErrorKind::KeyringLocked);
        assert!(shown(&locked).contains("or_file") && shown(&locked).contains("5.0 s"), "{}", shown(&locked));
        let gone = refused(keyring_core::Error::PlatformFailure("\u{1b}[2Jgone".into()), 0);
        assert_eq!(*gone.kind(), StorageErrorKind::Unavailable);
        assert!(shown(&gone).contains("or_file") && !shown(&gone).contains('\u{1b}'), "{}", shown(&gone));
        let large = refused(keyring_core::Error::TooLong("secret".to_owned(), 2560), 3000);
        assert!(large.to_string().contains("3000") && large.to_string().contains("2560"), "{large}");
    }
}
