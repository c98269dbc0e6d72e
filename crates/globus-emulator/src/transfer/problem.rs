//! Why a path cannot be used, and how that is told: as a task's event or as a refusal.

use std::io;

use http::StatusCode;

use crate::failure::Failure;

/// Why a path cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Not an absolute path of a collection.
    Malformed,
    /// It leads out of the collection.
    Escape,
    Missing,
    Denied,
    NotDirectory,
    IsDirectory,
    /// Neither a file nor a directory.
    Special,
    /// A link that leads nowhere.
    InvalidLink,
    Exists,
    NotEmpty,
    NoSpace,
    Quota,
    TimedOut,
    /// A directory would be copied into itself.
    IntoItself,
    Other(io::ErrorKind),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        #[cfg(unix)]
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            return Self::InvalidLink;
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::NotADirectory => Self::NotDirectory,
            io::ErrorKind::IsADirectory => Self::IsDirectory,
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::DirectoryNotEmpty => Self::NotEmpty,
            io::ErrorKind::StorageFull => Self::NoSpace,
            io::ErrorKind::QuotaExceeded => Self::Quota,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::InvalidFilename => Self::Malformed,
            kind => Self::Other(kind),
        }
    }
}

/// A direct operation, as its refusals name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    List,
    Stat,
    MakeDirectory,
    Rename,
    Submit,
}

impl Operation {
    /// The part of the code that says what failed.
    fn failed(self) -> &'static str {
        match self {
            Self::List => "DirListingFailed",
            Self::Stat => "StatFailed",
            Self::MakeDirectory => "MkdirFailed",
            Self::Rename => "RenameFailed",
            Self::Submit => "SubmitFailed",
        }
    }
}

impl Problem {
    /// The code of a task's event. The service has a fixed set of them.
    pub(crate) fn event_code(self) -> &'static str {
        match self {
            Self::Missing => "FILE_NOT_FOUND",
            Self::Escape | Self::Denied => "PERMISSION_DENIED",
            Self::Malformed | Self::IntoItself => "INVALID_PATH_NAME",
            Self::IsDirectory => "IS_A_DIRECTORY",
            Self::NotDirectory => "NOT_A_DIRECTORY",
            Self::Special => "NOT_A_FILE",
            Self::InvalidLink => "INVALID_SYMLINK",
            Self::Quota => "QUOTA_EXCEEDED",
            Self::NoSpace => "NO_SPACE_LEFT",
            Self::TimedOut => "TIMEOUT",
            Self::Exists | Self::NotEmpty | Self::Other(_) => "ENDPOINT_ERROR",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Malformed => {
                "the path is not an absolute path of the collection, or a name in it is too long"
            }
            Self::Escape => "the path leads out of the collection",
            Self::Missing => "no such file or directory",
            Self::Denied => "permission denied",
            Self::NotDirectory => "not a directory",
            Self::IsDirectory => "is a directory",
            Self::Special => "neither a file nor a directory",
            Self::InvalidLink => "the symbolic link leads nowhere",
            Self::Exists => "exists already",
            Self::NotEmpty => "the directory is not empty",
            Self::NoSpace => "no space left",
            Self::Quota => "the quota is exceeded",
            Self::TimedOut => "the file system did not answer in time",
            Self::IntoItself => "a directory cannot be put into itself",
            Self::Other(_) => "the file system refused",
        }
    }

    /// Whether trying again cannot help a source.
    pub(super) fn lasts_at_source(self) -> bool {
        matches!(self, Self::Escape | Self::Malformed | Self::Special)
    }

    /// Whether trying again cannot help a destination.
    pub(super) fn lasts_at_destination(self) -> bool {
        matches!(
            self,
            Self::Escape | Self::Malformed | Self::NotDirectory | Self::IsDirectory | Self::IntoItself
        )
    }

    /// The refusal of a direct operation.
    pub(crate) fn failure(self, operation: Operation) -> Failure {
        let message = format!("The operation failed: {}", self.words());
        let external = |what: &str| {
            let code = format!("ExternalError.{}.{what}", operation.failed());
            Failure::new(StatusCode::BAD_GATEWAY, code, message.clone())
        };
        match self {
            Self::Malformed => Failure::bad_request("ClientError.BadRequest", message),
            // The Globus CLI knows by this very code that `stat` found nothing.
            Self::Missing | Self::InvalidLink if operation == Operation::Stat => {
                Failure::not_found("NotFound", message)
            }
            Self::Missing | Self::InvalidLink => Failure::not_found("ClientError.NotFound", message),
            Self::Escape | Self::Denied => Failure::forbidden("EndpointPermissionDenied", message),
            Self::NotDirectory => external("NotDirectory"),
            Self::Exists => external("Exists"),
            Self::NoSpace | Self::Quota => external("NoSpaceLeft"),
            Self::IntoItself => external("IntoItself"),
            Self::IsDirectory | Self::Special | Self::NotEmpty | Self::TimedOut | Self::Other(_) => {
                Failure::new(StatusCode::BAD_GATEWAY, "EndpointError", message)
            }
        }
    }
}
