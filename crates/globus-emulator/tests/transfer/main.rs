//! Tasks that move and delete real files, and direct operations on directories.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, missing_docs)]

mod bad_input;
mod caller;
mod copies;
mod deletes;
mod directories;
#[cfg(unix)]
mod links;
#[cfg(unix)]
mod machine;
#[path = "../support/mod.rs"]
mod support;
mod tasks;
