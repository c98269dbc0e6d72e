//! Taking over tokens that the Python SDK or the Python CLI has stored.
//!
//! [`detect`] looks at one file and [`find_all`] in the places where those tools keep theirs; both say what they
//! [found](Found). Nothing is imported until the caller says what and where to: [`Found::import_into`],
//! [`FoundNamespace::import_into`].
//!
//! | what | where it usually is |
//! |---|---|
//! | flat file, one token (globus-sdk-tokenstorage) | anywhere |
//! | JSON of format 1.0 (SDK 3, and 4 "legacy") | anywhere |
//! | JSON of format 2.0 (SDK 3.4x and 4) | `~/.globus/app/<client id>/<app>/tokens.json` |
//! | databases of all of them, with the feature `sqlite` | `~/.globus/app/<client id>/<app>/tokens.db` |
//! | the CLI's database, with the feature `sqlite` | `~/.globus/cli/storage.db` |
//!
//! The files are read and never written, not even where a database wants a recovery: that is an error of kind
//! [`NeedsRecovery`](super::StorageErrorKind::NeedsRecovery). A file that is a symbolic link, that belongs to
//! somebody else, or that lies where everybody may exchange it is refused. A database may be one that this process has
//! open as a storage: reading it here takes none of its locks away.
//!
//! Both tools then have the same refresh token. Where the service replaces refresh tokens, the one that refreshes
//! first takes the token away from the other, which has to log in again. Prefer one store that both read
//! ([`JsonTokenStorage`](super::JsonTokenStorage) has the format of the Python SDK), or log out of the old tool.
//!
//! A refresh token is good together with the client that got it: [`FoundNamespace::client`]. So one namespace of what
//! was found should go into one namespace of a storage.
//!
//! The functions block while they read; call them where that is allowed.
//!
//! ```no_run
//! use globus_sdk::config::Environment;
//! use globus_sdk::storage::{JsonTokenStorage, Storage, import};
//!
//! # async fn example(path: &str) -> Result<(), Box<dyn std::error::Error>> {
//! for found in import::find_all()?.found {
//!     println!("{}: {}", found.path.display(), found.kind);
//!     for warning in &found.warnings {
//!         println!("  note: {warning}");
//!     }
//!     for namespace in &found.namespaces {
//!         let client_id = namespace.client.as_ref().map(|client| &client.client_id);
//!         println!("  {}: {} tokens of client {client_id:?}", namespace.name, namespace.tokens.len());
//!     }
//! }
//!
//! // The one that was chosen.
//! let storage = Storage::from(JsonTokenStorage::new("tokens.json"));
//! let found = import::detect(path)?;
//! if let Some(production) = found.namespace("userprofile/production") {
//!     let imported = production.import_into(&storage).await?;
//!     println!("{} tokens imported", imported.stored.len());
//! }
//! # Ok(()) }
//! ```

mod found;
mod places;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(not(feature = "sqlite"))]
mod without_sqlite;

use std::path::Path;

use globus_core::storage::{FileFormat, StorageError, read_token_file};
use globus_core::token::ResourceServer;

#[cfg(feature = "sqlite")]
use self::sqlite as databases;
#[cfg(not(feature = "sqlite"))]
use self::without_sqlite as databases;

pub use self::found::{Found, FoundApp, FoundClient, FoundKind, FoundNamespace, Imported, Warning};
pub use self::places::{FoundAll, find_all, find_all_with};

/// Reads a store of another tool and says what is in it.
///
/// # Errors
///
/// When the file may not or cannot be read, or holds nothing that is known here. A flat file that does not say
/// which resource server its token is good for needs [`detect_flat`].
pub fn detect(path: impl AsRef<Path>) -> Result<Found, StorageError> {
    detect_any(path.as_ref(), None)
}

/// The same for a flat file that need not say which resource server its token is good for.
///
/// # Errors
///
/// Those of [`detect`].
pub fn detect_flat(
    path: impl AsRef<Path>,
    resource_server: impl Into<ResourceServer>,
) -> Result<Found, StorageError> {
    detect_any(path.as_ref(), Some(&resource_server.into()))
}

fn detect_any(path: &Path, resource_server: Option<&ResourceServer>) -> Result<Found, StorageError> {
    let (kind, namespaces) = match databases::read(path)? {
        Some(contents) => contents,
        None => read_json(path, resource_server)?,
    };
    Ok(Found::new(path, kind, namespaces, mode(path)))
}

fn read_json(
    path: &Path,
    resource_server: Option<&ResourceServer>,
) -> Result<(FoundKind, Vec<FoundNamespace>), StorageError> {
    let contents = read_token_file(path, resource_server)?;
    let kind = match contents.format {
        FileFormat::Flat => FoundKind::FlatJson,
        FileFormat::Version1 => FoundKind::LegacyJson,
        _ => FoundKind::Json,
    };
    let namespaces = contents.namespaces.into_iter().map(|(name, loaded)| {
        let mut found = FoundNamespace::new(name);
        (found.tokens, found.damaged) = (loaded.tokens, loaded.damaged);
        found
    });
    Ok((kind, namespaces.collect()))
}

/// The mode of a file that others may read.
#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    let mode = path.symlink_metadata().ok()?.mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}
