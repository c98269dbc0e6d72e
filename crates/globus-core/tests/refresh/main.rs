//! The refresh engine, against a scripted token endpoint and a scripted storage.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod adoption;
mod clocks;
mod invalid_grant;
mod panics;
mod persistence;
mod rejection;
mod responses;
mod runtimes;
mod single_flight;
mod support;
mod windows;
