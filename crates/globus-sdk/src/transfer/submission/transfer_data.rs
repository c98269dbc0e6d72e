use globus_core::EndpointId;
use serde_json::{Value, json};

use super::document::{Document, Item, submission_methods};
use super::sync_level::SyncLevel;
use super::transfer_item::TransferItem;

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
pub struct TransferData(pub(in crate::transfer) Document<TransferItem>);

submission_methods!(TransferData);

/// What a filter rule does with what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterMethod {
    /// It is copied.
    Include,
    /// It is left out; a directory with everything in it.
    Exclude,
}

/// What a filter rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterType {
    /// Files only.
    File,
    /// Directories only.
    Dir,
}

/// What happens to symbolic links inside a directory that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecursiveSymlinks {
    /// They are left out, which is the default.
    Ignore,
    /// They are copied as links.
    Keep,
    /// What they lead to is copied in their place.
    Copy,
}

impl TransferData {
    /// A transfer from one collection to another, of nothing yet.
    pub fn new(source_endpoint: impl Into<EndpointId>, destination_endpoint: impl Into<EndpointId>) -> Self {
        Self(Document::new("transfer"))
            .field("source_endpoint", source_endpoint.into().to_string())
            .field("destination_endpoint", destination_endpoint.into().to_string())
    }

    /// Copies a file, or a directory where the source is one.
    #[must_use]
    pub fn add_item(self, source_path: impl Into<String>, destination_path: impl Into<String>) -> Self {
        self.item(TransferItem::new(source_path, destination_path))
    }

    /// Copies a directory with everything in it.
    #[must_use]
    pub fn add_folder(self, source_path: impl Into<String>, destination_path: impl Into<String>) -> Self {
        self.item(TransferItem::new(source_path, destination_path).recursive(true))
    }

    /// Copies an item about which there is more to say than its two paths.
    #[must_use]
    pub fn item(mut self, item: TransferItem) -> Self {
        self.0.items.push(Item::Own(item));
        self
    }

    /// Leaves out or lets in what has a name like this (`*.tmp`), inside of directories that are copied. The first
    /// rule that matches decides; what none matches is copied.
    #[must_use]
    pub fn add_filter_rule(self, name: impl Into<String>, method: FilterMethod) -> Self {
        self.filter_rule(&name.into(), method, None)
    }

    /// As [`add_filter_rule`](Self::add_filter_rule), for files only or directories only.
    #[must_use]
    pub fn add_filter_rule_for(
        self,
        kind: FilterType,
        name: impl Into<String>,
        method: FilterMethod,
    ) -> Self {
        self.filter_rule(&name.into(), method, Some(kind))
    }

    fn filter_rule(mut self, name: &str, method: FilterMethod, kind: Option<FilterType>) -> Self {
        let method = match method {
            FilterMethod::Include => "include",
            FilterMethod::Exclude => "exclude",
        };
        let mut rule = json!({"DATA_TYPE": "filter_rule", "method": method, "name": name});
        match kind {
            Some(FilterType::File) => rule["type"] = "file".into(),
            Some(FilterType::Dir) => rule["type"] = "dir".into(),
            None => {}
        }
        let rules = self.0.fields.entry("filter_rules").or_insert_with(|| json!([]));
        match rules {
            Value::Array(rules) => rules.push(rule),
            // Set by hand to something else: the rule takes its place.
            other => *other = json!([rule]),
        }
        self
    }

    /// When files count as up to date and are not copied again. By default they are always copied.
    #[must_use]
    pub fn sync_level(self, level: SyncLevel) -> Self {
        self.field("sync_level", level)
    }

    /// What happens to symbolic links inside directories. Ignored by default.
    #[must_use]
    pub fn recursive_symlinks(self, symlinks: RecursiveSymlinks) -> Self {
        self.field(
            "recursive_symlinks",
            match symlinks {
                RecursiveSymlinks::Ignore => "ignore",
                RecursiveSymlinks::Keep => "keep",
                RecursiveSymlinks::Copy => "copy",
            },
        )
    }

    /// Whether copies are compared with their source by checksum. True by default.
    #[must_use]
    pub fn verify_checksum(self, verify: bool) -> Self {
        self.field("verify_checksum", verify)
    }

    /// Whether times of last change are copied too. False by default.
    #[must_use]
    pub fn preserve_timestamp(self, preserve: bool) -> Self {
        self.field("preserve_timestamp", preserve)
    }

    /// Whether data is encrypted on the way. False by default.
    #[must_use]
    pub fn encrypt_data(self, encrypt: bool) -> Self {
        self.field("encrypt_data", encrypt)
    }

    /// Whether what cannot be read is left out, in place of trying until the deadline. False by default.
    /// [`task_skipped_errors`](crate::TransferClient::task_skipped_errors) tells what it was.
    #[must_use]
    pub fn skip_source_errors(self, skip: bool) -> Self {
        self.field("skip_source_errors", skip)
    }

    /// Whether a full quota at the destination ends the task, in place of trying until the deadline. False by
    /// default.
    #[must_use]
    pub fn fail_on_quota_errors(self, fail: bool) -> Self {
        self.field("fail_on_quota_errors", fail)
    }

    /// Whether files at the destination that the source does not have are deleted, inside of directories that
    /// are copied. False by default.
    #[must_use]
    pub fn delete_destination_extra(self, delete: bool) -> Self {
        self.field("delete_destination_extra", delete)
    }

    /// Reads as this local account of the source collection.
    #[must_use]
    pub fn source_local_user(self, user: impl Into<String>) -> Self {
        self.field("source_local_user", user.into())
    }

    /// Writes as this local account of the destination collection.
    #[must_use]
    pub fn destination_local_user(self, user: impl Into<String>) -> Self {
        self.field("destination_local_user", user.into())
    }
}
