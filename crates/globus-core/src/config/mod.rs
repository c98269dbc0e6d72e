//! Configuration: where the services are, how requests introduce themselves, and which environment variables
//! change that.
//!
//! The order of precedence is the same everywhere: an explicit argument, then an environment variable, then
//! the default. Nothing here is global: environment variables come from a [`Variables`] value, so that a test
//! or an embedding program can give its own, and a deployment of its own is an [`Environment`] value.
//!
//! | Variable | Read by |
//! |---|---|
//! | `GLOBUS_SDK_ENVIRONMENT` | [`Environment::from_variables`] |
//! | `GLOBUS_SDK_SERVICE_URL_<SERVICE>` | [`service_url()`] |
//! | `GLOBUS_SDK_HTTP_TIMEOUT` | [`HttpTimeout::resolve`] |
//! | `GLOBUS_SDK_VERIFY_SSL` | [`TlsVerification::resolve`] |
//! | `HOME`, `LOCALAPPDATA`, `APPDATA`, `USERPROFILE`, `HOMEDRIVE`, `HOMEPATH` | [`paths::default_token_path`] |
//!
//! ```
//! use globus_core::config::{Environment, Variables, service_url};
//!
//! let variables = Variables::from_iter([("GLOBUS_SDK_ENVIRONMENT", "preview")]);
//! let url = service_url("transfer", None, &variables)?;
//! assert_eq!(url.as_str(), "https://transfer.api.preview.globus.org/");
//!
//! let url = service_url("transfer", Some(&Environment::production()), &variables)?;
//! assert_eq!(url.as_str(), "https://transfer.api.globus.org/");
//! # Ok::<(), globus_core::config::ConfigError>(())
//! ```

mod client_info;
mod environment;
mod error;
mod http;
pub mod paths;
pub mod url;
mod variables;

pub use client_info::{ClientInfo, user_agent};
pub use environment::{Environment, base_url, is_production_host, service_url, webapp_url};
pub use error::ConfigError;
pub use http::{HttpTimeout, TlsVerification};
pub use variables::Variables;
