//! The file of a suspended login, which is good once.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use globus_core::StorageError;
use globus_core::storage::{files, open_checked};

use super::document::LARGEST;
use crate::auth::SuspendedLoginError;

/// A file with a login that was not finished when it was read.
#[derive(Clone)]
pub(super) struct LoginFile {
    path: PathBuf,
    text: String,
}

/// Writes it for its owner alone, whole from the first moment on, over nothing that is there.
pub(super) fn save(path: &Path, text: &str) -> Result<(), SuspendedLoginError> {
    let io = |action| move |error| failed(path, error, action);
    files::check_directory_of(path).map_err(SuspendedLoginError::File)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Such a file is 0600 from its creation on.
    let mut new = tempfile::Builder::new()
        .prefix(".login-")
        .tempfile_in(directory)
        .map_err(io("create a file beside"))?;
    new.write_all(text.as_bytes()).and_then(|()| new.as_file().sync_all()).map_err(io("write"))?;
    match new.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(SuspendedLoginError::AlreadyExists { path: path.to_owned() })
        }
        Err(error) => Err(failed(path, error.error, "create")),
    }
}

impl LoginFile {
    pub(super) fn read(path: &Path) -> Result<Self, SuspendedLoginError> {
        let file = match open_checked(path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() && used(path).exists() => {
                return Err(SuspendedLoginError::AlreadyUsed);
            }
            Err(error) if error.is_not_found() => {
                return Err(SuspendedLoginError::NotFound { path: path.to_owned() });
            }
            Err(error) => return Err(SuspendedLoginError::File(error)),
        };
        let mut text = String::new();
        // One byte more than is allowed, so that it is noticed.
        match file.take(LARGEST as u64 + 1).read_to_string(&mut text) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(SuspendedLoginError::NotALogin),
            Err(error) => Err(failed(path, error, "read")),
            Ok(_) => Ok(Self { path: path.to_owned(), text }),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Uses the login up. Of all who try, one succeeds.
    pub(super) fn use_up(&self) -> Result<(), SuspendedLoginError> {
        let used = used(&self.path);
        match fs::rename(&self.path, &used) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SuspendedLoginError::AlreadyUsed);
            }
            Err(error) => return Err(failed(&self.path, error, "rename")),
            Ok(()) => {}
        }
        let taken = fs::read(&used).map_err(|error| failed(&used, error, "read"))?;
        if taken == self.text.as_bytes() {
            return Ok(());
        }
        // This login was used up meanwhile, and another has taken its place. It goes back, over nothing.
        if fs::hard_link(&used, &self.path).is_ok() {
            drop(fs::remove_file(&used));
        }
        Err(SuspendedLoginError::AlreadyUsed)
    }
}

/// `<name>.used`
fn used(path: &Path) -> PathBuf {
    let mut used = OsString::from(path);
    used.push(".used");
    used.into()
}

fn failed(path: &Path, error: io::Error, action: &'static str) -> SuspendedLoginError {
    SuspendedLoginError::File(StorageError::from_io(error, action).with_path(path))
}
