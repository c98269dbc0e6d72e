//! The documents of Globus Auth.

mod client;
mod credential;
mod identity;
mod identity_provider;
mod keys;
mod openid;
mod policy;
mod project;
mod scope;
mod userinfo;

pub use self::client::{ClientKind, ClientLinks, ClientList, ClientType, ClientVisibility, RegisteredClient};
pub use self::credential::{ClientCredential, CreatedClientCredential, CredentialList};
pub use self::identity::{Identity, IdentityList, IdentityStatus, LinkedIdentity};
pub use self::identity_provider::{IdentityProvider, IdentityProviderList};
pub use self::keys::{JsonWebKey, JsonWebKeySet};
pub use self::openid::OpenIdConfiguration;
pub use self::policy::{AuthenticationPolicy, PolicyList};
pub use self::project::{Project, ProjectAdminGroup, ProjectAdmins, ProjectList};
pub use self::scope::{DependentScope, RegisteredScope, ScopeList};
pub use self::userinfo::UserInfo;
