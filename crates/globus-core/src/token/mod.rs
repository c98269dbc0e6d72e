//! Tokens: what a token endpoint answers, and the record of one token.
//!
//! A [`TokenResponse`] is one answer of the token endpoint. It holds one [`TokenData`] for each resource
//! server, to be found [by resource server](TokenResponse::by_resource_server) or
//! [by scopes](TokenResponse::by_scopes). Login clients make these; programs read them and hand them to a
//! [storage](crate::storage).
//!
//! ```
//! use globus_core::Timestamp;
//! use globus_core::token::{Grant, TokenResponse};
//!
//! let body = br#"{"access_token": "AgExample", "scope": "openid email", "expires_in": 172800,
//!     "token_type": "Bearer", "resource_server": "auth.globus.org", "other_tokens": []}"#;
//! let now = Timestamp::from_second(1_700_000_000)?;
//! let response = TokenResponse::parse(Grant::AuthorizationCode, body, now)?;
//!
//! let token = &response.by_resource_server()["auth.globus.org"];
//! assert_eq!(token.expires_at_seconds, 1_700_172_800);
//! assert_eq!(response.by_scopes().get("email")?.access_token.expose(), "AgExample");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod data;
pub(crate) mod json;
mod names;
mod parse;
mod record;
mod response;

pub use data::{Generation, TokenData};
pub use names::ResourceServer;
pub(crate) use names::text_newtype;
pub use parse::MalformedTokenResponse;
pub(crate) use record::FLAT_VERSION_KEY;
pub use record::InvalidRecord;
pub use response::{ByResourceServer, ByScopes, Grant, NoSuchToken, TokenResponse};
