//! Token storage of the Globus SDK for Rust in one encrypted file.
//!
//! ```
//! # let directory = tempfile::tempdir()?;
//! # let (path, key_path) = (directory.path().join("tokens.sealed"), directory.path().join("tokens.key"));
//! use globus_core::seal::SealingKey;
//! use globus_core::storage::Storage;
//! use globus_storage_encrypted::EncryptedTokenStorage;
//!
//! let key = SealingKey::create_key_file(&key_path)?; // the next time: from_key_file
//! let storage = Storage::from(EncryptedTokenStorage::new(path, key));
//! # let _ = storage;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod encoding;
mod storage;

pub use storage::EncryptedTokenStorage;
