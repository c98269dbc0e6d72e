//! Secret values: tokens, client secrets, codes.
//!
//! Every secret of the SDK is a type of its own. None of them implements `Display` or `Serialize`, their
//! `Debug` prints the type's name only, and the text leaves through one door, [`expose`](AccessToken::expose),
//! so that a search for that word finds every place where a secret is used. Equality is compared without
//! early exit. Cloning shares the text; it is wiped when the last clone is dropped.
//!
//! What is not wiped: the buffers of the HTTP library and of the operating system, through which a token
//! passes on its way to the service.
//!
//! ```
//! use globus_core::AccessToken;
//!
//! let token = AccessToken::new("AgExample");
//! assert_eq!(token.expose(), "AgExample");
//! assert_eq!(format!("{token:?}"), "AccessToken(redacted)");
//! ```

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Compares two texts in a time that depends on their lengths only.
fn same_text(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Arc<Zeroizing<String>>);

        impl $name {
            /// Wraps the text. The text is taken over as it is; nothing is trimmed or checked here.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Arc::new(Zeroizing::new(text.into())))
            }

            /// The secret text. This is the only way to it.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Whether the text is empty.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// The lowercase hexadecimal SHA-256 of the text: what log lines may show in its place.
            pub fn fingerprint(&self) -> String {
                Sha256::digest(self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                same_text(&self.0, &other.0)
            }
        }

        impl Eq for $name {}

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<&$name> for $name {
            fn from(secret: &$name) -> Self {
                secret.clone()
            }
        }
    };
}

secret! {
    /// An access token: the limited-lifetime credential of one resource server, sent as `Bearer`.
    AccessToken
}

secret! {
    /// A refresh token: the long-lived credential that is traded for new access tokens.
    RefreshToken
}

secret! {
    /// The secret of a confidential client, or the password of a
    /// `BasicAuthorizer`.
    ClientSecret
}

secret! {
    /// A signed statement of who logged in (OpenID Connect Core, section 2). A secret because it names people.
    IdToken
}

secret! {
    /// The code that a login hands back, good for one exchange (RFC 6749, section 4.1.2).
    AuthorizationCode
}

secret! {
    /// The proof key of one login (RFC 7636, section 4.1).
    CodeVerifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_text() {
        assert_eq!(format!("{:?}", RefreshToken::new("AgSecret")), "RefreshToken(redacted)");
    }

    #[test]
    fn fingerprint_is_the_sha256_of_the_text() {
        assert_eq!(
            AccessToken::new("tok").fingerprint(),
            "1a7674eb4ee78df7e1ac439a93c3fa8e3c945784d4dec9fd8e3011738b2f1d62"
        );
    }

    #[test]
    fn equality_compares_the_text() {
        assert_eq!(AccessToken::new("a"), AccessToken::new("a"));
        assert_ne!(AccessToken::new("a"), AccessToken::new("b"));
        assert_ne!(AccessToken::new("a"), AccessToken::new("ab"));
    }
}
