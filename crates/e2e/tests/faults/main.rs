//! Storms on a shared storage: many processes with one expired token, of which some die, while disks fill and locks lie.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a storm are worth showing")]

#[path = "../support/mod.rs"]
mod support;

mod disks;
mod json;
mod postgres;
mod redis;
mod shim;
mod sqlite;
mod storm;
mod workers;
