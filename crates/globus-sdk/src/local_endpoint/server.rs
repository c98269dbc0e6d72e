//! Globus Connect Server.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use globus_core::Result;
use serde_json::{Map, Value};

use super::{read, unreadable};

/// Where a node has what it is.
const INFO: &str = "/var/lib/globus-connect-server/info.json";

/// A node of Globus Connect Server on this machine, known by its file.
#[derive(Debug)]
pub struct LocalGlobusConnectServer {
    info_path: PathBuf,
    info: Mutex<Option<Map<String, Value>>>,
}

impl Default for LocalGlobusConnectServer {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalGlobusConnectServer {
    /// The one with its file in the usual place, `/var/lib/globus-connect-server/info.json`.
    pub fn new() -> Self {
        Self::with_info_path(INFO)
    }

    /// The one with its file here.
    pub fn with_info_path(path: impl Into<PathBuf>) -> Self {
        Self { info_path: path.into(), info: Mutex::default() }
    }

    /// The document of the node; `None` where there is none, or the file is no regular one or holds no JSON object.
    /// What was found once is kept until [`reset`](Self::reset).
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    #[doc(alias = "info_dict")]
    pub fn info(&self) -> Result<Option<Map<String, Value>>> {
        let mut kept = self.info.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            let content = self.content().map_err(|error| unreadable(&self.info_path, error))?;
            *kept = content.and_then(|content| serde_json::from_slice(&content).ok());
        }
        Ok(kept.clone())
    }

    fn content(&self) -> io::Result<Option<Vec<u8>>> {
        match self.info_path.metadata() {
            Ok(metadata) if metadata.is_file() => read(&self.info_path),
            Ok(_) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forgets the document, so that it is read again.
    pub fn reset(&self) {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The id of the endpoint; `None` where the document has none, or no text there.
    ///
    /// # Errors
    ///
    /// As [`info`](Self::info).
    pub fn endpoint_id(&self) -> Result<Option<String>> {
        self.text("endpoint_id")
    }

    /// The domain name of the endpoint, likewise.
    ///
    /// # Errors
    ///
    /// As [`info`](Self::info).
    pub fn domain_name(&self) -> Result<Option<String>> {
        self.text("domain_name")
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        Ok(self.info()?.and_then(|info| info.get(name)?.as_str().map(str::to_owned)))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
