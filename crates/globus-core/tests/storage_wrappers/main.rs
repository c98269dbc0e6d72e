//! Storages around storages: the validating and the remembering one.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod cached;
mod renewing;
mod support;
mod validating;
