//! What the server and the driver refuse, as errors of storages.
//!
//! The driver's own errors are not kept: a server quotes the arguments of a command that it does not know, and
//! these are tokens.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use globus_core::storage::{StorageError, StorageErrorKind};
use redis::{ErrorKind, RedisError};

/// Whether the same command may get an answer a little later: the connection broke, or the server is not ready.
pub(crate) fn may_pass(error: &RedisError) -> bool {
    let is_forbidden = io_kind(error) == Some(io::ErrorKind::PermissionDenied);
    error.is_io_error() && !is_forbidden
        || matches!(error.code(), Some("LOADING" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN"))
}

pub(crate) fn storage_error(error: &RedisError) -> StorageError {
    let (kind, cause) = if error.is_io_error() {
        broken_connection(error)
    } else if let Some(code) = error.code() {
        let code = meant(code, error.detail().unwrap_or_default());
        (kind_of(code), Cause::Server { code: shown(code), advice: advice(code) })
    } else if error.kind() == ErrorKind::AuthenticationFailed {
        (StorageErrorKind::Denied, Cause::Login)
    } else {
        (StorageErrorKind::Database, Cause::Driver(error.kind()))
    };
    StorageError::new(kind).with_source(cause)
}

/// Whether a change that got this error instead of its answer may have been done all the same. It was not where the
/// server has refused it, or there was no connection to send it on.
pub(crate) fn may_have_been_done(error: &RedisError) -> bool {
    let is_unsent = error.is_connection_refusal()
        || io_kind(error) == Some(io::ErrorKind::PermissionDenied)
        || error.kind() == ErrorKind::AuthenticationFailed;
    error.code().is_none() && !is_unsent
}

/// The error where another program has stored since a change whose answer was lost.
pub(crate) fn overtaken() -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable).with_source(Cause::Overtaken)
}

/// The error where nobody knows what became of a change, because of this one.
pub(crate) fn in_doubt(error: StorageError) -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable).with_source(Cause::InDoubt(error))
}

fn broken_connection(error: &RedisError) -> (StorageErrorKind, Cause) {
    match io_kind(error) {
        Some(reason @ io::ErrorKind::PermissionDenied) => {
            (StorageErrorKind::Denied, Cause::Connection(reason))
        }
        Some(reason) => (StorageErrorKind::Unavailable, Cause::Connection(reason)),
        None => (StorageErrorKind::Unavailable, Cause::Connection(io::ErrorKind::Other)),
    }
}

fn io_kind(error: &RedisError) -> Option<io::ErrorKind> {
    let source = error.source()?;
    let inner = source.downcast_ref::<Arc<dyn Error + Send + Sync>>().map_or(source, |inner| &**inner);
    inner.downcast_ref::<io::Error>().map(io::Error::kind)
}

/// The code that counts. What a script was refused for stands, with older servers, in the text of another error.
fn meant<'a>(code: &'a str, detail: &'a str) -> &'a str {
    if code != "ERR" {
        return code;
    }
    if detail.contains("The user executing the script can't") {
        return "NOPERM";
    }
    let codes = detail.split_ascii_whitespace().filter_map(|word| word.strip_prefix('-'));
    codes.into_iter().find(|word| advice(word).is_some()).unwrap_or(code)
}

fn kind_of(code: &str) -> StorageErrorKind {
    match code {
        "NOAUTH" | "NOPERM" | "WRONGPASS" => StorageErrorKind::Denied,
        "OOM" | "MISCONF" => StorageErrorKind::NoSpace,
        "READONLY" | "LOADING" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "NOREPLICAS" => {
            StorageErrorKind::Unavailable
        }
        _ => StorageErrorKind::Database,
    }
}

fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "NOAUTH" => "it wants a password; give it in the URL of the connection",
        "WRONGPASS" => "user name or password are wrong",
        "NOPERM" => "the user's access list lacks a command or the key prefix of the storage",
        "OOM" => "its memory is full; raise `maxmemory`, or remove keys",
        "MISCONF" => "it cannot write to its disk; its log says why",
        "READONLY" => "it is a read-only replica; connect to the primary",
        "LOADING" => "it is reading its data after a start; try again soon",
        "BUSY" => "a script of somebody else keeps it busy",
        "NOREPLICAS" => "too few of its replicas are connected",
        "MASTERDOWN" => "it is a replica that has lost its primary",
        "TRYAGAIN" | "CLUSTERDOWN" => "its cluster is being changed; try again soon",
        "MOVED" | "ASK" | "CROSSSLOT" => {
            "another node of a cluster has the keys; connect to that node, or to a proxy of the cluster"
        }
        "WRONGTYPE" => "a key of the storage holds something else; use another key prefix",
        _ => return None,
    })
}

/// A code as it may be shown: whatever a server sends, it is no token.
fn shown(code: &str) -> String {
    let is_code = code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_code { code.to_owned() } else { "an error".to_owned() }
}

