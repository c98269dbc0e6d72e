//! The places where the Python SDK and CLI keep their stores.

use std::io;
use std::path::{Path, PathBuf};

use globus_core::config::paths::{Platform, globus_directory};
use globus_core::config::{ConfigError, Variables};
use globus_core::storage::StorageError;

use super::{Found, detect};

/// All that was found in the usual places.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct FoundAll {
    /// The stores.
    pub found: Vec<Found>,
    /// What is there and could not be read. Each error says where and why.
    pub unreadable: Vec<StorageError>,
}

/// Looks in the places where the tools keep their stores: the directories of the Python SDK's apps,
/// `~/.globus/app/<client id>/<app>/`, and the CLI's database, `~/.globus/cli/storage.db`; on Windows below
/// `<local app data>\globus`. Stores of this SDK are among them, because it uses the same places.
///
/// # Errors
///
/// When the home directory is not known. What cannot be read is in [`FoundAll::unreadable`].
pub fn find_all() -> Result<FoundAll, ConfigError> {
    find_all_with(&Variables::process())
}

/// The same, with the home directory of these variables.
///
/// # Errors
///
/// When they name none.
pub fn find_all_with(variables: &Variables) -> Result<FoundAll, ConfigError> {
    let home = globus_directory(variables, Platform::current())?;
    let mut all = FoundAll::default();
    let mut files = Vec::new();
    for client in all.entries(&home.join("app")) {
        for app in all.entries(&client) {
            files.extend(all.entries(&app).into_iter().filter(|path| is_store(path)));
        }
    }
    let cli = home.join("cli").join("storage.db");
    if cli.symlink_metadata().is_ok() {
        files.push(cli);
    }
    for file in files {
        match detect(file) {
            Ok(found) => all.found.push(found),
            Err(error) => all.unreadable.push(error),
        }
    }
    Ok(all)
}

fn is_store(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    ["tokens.json", "tokens.db"]
        .iter()
        .filter_map(|ending| name.strip_suffix(ending))
        .any(|prefix| prefix.is_empty() || prefix.ends_with('-'))
}

impl FoundAll {
    /// What is in a directory, in order; nothing where there is none.
    fn entries(&mut self, directory: &Path) -> Vec<PathBuf> {
        let read = std::fs::read_dir(directory)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
        match read {
            Ok(mut entries) => {
                entries.sort();
                entries
            }
            Err(error) => {
                if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                    self.unreadable.push(StorageError::from_io(error, "look into").with_path(directory));
                }
                Vec::new()
            }
        }
    }
}
