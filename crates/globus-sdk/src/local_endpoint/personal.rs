//! Globus Connect Personal.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use globus_core::Result;
use globus_core::config::Variables;
use globus_core::config::paths::{Platform, globus_connect_personal_directory};

use super::{GlobusConnectPersonalOwner, read_text};

/// A Globus Connect Personal on this machine, known by its files.
///
/// Its collection has the id of the endpoint. Everything is read when it is asked for.
#[derive(Debug)]
pub struct LocalGlobusConnectPersonal {
    directory: Option<PathBuf>,
    variables: Variables,
    platform: Platform,
    endpoint_id: Mutex<Option<String>>,
}

impl Default for LocalGlobusConnectPersonal {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalGlobusConnectPersonal {
    /// The one in the usual directory: `~/.globusonline`, on Windows `%LOCALAPPDATA%\Globus Connect`.
    pub fn new() -> Self {
        Self {
            directory: None,
            variables: Variables::process(),
            platform: Platform::current(),
            endpoint_id: Mutex::default(),
        }
    }

    /// The one with this configuration directory, which its program was started with as `-dir`. An empty path means
    /// the usual one.
    #[doc(alias = "config_dir")]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        let directory = Some(directory.into()).filter(|path| !path.as_os_str().is_empty());
        Self { directory, ..Self::new() }
    }

    /// Finds the usual directory with these variables and by the rules of this platform.
    #[must_use]
    pub fn with_variables(mut self, variables: Variables, platform: Platform) -> Self {
        self.variables = variables;
        self.platform = platform;
        self
    }

    /// The configuration directory.
    ///
    /// # Errors
    ///
    /// A usage error when the home directory is not known (on Windows, when `LOCALAPPDATA` is not set) and no directory
    /// was named.
    pub fn config_directory(&self) -> Result<PathBuf> {
        match &self.directory {
            Some(directory) => Ok(directory.clone()),
            None => Ok(globus_connect_personal_directory(&self.variables, self.platform)?),
        }
    }

    /// A file of its data, which is beside the configuration on Windows and below it elsewhere.
    fn data(&self, name: &str) -> Result<PathBuf> {
        let directory = self.config_directory()?;
        Ok(match self.platform {
            Platform::Windows => directory.join(name),
            _ => directory.join("lta").join(name),
        })
    }

    /// The id of the endpoint and of its collection; `None` where none is set up. What was found once is kept until
    /// [`reset`](Self::reset).
    ///
    /// The text is that of the file; parse it into an [`EndpointId`](crate::EndpointId) to use it.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read, and as [`config_directory`](Self::config_directory).
    pub fn endpoint_id(&self) -> Result<Option<String>> {
        let mut kept = self.endpoint_id.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            let text = read_text(&self.data("client-id.txt")?)?;
            *kept = text.map(|text| text.trim().to_owned()).filter(|id| !id.is_empty());
        }
        Ok(kept.clone())
    }

    /// Forgets the id of the endpoint, so that it is read again.
    pub fn reset(&self) {
        *self.endpoint_id.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Who has set it up, as it noted itself; `None` where it did not.
    ///
    /// # Errors
    ///
    /// As [`endpoint_id`](Self::endpoint_id).
    #[doc(alias = "get_owner_info")]
    pub fn owner_info(&self) -> Result<Option<GlobusConnectPersonalOwner>> {
        let gridmap = read_text(&self.data("gridmap")?)?;
        Ok(gridmap.and_then(|gridmap| GlobusConnectPersonalOwner::of_gridmap(&gridmap)))
    }

    /// The identity that has set it up, as Globus Auth knows it; `None` where nobody is noted, or Globus Auth does not
    /// know them.
    ///
    /// # Errors
    ///
    /// As [`owner_info`](Self::owner_info), and whatever the call answers.
    #[cfg(feature = "auth")]
    #[doc(alias = "get_owner_info")]
    pub async fn look_up_owner(&self, auth: &crate::AuthClient) -> Result<Option<crate::auth::Identity>> {
        let identities = match self.owner_info()? {
            None => return Ok(None),
            Some(GlobusConnectPersonalOwner::Id(id)) => auth.get_identities().ids(id.to_string()),
            Some(GlobusConnectPersonalOwner::Username(name)) => auth.get_identities().usernames(name),
        };
        Ok(identities.send().await?.into_inner().identities.into_iter().next())
    }
}
