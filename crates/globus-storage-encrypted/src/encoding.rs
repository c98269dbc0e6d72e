//! The document of tokens in its envelope.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globus_core::StorageError;
use globus_core::seal::{SealContext, SealError, SealingKeys, is_sealed};
use globus_core::storage::FileEncoding;
use zeroize::Zeroizing;

/// What is in the envelope, so that nothing else that the same key has sealed is taken for it.
const PURPOSE: &str = "globus token file";

#[derive(Clone, Debug)]
pub(crate) struct SealedDocument {
    keys: SealingKeys,
    pub(crate) takes_plain: bool,
    warned: Arc<AtomicBool>,
}

impl SealedDocument {
    pub(crate) fn new(keys: SealingKeys) -> Self {
        Self { keys, takes_plain: false, warned: Arc::default() }
    }
}

impl FileEncoding for SealedDocument {
    fn decode(&self, file: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, StorageError> {
        if is_sealed(&file) {
            return Ok(self.keys.open(&SealContext::new(PURPOSE), &file)?);
        }
        if !self.takes_plain {
            return Err(SealError::NotSealed.into());
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("the file of tokens is not encrypted yet; the next write encrypts it");
        }
        Ok(file)
    }

    fn encode(&self, document: &[u8]) -> Result<Vec<u8>, StorageError> {
        Ok(self.keys.seal(&SealContext::new(PURPOSE), document)?)
    }
}
