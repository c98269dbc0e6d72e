use globus_core::decode::Text;
use globus_core::document;

document! {
    /// What Globus Auth says about itself (OpenID Connect Discovery, section 3).
    pub struct OpenIdConfiguration {
        /// Who signs id tokens.
        pub issuer: Text,
        /// Where people log in.
        pub authorization_endpoint: Text,
        /// Where userinfo is.
        pub userinfo_endpoint: Text,
        /// Where tokens are given out.
        pub token_endpoint: Text,
        /// Where tokens are revoked.
        pub revocation_endpoint: Text,
        /// Where the keys are that sign id tokens.
        pub jwks_uri: Text,
        /// The response types that the login takes.
        pub response_types_supported: Vec<Text>,
        /// The algorithms that sign id tokens. `None`: not said, and no id token can be believed.
        pub id_token_signing_alg_values_supported: Option<Vec<Text>>,
        /// The scopes of OpenID Connect.
        pub scopes_supported: Vec<Text>,
        /// How clients may prove themselves.
        pub token_endpoint_auth_methods_supported: Vec<Text>,
        /// What id tokens can say.
        pub claims_supported: Vec<Text>,
        /// The kinds of subject.
        pub subject_types_supported: Vec<Text>,
    }
}
