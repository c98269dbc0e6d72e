//! Two documents, and a second way to decode them: through `serde_json::Value`, member by member, by the
//! rules as they are written. The reader has to agree with it on every body, on the verdict and on the value.

use std::collections::BTreeMap;

use globus_core::decode::{self, Extra, Text, Time};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

globus_core::string_enum! {
    /// What an entry is.
    pub enum EntryType {
        /// A file.
        File = "file",
        /// A directory.
        Dir = "dir",
    }
}

globus_core::document! {
    /// An entry with a member of every type.
    pub struct Entry {
        /// Text
        pub name: Text,
        /// Open enumeration under another name
        pub kind as "type": EntryType,
        /// Unsigned
        pub size: u64,
        /// Optional
        pub link_size: Option<u32>,
        /// Time
        pub last_modified: Option<Time>,
        /// With a default of its own
        pub permissions: Text = Text::from("0644"),
        /// UUID
        pub owner: Option<Uuid>,
        /// Float
        pub ratio: f64,
        /// Signed
        pub offset: i64,
        /// Small
        pub small: i8,
        /// Boolean
        pub deleted: bool,
        /// Map
        pub tags: BTreeMap<String, Text>,
        /// Anything
        pub note: Value,
        /// String
        pub comment: Option<String>,
        /// Documents of the same type
        pub children: Vec<Entry>,
    }
}

globus_core::document! {
    /// A page of entries.
    pub struct Page {
        /// Entries
        pub data as "DATA": Vec<Entry>,
        /// A nested document
        pub first: Option<Box<Entry>>,
        /// Numbers, some of them absent
        pub totals: Vec<Option<u16>>,
        /// Anything that is an object
        pub meta: Map<String, Value>,
        /// Text
        pub marker: Option<Text>,
    }
}

/// The other way to decode.
pub trait Twin: Sized {
    fn twin(value: &Value) -> Option<Self>;
}

macro_rules! through_serde {
    ($($type:ty),*) => {$(
        impl Twin for $type {
            fn twin(value: &Value) -> Option<Self> {
                plain(value)
            }
        }
    )*};
}
through_serde!(bool, u64, u32, u16, i64, i8, f64, String, Uuid, Map<String, Value>, Value);

fn plain<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

impl Twin for Text {
    fn twin(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}

impl Twin for Time {
    fn twin(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}

impl Twin for EntryType {
    fn twin(value: &Value) -> Option<Self> {
        Some(match value.as_str()? {
            "file" => Self::File,
            "dir" => Self::Dir,
            other => Self::Other(other.into()),
        })
    }
}

impl Twin for BTreeMap<String, Text> {
    fn twin(value: &Value) -> Option<Self> {
        value.as_object()?.iter().map(|(key, value)| Some((key.clone(), Text::twin(value)?))).collect()
    }
}

impl<T: Twin> Twin for Box<T> {
    fn twin(value: &Value) -> Option<Self> {
        T::twin(value).map(Self::new)
    }
}

impl<T: Twin> Twin for Option<T> {
    fn twin(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::twin(value).map(Some) }
    }
}

impl<T: Twin> Twin for Vec<T> {
    fn twin(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::twin).collect()
    }
}

/// Takes a declared member; what does not fit goes into `extra`.
fn take<T: Twin>(object: &mut Map<String, Value>, name: &str, default: T, extra: &mut Extra) -> T {
    let Some(value) = object.remove(name).filter(|value| !value.is_null()) else { return default };
    T::twin(&value).unwrap_or_else(|| {
        extra.insert(name.to_owned(), value);
        default
    })
}

impl Twin for Entry {
    fn twin(value: &Value) -> Option<Self> {
        let mut object = value.as_object()?.clone();
        let (object, mut extra) = (&mut object, Extra::default());
        let mut entry = Self::default();
        entry.name = take(object, "name", Text::default(), &mut extra);
        entry.kind = take(object, "type", EntryType::default(), &mut extra);
        entry.size = take(object, "size", 0, &mut extra);
        entry.link_size = take(object, "link_size", None, &mut extra);
        entry.last_modified = take(object, "last_modified", None, &mut extra);
        entry.permissions = take(object, "permissions", Text::from("0644"), &mut extra);
        entry.owner = take(object, "owner", None, &mut extra);
        entry.ratio = take(object, "ratio", 0.0, &mut extra);
        entry.offset = take(object, "offset", 0, &mut extra);
        entry.small = take(object, "small", 0, &mut extra);
        entry.deleted = take(object, "deleted", false, &mut extra);
        entry.tags = take(object, "tags", BTreeMap::new(), &mut extra);
        entry.note = take(object, "note", Value::Null, &mut extra);
        entry.comment = take(object, "comment", None, &mut extra);
        entry.children = take(object, "children", Vec::new(), &mut extra);
        extra.append(object);
        entry.extra = extra;
        Some(entry)
    }
}

impl Twin for Page {
    fn twin(value: &Value) -> Option<Self> {
        let mut object = value.as_object()?.clone();
        let (object, mut extra) = (&mut object, Extra::default());
        let mut page = Self::default();
        page.data = take(object, "DATA", Vec::new(), &mut extra);
        page.first = take(object, "first", None, &mut extra);
        page.totals = take(object, "totals", Vec::new(), &mut extra);
        page.meta = take(object, "meta", Map::new(), &mut extra);
        page.marker = take(object, "marker", None, &mut extra);
        extra.append(object);
        page.extra = extra;
        Some(page)
    }
}

/// Decodes a body both ways and compares. Answers the document, if it is one.
///
/// # Panics
///
/// When the two ways differ.
pub fn compare(body: &[u8]) -> Option<Page> {
    let value = serde_json::from_slice::<Value>(body);
    let twin = value.as_ref().ok().and_then(Page::twin);
    let page = match (decode::from_slice::<Page>(body), twin) {
        (Ok(page), Some(twin)) => {
            assert_eq!(page, twin, "another value for {}", String::from_utf8_lossy(body));
            page
        }
        (Err(error), None) => {
            assert_eq!(error.is_syntax(), value.is_err(), "{error} for {}", String::from_utf8_lossy(body));
            assert!(error.offset() <= body.len());
            return None;
        }
        (ours, twin) => panic!("{ours:?} against {twin:?} for {}", String::from_utf8_lossy(body)),
    };
    // Written and read again it is the same document, and so it is through serde. (serde_json reads some
    // floats a last bit off from what it wrote; a document with such a one cannot tell.)
    if survives(&serde_json::to_value(&page).unwrap()) {
        assert_eq!(decode::from_slice::<Page>(&serde_json::to_vec(&page).unwrap()).unwrap(), page);
    }
    if survives(&value.unwrap()) {
        assert_eq!(serde_json::from_slice::<Page>(body).unwrap(), page);
    }
    Some(page)
}

/// Whether `serde_json` reads back what it writes.
fn survives(value: &Value) -> bool {
    serde_json::from_slice::<Value>(&serde_json::to_vec(value).unwrap()).unwrap() == *value
}
