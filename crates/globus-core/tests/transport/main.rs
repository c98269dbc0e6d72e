//! The HTTP transport over real sockets, against servers that misbehave in one way each.

#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bodies;
mod connections;
mod proxies;
mod server;
