//! Globus Auth.

mod authorize;
mod client_auth;
mod consent_page;
mod consents;
mod developer;
mod discovery;
mod grants;
mod identities;
mod inspect;
pub(crate) mod keys;
mod pages;
pub(crate) mod scopes;
mod script;
mod sign_in;
pub(crate) mod tickets;
mod token;
mod userinfo;
mod words;

use axum::Router;
use axum::routing::{get, post};

pub use script::{ConsentMode, Decision};

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::configuration))
        .route("/jwk.json", get(discovery::jwks))
        .route("/v2/oauth2/authorize", get(authorize::authorize))
        .route("/v2/web/consent", post(consent_page::decided))
        .route("/v2/web/auth-code", get(pages::auth_code))
        .route("/v2/web/logout", get(pages::logout))
        .route("/v2/oauth2/token", post(token::token))
        .route("/v2/oauth2/token/revoke", post(inspect::revoke))
        .route("/v2/oauth2/token/validate", post(inspect::validate))
        .route("/v2/oauth2/token/introspect", post(inspect::introspect))
        .route("/v2/oauth2/userinfo", get(userinfo::userinfo))
        .route("/v2/api/identities", get(identities::identities))
        .route("/v2/api/identities/{id}", get(identities::identity))
        .route("/v2/api/identities/{id}/consents", get(consents::consents))
        .route("/v2/api/identity_providers", get(identities::providers))
        .merge(developer::routes())
}
