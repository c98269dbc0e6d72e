//! How a content becomes the bytes of its file.

use std::fmt::Debug;

use zeroize::Zeroizing;

use super::TokenFile;
use crate::storage::StorageError;

/// How the JSON document of a storage becomes the bytes of its file and comes back: for storages that keep the
/// document of [`JsonTokenStorage`](crate::storage::JsonTokenStorage) in another form, such as a sealed one. See
/// [`JsonTokenStorage::with_encoding`](crate::storage::JsonTokenStorage::with_encoding).
///
/// Both may block. Neither's error may quote the content.
pub trait FileEncoding: Debug + Send + Sync + 'static {
    /// The document in the bytes of a file.
    ///
    /// # Errors
    ///
    /// When they are no document in this form.
    fn decode(&self, file: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, StorageError>;

    /// The bytes of the file for a document.
    ///
    /// # Errors
    ///
    /// When it cannot be encoded; nothing is then written.
    fn encode(&self, document: &[u8]) -> Result<Vec<u8>, StorageError>;
}

impl TokenFile {
    pub(super) fn decode(&self, file: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, StorageError> {
        match &self.encoding {
            Some(encoding) => encoding.decode(file),
            None => Ok(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{JsonTokenStorage, Storage, StorageErrorKind, StoreKind};
    use crate::token::TokenData;

    /// Every byte turned over.
    #[derive(Debug)]
    struct Turned;

    impl FileEncoding for Turned {
        fn decode(&self, mut file: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, StorageError> {
            file.iter_mut().for_each(|byte| *byte = !*byte);
            Ok(file)
        }

        fn encode(&self, document: &[u8]) -> Result<Vec<u8>, StorageError> {
            if document.windows(4).any(|part| part == b"ever") {
                return Err(StorageError::new(StorageErrorKind::Denied));
            }
            Ok(document.iter().map(|byte| !byte).collect())
        }
    }

    #[tokio::test]
    async fn the_document_is_kept_in_the_form_that_was_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        let storage = Storage::from(JsonTokenStorage::new(&path).with_encoding(Turned));
        let token = TokenData::new("rs", "s", "a", 1);
        storage.store(vec![token.clone()], StoreKind::Login).await.unwrap();
        assert_eq!(storage.get("rs").await.unwrap(), Some(token.clone()));
        let turned: Vec<u8> = std::fs::read(&path).unwrap().iter().map(|byte| !byte).collect();
        assert!(turned.starts_with(br#"{"data": {"DEFAULT": "#));

        let before = std::fs::read(&path).unwrap();
        let never = TokenData::new("rs", "never", "b", 2);
        let error = storage.store(vec![never], StoreKind::Login).await.unwrap_err();
        assert_eq!(*error.kind(), StorageErrorKind::Denied);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
