//! One envelope for everything that is sealed: files and rows of tokens, and logins that are finished elsewhere.
//!
//! What is sealed cannot be read without the key, and cannot be changed or put in another place unnoticed:
//! it opens only with the same [`SealContext`], which says what it is and whose. The cipher is
//! XChaCha20-Poly1305. The [`SealingKey`] is 32 random bytes, from a key file or from a secret manager, or is
//! derived from a passphrase with Argon2id.
//!
//! ```
//! use globus_core::seal::{SealContext, SealingKey, SealingKeys};
//!
//! # let _ = || -> Result<(), globus_core::seal::SealError> {
//! let key = SealingKey::from_base64(std::env::var("TOKEN_KEY").unwrap_or_default())?;
//! # Ok(()) };
//! # let key = SealingKey::from_bytes([7; 32]);
//! let keys = SealingKeys::from(key);
//! let context = SealContext::new("notes").with("user", "anna");
//!
//! let sealed = keys.seal(&context, b"nobody reads this")?;
//! assert_eq!(*keys.open(&context, &sealed)?, b"nobody reads this");
//!
//! let another = SealContext::new("notes").with("user", "berta");
//! assert!(keys.open(&another, &sealed).is_err());
//! # Ok::<(), globus_core::seal::SealError>(())
//! ```
//!
//! # What it does not do
//!
//! * Whoever can write can put back an older sealed text of the same context, or delete it. Neither is noticed.
//! * The length of what is sealed can be seen.
//! * Who can read the memory of the running program can read the key. It is wiped when its last clone is dropped.
//! * The memory in which Argon2 makes a key of a passphrase is given back without being wiped. The key is wiped.
//! * A passphrase is as good as it is hard to guess. Whoever has the sealed text can try as many as they like, at the
//!   cost of one Argon2 run each.
//!
//! # Format
//!
//! Version 1, numbers with the highest byte first:
//!
//! | bytes | what |
//! |---|---|
//! | 6 | `GLSEAL` |
//! | 1 | version, `1` |
//! | 1 | where the key is from: `0` it is used as it is, `1` Argon2id (version 0x13) of a passphrase |
//! | 4 | only from a passphrase: memory in KiB, up to 262144 |
//! | 4 | only from a passphrase: passes, up to 16 |
//! | 4 | only from a passphrase: lanes, up to 16 |
//! | 16 | only from a passphrase: salt |
//! | 24 | nonce, random |
//! | the length of the content | the content, enciphered |
//! | 16 | the tag of Poly1305 |
//!
//! The associated data are all bytes up to and with the nonce, and after them the context: its purpose, then the label
//! and the value of each of its fields, each as 8 bytes of length and the bytes themselves.
//!
//! The text form, for places that take text only, is the same in base64 with the alphabet for URLs and without
//! padding. It always begins with `R0xTRUFM`.

mod context;
mod cost;
mod envelope;
mod error;
mod key;
mod key_file;
mod keys;
mod passphrase;

pub use context::SealContext;
pub use cost::Argon2Cost;
pub use envelope::{is_sealed, is_sealed_text};
pub use error::{KeyFileProblem, SealError};
pub use key::SealingKey;
pub use keys::SealingKeys;
