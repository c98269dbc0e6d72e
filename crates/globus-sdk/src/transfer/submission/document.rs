//! What the documents of transfers and deletions share.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

/// A document to submit: its members, its items, and the id under which it can be submitted again.
#[derive(Clone, PartialEq)]
pub(in crate::transfer) struct Document<I> {
    /// Whatever the document has for it; what is no id is refused when the document is sent.
    pub(in crate::transfer) submission_id: Option<Value>,
    pub(super) fields: Map<String, Value>,
    pub(super) items: Vec<Item<I>>,
}

/// One item: one of ours, or whatever a document from elsewhere holds.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Item<I> {
    Own(I),
    Foreign(Value),
}

impl<I> Document<I> {
    pub(super) fn new(data_type: &str) -> Self {
        let fields = Map::from_iter([("DATA_TYPE".to_owned(), data_type.into())]);
        Self { submission_id: None, fields, items: Vec::new() }
    }

    /// A document that was made elsewhere.
    pub(super) fn from_members(members: Map<String, Value>) -> Self {
        let mut document = Self { submission_id: None, fields: Map::new(), items: Vec::new() };
        for (name, value) in members {
            document.set(name, value);
        }
        document
    }

    pub(super) fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        match (name.into(), value.into()) {
            // Null counts as none, so that an id is asked for.
            (name, id) if name == "submission_id" => self.submission_id = Some(id).filter(|id| !id.is_null()),
            (name, items) if name == "DATA" => {
                self.items = match items {
                    Value::Array(items) => items.into_iter().map(Item::Foreign).collect(),
                    Value::Null => Vec::new(),
                    // What is no list of items is left for the service to refuse.
                    other => vec![Item::Foreign(other)],
                }
            }
            (name, value) => drop(self.fields.insert(name, value)),
        }
    }
}

impl<I: Serialize> Serialize for Document<I> {
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

/// A member that many items have.
pub(super) enum Member<'a> {
    Text(&'a str),
    Flag(Option<bool>),
}

impl<'a> From<&'a str> for Member<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<Option<bool>> for Member<'_> {
    fn from(flag: Option<bool>) -> Self {
        Self::Flag(flag)
    }
}

/// Writes an item: the members that its type has, unless they were set by hand, and those that were.
pub(super) fn write_item<S: Serializer>(
    serializer: S,
    members: &[(&'static str, Member<'_>)],
    by_hand: Option<&Map<String, Value>>,
) -> Result<S::Ok, S::Error> {
    let mut item = serializer.serialize_map(None)?;
    for (name, value) in members {
        if by_hand.is_some_and(|by_hand| by_hand.contains_key(*name)) {
            continue;
        }
        match value {
            Member::Text(text) => item.serialize_entry(name, text)?,
            Member::Flag(Some(flag)) => item.serialize_entry(name, flag)?,
            Member::Flag(None) => {}
        }
    }
    for (name, value) in by_hand.into_iter().flatten() {
        item.serialize_entry(name, value)?;
    }
    item.end()
}

/// Shows how much there is, and no paths.
impl<I> fmt::Debug for Document<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("submission_id", &self.submission_id)
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .field("items", &self.items.len())
            .finish()
    }
}

/// What the documents have in common for their users.
macro_rules! submission_methods {
    ($name:ident) => {
        impl $name {
            /// A document that was made elsewhere, such as one kept from an earlier run. A submission id of null
            /// counts as none, so that one is asked for.
            pub fn from_document(document: serde_json::Map<String, serde_json::Value>) -> Self {
                Self(Document::from_members(document))
            }

            /// Uses this submission id in place of asking for one. An empty one is refused when the document is
            /// sent.
            #[must_use]
            pub fn submission_id(mut self, id: impl std::fmt::Display) -> Self {
                self.0.submission_id = Some(id.to_string().into());
                self
            }

            /// A name for the task, for people.
            #[must_use]
            pub fn label(self, label: impl Into<String>) -> Self {
                self.field("label", label.into())
            }

            /// When the task is given up. A text that is no time is left for the service to refuse.
            #[must_use]
            pub fn deadline(self, deadline: impl Into<super::Deadline>) -> Self {
                self.field("deadline", deadline.into())
            }

            /// Whether the owner is told when the task succeeds. True by default.
            #[must_use]
            pub fn notify_on_succeeded(self, notify: bool) -> Self {
                self.field("notify_on_succeeded", notify)
            }

            /// Whether the owner is told when the task fails. True by default.
            #[must_use]
            pub fn notify_on_failed(self, notify: bool) -> Self {
                self.field("notify_on_failed", notify)
            }

            /// Whether the owner is told when the task cannot go on. True by default.
            #[must_use]
            pub fn notify_on_inactive(self, notify: bool) -> Self {
                self.field("notify_on_inactive", notify)
            }

            /// Sets any member of the document.
            #[must_use]
            #[doc(alias = "additional_fields")]
            pub fn field(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
                self.0.set(name, value);
                self
            }

            /// How many items the document has. A task takes up to a million, unless the service says
            /// otherwise.
            pub fn item_count(&self) -> usize {
                self.0.items.len()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}

pub(super) use submission_methods;
