//! Globus Auth: logins, tokens, identities.
//!
//! | client | who speaks |
//! |---|---|
//! | [`NativeAppAuthClient`] | an installed program, for logging a person in |
//! | [`ConfidentialAppAuthClient`] | a service with a secret: logs people in, or gets tokens of its own |
//! | [`AuthClient`] | a person or service that has tokens, to ask who somebody is |
//!
//! The two login clients also renew tokens for
//! [`RefreshTokenAuthorizer`](crate::RefreshTokenAuthorizer) and
//! [`ClientCredentialsAuthorizer`](crate::ClientCredentialsAuthorizer).
//!
//! A service that is *called* with a user's token finds in [`caller`] what checks it and acts on the user's behalf.

pub mod caller;
mod client;
pub mod consents;
mod id_token;
mod identity_map;
mod login;
mod model;
mod operations;

pub use self::client::AuthClient;
pub use self::id_token::{IdTokenClaims, IdTokenDecoder, IdTokenError};
pub use self::identity_map::IdentityMap;
#[cfg(feature = "seal")]
pub(crate) use self::login::KeptFlow;
#[cfg(feature = "seal")]
pub use self::login::SuspendedLoginError;
pub use self::login::{
    AuthLoginClient, AuthorizationFlow, AuthorizeUrl, ConfidentialAppAuthClient, CreateNativeAppInstance,
    GetDependentTokens, IntrospectToken, LoginClient, LoginError, NativeAppAuthClient, NativeAppInstance,
    PolicyEvaluation, RevokeToken, RevokedToken, SessionAuthentication, SessionInfo, StartFlow,
    TokenIntrospection, TokenRequest, Unsuitable,
};
pub use self::model::*;
pub use self::operations::*;
