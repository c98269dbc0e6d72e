//! Values that are sent as one parameter, joined with commas.

use std::fmt;

use uuid::Uuid;

use crate::decode::Text;
use crate::id::{IdentityId, IdentityProviderId, ScopeId};

/// One value or several, sent as one parameter with commas between them.
///
/// Setters take `impl Into<CommaList>`, so a single text or id, an array, a slice and a `Vec` all do. A text
/// is sent as it is, so it may hold commas already.
///
/// ```
/// use globus_core::call::CommaList;
///
/// assert_eq!(CommaList::from("name").to_string(), "name");
/// assert_eq!(CommaList::from(["type", "name DESC"]).to_string(), "type,name DESC");
/// assert_eq!((1..4).collect::<CommaList>().to_string(), "1,2,3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommaList(String);

impl CommaList {
    /// The values as they are sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommaList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CommaList> for String {
    fn from(list: CommaList) -> Self {
        list.0
    }
}

impl<T: ToString> FromIterator<T> for CommaList {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        Self(values.join(","))
    }
}

macro_rules! from_one {
    ($($type:ty),*) => {$(
        impl From<$type> for CommaList {
            fn from(value: $type) -> Self {
                Self(value.to_string())
            }
        }
    )*};
}

from_one!(&str, String, &String, Text, &Text, Uuid, &Uuid, IdentityId, IdentityProviderId, ScopeId);

impl<T: ToString> From<&[T]> for CommaList {
    fn from(values: &[T]) -> Self {
        values.iter().map(ToString::to_string).collect()
    }
}

impl<T: ToString> From<Vec<T>> for CommaList {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<T: ToString> From<&Vec<T>> for CommaList {
    fn from(values: &Vec<T>) -> Self {
        values.as_slice().into()
    }
}

impl<T: ToString, const N: usize> From<[T; N]> for CommaList {
    fn from(values: [T; N]) -> Self {
        values.into_iter().collect()
    }
}

impl<T: ToString, const N: usize> From<&[T; N]> for CommaList {
    fn from(values: &[T; N]) -> Self {
        values.as_slice().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_several_and_none() {
        let id = Uuid::nil();
        assert_eq!(CommaList::from(&id).as_str(), id.to_string());
        assert_eq!(CommaList::from(vec![id, id]).as_str(), format!("{id},{id}"));
        assert_eq!(CommaList::from(&["a", "b"]).as_str(), "a,b");
        assert_eq!(CommaList::from(["x".to_owned()].as_slice()).as_str(), "x");
        assert_eq!(CommaList::from(Vec::<String>::new()).as_str(), "");
    }
}
