//! The ground of the Globus SDK for Rust: secrets, tokens, authorizers, token storage, and the machinery
//! that sends requests to Globus services.
//!
//! Programs add `globus-sdk`, which re-exports all of this. Authors of storage backends, transports and
//! service clients of their own depend on this crate alone.

pub mod blocking_job;
pub mod clock;
pub mod config;
pub mod decode;
pub mod secret;
pub mod storage;
pub mod token;

pub use clock::{Clock, ManualClock, SystemClock};
pub use jiff::Timestamp;
pub use secret::{AccessToken, AuthorizationCode, ClientSecret, CodeVerifier, IdToken, RefreshToken};
pub use storage::{Namespace, Storage, StorageAdapter, StorageError, TokenStorage};
pub use token::{ResourceServer, Scopes, TokenData, TokenResponse};
