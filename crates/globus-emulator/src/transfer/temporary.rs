//! A new file under a name of its own, which takes its real name when it is whole.

use std::ffi::OsStr;
use std::fs::File;
use std::rc::Rc;

use cap_std::fs::OpenOptions;

use super::paths::Directory;
use super::problem::Problem;

/// A file that is gone again unless it is kept.
pub(super) struct Temporary {
    directory: Rc<Directory>,
    name: String,
    pub(super) file: File,
    kept: bool,
}

impl Temporary {
    /// Makes the file. A task has one at a time, so its id makes the name its own.
    pub(super) fn create(directory: &Rc<Directory>, task: &str) -> Result<Self, Problem> {
        let name = format!(".globus-{task}");
        let mut options = OpenOptions::new();
        // The mode is that of any new file: the process's mask decides.
        options.read(true).write(true).create_new(true);
        let file = match directory.handle.open_with(&name, &options).map_err(Problem::from) {
            // What this very task left when its emulator was killed.
            Err(Problem::Exists) => {
                directory.handle.remove_file(&name)?;
                directory.handle.open_with(&name, &options)?
            }
            outcome => outcome?,
        };
        Ok(Self { directory: directory.clone(), name, file: file.into_std(), kept: false })
    }

    /// Gives the file its real name. A file or link that stands there is replaced, and not followed.
    pub(super) fn keep(mut self, name: &OsStr) -> Result<(), Problem> {
        self.directory.handle.rename(&self.name, &self.directory.handle, name)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.directory.handle.remove_file(&self.name)
        {
            tracing::warn!(%error, "an unfinished file of a transfer could not be removed");
        }
    }
}
