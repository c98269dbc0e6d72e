//! Members of a JSON object, taken out by the type that they should have. Null is the same as absent.

use serde_json::{Map, Value};

use super::invalid::{Expected, InvalidGare};

pub(super) type Document = Map<String, Value>;

/// A document whose known members are taken out, one after the other; what is left over is its `extra`.
pub(super) struct Members(Document);

impl Members {
    pub(super) fn of(document: &Document) -> Self {
        Self(document.clone())
    }

    pub(super) fn rest(self) -> Document {
        self.0
    }

    /// A member of whatever type.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, InvalidGare> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(InvalidGare::new(name, Expected::Text)),
        }
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, InvalidGare> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(boolean)) => Ok(Some(boolean)),
            Some(_) => Err(InvalidGare::new(name, Expected::Boolean)),
        }
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, InvalidGare> {
        self.take(name).map(|value| texts(&value).ok_or(InvalidGare::new(name, Expected::Texts))).transpose()
    }

    /// A list of texts, or one text that is split at its commas: no blank is trimmed, nothing empty dropped.
    pub(super) fn comma_texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, InvalidGare> {
        match self.0.get(name) {
            Some(Value::String(joined)) => {
                let parts = joined.split(',').map(str::to_owned).collect();
                self.0.remove(name);
                Ok(Some(parts))
            }
            _ => self.texts(name),
        }
    }
}

/// A list with nothing but texts.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
