//! Paths of a collection, which never lead out of its directory.
//!
//! A path is first cleaned as text, then resolved through symbolic links and compared with the root; what was
//! opened is compared once more with what was resolved. The standard library opens by path, so a process that
//! swaps directories for links at the right instant can still make a *write* land in a directory that had
//! been inside the root a moment before; it cannot make a read leave it unnoticed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

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
    Exists,
    Other(io::ErrorKind),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::NotADirectory => Self::NotDirectory,
            io::ErrorKind::IsADirectory => Self::IsDirectory,
            io::ErrorKind::AlreadyExists => Self::Exists,
            kind => Self::Other(kind),
        }
    }
}

impl Problem {
    /// The code of a task's event.
    pub(crate) fn event_code(self) -> &'static str {
        match self {
            Self::Missing => "FILE_NOT_FOUND",
            Self::Malformed | Self::Escape | Self::Denied => "PERMISSION_DENIED",
            Self::IsDirectory => "IS_A_DIRECTORY",
            Self::NotDirectory => "NOT_A_DIRECTORY",
            Self::Exists => "EXISTS",
            Self::Special => "NOT_A_FILE",
            Self::Other(io::ErrorKind::QuotaExceeded) => "QUOTA_EXCEEDED",
            Self::Other(io::ErrorKind::StorageFull) => "NO_SPACE",
            Self::Other(_) => "ENDPOINT_ERROR",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Malformed => "the path is not an absolute path of the collection",
            Self::Escape => "the path leads out of the collection",
            Self::Missing => "no such file or directory",
            Self::Denied => "permission denied",
            Self::NotDirectory => "not a directory",
            Self::IsDirectory => "is a directory",
            Self::Special => "neither a file nor a directory",
            Self::Exists => "exists already",
            Self::Other(io::ErrorKind::StorageFull) => "no space left",
            Self::Other(_) => "the file system refused",
        }
    }

    /// The refusal of a direct operation; `missing` is that operation's code for a missing path.
    pub(crate) fn failure(self, missing: &str) -> Failure {
        let message = format!("The operation failed: {}", self.words());
        match self {
            Self::Malformed => Failure::bad_request("ClientError.BadRequest", message),
            Self::Missing => Failure::not_found(missing, message),
            Self::Escape | Self::Denied => Failure::forbidden("EndpointPermissionDenied", message),
            Self::NotDirectory => {
                Failure::new(StatusCode::BAD_GATEWAY, "ExternalError.DirListingFailed.NotDirectory", message)
            }
            Self::Exists => {
                Failure::new(StatusCode::BAD_GATEWAY, "ExternalError.MkdirFailed.Exists", message)
            }
            Self::IsDirectory | Self::Special | Self::Other(_) => {
                Failure::new(StatusCode::BAD_GATEWAY, "EndpointError", message)
            }
        }
    }
}

/// A path below a collection's root, cleaned: no empty parts, no `.`, no `..`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Below(Vec<OsString>);

impl Below {
    /// Reads a path of a request. `/~/` is the default directory, which is the root.
    pub(crate) fn parse(path: &str) -> Result<Self, Problem> {
        if path.contains('\0') {
            return Err(Problem::Malformed);
        }
        let path = match path {
            "" | "~" => "/",
            path => path
                .strip_prefix("/~")
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                .unwrap_or(path),
        };
        let path = path.strip_prefix("~/").unwrap_or(path);
        let mut parts: Vec<OsString> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop().ok_or(Problem::Escape)?),
                part => {
                    // One name on this system, and not a drive or a stream: no other separator counts.
                    let mut components = Path::new(part).components();
                    let one = matches!(components.next(), Some(Component::Normal(name)) if name == part);
                    if !one || components.next().is_some() || (cfg!(windows) && part.contains(':')) {
                        return Err(Problem::Malformed);
                    }
                    parts.push(part.into());
                }
            }
        }
        Ok(Self(parts))
    }

    pub(crate) fn join(&self, name: &OsStr) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        Self(parts)
    }

    /// The path above, and the last name; nothing for the root.
    pub(crate) fn split(&self) -> Option<(Self, OsString)> {
        let (name, parents) = self.0.split_last()?;
        Some((Self(parents.to_vec()), name.clone()))
    }

    /// The path as clients write it. Names that are not UTF-8 are shown with replacement characters.
    pub(crate) fn shown(&self) -> String {
        if self.0.is_empty() {
            return "/".to_owned();
        }
        self.0.iter().fold(String::new(), |text, part| text + "/" + &part.to_string_lossy())
    }

    /// The path of a directory as clients write it: with a slash at the end.
    pub(crate) fn shown_directory(&self) -> String {
        if self.0.is_empty() { "/".to_owned() } else { self.shown() + "/" }
    }
}

/// The directory of a collection.
#[derive(Debug, Clone)]
pub(crate) struct Root(PathBuf);

impl Root {
    pub(crate) fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    fn real(&self) -> Result<PathBuf, Problem> {
        Ok(fs::canonicalize(&self.0)?)
    }

    /// Where a path that exists really is, through links that stay inside.
    pub(crate) fn existing(&self, path: &Below) -> Result<PathBuf, Problem> {
        let root = self.real()?;
        let mut joined = root.clone();
        joined.extend(&path.0);
        let real = fs::canonicalize(joined)?;
        if real.starts_with(&root) { Ok(real) } else { Err(Problem::Escape) }
    }

