//! The key that seals.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use zeroize::Zeroizing;

use super::passphrase::{Derivation, Key, Passphrase, SALT_LENGTH};
use super::{Argon2Cost, SealError, key_file};

/// A key that seals and opens. Clones share it; it is wiped when the last one is dropped. `Debug` shows nothing of it.
///
/// | from | for |
/// |---|---|
/// | [`from_key_file`](Self::from_key_file) | one machine, or several that share a file system |
/// | [`from_base64`](Self::from_base64), [`from_bytes`](Self::from_bytes) | keys from a secret manager or a variable |
/// | [`from_passphrase`](Self::from_passphrase) | a person who types it |
#[derive(Clone)]
pub struct SealingKey(Arc<Source>);

enum Source {
    Key(Key),
    Passphrase(Passphrase),
}

impl SealingKey {
    /// Takes 32 bytes, which must be random, as the key.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(Arc::new(Source::Key(Zeroizing::new(key))))
    }

    /// Reads a key of 32 random bytes in base64, in either alphabet, with or without padding. Blanks and line ends around
    /// it do not count. `openssl rand -base64 32` makes one.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`](SealError::InvalidKey) when it is anything else.
    pub fn from_base64(text: impl AsRef<str>) -> Result<Self, SealError> {
        let text = text.as_ref().trim_ascii();
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        // One byte more than a key has room, so that a longer one is noticed.
        let mut bytes = Zeroizing::new([0; 33]);
        let is_for_urls = text.contains(['-', '_']);
        let alphabet = if is_for_urls { &base64::alphabet::URL_SAFE } else { &base64::alphabet::STANDARD };
        let length = GeneralPurpose::new(alphabet, config).decode_slice(text, bytes.as_mut_slice());
        match (length, bytes.first_chunk::<32>()) {
            (Ok(32), Some(key)) => Ok(Self::from_bytes(*key)),
            _ => Err(SealError::InvalidKey),
        }
    }

    /// Reads a key file: one line in base64, as [`from_base64`](Self::from_base64) reads it. Links are followed, as they
    /// are usual where secrets are mounted.
    ///
    /// # Errors
    ///
    /// [`KeyFile`](SealError::KeyFile) when there is none, when other users may read it or own it, or when it does not
    /// hold a key.
    pub fn from_key_file(path: impl AsRef<Path>) -> Result<Self, SealError> {
        key_file::read(path.as_ref())
    }

    /// Makes a key file with a new random key, readable by its owner alone, and answers the key. What is sealed with it
    /// is lost when the file is lost.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("tokens.key");
    /// use globus_core::seal::{SealingKey, SealingKeys};
    ///
    /// let key = if path.exists() {
    ///     SealingKey::from_key_file(&path)?
    /// } else {
    ///     SealingKey::create_key_file(&path)?
    /// };
    /// # let _ = key;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyFile`](SealError::KeyFile) when there is such a file already, which is never overwritten, or none can be
    /// made.
    pub fn create_key_file(path: impl AsRef<Path>) -> Result<Self, SealError> {
        key_file::create(path.as_ref())
    }

    /// A passphrase, of which a key is made when it is first needed. That takes about 0.15 seconds and 64 MiB, once for
    /// each salt that is met; so use one `SealingKey` and its clones throughout.
    ///
    /// # Errors
    ///
    /// [`EmptyPassphrase`](SealError::EmptyPassphrase).
    pub fn from_passphrase(passphrase: impl Into<String>) -> Result<Self, SealError> {
        Self::from_passphrase_with_cost(passphrase, Argon2Cost::DEFAULT)
    }

    /// A passphrase with a cost of one's own for what is sealed with it. What is opened says itself what it costs.
    ///
    /// # Errors
    ///
    /// [`EmptyPassphrase`](SealError::EmptyPassphrase).
    pub fn from_passphrase_with_cost(
        passphrase: impl Into<String>,
        cost: Argon2Cost,
    ) -> Result<Self, SealError> {
        let passphrase = not_empty(passphrase)?;
        Ok(Self(Arc::new(Source::Passphrase(Passphrase::new(passphrase, cost)))))
    }

    /// Makes a key of a passphrase and a salt, here and now. It is from then on a key like one of 32 bytes: for places
    /// where each of many small things is sealed on its own. The salt need not be secret, but should be random, or at
    /// least no other program's.
    ///
    /// # Errors
    ///
    /// [`EmptyPassphrase`](SealError::EmptyPassphrase), [`ShortSalt`](SealError::ShortSalt) below 16 bytes, and
    /// [`TooCostly`](SealError::TooCostly) when there is not enough memory.
    pub fn from_passphrase_and_salt(
        passphrase: impl Into<String>,
        salt: impl AsRef<[u8]>,
    ) -> Result<Self, SealError> {
        let passphrase = not_empty(passphrase)?;
        let salt = salt.as_ref();
        if salt.len() < SALT_LENGTH {
            return Err(SealError::ShortSalt);
        }
        Argon2Cost::DEFAULT.derive(&passphrase, salt).map(|key| Self(Arc::new(Source::Key(key))))
    }

    pub(crate) fn is_passphrase(&self) -> bool {
        matches!(*self.0, Source::Passphrase(_))
    }

    /// The key for something that was sealed with a key from there, if this one is from there too.
    pub(super) fn opening(&self, derivation: Option<Derivation>) -> Result<Option<Key>, SealError> {
        match (&*self.0, derivation) {
            (Source::Key(key), None) => Ok(Some(key.clone())),
            (Source::Passphrase(passphrase), Some(derivation)) => passphrase.key(derivation).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn has_opened(&self, derivation: Option<Derivation>) {
        if let (Source::Passphrase(passphrase), Some(derivation)) = (&*self.0, derivation) {
            passphrase.has_opened(derivation);
        }
    }

    pub(super) fn sealing(&self) -> Result<(Option<Derivation>, Key), SealError> {
        match &*self.0 {
            Source::Key(key) => Ok((None, key.clone())),
            Source::Passphrase(passphrase) => {
                passphrase.sealing_key().map(|(derivation, key)| (Some(derivation), key))
            }
        }
    }
}

fn not_empty(passphrase: impl Into<String>) -> Result<Zeroizing<String>, SealError> {
    let passphrase = Zeroizing::new(passphrase.into());
    if passphrase.is_empty() { Err(SealError::EmptyPassphrase) } else { Ok(passphrase) }
}

/// The text form of a key.
pub(super) fn to_base64(key: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(general_purpose::STANDARD.encode(key))
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.0 {
            Source::Key(_) => "SealingKey(redacted)",
            Source::Passphrase(_) => "SealingKey(redacted passphrase)",
        })
    }
}
