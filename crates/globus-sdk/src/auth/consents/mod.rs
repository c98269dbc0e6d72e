//! Consents: what somebody allowed a client to do, and whether that is enough.
//!
//! A consent is for one scope. One for a scope that another scope depends on stands below the consent for that one,
//! so the consents of an identity are trees: a [`ConsentForest`]. It says whether it meets what a program needs, and
//! where it does not, what is [missing](ConsentForest::missing) and why.
//!
//! ```no_run
//! # use globus_sdk::AuthClient;
//! # async fn example(client: AuthClient) -> Result<(), Box<dyn std::error::Error>> {
//! use globus_sdk::Scopes;
//!
//! let needed = Scopes::from("urn:globus:auth:scope:transfer.api.globus.org:all[*data_access]").parse()?;
//! let me = client.userinfo().send().await?;
//! let forest = client.get_consents(me.sub).send().await?.to_forest()?;
//! for missing in forest.missing(&needed) {
//!     println!("{missing}");
//! }
//! # Ok(())
//! # }
//! ```

mod consent;
mod document;
mod error;
mod forest;
mod missing;
mod requirement;

pub use self::consent::Consent;
pub use self::document::{ConsentDocument, ConsentList};
pub use self::error::ConsentError;
pub use self::forest::{ConsentForest, ConsentTree};
pub use self::missing::{MissingConsent, MissingReason};
