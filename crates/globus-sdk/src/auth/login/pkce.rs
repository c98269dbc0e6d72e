//! The proof key of one login (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globus_core::{CodeVerifier, Error, Result};
use sha2::{Digest, Sha256};

/// The bounds of a verifier's length (RFC 7636, section 4.1).
const LENGTH: std::ops::RangeInclusive<usize> = 43..=128;

/// This many random bytes, in URL-safe base64 without padding.
pub(super) fn random_text<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::other("the system gives no random numbers", Some(Box::new(error) as _)))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A fresh verifier: 32 random bytes, so 43 characters.
pub(super) fn generate() -> Result<CodeVerifier> {
    random_text::<32>().map(CodeVerifier::new)
}

/// Checks a verifier that the caller chose.
pub(super) fn check(verifier: &CodeVerifier) -> Result<()> {
    let text = verifier.expose();
    if !LENGTH.contains(&text.chars().count()) {
        return Err(Error::usage("a code verifier has 43 to 128 characters (RFC 7636, section 4.1)"));
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '~' | '_' | '.' | '-')) {
        return Err(Error::usage(
            "a code verifier holds letters, digits and ~ _ . - only (RFC 7636, section 4.1)",
        ));
    }
    Ok(())
}

/// The challenge for a verifier, method `S256`.
pub(super) fn challenge(verifier: &CodeVerifier) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn length_and_alphabet_are_checked() {
        for (verifier, good) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("~_.-Az09".repeat(16), true),
            ("a".repeat(129), false),
            (format!("{}\n", "a".repeat(43)), false),
            (format!("{}é", "a".repeat(43)), false),
        ] {
            assert_eq!(check(&CodeVerifier::new(verifier.clone())).is_ok(), good, "{verifier:?}");
        }
    }

    #[test]
    fn generated_verifiers_are_valid_and_differ() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert!(check(&one).is_ok());
        assert_ne!(one, other);
    }
}