    /// Opens a regular file for reading.
    pub(crate) fn open(&self, path: &Below) -> Result<(File, Metadata), Problem> {
        let real = self.existing(path)?;
        let seen = fs::symlink_metadata(&real)?;
        if seen.is_dir() {
            return Err(Problem::IsDirectory);
        }
        if !seen.is_file() {
            return Err(Problem::Special);
        }
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Not through a link put there meanwhile; not waiting for the other end of a pipe put there.
            let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
            options.custom_flags(flags.bits().cast_signed());
        }
        let file = options.open(&real).map_err(|error| match Problem::from(error) {
            Problem::Other(_) => Problem::Escape,
            problem => problem,
        })?;
        let opened = file.metadata()?;
        // A parent may have become a link between looking and opening: then this is another file.
        if same_file(&opened, &seen) && opened.is_file() && self.existing(path)? == real {
            return Ok((file, opened));
        }
        Err(Problem::Escape)
    }

    /// The real directory above a path that is to be written, made as needed, and the path's last name in it.
    pub(crate) fn parent_for_writing(&self, path: &Below) -> Result<(PathBuf, OsString), Problem> {
        let (parent, name) = path.split().ok_or(Problem::IsDirectory)?;
        Ok((self.directory_for_writing(&parent)?, name))
    }

    /// A real directory inside the root, made with its parents as needed.
    pub(crate) fn directory_for_writing(&self, path: &Below) -> Result<PathBuf, Problem> {
        let root = self.real()?;
        let mut current = root.clone();
        for part in &path.0 {
            let next = current.join(part);
            match fs::symlink_metadata(&next) {
                Ok(found) if found.is_dir() => current = next,
                Ok(found) if found.is_symlink() => {
                    let real = fs::canonicalize(&next)?;
                    if !real.starts_with(&root) {
                        return Err(Problem::Escape);
                    }
                    if !real.is_dir() {
                        return Err(Problem::NotDirectory);
                    }
                    current = real;
                }
                Ok(_) => return Err(Problem::NotDirectory),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match fs::create_dir(&next) {
                        Ok(()) => {}
                        // Another task made it meanwhile; what it is, is checked below.
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        Err(error) => return Err(error.into()),
                    }
                    current = next;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.still_inside(&current)?;
        Ok(current)
    }

    /// Checks that a directory that was resolved still is where it was.
    pub(crate) fn still_inside(&self, directory: &Path) -> Result<(), Problem> {
        let real = fs::canonicalize(directory)?;
        if real == directory && real.starts_with(self.real()?) { Ok(()) } else { Err(Problem::Escape) }
    }

    /// Where a link leads, if that is inside.
    pub(crate) fn target_inside(&self, link: &Path) -> Result<PathBuf, Problem> {
        let real = fs::canonicalize(link)?;
        if real.starts_with(self.real()?) { Ok(real) } else { Err(Problem::Escape) }
    }
}

#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    one.dev() == other.dev() && one.ino() == other.ino()
}

#[cfg(not(unix))]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len() && one.modified().ok() == other.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> Result<String, Problem> {
        Below::parse(path).map(|path| path.shown())
    }

    #[test]
    fn paths_are_cleaned() {
        assert_eq!(shown("/~/a").unwrap(), "/a");
        assert_eq!(shown("~/a").unwrap(), "/a");
        assert_eq!(shown("/~").unwrap(), "/");
        assert_eq!(shown("").unwrap(), "/");
        assert_eq!(shown("/a//b/./c/../d/").unwrap(), "/a/b/d");
        assert_eq!(shown("/~x/a").unwrap(), "/~x/a");
        assert_eq!(Below::parse("/a").unwrap().shown_directory(), "/a/");
    }

    #[test]
    fn paths_that_climb_out_are_refused() {
        for path in ["/..", "/../etc/passwd", "/a/../../etc", "/~/..", "..", "/a/../.."] {
            assert_eq!(shown(path), Err(Problem::Escape), "{path}");
        }
        assert_eq!(shown("/a\0b"), Err(Problem::Malformed));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        use std::os::unix::fs::symlink;
        let world = tempfile::tempdir().unwrap();
        let (inside, outside) = (world.path().join("inside"), world.path().join("outside"));
        fs::create_dir_all(inside.join("d")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("secret"), "s").unwrap();
        fs::write(inside.join("d/f"), "f").unwrap();
        symlink("d", inside.join("good")).unwrap();
        symlink(&outside, inside.join("absolute")).unwrap();
        symlink("../outside", inside.join("relative")).unwrap();
        symlink("loop", inside.join("loop")).unwrap();
        let root = Root::new(&inside);
        let at = |path: &str| Below::parse(path).unwrap();

        assert!(root.open(&at("/good/f")).is_ok());
        assert_eq!(root.open(&at("/absolute/secret")).unwrap_err(), Problem::Escape);
        assert_eq!(root.open(&at("/relative/secret")).unwrap_err(), Problem::Escape);
        assert!(root.open(&at("/loop")).is_err());
        assert_eq!(root.open(&at("/d")).unwrap_err(), Problem::IsDirectory);
        assert_eq!(root.open(&at("/d/missing")).unwrap_err(), Problem::Missing);

        assert_eq!(root.directory_for_writing(&at("/absolute/new")).unwrap_err(), Problem::Escape);
        assert_eq!(root.directory_for_writing(&at("/relative/new")).unwrap_err(), Problem::Escape);
        assert!(!outside.join("new").exists());
        let made = root.directory_for_writing(&at("/good/x/y")).unwrap();
        assert!(made.ends_with("d/x/y") && made.is_dir());
        assert_eq!(root.parent_for_writing(&at("/")).unwrap_err(), Problem::IsDirectory);
    }
}
