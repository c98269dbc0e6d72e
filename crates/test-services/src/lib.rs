//! Services that tests need, each started privately, for one test or one test program, and gone with it.
//!
//! A service that cannot be started fails the test and says what to install: nothing is left out silently.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

pub mod browser;
pub mod postgres;
#[cfg(unix)]
pub mod redis;
pub mod secret_service;
