//! The ground of the Globus SDK for Rust: secrets, tokens, authorizers, token storage, and the machinery
//! that sends requests to Globus services.
//!
//! Programs add `globus-sdk`, which re-exports all of this. Authors of storage backends, transports and
//! service clients of their own depend on this crate alone.

pub mod api_error;
pub mod clock;
pub mod config;
pub mod secret;

pub use api_error::ApiError;
pub use clock::{Clock, ManualClock, SystemClock};
pub use jiff::Timestamp;
pub use secret::{AccessToken, AuthorizationCode, ClientSecret, CodeVerifier, IdToken, RefreshToken};
