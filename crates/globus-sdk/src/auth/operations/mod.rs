//! The operations of Globus Auth, one in each file.

mod get_identities;
mod get_jwk;
mod get_openid_configuration;
mod userinfo;

pub use self::get_identities::GetIdentities;
pub use self::get_jwk::GetJwk;
pub use self::get_openid_configuration::GetOpenIdConfiguration;
pub use self::userinfo::UserInfoRequest;
