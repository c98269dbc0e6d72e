//! How a person logs in: at the terminal, by a browser that comes back, and in two steps.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod automatic;
mod local_server;
mod paste;
#[path = "../playback/mod.rs"]
mod playback;
mod support;
#[cfg(feature = "seal")]
mod suspended;
#[cfg(target_os = "linux")]
mod terminal;
