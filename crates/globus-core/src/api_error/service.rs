//! The services that errors come from.

use std::fmt;

/// A service of Globus. It decides how the body of an error is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Globus Auth.
    #[doc(alias = "AuthAPIError")]
    Auth,
    /// Globus Transfer.
    #[doc(alias = "TransferAPIError")]
    Transfer,
    /// Globus Groups.
    #[doc(alias = "GroupsAPIError")]
    Groups,
    /// Globus Search.
    #[doc(alias = "SearchAPIError")]
    Search,
    /// Globus Flows.
    #[doc(alias = "FlowsAPIError")]
    Flows,
    /// Globus Timers.
    #[doc(alias = "TimersAPIError")]
    Timers,
    /// Globus Compute.
    #[doc(alias = "ComputeAPIError")]
    Compute,
    /// The manager of a Globus Connect Server endpoint.
    #[doc(alias = "GCSAPIError")]
    Gcs,
    /// Anything else that is spoken to through a client.
    #[doc(alias = "GlobusAPIError")]
    Other,
}

impl Service {
    /// The short name, as [`service_url`](crate::config::service_url()) takes it. `gcs` and `other` have no place
    /// of their own in an environment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Transfer => "transfer",
            Self::Groups => "groups",
            Self::Search => "search",
            Self::Flows => "flows",
            Self::Timers => "timer",
            Self::Compute => "compute",
            Self::Gcs => "gcs",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Service {
    /// The name as people know it, such as `Globus Transfer`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "Globus Auth",
            Self::Transfer => "Globus Transfer",
            Self::Groups => "Globus Groups",
            Self::Search => "Globus Search",
            Self::Flows => "Globus Flows",
            Self::Timers => "Globus Timers",
            Self::Compute => "Globus Compute",
            Self::Gcs => "Globus Connect Server",
            Self::Other => "the service",
        })
    }
}
