use globus_core::decode::Text;
use globus_core::document;
use serde_json::Value;

document! {
    /// What a verified id token says.
    pub struct IdTokenClaims {
        /// The id of the identity that logged in, a UUID.
        pub sub: Text,
        /// Who signed the token.
        pub iss: Text,
        /// Whom it is for: the client's id, or a list with it.
        pub aud: Value,
        /// When it expires, in seconds since 1970-01-01 UTC.
        pub exp: Option<f64>,
        /// When it was issued.
        pub iat: Option<f64>,
        /// From when on it counts.
        pub nbf: Option<f64>,
        /// The name that the identity logs in with.
        pub preferred_username: Option<Text>,
        /// The person's name.
        pub name: Option<Text>,
        /// The person's address.
        pub email: Option<Text>,
        /// The person's organization.
        pub organization: Option<Text>,
        /// The id of the identity provider that vouches for the identity.
        pub identity_provider: Option<Text>,
        /// The identity provider's name.
        pub identity_provider_display_name: Option<Text>,
        /// When the identity logged in, in seconds since 1970-01-01 UTC.
        pub last_authentication: Option<i64>,
        /// The hash that ties the token to the access token given out with it.
        pub at_hash: Option<Text>,
        /// All identities of the person, as the service tells them.
        pub identity_set: Vec<Value>,
    }
}
