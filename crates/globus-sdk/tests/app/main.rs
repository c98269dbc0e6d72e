//! Apps, against a Globus made of a transport: who is asked to log in and when, what is stored, and what is left of it when
//! things fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod globus;
mod logout;
mod world;
