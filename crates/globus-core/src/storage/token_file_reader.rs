//! Reading a file of tokens of whichever format, without writing.

use std::collections::BTreeMap;
use std::path::Path;

use super::document::{self, Document};
use super::file::TokenFile;
use super::flat::is_flat;
use super::{JsonTokenStorage, LegacyJsonTokenStorage, Loaded, Namespace, StorageError, StorageErrorKind};
use crate::token::json::{Json, Object};
use crate::token::{ResourceServer, TokenData};

/// The formats of JSON files with tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// One token, as the Python package globus-sdk-tokenstorage writes it; [`SimpleJsonFileAdapter`](super::SimpleJsonFileAdapter) here.
    Flat,
    /// Format 1.0, which the Python SDK calls legacy; [`LegacyJsonTokenStorage`] here.
    Version1,
    /// Format 2.0; [`JsonTokenStorage`] here.
    Version2,
}

/// What a file of tokens holds.
#[derive(Debug)]
#[non_exhaustive]
pub struct TokenFileContents {
    /// The format that the file is of.
    pub format: FileFormat,
    /// The tokens by namespace; those of the older formats are in the default one.
    pub namespaces: BTreeMap<Namespace, Loaded>,
}

/// Reads a file of tokens of whichever JSON format. Nothing is written or made, and no lock is taken.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tokens.json");
/// # std::fs::write(&path, r#"{"data": {}, "format_version": "2.0", "globus-sdk.version": "4.9.0"}"#)?;
/// use globus_core::storage::{FileFormat, read_token_file};
///
/// let contents = read_token_file(&path, None)?;
/// assert_eq!(contents.format, FileFormat::Version2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A flat file need not say which resource server its token is good for; then `resource_server` does.
///
/// # Errors
///
/// When the file may not or cannot be read, and when it is of no format that is known.
pub fn read_token_file(
    path: &Path,
    resource_server: Option<&ResourceServer>,
) -> Result<TokenFileContents, StorageError> {
    let content = TokenFile::new(path)
        .read()?
        .ok_or_else(|| StorageError::new(StorageErrorKind::NotFound).with_path(path))?;
    let contents = read(&content, resource_server).map_err(|error| error.with_path(path))?;
    let located = |(name, loaded): (Namespace, Loaded)| (name, loaded.with_path(path));
    Ok(TokenFileContents { namespaces: contents.namespaces.into_iter().map(located).collect(), ..contents })
}

fn read(content: &[u8], server: Option<&ResourceServer>) -> Result<TokenFileContents, StorageError> {
    let Json::Object(root) = Json::parse(content)? else {
        return Err(StorageError::new(StorageErrorKind::NotAnObject));
    };
    if is_flat(&root) {
        let token = TokenData::from_flat(&root, server).map_err(StorageError::field_at_fault)?;
        if token.resource_server.as_str().is_empty() {
            return Err(StorageError::new(StorageErrorKind::MissingField {
                field: "resource_server".into(),
            }));
        }
        let loaded = Loaded::new(BTreeMap::from([(token.resource_server.clone(), token)]));
        let namespaces = BTreeMap::from([(Namespace::default(), loaded)]);
        return Ok(TokenFileContents { format: FileFormat::Flat, namespaces });
    }
    match document::parse(content)? {
        Document::Version1(_) => {
            let root = LegacyJsonTokenStorage::parse(content)?;
            let loaded = document::load(document::require_object(&root, "by_rs")?, None);
            let namespaces = BTreeMap::from([(Namespace::default(), loaded)]);
            Ok(TokenFileContents { format: FileFormat::Version1, namespaces })
        }
        Document::Version2(_) => {
            let (root, _) = JsonTokenStorage::parse(content)?;
            let namespaces = namespaces(document::require_object(&root, "data")?)?;
            Ok(TokenFileContents { format: FileFormat::Version2, namespaces })
        }
    }
}

fn namespaces(data: &Object) -> Result<BTreeMap<Namespace, Loaded>, StorageError> {
    let loaded = data.iter().map(|(name, _)| {
        let name = Namespace::from(name);
        let loaded = document::load(document::require_object(data, name.as_str())?, Some(&name));
        Ok((name, loaded))
    });
    loaded.collect()
}
