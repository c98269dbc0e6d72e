//! Globus from Rust: tokens that renew themselves, and the services that take them.
//!
//! ```no_run
//! use globus_sdk::{
//!     AuthClient, ConfidentialAppAuthClient, FileAdapter, RefreshTokenAuthorizer, SimpleJsonFileAdapter,
//!     TransferClient,
//! };
//!
//! # async fn example(client_id: &str, client_secret: &str) -> globus_sdk::Result<()> {
//! let tokens_file = SimpleJsonFileAdapter::for_resource_server("tokens.json", "transfer.api.globus.org");
//! let login_client = ConfidentialAppAuthClient::new(client_id, client_secret)?;
//!
//! let authorizer = RefreshTokenAuthorizer::from_tokens(&tokens_file.read()?, &login_client)?
//!     .on_refresh(tokens_file)
//!     .build()?;
//!
//! let transfer_client = TransferClient::new(authorizer)?;
//! # let _ = transfer_client;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "auth")]
pub mod app;
#[cfg(feature = "auth")]
pub mod auth;
#[cfg(feature = "auth")]
pub mod gare;
pub mod local_endpoint;
#[cfg(feature = "auth")]
pub mod login;
#[cfg(feature = "auth")]
pub mod next_step;
#[cfg(any(feature = "auth", feature = "transfer"))]
mod operation;
pub mod scopes;
pub mod storage;
#[cfg(feature = "transfer")]
pub mod transfer;

pub use globus_core::*;

#[cfg(feature = "auth")]
pub use self::app::{ClientApp, GlobusApp, UserApp};
#[cfg(feature = "auth")]
pub use self::auth::{
    AuthClient, AuthLoginClient, ConfidentialAppAuthClient, LoginError, NativeAppAuthClient,
};
#[cfg(feature = "auth")]
pub use self::gare::{Gare, GlobusAuthorizationParameters};
pub use self::local_endpoint::{LocalGlobusConnectPersonal, LocalGlobusConnectServer};
#[cfg(feature = "auth")]
pub use self::next_step::NextStep;
#[cfg(feature = "transfer")]
pub use self::transfer::{DeleteData, TransferClient, TransferData};
