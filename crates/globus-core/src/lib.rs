//! The ground of the Globus SDK for Rust: secrets, tokens, authorizers, token storage, and the machinery
//! that sends requests to Globus services.
//!
//! Programs add `globus-sdk`, which re-exports all of this. Authors of storage backends, transports and
//! service clients of their own depend on this crate alone.

pub mod api_error;
pub mod authorizer;
pub mod blocking_job;
pub mod call;
pub mod clock;
pub mod config;
pub mod decode;
pub mod detached_job;
pub mod error;
#[doc(hidden)]
pub mod failpoint;
pub mod flight;
pub mod id;
pub mod paging;
pub mod refresh;
pub mod retry;
pub mod scope;
#[cfg(feature = "seal")]
pub mod seal;
pub mod secret;
mod shown;
pub mod storage;
pub mod token;
pub mod transport;

pub use api_error::ApiError;
pub use authorizer::{
    AccessTokenAuthorizer, Authorization, Authorize, Authorizer, BasicAuthorizer,
    ClientCredentialsAuthorizer, ConfidentialGrants, NullAuthorizer, RefreshTokenAuthorizer, RenewingBuilder,
    TokenGrants,
};
pub use call::{BaseClient, Call, ClientBuilder, RawResponse, Response};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::Environment;
pub use error::{Error, Result};
pub use id::{
    ClientId, CredentialId, EndpointId, GroupId, IdentityId, IdentityProviderId, PolicyId, ProjectId,
    ScopeId, TaskId,
};
pub use jiff::Timestamp;
pub use refresh::{HeldTokens, OnRefresh, PendingPersist, RefreshWindows};
pub use retry::{RetryBudget, RetryPolicy};
pub use scope::{Scope, Scopes};
pub use secret::{AccessToken, AuthorizationCode, ClientSecret, CodeVerifier, IdToken, RefreshToken};
pub use shown::Shown;
#[cfg(feature = "seal")]
pub use storage::SealedTokenStorage;
pub use storage::{
    FileAdapter, JsonTokenStorage, LegacyJsonTokenStorage, MemoryTokenStorage, Namespace,
    SimpleJsonFileAdapter, Storage, StorageAdapter, StorageError, TokenStorage,
};
pub use token::{Grant, ResourceServer, TokenData, TokenResponse};