/// Why it failed, in words of our own.
#[derive(Debug)]
enum Cause {
    Connection(io::ErrorKind),
    Login,
    Server { code: String, advice: Option<&'static str> },
    Driver(ErrorKind),
    Overtaken,
    InDoubt(StorageError),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(reason) => write!(f, "no answer from the Redis server: {reason}"),
            Self::Login => f.write_str("the Redis server refuses the login; see to user name and password"),
            Self::Server { code, advice: None } => write!(f, "the Redis server answered {code}"),
            Self::Server { code, advice: Some(advice) } => {
                write!(f, "the Redis server answered {code}: {advice}")
            }
            Self::Driver(kind) => write!(f, "the Redis driver does not understand the answer ({kind:?})"),
            Self::Overtaken => f.write_str(
                "the connection was lost while storing, and another program has stored since; read again",
            ),
            Self::InDoubt(_) => f.write_str(
                "the connection was lost while storing or removing, and what became of that could not be \
                 looked up; read again",
            ),
        }
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let Self::InDoubt(error) = self { Some(error) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use redis::make_extension_error;

    use super::*;

    fn answered(code: &str, detail: &str) -> StorageError {
        storage_error(&make_extension_error(code.to_owned(), Some(detail.to_owned())))
    }

    #[test]
    fn codes_have_kinds() {
        for (code, kind) in [
            ("NOAUTH", StorageErrorKind::Denied),
            ("WRONGPASS", StorageErrorKind::Denied),
            ("NOPERM", StorageErrorKind::Denied),
            ("OOM", StorageErrorKind::NoSpace),
            ("MISCONF", StorageErrorKind::NoSpace),
            ("READONLY", StorageErrorKind::Unavailable),
            ("LOADING", StorageErrorKind::Unavailable),
            ("NOREPLICAS", StorageErrorKind::Unavailable),
            ("WRONGTYPE", StorageErrorKind::Database),
            ("MOVED", StorageErrorKind::Database),
            ("ERR", StorageErrorKind::Database),
        ] {
            let error = answered(code, "some text");
            assert_eq!(*error.kind(), kind, "{code}");
            let cause = error.source().unwrap().to_string();
            assert!(cause.contains(code) && !cause.contains("some text"), "{cause}");
        }
    }

    #[test]
    fn what_a_script_was_refused_for_is_found_in_the_text_of_older_servers() {
        let text = "Error running script (call to f_1): @user_script:3: -OOM command not allowed";
        assert_eq!(*answered("ERR", text).kind(), StorageErrorKind::NoSpace);
        let text = "The user executing the script can't run this command or subcommand";
        assert_eq!(*answered("ERR", text).kind(), StorageErrorKind::Denied);
    }

    #[test]
    fn what_a_server_quotes_is_never_shown() {
        for error in [
            answered("ERR", "unknown command 'EVALSHA', with args beginning with: 'AgSecret'"),
            answered("AgSecret", "AgSecret"),
            storage_error(&RedisError::from((
                ErrorKind::UnexpectedReturnType,
                "value",
                "was \"AgSecret\"".to_owned(),
            ))),
            storage_error(&io::Error::other("AgSecret").into()),
        ] {
            let shown = format!("{error} {error:?} {}", error.source().unwrap());
            assert!(!shown.contains("AgSecret"), "{shown}");
        }
    }

    #[test]
    fn what_was_refused_or_not_sent_has_not_been_done() {
        let failed = |kind: io::ErrorKind| RedisError::from(io::Error::from(kind));
        for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::TimedOut, io::ErrorKind::UnexpectedEof] {
            assert!(may_have_been_done(&failed(kind)), "{kind}");
        }
        assert!(may_have_been_done(&RedisError::from((ErrorKind::Parse, "not the protocol"))));
        for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::PermissionDenied] {
            assert!(!may_have_been_done(&failed(kind)), "{kind}");
        }
        assert!(!may_have_been_done(&RedisError::from((ErrorKind::AuthenticationFailed, "no"))));
        for code in ["OOM", "LOADING", "NOPERM", "ERR", "SOMETHING"] {
            assert!(!may_have_been_done(&make_extension_error(code.to_owned(), None)), "{code}");
        }
    }

    #[test]
    fn a_broken_connection_may_come_back_and_a_forbidden_one_does_not() {
        let failed = |kind: io::ErrorKind| RedisError::from(io::Error::from(kind));
        for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::TimedOut, io::ErrorKind::ConnectionRefused] {
            assert!(may_pass(&failed(kind)));
            assert_eq!(*storage_error(&failed(kind)).kind(), StorageErrorKind::Unavailable);
        }
        let forbidden = failed(io::ErrorKind::PermissionDenied);
        assert!(!may_pass(&forbidden));
        assert_eq!(*storage_error(&forbidden).kind(), StorageErrorKind::Denied);
        assert!(!may_pass(&make_extension_error("OOM".to_owned(), None)));
        assert!(may_pass(&make_extension_error("MASTERDOWN".to_owned(), None)));
    }
}
