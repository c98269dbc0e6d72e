//! What a service asks of a login: Globus Auth Requirements Errors (GARE).
//!
//! A service that needs more authorization than a token carries (a consent, a fresh session, a second factor)
//! answers with a document that says so: a [`Gare`]. Its [`GlobusAuthorizationParameters`] are what the next
//! login must be asked for. [`Gare::find`] reads every form in which services write it, and
//! [`AuthorizeUrl::authorization_parameters`](crate::auth::AuthorizeUrl::authorization_parameters) asks for it:
//!
//! ```no_run
//! use globus_sdk::{Gare, NativeAppAuthClient, TransferClient};
//!
//! # async fn example(transfer: TransferClient, login: NativeAppAuthClient) -> globus_sdk::Result<()> {
//! # let collection: globus_sdk::EndpointId = "aa752cea-8222-5bc8-acd9-555b090c0ccb".parse().unwrap();
//! if let Err(error) = transfer.operation_ls(collection).send().await {
//!     let Some(gare) = Gare::find_for_login(&error) else { return Err(error) };
//!     let flow = login.oauth2_start_flow("urn:globus:auth:scope:transfer.api.globus.org:all").start()?;
//!     let address = flow
//!         .oauth2_get_authorize_url()
//!         .authorization_parameters(&gare.authorization_parameters.prompt("login"))
//!         .url()?;
//!     println!("Please log in at {address}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A program that wants to know what to do about *any* failure asks [`NextStep`](crate::NextStep), which looks for
//! requirements too. Several requirements become few logins by [`coalesce`].
//!
//! The documents come from services and from files, so nothing in them is taken on trust: what is read from text is
//! limited ([`MAX_TEXT`]), nothing that is odd is an error, and what is shown has no control characters.

mod coalesce;
mod document;
mod invalid;
mod lenient;
mod members;
mod parameters;
mod source;
mod strict;

pub use self::coalesce::{Coalesce, coalesce};
pub use self::document::{Gare, GareWithExtra};
pub use self::invalid::InvalidGare;
pub use self::parameters::GlobusAuthorizationParameters;
pub use self::source::GareSource;

/// The longest text from which a [`Gare`] is read, in bytes: 256 KiB.
pub const MAX_TEXT: usize = 256 << 10;
