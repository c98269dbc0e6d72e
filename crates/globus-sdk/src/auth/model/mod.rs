//! The documents of Globus Auth.

mod identity;
mod keys;
mod openid;
mod userinfo;

pub use self::identity::{Identity, IdentityList, IdentityStatus};
pub use self::keys::{JsonWebKey, JsonWebKeySet};
pub use self::openid::OpenIdConfiguration;
pub use self::userinfo::UserInfo;
