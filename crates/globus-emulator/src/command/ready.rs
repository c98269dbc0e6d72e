//! The ready line: all that a program needs to use the emulator, on stdout and in a file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use globus_emulator::Emulator;
use serde::Serialize;
use uuid::Uuid;

/// The members of the ready line. It holds a secret, so there is no `Debug`.
#[derive(Serialize)]
struct Ready {
    url: String,
    control_url: String,
    client_id: Uuid,
    client_secret: String,
    native_client_id: Uuid,
    user: User,
    collections: BTreeMap<String, Collection>,
    env: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct User {
    id: Uuid,
    username: String,
}

#[derive(Serialize)]
struct Collection {
    id: Uuid,
    dir: PathBuf,
}

/// The ready line of this emulator, with its line feed.
pub(crate) fn line(emulator: &Emulator) -> serde_json::Result<String> {
    let (client, user) = (emulator.confidential_client(), emulator.user());
    let collections = emulator.collections().iter();
    let ready = Ready {
        url: emulator.base_url().to_owned(),
        control_url: emulator.control_url(),
        client_id: client.id(),
        client_secret: client.secret().to_owned(),
        native_client_id: emulator.native_client_id(),
        user: User { id: user.id, username: user.username },
        collections: collections
            .map(|known| (known.name.clone(), Collection { id: known.id, dir: known.dir.clone() }))
            .collect(),
        env: emulator.variables().into_iter().collect(),
    };
    let mut line = serde_json::to_string(&ready)?;
    line.push('\n');
    Ok(line)
}

/// The file with the ready line. It is there, complete and private, as long as this lives.
pub(crate) struct ReadyFile {
    path: PathBuf,
    line: String,
}

impl ReadyFile {
    pub(crate) fn write(path: &Path, line: &str) -> io::Result<Self> {
        // What a rename would replace for good: a device, a pipe, a link that leads somewhere.
        if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something other than a plain file is there",
            ));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Mode 0600 from the start.
        let mut file =
            tempfile::Builder::new().prefix(".ready-").tempfile_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(line.as_bytes())?;
        file.persist(path)?;
        Ok(Self { path: path.to_owned(), line: line.to_owned() })
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Another emulator may have put its own there since.
        let own = fs::read(&self.path).is_ok_and(|there| there == self.line.as_bytes());
        if own && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "the ready file could not be removed");
        }
    }
}
