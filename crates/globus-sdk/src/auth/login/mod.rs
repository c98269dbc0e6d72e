//! The clients that log people and programs in, and the flow of one login.

mod client;
mod confidential;
mod dependent_tokens;
mod error;
mod flow;
mod introspect;
#[cfg(feature = "seal")]
mod kept_flow;
mod login_client;
mod native;
mod native_app_instance;
mod pkce;
mod requests;
#[cfg(feature = "seal")]
mod suspended_error;
mod unsuitable;

pub use self::client::AuthLoginClient;
pub use self::confidential::ConfidentialAppAuthClient;
pub use self::dependent_tokens::GetDependentTokens;
pub use self::error::LoginError;
pub use self::flow::{AuthorizationFlow, AuthorizeUrl, StartFlow};
pub use self::introspect::{
    IntrospectToken, PolicyEvaluation, SessionAuthentication, SessionInfo, TokenIntrospection,
};
#[cfg(feature = "seal")]
pub(crate) use self::kept_flow::KeptFlow;
pub use self::login_client::LoginClient;
pub use self::native::NativeAppAuthClient;
pub use self::native_app_instance::{CreateNativeAppInstance, NativeAppInstance};
pub(super) use self::requests::send_secret;
pub use self::requests::{RevokeToken, RevokedToken, TokenRequest};
#[cfg(feature = "seal")]
pub use self::suspended_error::SuspendedLoginError;
pub use self::unsuitable::Unsuitable;
