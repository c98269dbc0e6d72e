//! Paths of a collection, which never lead out of its directory.
//!
//! A path is first cleaned as text, then resolved through symbolic links and compared with the root. The
//! directory that this names is entered from the root step by step, following no link, and what is done in it is
//! done through the handle that was reached. So a process that swaps directories for links meanwhile can make an
//! operation fail, but cannot make it read or write outside.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use cap_fs_ext::DirExt as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};

use super::problem::Problem;

/// A path below a collection's root, cleaned: no empty parts, no `.`, no `..`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

    pub(crate) fn parts(&self) -> impl Iterator<Item = &OsStr> {
        self.0.iter().map(OsString::as_os_str)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is `other` or lies below it.
    pub(crate) fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
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

/// An open directory inside a collection.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) handle: Dir,
    /// Where it is below the root, with no link on the way.
    pub(crate) real: Below,
}

impl Directory {
    /// The directory of this name, which must not be a link.
    fn step(&self, name: &OsStr) -> Result<Self, Problem> {
        let handle = self.handle.open_dir_nofollow(name)?;
        Ok(Self { handle, real: self.real.join(name) })
    }

    /// What stands under a name, not following it if it is a link; nothing if there is nothing.
    pub(crate) fn find(&self, name: &OsStr) -> Result<Option<Metadata>, Problem> {
        match self.handle.symlink_metadata(name).map_err(Problem::from) {
            Ok(found) => Ok(Some(found)),
            Err(Problem::Missing) => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

impl Root {
    pub(crate) fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    fn open(&self) -> Result<Directory, Problem> {
        let handle = Dir::open_ambient_dir(&self.0, ambient_authority())?;
        Ok(Directory { handle, real: Below::default() })
    }

    /// Where a path that exists really is, through links that stay inside.
    pub(crate) fn resolve(&self, path: &Below) -> Result<Below, Problem> {
        let root = fs::canonicalize(&self.0)?;
        let mut joined = root.clone();
        joined.extend(&path.0);
        let real = match fs::canonicalize(&joined) {
            Ok(real) => real,
            // A link stands there, but leads to nothing.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && joined.is_symlink() => {
                return Err(Problem::InvalidLink);
            }
            Err(error) => return Err(error.into()),
        };
        let below = real.strip_prefix(&root).map_err(|_| Problem::Escape)?;
        Ok(Below(below.iter().map(OsStr::to_owned).collect()))
    }

    /// The path of an open directory on this machine. Collections may lie in each other.
    pub(crate) fn absolute(&self, directory: &Directory) -> Result<PathBuf, Problem> {
        let mut path = fs::canonicalize(&self.0)?;
        path.extend(directory.real.parts());
        Ok(path)
    }

    /// Enters a directory whose path has no links. A link that was put there meanwhile is not followed.
    pub(crate) fn enter(&self, real: &Below) -> Result<Directory, Problem> {
        let mut current = self.open()?;
        for part in &real.0 {
            current = current.step(part)?;
        }
        Ok(current)
    }

    /// A directory that exists.
    pub(crate) fn directory(&self, path: &Below) -> Result<Directory, Problem> {
        self.enter(&self.resolve(path)?)
    }

    /// The directory above a path, which must exist, and the path's last name. The root has none above.
    pub(crate) fn parent(&self, path: &Below) -> Result<Option<(Directory, OsString)>, Problem> {
        let Some((parent, name)) = path.split() else { return Ok(None) };
        Ok(Some((self.directory(&parent)?, name)))
    }

    /// What a path leads to in the end, and where that really is.
    pub(crate) fn target(&self, path: &Below) -> Result<(Below, Metadata), Problem> {
        let real = self.resolve(path)?;
        let found = match real.split() {
            Some((parent, name)) => self.enter(&parent)?.find(&name)?.ok_or(Problem::Missing)?,
            None => self.open()?.handle.dir_metadata()?,
        };
        Ok((real, found))
    }

    /// A directory, made with its parents as needed.
    pub(crate) fn directory_for_writing(&self, path: &Below) -> Result<Directory, Problem> {
        let mut current = self.open()?;
        for part in &path.0 {
            current = match current.find(part)? {
                Some(found) if found.is_dir() => current.step(part)?,
                Some(found) if found.is_symlink() => self.directory(&current.real.join(part))?,
                Some(_) => return Err(Problem::NotDirectory),
                None => {
                    match current.handle.create_dir(part).map_err(Problem::from) {
                        // Another task may have made it meanwhile; what it is, is seen in the next step.
                        Ok(()) | Err(Problem::Exists) => {}
                        Err(problem) => return Err(problem),
                    }
                    current.step(part)?
                }
            };
        }
        Ok(current)
    }
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
        symlink(inside.join("d"), inside.join("good-absolute")).unwrap();
        symlink(&outside, inside.join("absolute")).unwrap();
        symlink("../outside", inside.join("relative")).unwrap();
        symlink("loop", inside.join("loop")).unwrap();
        symlink("nowhere", inside.join("dangling")).unwrap();
        let root = Root::new(&inside);
        let at = |path: &str| Below::parse(path).unwrap();

        assert_eq!(root.target(&at("/good/f")).unwrap().0, at("/d/f"));
        assert_eq!(root.target(&at("/good-absolute/f")).unwrap().0, at("/d/f"));
        assert_eq!(root.target(&at("/absolute/secret")).unwrap_err(), Problem::Escape);
        assert_eq!(root.target(&at("/relative/secret")).unwrap_err(), Problem::Escape);
        assert_eq!(root.target(&at("/loop")).unwrap_err(), Problem::InvalidLink);
        assert_eq!(root.target(&at("/dangling")).unwrap_err(), Problem::InvalidLink);
        assert_eq!(root.target(&at("/d/missing")).unwrap_err(), Problem::Missing);
        assert_eq!(root.directory(&at("/d/f")).unwrap_err(), Problem::NotDirectory);
        // What was resolved is entered following no link: this is what a swapped directory would look like.
        assert!(root.enter(&at("/absolute")).is_err());
        assert!(root.enter(&at("/good")).is_err());

        assert_eq!(root.directory_for_writing(&at("/absolute/new")).unwrap_err(), Problem::Escape);
        assert_eq!(root.directory_for_writing(&at("/relative/new")).unwrap_err(), Problem::Escape);
        assert_eq!(root.directory_for_writing(&at("/d/f/new")).unwrap_err(), Problem::NotDirectory);
        assert!(!outside.join("new").exists());
        let made = root.directory_for_writing(&at("/good/x/y")).unwrap();
        assert_eq!(made.real, at("/d/x/y"));
        assert!(inside.join("d/x/y").is_dir());
    }
}
