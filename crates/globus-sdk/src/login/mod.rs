//! How a person logs in: showing the address, and getting the code back.
//!
//! A [`LoginUi`] does both. Apps ask theirs when a login is needed; programs without an app call it themselves:
//!
//! ```no_run
//! use globus_sdk::login::{AskWith, LoginRequest, LoginUi};
//! use globus_sdk::{GlobusAuthorizationParameters, NativeAppAuthClient};
//!
//! # async fn show_and_ask(url: url::Url) -> std::io::Result<String> { Ok(String::new()) }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?;
//! let wanted = GlobusAuthorizationParameters::default()
//!     .required_scopes("openid urn:globus:auth:scope:transfer.api.globus.org:all");
//! let request = LoginRequest::new(client, wanted).refresh_tokens(true);
//!
//! let tokens = AskWith::new(show_and_ask).log_in(&request).await?;
//! # let _ = tokens;
//! # Ok(())
//! # }
//! ```
//!
//! | how | for |
//! |---|---|
//! | [`AutomaticLogin`] | programs that people start by hand: the browser where there is one, else the terminal |
//! | [`LocalServerLogin`] | the browser of this machine, which comes back by itself |
//! | [`PasteLogin`] | terminals: the person copies a code |
//! | [`AskWith`], or a [`LoginUi`] of one's own | windows, notebooks, chats |
//! | `SuspendedLogin`, with the feature `seal` | logins that are begun here and finished elsewhere: batch jobs, portals |
//! | [`NeverPrompt`] | programs that nobody looks at |
//!
//! None of them waits for a person who cannot be there: without a terminal and a browser a login ends at once as
//! [`LoginError::PersonNeeded`].

mod ask;
mod automatic;
mod browser;
mod lines;
mod local_server;
mod named_grant;
mod never;
mod paste;
mod request;
mod screen;
#[cfg(feature = "seal")]
mod suspended;
mod ui;

pub use self::ask::AskWith;
pub use self::automatic::AutomaticLogin;
pub use self::browser::Browser;
pub use self::local_server::LocalServerLogin;
pub use self::named_grant::named_grant;
pub use self::never::NeverPrompt;
pub use self::paste::PasteLogin;
pub use self::request::{LoginRequest, StartedLogin};
#[cfg(feature = "seal")]
pub use self::suspended::{ResumedLogin, SuspendedLogin};
pub use self::ui::LoginUi;
pub(crate) use self::ui::dynamic::SharedLoginUi;
#[cfg(feature = "seal")]
pub use crate::auth::SuspendedLoginError;
pub use crate::auth::{LoginError, Unsuitable};
