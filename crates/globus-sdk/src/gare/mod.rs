//! What a service asks of a login: Globus Auth Requirements Errors (GARE).
//!
//! A service that needs more authorization than a token carries (a consent, a fresh session, a second factor)
//! answers with a document that says so: a [`Gare`]. Its [`GlobusAuthorizationParameters`] are what the next
//! login must be asked for.

mod document;
mod parameters;

pub use self::document::{Gare, GareWithExtra};
pub use self::parameters::GlobusAuthorizationParameters;
