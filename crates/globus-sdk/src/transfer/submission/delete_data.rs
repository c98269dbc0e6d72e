use globus_core::EndpointId;

use super::delete_item::DeleteItem;
use super::document::{Document, Item, submission_methods};

/// What is to be deleted, and how: the document of a deletion.
///
/// ```
/// use globus_sdk::DeleteData;
///
/// # let collection = uuid::Uuid::nil();
/// let data = DeleteData::new(collection)
///     .label("tidy up")
///     .recursive(true)
///     .ignore_missing(true)
///     .add_item("/~/scratch/run-17/");
/// # let _ = data;
/// ```
#[derive(Clone, PartialEq)]
pub struct DeleteData(pub(in crate::transfer) Document<DeleteItem>);

submission_methods!(DeleteData);

impl DeleteData {
    /// A deletion on a collection, of nothing yet.
    pub fn new(endpoint: impl Into<EndpointId>) -> Self {
        Self(Document::new("delete")).field("endpoint", endpoint.into().to_string())
    }

    /// Deletes this file or directory.
    #[must_use]
    pub fn add_item(self, path: impl Into<String>) -> Self {
        self.item(DeleteItem::new(path))
    }

    /// Deletes an item about which there is more to say than its path.
    #[must_use]
    pub fn item(mut self, item: DeleteItem) -> Self {
        self.0.items.push(Item::Own(item));
        self
    }

    /// Whether directories are deleted with everything in them. Without it a directory is an error.
    #[must_use]
    pub fn recursive(self, recursive: bool) -> Self {
        self.field("recursive", recursive)
    }

    /// Whether a path that is not there counts as deleted. Without it, it is an error.
    #[must_use]
    pub fn ignore_missing(self, ignore: bool) -> Self {
        self.field("ignore_missing", ignore)
    }

    /// Whether `*`, `?` and `[…]` in the last part of a path stand for many names. Without it they are names.
    #[must_use]
    pub fn interpret_globs(self, interpret: bool) -> Self {
        self.field("interpret_globs", interpret)
    }

    /// Deletes as this local account, where the person has several on the collection.
    #[must_use]
    pub fn local_user(self, user: impl Into<String>) -> Self {
        self.field("local_user", user.into())
    }
}
