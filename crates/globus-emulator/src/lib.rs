//! A local stand-in for the Globus services: real OAuth2, real files, no account, no network.
//!
//! [`Emulator::builder`] starts one inside your program, on a loopback port. Clients are pointed at it with
//! the variables that [`Emulator::variables`] lists, or with [`Emulator::service_url`]. It keeps to the shapes
//! that the services answer in, so an unmodified client cannot tell the difference, except that a test can
//! move its [clock](EmulatedClock), make it [fail](Fault), and read its [journal](Requests).
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! use globus_emulator::Emulator;
//!
//! let files = tempfile::tempdir()?;
//! let emulator = Emulator::builder().collection("laptop", files.path()).start().await?;
//! for (name, value) in emulator.variables() {
//!     // Set these for the program that is to use the emulator.
//!     assert!(name.starts_with("GLOBUS_SDK_"));
//!     assert!(!value.is_empty());
//! }
//! emulator.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # The program
//!
//! `globus-emulator serve` runs one for shells and for programs in other languages, and says in one line of JSON
//! how to reach it; `globus-emulator env` prints the variables. The feature `cli`, on by default, builds it:
//! programs that embed the library need no default features.
//!
//! # What it is not
//!
//! It is for tests and for trying things out. Whoever can read its address may use it: it asks nobody for a
//! password. It answers to loopback names only and refuses web pages of other origins.

mod app;
mod auth;
mod builder;
mod call;
mod clock;
mod control;
mod emulator;
mod error;
mod exchange;
mod failure;
mod faults;
mod gate;
mod governing;
mod journal;
mod login;
mod mask;
mod person;
mod random;
mod registration;
mod routes;
mod server;
mod service;
mod store;
mod token_filter;
mod transfer;
mod world;

pub use globus_core::Clock;

pub use auth::{ConsentMode, Decision};
pub use builder::{EmulatorBuilder, EntityType};
pub use clock::EmulatedClock;
pub use emulator::{Collection, ConfidentialClient, Emulator, User};
pub use error::{LoginError, RulesError, StartError, StoreError};
pub use faults::{Fault, Faults};
pub use journal::{RecordedRequest, Requests};
pub use login::RedirectedLogin;
pub use person::Person;
pub use registration::{
    NewClient, NewPolicy, NewProject, NewScope, RegisteredClient, RegisteredPolicy, RegisteredProject,
    RegistrationError,
};
pub use service::{Service, UnknownService};
pub use token_filter::{TokenFilter, TokenKind};
pub use transfer::access::CollectionRules;
pub use world::settings::{JwtTime, Rotation, TokenLifetimes, TransferLimits};
