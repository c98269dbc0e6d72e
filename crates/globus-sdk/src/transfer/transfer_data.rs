use std::fmt;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

/// When a file at the destination counts as up to date and is not copied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyncLevel {
    /// When it exists.
    Exists,
    /// When it exists and has the same size.
    Size,
    /// When it has the same size and is not older.
    Mtime,
    /// When it has the same checksum.
    Checksum,
}

impl SyncLevel {
    /// The number that the service uses.
    pub const fn as_number(self) -> u8 {
        match self {
            Self::Exists => 0,
            Self::Size => 1,
            Self::Mtime => 2,
            Self::Checksum => 3,
        }
    }
}

/// What is to be copied, and how: the document of a transfer.
///
/// ```
/// use globus_sdk::transfer::{SyncLevel, TransferData};
///
/// # let (laptop, cluster) = (uuid::Uuid::nil(), uuid::Uuid::nil());
/// let data = TransferData::new(laptop, cluster)
///     .label("results of today")
///     .sync_level(SyncLevel::Checksum)
///     .add_item("/~/notes.txt", "/~/backup/notes.txt")
///     .add_folder("/~/results/", "/~/backup/results/");
/// # let _ = data;
/// ```
#[derive(Clone, PartialEq)]
pub struct TransferData {
    pub(super) submission_id: Option<String>,
    fields: Map<String, Value>,
    items: Vec<Value>,
}

/// Setters of members that hold a value as it is.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(self, value: $type) -> Self {
            self.field(stringify!($name), value)
        })*
    };
}

impl TransferData {
    /// A transfer from one collection to another, of nothing yet.
    pub fn new(source_endpoint: Uuid, destination_endpoint: Uuid) -> Self {
        let data = Self { submission_id: None, fields: Map::new(), items: Vec::new() };
        data.field("DATA_TYPE", "transfer")
            .field("source_endpoint", source_endpoint.to_string())
            .field("destination_endpoint", destination_endpoint.to_string())
    }

    /// A document that was made elsewhere, such as one kept from an earlier run. A submission id of null counts
    /// as none, so that one is asked for.
    pub fn from_document(document: Map<String, Value>) -> Self {
        let empty = Self { submission_id: None, fields: Map::new(), items: Vec::new() };
        document.into_iter().fold(empty, |data, (name, value)| data.field(name, value))
    }

    /// Copies a file, or a directory where the source is one.
    #[must_use]
    pub fn add_item(self, source_path: impl Into<String>, destination_path: impl Into<String>) -> Self {
        self.item(source_path.into(), destination_path.into(), None)
    }

    /// Copies a directory with everything in it.
    #[must_use]
    pub fn add_folder(self, source_path: impl Into<String>, destination_path: impl Into<String>) -> Self {
        self.item(source_path.into(), destination_path.into(), Some(true))
    }

    /// Uses this submission id in place of asking for one.
    #[must_use]
    pub fn submission_id(mut self, id: impl fmt::Display) -> Self {
        self.submission_id = Some(id.to_string());
        self
    }

    /// A name for the task, for people.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        self.field("label", label.into())
    }

    /// When files count as up to date and are not copied again. By default they are always copied.
    #[must_use]
    pub fn sync_level(self, level: SyncLevel) -> Self {
        self.field("sync_level", level.as_number())
    }

    /// When the task is given up.
    #[must_use]
    pub fn deadline(self, deadline: Timestamp) -> Self {
        self.field("deadline", deadline.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string())
    }

    fields! {
        /// Whether copies are compared with their source by checksum. True by default.
        verify_checksum: bool,
        /// Whether times of last change are copied too. False by default.
        preserve_timestamp: bool,
        /// Whether data is encrypted on the way. False by default.
        encrypt_data: bool,
        /// Whether files that cannot be read are left out, in place of trying until the deadline.
        skip_source_errors: bool,
        /// Whether a full quota at the destination ends the task, in place of trying until the deadline.
        fail_on_quota_errors: bool,
        /// Whether files at the destination that the source does not have are deleted.
        delete_destination_extra: bool,
        /// Whether the owner is told when the task succeeds. True by default.
        notify_on_succeeded: bool,
        /// Whether the owner is told when the task fails. True by default.
        notify_on_failed: bool,
        /// Whether the owner is told when the task cannot go on. True by default.
        notify_on_inactive: bool,
    }

    /// Sets any member of the document.
    #[must_use]
    #[doc(alias = "additional_fields")]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        match (name.into().as_str(), value.into()) {
            ("submission_id", id) => self.submission_id = id.as_str().map(str::to_owned),
            ("DATA", Value::Array(items)) => self.items = items,
            // What is no list of items is left for the service to refuse.
            ("DATA", Value::Null) => self.items.clear(),
            ("DATA", other) => self.items = vec![other],
            (name, value) => drop(self.fields.insert(name.to_owned(), value)),
        }
        self
    }

    fn item(mut self, source_path: String, destination_path: String, recursive: Option<bool>) -> Self {
        let mut item = Map::new();
        item.insert("DATA_TYPE".to_owned(), "transfer_item".into());
        item.insert("source_path".to_owned(), source_path.into());
        item.insert("destination_path".to_owned(), destination_path.into());
        if let Some(recursive) = recursive {
            item.insert("recursive".to_owned(), recursive.into());
        }
        self.items.push(item.into());
        self
    }
}

impl Serialize for TransferData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(None)?;
        for (name, value) in &self.fields {
            document.serialize_entry(name, value)?;
        }
        if let Some(id) = &self.submission_id {
            document.serialize_entry("submission_id", id)?;
        }
        document.serialize_entry("DATA", &self.items)?;
        document.end()
    }
}

impl fmt::Debug for TransferData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferData")
            .field("fields", &self.fields)
            .field("items", &self.items.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn from_document(document: &Value) -> TransferData {
        TransferData::from_document(document.as_object().unwrap().clone())
    }

    #[test]
    fn a_document_comes_out_as_it_went_in() {
        let document = json!({
            "DATA_TYPE": "transfer", "submission_id": "s", "x_new": {"a": [1]},
            "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/a", "destination_path": "/b"}],
        });
        let data = from_document(&document);
        assert_eq!(data.submission_id.as_deref(), Some("s"));
        assert_eq!(serde_json::to_value(&data).unwrap(), document);
        let more = serde_json::to_value(data.add_item("/c", "/d")).unwrap();
        assert_eq!(more["DATA"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn members_with_a_place_of_their_own_are_written_once() {
        let data = TransferData::new(Uuid::nil(), Uuid::nil())
            .submission_id("first")
            .field("submission_id", "second")
            .add_item("/a", "/b")
            .field("DATA", json!([]));
        let text = serde_json::to_string(&data).unwrap();
        assert_eq!(text.matches("submission_id").count(), 1, "{text}");
        assert_eq!(text.matches("\"DATA\"").count(), 1, "{text}");
        assert!(text.contains("second") && !text.contains("/a"), "{text}");
    }

    #[test]
    fn a_null_submission_id_is_none() {
        let data = from_document(&json!({"submission_id": null, "DATA": null}));
        assert_eq!(data.submission_id, None);
        assert_eq!(serde_json::to_value(&data).unwrap(), json!({"DATA": []}));
    }
}
