//! Random texts, hashes and derived texts.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes from the operating system.
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "without the system's random source nothing here is safe to go on"
    )]
    getrandom::fill(&mut bytes).expect("the operating system's random source");
    bytes
}

/// 128 random bits as 32 hexadecimal digits.
pub(crate) fn hex128() -> String {
    hex(&bytes::<16>())
}

/// A new secret text of 256 bits after a prefix.
pub(crate) fn secret(prefix: &str) -> String {
    format!("{prefix}{}", base64url(&bytes::<32>()))
}

/// Lowercase hexadecimal SHA-256: how tokens, codes and secrets are kept.
pub(crate) fn fingerprint(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// The text that follows `predecessor` in a rotation, derived with a key of this emulator.
///
/// It is derived and not drawn so that a replayed predecessor can be answered with the same successor while
/// only fingerprints are kept.
pub(crate) fn successor(key: &str, prefix: &str, predecessor: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    format!("{prefix}{}", base64url(hmac::sign(&key, predecessor.as_bytes()).as_ref()))
}

/// Unpadded URL-safe base64.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The challenge of a PKCE verifier by the method `S256`.
pub(crate) fn pkce_challenge(verifier: &str) -> String {
    base64url(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        assert_eq!(
            pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_successor_is_repeatable_and_differs_per_key() {
        let first = successor("key", "Rg", "token");
        assert_eq!(first, successor("key", "Rg", "token"));
        assert_ne!(first, successor("other", "Rg", "token"));
        assert_ne!(secret("Ag"), secret("Ag"));
    }
}
