//! The scopes of the Globus services.
//!
//! Each service has a collection: its resource server, and a constant for each scope. Endpoints, collections and flows
//! have scopes of their own, made from their id.
//!
//! ```
//! use globus_sdk::scopes::{AuthScopes, GcsCollectionScopes, TransferScopes};
//! use globus_sdk::{NativeAppAuthClient, Scopes};
//!
//! # fn example(mapped_collection: &str) -> globus_sdk::Result<()> {
//! let data_access = GcsCollectionScopes::new(mapped_collection).data_access();
//! let transfer = TransferScopes::ALL.with_dependency(data_access.optional());
//!
//! let client = NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?;
//! let flow = client.oauth2_start_flow([AuthScopes::OPENID, transfer]).start()?;
//! # let _ = flow;
//! # Ok(())
//! # }
//! # example("f1d4b5a2-7a52-4c5d-8f0e-7e9d4c1b2a30").unwrap();
//! ```
//!
//! The names hold `auth.globus.org` in every environment. The sources are the services' own pages and the Python SDK's
//! `globus_sdk.scopes`.

mod of_one;
mod services;

pub use self::of_one::{GcsCollectionScopes, GcsEndpointScopes, SpecificFlowScopes};
pub use self::services::{
    AuthScopes, ComputeScopes, FlowsScopes, GroupsScopes, NexusScopes, SearchScopes, TimersScopes,
    TransferScopes,
};
