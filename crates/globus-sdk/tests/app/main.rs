//! Apps, against a Globus made of a transport: who is asked to log in and when, what is stored, and what is left of it when
//! things fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cancellation;
mod client_app;
mod consents;
mod construction;
mod expiry;
mod globus;
mod identity;
mod logout;
mod one_login;
mod redrive;
mod refresh;
mod requirements;
mod world;
