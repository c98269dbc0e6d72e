use globus_core::decode::Text;
use globus_core::document;

document! {
    /// A public key that signs id tokens (RFC 7517).
    pub struct JsonWebKey {
        /// The family of the key, `RSA`.
        pub kty: Text,
        /// The algorithm that it is for, such as `RS512`.
        pub alg: Option<Text>,
        /// What it is for, `sig`.
        pub key_use as "use": Option<Text>,
        /// The name by which tokens refer to it.
        pub kid: Option<Text>,
        /// The modulus of an RSA key, URL-safe base64.
        pub n: Text,
        /// The exponent of an RSA key, URL-safe base64.
        pub e: Text,
    }
}

document! {
    /// The keys that sign id tokens (RFC 7517, section 5).
    pub struct JsonWebKeySet {
        /// The keys.
        pub keys: Vec<JsonWebKey>,
    }
}
