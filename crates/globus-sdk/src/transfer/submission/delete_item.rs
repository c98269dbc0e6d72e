use serde::Serialize;
use serde::ser::Serializer;
use serde_json::{Map, Value};

use super::document::write_item;

/// One file or directory of a [`DeleteData`](crate::DeleteData).
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an item does nothing until it is added to a deletion"]
pub struct DeleteItem {
    path: Box<str>,
    /// What only few items have.
    more: Option<Box<Map<String, Value>>>,
}

impl DeleteItem {
    /// This file or directory.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into().into(), more: None }
    }

    /// Sets any member of the item.
    #[doc(alias = "additional_fields")]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.more.get_or_insert_default().insert(name.into(), value.into());
        self
    }
}

impl Serialize for DeleteItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = [("DATA_TYPE", "delete_item".into()), ("path", (&*self.path).into())];
        write_item(serializer, &members, self.more.as_deref())
    }
}
