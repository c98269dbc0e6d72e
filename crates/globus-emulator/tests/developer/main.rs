//! What developers do in Auth: projects, policies, clients, credentials, scopes.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, missing_docs)]

mod clients;
mod credentials;
mod developer;
mod identities;
mod policies;
mod projects;
mod scopes;
mod seeding;
#[path = "../support/mod.rs"]
mod support;
