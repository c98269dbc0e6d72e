//! The services that the emulator stands in for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One Globus service, as the emulator names it in paths, faults and the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Service {
    /// Globus Auth.
    Auth,
    /// Globus Transfer.
    Transfer,
    /// Globus Groups.
    Groups,
    /// Globus Search.
    Search,
    /// Globus Flows.
    Flows,
    /// Globus Timers.
    #[serde(alias = "timer")]
    Timers,
    /// Globus Compute.
    Compute,
    /// The web app.
    App,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 8] = [
        Self::Auth,
        Self::Transfer,
        Self::Groups,
        Self::Search,
        Self::Flows,
        Self::Timers,
        Self::Compute,
        Self::App,
    ];

    /// The name in paths: `auth`, `transfer`, `groups`, `search`, `flows`, `timers`, `compute`, `app`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Transfer => "transfer",
            Self::Groups => "groups",
            Self::Search => "search",
            Self::Flows => "flows",
            Self::Timers => "timers",
            Self::Compute => "compute",
            Self::App => "app",
        }
    }

    /// The environment variable that points the SDKs at this service.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Auth => "GLOBUS_SDK_SERVICE_URL_AUTH",
            Self::Transfer => "GLOBUS_SDK_SERVICE_URL_TRANSFER",
            Self::Groups => "GLOBUS_SDK_SERVICE_URL_GROUPS",
            Self::Search => "GLOBUS_SDK_SERVICE_URL_SEARCH",
            Self::Flows => "GLOBUS_SDK_SERVICE_URL_FLOWS",
            // The SDKs call the service `timer`; a variable with an `S` is not read.
            Self::Timers => "GLOBUS_SDK_SERVICE_URL_TIMER",
            Self::Compute => "GLOBUS_SDK_SERVICE_URL_COMPUTE",
            Self::App => "GLOBUS_SDK_SERVICE_URL_APP",
        }
    }

    /// The resource server whose tokens the service takes.
    pub(crate) fn resource_server(self) -> &'static str {
        match self {
            Self::Auth => "auth.globus.org",
            Self::Transfer => "transfer.api.globus.org",
            Self::Groups => "groups.api.globus.org",
            Self::Search => "search.api.globus.org",
            Self::Flows => "flows.globus.org",
            Self::Timers => "524230d7-ea86-4a52-8312-86065a9e0417",
            Self::Compute => "funcx_service",
            Self::App => "app.globus.org",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no service of the emulator.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{0:?} is not a service of the emulator; use auth, transfer, groups, search, flows, timers, compute or app"
)]
pub struct UnknownService(String);

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = if text == "timer" { "timers" } else { text };
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == text)
            .ok_or_else(|| UnknownService(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_the_service() {
        for service in Service::ALL {
            assert_eq!(service.as_str().parse::<Service>().unwrap(), service);
        }
        assert_eq!("timer".parse::<Service>().unwrap(), Service::Timers);
        assert!("gcs".parse::<Service>().is_err());
    }
}
