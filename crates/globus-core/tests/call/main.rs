//! The call machinery, against a scripted transport and a clock that moves when told to.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bodies;
mod credentials;
mod errors;
mod fulfilling;
mod limits;
mod redirects;
mod renewals;
mod retries;
mod support;
