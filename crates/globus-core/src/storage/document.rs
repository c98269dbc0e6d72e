//! What the two JSON formats with many tokens have in common.

use std::collections::BTreeSet;
use std::path::Path;

use super::file::{Change, Durability, TokenFile};
use super::{
    Capabilities, Loaded, Namespace, StorageError, StorageErrorKind, StoreKind, VERSION, VERSION_KEY,
};
use crate::token::json::{Json, NotJson, Object};
use crate::token::{InvalidRecord, ResourceServer, TokenData};

pub(super) const VERSION_1: &str = "1.0";
pub(super) const VERSION_2: &str = "2.0";
pub(super) const FORMAT_KEY: &str = "format_version";

/// The root of a file, by the format that it names.
pub(super) enum Document {
    Version1(Object),
    Version2(Object),
}

pub(super) fn parse(content: &[u8]) -> Result<Document, StorageError> {
    let Json::Object(root) = Json::parse(content)? else {
        return Err(StorageError::new(StorageErrorKind::NotAnObject));
    };
    match root.text(FORMAT_KEY) {
        Some(VERSION_1) => Ok(Document::Version1(root)),
        Some(VERSION_2) => Ok(Document::Version2(root)),
        _ => Err(StorageError::unknown_format(&root)),
    }
}

/// The root of a new file.
pub(super) fn skeleton(data_key: &str, format: &str) -> Object {
    let mut root = Object::default();
    root.set(data_key, Json::Object(Object::default()));
    root.set(FORMAT_KEY, Json::text(format));
    root.set(VERSION_KEY, Json::text(VERSION));
    root
}

/// The root of format 1.0 as one of format 2.0, in which its tokens are those of the default namespace.
pub(super) fn upgraded(mut root: Object) -> Result<Object, StorageError> {
    require_object(&root, "by_rs")?;
    // A member of this name has no meaning in format 1.0, and the place is needed.
    root.remove("data");
    let mut data = Object::default();
    data.set(Namespace::default().as_str(), root.get("by_rs").cloned().unwrap_or(Json::Null));
    root.replace("by_rs", "data", Json::Object(data));
    root.set(FORMAT_KEY, Json::text(VERSION_2));
    root.set(VERSION_KEY, Json::text(VERSION));
    Ok(root)
}

pub(super) fn require_object<'a>(root: &'a Object, field: &str) -> Result<&'a Object, StorageError> {
    match root.get(field) {
        Some(Json::Object(object)) => Ok(object),
        found => Err(wrong(field, found.is_some())),
    }
}

pub(super) fn object_mut<'a>(root: &'a mut Object, field: &str) -> Result<&'a mut Object, StorageError> {
    match root.get_mut(field) {
        Some(Json::Object(object)) => Ok(object),
        found => Err(wrong(field, found.is_some())),
    }
}

pub(super) fn require_text(root: &Object, field: &str) -> Result<(), StorageError> {
    match root.get(field) {
        Some(Json::Text(_)) => Ok(()),
        found => Err(wrong(field, found.is_some())),
    }
}

fn wrong(field: &str, is_there: bool) -> StorageError {
    let field = field.to_owned();
    StorageError::new(if is_there {
        StorageErrorKind::InvalidField { field }
    } else {
        StorageErrorKind::MissingField { field }
    })
}

/// The records under their names, the damaged ones apart.
pub(super) fn load(records: &Object, namespace: Option<&Namespace>) -> Loaded {
    let mut loaded = Loaded::default();
    for (name, record) in records.iter() {
        match TokenData::from_json(record) {
            Ok(token) => drop(loaded.tokens.insert(name.into(), token)),
            Err(error) => {
                loaded.damaged.push(StorageError::invalid_record(namespace, Some(&name.into()), error));
            }
        }
    }
    loaded
}

/// Puts a token in the place of the stored one.
pub(super) fn put(
    records: &mut Object,
    token: TokenData,
    kind: StoreKind,
    shape: fn(&TokenData) -> Object,
) -> Result<(), StorageError> {
    let name = token.resource_server.clone();
    let previous = records.get(name.as_str()).and_then(|record| TokenData::from_json(record).ok());
    let merged = kind.merge(previous.as_ref(), token)?;
    records.set(name.as_str(), Json::Object(shape(&merged)));
    Ok(())
}

/// Removes a token, and its copies with it; writes only if there is something to remove. `remove` answers what to
/// write, if anything.
pub(super) fn delete(
    file: &TokenFile,
    server: &ResourceServer,
    remove: impl Fn(&[u8]) -> Result<Option<Change>, StorageError>,
) -> Result<bool, StorageError> {
    // Looked at first without the lock, so that nothing is made beside a file in which nothing is to be
    // removed.
    let is_there = match file.read()? {
        Some(content) => remove(&content)?.is_some(),
        None => false,
    };
    if !is_there && !file.has_copies_with(server)? {
        return Ok(false);
    }
    file.update(|content| {
        let change = content.map_or(Ok(None), &remove)?;
        Ok(change.map_or_else(|| (Change::Forget(server.clone()), false), |change| (change, true)))
    })
}

/// The resource servers of a namespace's records that can be read.
pub(super) fn servers(records: &Object) -> BTreeSet<ResourceServer> {
    load(records, None).tokens.into_keys().collect()
}

pub(super) fn capabilities(file: &TokenFile) -> Capabilities {
    Capabilities {
        atomic_batch: true,
        cas: true,
        list: true,
        shared: true,
        durable: file.durability == Durability::Full,
        // The encodings there are seal.
        confidential: file.encoding.is_some(),
    }
}

impl Loaded {
    pub(super) fn with_path(mut self, path: &Path) -> Self {
        self.damaged = self.damaged.into_iter().map(|error| error.with_path(path)).collect();
        self
    }
}

impl StorageError {
    /// The content names another format, or none.
    pub(super) fn unknown_format(root: &Object) -> Self {
        // Shown only if it looks like a version: anything may stand there.
        let is_version = |text: &str| {
            text.len() <= 16
                && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                && !text.is_empty()
        };
        let found = root.text(FORMAT_KEY).filter(|text| is_version(text)).map(str::to_owned);
        Self::new(StorageErrorKind::UnknownFormat { found })
    }

    pub(super) fn unknown_format_named(format: &str) -> Self {
        Self::new(StorageErrorKind::UnknownFormat { found: Some(format.to_owned()) })
    }

    /// A member of a flat file is missing or of the wrong type.
    pub(super) fn field_at_fault(error: InvalidRecord) -> Self {
        let field = error.field().unwrap_or("access_token").to_owned();
        Self::new(match field.as_str() {
            // Without an access token it is no flat file at all.
            "access_token" => StorageErrorKind::MissingField { field },
            _ => StorageErrorKind::InvalidField { field },
        })
    }
}

impl From<NotJson> for StorageError {
    fn from(NotJson { line, column }: NotJson) -> Self {
        Self::new(StorageErrorKind::NotJson { line, column })
    }
}
