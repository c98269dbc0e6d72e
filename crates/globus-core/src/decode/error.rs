//! Why a body could not be decoded: where, what was expected, what was there. Never the body itself.

use std::borrow::Cow;
use std::fmt;

use super::{Decode, Reader};

/// What kind of JSON value stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number, whole or not.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
    /// Nothing: the body ends here.
    End,
    /// Something that does not start a JSON value.
    Other,
}

impl Kind {
    /// The kind of value that starts with this byte.
    pub(super) fn of(byte: Option<u8>) -> Self {
        match byte {
            None => Self::End,
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'-' | b'0'..=b'9') => Self::Number,
            Some(b'"') => Self::String,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            Some(_) => Self::Other,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
            Self::End => "the end of the body",
            Self::Other => "something else",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// A body could not be decoded.
///
/// It says where (a path such as `DATA[57].size` and a byte offset), what was expected and what kind of
/// value was found. It never quotes the body: not a value, and not the name of a member that the document
/// does not declare (that is a `*` in the path).
///
/// What to do: [`is_syntax`](Self::is_syntax) means that the body was damaged or cut off, or is no JSON at
/// all; ask again. Otherwise the service answered with another document than this type describes; the body
/// can still be read as a `serde_json::Value`.
///
/// ```
/// use globus_core::decode;
///
/// let error = decode::from_slice::<Vec<u64>>(br#"[1, 2, "three"]"#).unwrap_err();
/// assert_eq!(error.path(), "[2]");
/// assert_eq!(error.offset(), 7);
/// assert!(!error.to_string().contains("three"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    /// From the inside out: steps are added while the error travels up.
    path: Vec<Step>,
    what: What,
    expected: &'static str,
    found: Kind,
    offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// No JSON here. Nothing of the body can be kept.
    Syntax,
    /// A value of another kind.
    OtherKind,
    /// The right kind of value, but out of range or of another form.
    Unfit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Member(&'static str),
    Index(usize),
    /// A member whose name only the body knows.
    Unnamed,
}

impl DecodeError {
    pub(super) fn syntax(offset: usize, expected: &'static str, found: Kind) -> Self {
        Self::new(What::Syntax, offset, expected, found)
    }

    pub(super) fn other_kind(offset: usize, expected: &'static str, found: Kind) -> Self {
        // What starts no value at all is damage, not another type.
        let what = if matches!(found, Kind::End | Kind::Other) { What::Syntax } else { What::OtherKind };
        Self::new(what, offset, expected, found)
    }

    pub(super) fn unfit(offset: usize, expected: &'static str, found: Kind) -> Self {
        Self::new(What::Unfit, offset, expected, found)
    }

    #[cold]
    fn new(what: What, offset: usize, expected: &'static str, found: Kind) -> Self {
        Self(Box::new(Inner { path: Vec::new(), what, expected, found, offset }))
    }

    /// Where in the document, such as `DATA[57].size`; empty for the document as a whole. A member that the
    /// document does not declare is shown as `*`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.path.iter().rev() {
            let (separator, step) = match step {
                Step::Index(index) => ("", Cow::Owned(format!("[{index}]"))),
                Step::Member(name) => (".", Cow::Borrowed(*name)),
                Step::Unnamed => (".", Cow::Borrowed("*")),
            };
            path.push_str(if path.is_empty() { "" } else { separator });
            path.push_str(&step);
        }
        path
    }

    /// What should have been there, in words: `an unsigned 64-bit integer`.
    pub fn expected(&self) -> &'static str {
        self.0.expected
    }

    /// What was there.
    pub fn found(&self) -> Kind {
        self.0.found
    }

    /// Where in the body, in bytes from its start.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Whether the body is no complete, valid JSON (cut off, damaged, nested too deep, no JSON at all), as
    /// opposed to a valid document of another shape.
    pub fn is_syntax(&self) -> bool {
        self.0.what == What::Syntax
    }

    pub(super) fn in_member(self, name: &'static str) -> Self {
        self.under(Step::Member(name))
    }

    pub(super) fn in_unnamed(self) -> Self {
        self.under(Step::Unnamed)
    }

    pub(super) fn at_index(self, index: usize) -> Self {
        self.under(Step::Index(index))
    }

    #[cold]
    fn under(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    /// The path of a place that is not UTF-8: where decoding of what stands before it breaks off.
    pub(super) fn with_path_of<T: Decode>(mut self, body: &[u8]) -> Self {
        let before = body.get(..self.0.offset).and_then(|valid| Reader::new(valid).ok());
        if let Some(Err(broken_off)) = before.map(|mut reader| T::decode(&mut reader)) {
            self.0.path = broken_off.0.path;
        }
        self
    }

    /// The message without the byte offset, for a body that the reader of the message does not have.
    pub(super) fn without_offset(&self) -> impl fmt::Display {
        WithoutOffset(self)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, offset: bool) -> fmt::Result {
        let Inner { what, expected, found, .. } = &*self.0;
        let path = self.path();
        f.write_str(if *what == What::Syntax { "the body is no valid JSON" } else { "unexpected document" })?;
        if !path.is_empty() {
            write!(f, " at {path}")?;
        }
        if offset {
            write!(f, " (byte {})", self.0.offset)?;
        }
        write!(f, ": expected {expected}, found {found}")?;
        f.write_str(match what {
            What::Syntax => "; it may be damaged or cut off: ask again",
            What::OtherKind => "; read it as plain JSON instead",
            What::Unfit => " that is none; read it as plain JSON instead",
        })
    }
}

struct WithoutOffset<'e>(&'e DecodeError);

impl fmt::Display for WithoutOffset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, false)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, true)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeError")
            .field("path", &self.path())
            .field("expected", &self.0.expected)
            .field("found", &self.0.found)
            .field("offset", &self.0.offset)
            .field("is_syntax", &self.is_syntax())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for DecodeError {}
