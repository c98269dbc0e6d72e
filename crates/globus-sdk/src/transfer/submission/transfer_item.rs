use serde::Serialize;
use serde::ser::Serializer;
use serde_json::{Map, Value};

use super::document::write_item;

/// One file or directory of a [`TransferData`](crate::TransferData).
///
/// ```
/// use globus_sdk::transfer::TransferItem;
///
/// let item = TransferItem::new("/~/raw.dat", "/~/backup/raw.dat")
///     .external_checksum("9e107d9d372bb6826bd81d3542a419d6")
///     .checksum_algorithm("MD5");
/// # let _ = item;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an item does nothing until it is added to a transfer"]
pub struct TransferItem {
    source_path: Box<str>,
    destination_path: Box<str>,
    recursive: Option<bool>,
    /// What only few items have.
    more: Option<Box<Map<String, Value>>>,
}

impl TransferItem {
    /// An item from here to there. Whether the source is a file or a directory is found out by the service.
    pub fn new(source_path: impl Into<String>, destination_path: impl Into<String>) -> Self {
        Self {
            source_path: source_path.into().into(),
            destination_path: destination_path.into().into(),
            recursive: None,
            more: None,
        }
    }

    /// Says that the source is a directory, to be copied with everything in it, or a file. If it is the other, the
    /// task fails.
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = Some(recursive);
        self
    }

    /// The checksum that the file must have, in hexadecimal digits; the task fails if it has another one.
    pub fn external_checksum(self, checksum: impl Into<String>) -> Self {
        self.field("external_checksum", checksum.into())
    }

    /// How the checksum is computed: `MD5` (the default for a checksum that is given), `SHA1`, `SHA256`,
    /// `SHA512`, as far as both collections know it.
    pub fn checksum_algorithm(self, algorithm: impl Into<String>) -> Self {
        self.field("checksum_algorithm", algorithm.into())
    }

    /// Sets any member of the item.
    #[doc(alias = "additional_fields")]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.more.get_or_insert_default().insert(name.into(), value.into());
        self
    }
}

impl Serialize for TransferItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = [
            ("DATA_TYPE", "transfer_item".into()),
            ("source_path", (&*self.source_path).into()),
            ("destination_path", (&*self.destination_path).into()),
            ("recursive", self.recursive.into()),
        ];
        write_item(serializer, &members, self.more.as_deref())
    }
}
