//! Sealing and opening.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::envelope::{self, Envelope, NONCE_LENGTH};
use super::passphrase::random;
use super::{SealContext, SealError, SealingKey, is_sealed_text};

/// The key that seals, and older ones that still open: a key is replaced by putting the new one first.
///
/// ```
/// use globus_core::seal::{SealContext, SealingKey, SealingKeys};
///
/// # let (old, new) = (SealingKey::from_bytes([1; 32]), SealingKey::from_bytes([2; 32]));
/// let context = SealContext::new("notes");
/// let sealed = SealingKeys::from(old.clone()).seal(&context, b"content")?;
///
/// let keys = SealingKeys::from(new).with_older(old);
/// assert_eq!(*keys.open(&context, &sealed)?, b"content");
/// # Ok::<(), globus_core::seal::SealError>(())
/// ```
#[derive(Clone)]
pub struct SealingKeys(Arc<Vec<SealingKey>>);

impl From<SealingKey> for SealingKeys {
    fn from(key: SealingKey) -> Self {
        Self(Arc::new(vec![key]))
    }
}

impl SealingKeys {
    /// Adds a key that opens what was sealed with it, and seals nothing.
    #[must_use]
    pub fn with_older(mut self, key: SealingKey) -> Self {
        Arc::make_mut(&mut self.0).push(key);
        self
    }

    /// Seals a content with the first key.
    ///
    /// With a passphrase, the first call may take as long as its [cost](super::Argon2Cost) says: call it where it may
    /// block.
    ///
    /// # Errors
    ///
    /// [`NoRandomNumbers`](SealError::NoRandomNumbers), and with a passphrase
    /// [`TooCostly`](SealError::TooCostly) when there is not enough memory.
    pub fn seal(&self, context: &SealContext, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.seal_with_nonce(context, plain, random()?)
    }

    fn seal_with_nonce(
        &self,
        context: &SealContext,
        plain: &[u8],
        nonce: [u8; NONCE_LENGTH],
    ) -> Result<Vec<u8>, SealError> {
        // There is one always: a first key is what this is made from.
        let (derivation, key) = self.0.first().ok_or(SealError::InvalidKey)?.sealing()?;
        let mut sealed = envelope::header(derivation, &nonce);
        let aad = envelope::associated_data(&sealed, context);
        let enciphered = XChaCha20Poly1305::new((&*key).into())
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            // Refused are contents of more than 256 GB only.
            .map_err(|_| SealError::CannotUnseal)?;
        sealed.extend(enciphered);
        Ok(sealed)
    }

    /// Opens what one of the keys has sealed in the same context.
    ///
    /// With a passphrase this may take as long as its [cost](super::Argon2Cost) says: call it where it may block.
    ///
    /// # Errors
    ///
    /// [`CannotUnseal`](SealError::CannotUnseal) when key or context are others or anything was changed;
    /// [`NotSealed`](SealError::NotSealed) when this is no sealed content;
    /// [`UnknownVersion`](SealError::UnknownVersion) and [`TooCostly`](SealError::TooCostly) when it asks for more than
    /// this version offers.
    pub fn open(&self, context: &SealContext, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.open_by(context, sealed).map(|(_, plain)| plain)
    }

    /// Opens it, and says whether the first key did.
    pub(crate) fn open_by(
        &self,
        context: &SealContext,
        sealed: &[u8],
    ) -> Result<(bool, Zeroizing<Vec<u8>>), SealError> {
        let envelope = Envelope::parse(sealed)?;
        let aad = envelope::associated_data(envelope.header, context);
        let nonce = XNonce::from(envelope.nonce);
        for (place, key) in self.0.iter().enumerate() {
            let Some(secret) = key.opening(envelope.derivation)? else { continue };
            let payload = Payload { msg: envelope.content, aad: &aad };
            if let Ok(plain) = XChaCha20Poly1305::new((&*secret).into()).decrypt(&nonce, payload) {
                key.has_opened(envelope.derivation);
                return Ok((place == 0, Zeroizing::new(plain)));
            }
        }
        Err(SealError::CannotUnseal)
    }

    /// Seals a content into a text, for places that take text only. See [`seal`](Self::seal).
    ///
    /// # Errors
    ///
    /// Those of [`seal`](Self::seal).
    pub fn seal_text(&self, context: &SealContext, plain: &[u8]) -> Result<String, SealError> {
        self.seal(context, plain).map(|sealed| URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`seal_text`](Self::seal_text) has made. See [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn open_text(&self, context: &SealContext, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.open_text_by(context, sealed).map(|(_, plain)| plain)
    }

    pub(crate) fn open_text_by(
        &self,
        context: &SealContext,
        sealed: &str,
    ) -> Result<(bool, Zeroizing<Vec<u8>>), SealError> {
        if !is_sealed_text(sealed) {
            return Err(SealError::NotSealed);
        }
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::CannotUnseal)?;
        self.open_by(context, &sealed)
    }

    /// Whether one of them is a passphrase.
    pub(crate) fn has_passphrase(&self) -> bool {
        self.0.iter().any(SealingKey::is_passphrase)
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealingKeys").field(&self.0).finish()
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
