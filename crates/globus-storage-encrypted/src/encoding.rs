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
    context: SealContext,
    pub(crate) takes_plain: bool,
    warned: Arc<AtomicBool>,
}

impl SealedDocument {
    pub(crate) fn new(keys: SealingKeys) -> Self {
        Self { keys, context: SealContext::new(PURPOSE), takes_plain: false, warned: Arc::default() }
    }

    pub(crate) fn bind_to(&mut self, name: &str) {
        self.context = SealContext::new(PURPOSE).with("bound_to", name);
    }
}

impl FileEncoding for SealedDocument {
    fn decode(&self, file: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, StorageError> {
        if is_sealed(&file) {
            return Ok(self.keys.open(&self.context, &file)?);
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
        Ok(self.keys.seal(&self.context, document)?)
    }
}
