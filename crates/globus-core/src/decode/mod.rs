//! Decoding of JSON answers into typed documents.
//!
//! A service's document is written once, with [`document!`], as a list of its members. What comes out is a
//! plain struct with public fields, and a decoder that reads the body in one pass:
//!
//! * a member that is missing or `null` has its type's default;
//! * a member that the struct does not know is kept in `extra`;
//! * a known member of another type than expected is kept in `extra` too, under its own name, and its field
//!   has the default: one odd member does not lose a page;
//! * a member given twice counts as it was given last;
//! * a document is an object, never an array of values by position.
//!
//! Values that grow with the service have types that keep what they do not understand: [`string_enum!`]
//! makes enumerations that hold an unknown word, [`Time`] holds a text that is no time.
//!
//! Use [`from_slice`] to decode a whole body. Types of your own can implement [`Decode`] by hand over the
//! [`Reader`]; types that have serde's `Deserialize` need none of this.
//!
//! ```
//! use globus_core::decode::{self, Text, Time};
//!
//! globus_core::string_enum! {
//!     /// What an entry of a directory is.
//!     pub enum EntryType {
//!         /// A file.
//!         File = "file",
//!         /// A directory.
//!         Dir = "dir",
//!     }
//! }
//!
//! globus_core::document! {
//!     /// An entry of a directory.
//!     pub struct Entry {
//!         /// The last part of the path.
//!         pub name: Text,
//!         /// File or directory.
//!         pub kind as "type": EntryType,
//!         /// Bytes.
//!         pub size: u64,
//!         /// When the content last changed.
//!         pub last_modified: Option<Time>,
//!         /// Octal, as `ls` shows it.
//!         pub permissions: Text = Text::from("0644"),
//!     }
//! }
//!
//! let body = br#"{"name": "a.txt", "type": "socket", "size": 5, "last_modified": null, "new": true}"#;
//! let entry: Entry = decode::from_slice(body)?;
//! assert_eq!(entry.name, "a.txt");
//! assert_eq!(entry.kind, EntryType::Other("socket".into()));
//! assert_eq!(entry.last_modified, None);
//! assert_eq!(entry.permissions, "0644");
//! assert_eq!(entry.extra["new"], true);
//! # Ok::<(), decode::DecodeError>(())
//! ```
//!
//! # Errors
//!
//! Only two things fail: a body that is no complete, valid JSON, and a body that is not of the expected kind
//! as a whole (an array in place of an object). [`DecodeError`] says where and what, and never quotes the
//! body.

mod bridge;
mod document;
mod error;
mod extra;
mod member;
mod open_enum;
mod order;
mod reader;
mod scan;
mod text;
mod time;
mod values;

pub use error::{DecodeError, Kind};
pub use extra::Extra;
pub(crate) use member::member_of;
pub use reader::{Mark, Reader};
pub use text::Text;
pub use time::Time;

#[doc(inline)]
pub use crate::{document, string_enum};

/// What the macros of this module refer to. No part of the public interface.
#[doc(hidden)]
pub mod private {
    pub use serde;
    pub use serde_json::Value;

    pub use super::bridge::{FromText, Members, deserialize};
    pub use super::document::members_differ;
    pub use super::order::Order;
}

/// A value that can be read from a JSON body.
///
/// [`document!`] and [`string_enum!`] implement it for what they make. It is there for booleans, integers,
/// `f64`, `String`, [`Text`], [`Time`], `Uuid`, `serde_json::Value`, and `Option`, `Box`, `Vec` and maps with
/// textual keys of such. Implement it by hand for a type with a form of its own:
///
/// ```
/// use globus_core::decode::{self, Decode, DecodeError, Reader};
///
/// /// A number that the service writes as text.
/// #[derive(Debug, PartialEq)]
/// struct Quoted(u64);
///
/// impl Decode for Quoted {
///     fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
///         let start = reader.save();
///         let text = reader.string()?;
///         text.parse().map(Self).map_err(|_| reader.unfit(start, "an integer in quotes"))
///     }
/// }
///
/// assert_eq!(decode::from_slice::<Quoted>(br#""42""#)?, Quoted(42));
/// assert!(decode::from_slice::<Quoted>(br#""many""#).is_err());
/// # Ok::<(), DecodeError>(())
/// ```
pub trait Decode: Sized {
    /// Reads the next value.
    ///
    /// # Errors
    ///
    /// When the value is of another type than this one, or the body is no valid JSON here. After an error the
    /// reader stands anywhere in the value; [`Reader::rewind`] leads back.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads the next value into a place that holds another. Where values are more than a word it saves copies
    /// to make them there. After an error the place holds anything.
    #[doc(hidden)]
    #[inline]
    fn decode_into(place: &mut Self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        *place = Self::decode(reader)?;
        Ok(())
    }

    /// The same, into a place that may hold nothing.
    #[doc(hidden)]
    #[inline]
    fn decode_some(place: &mut Option<Self>, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        *place = Some(Self::decode(reader)?);
        Ok(())
    }

    /// Reads the next value onto the end of a list. Documents do it in place, which saves a copy.
    #[doc(hidden)]
    fn decode_onto(list: &mut Vec<Self>, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        list.push(Self::decode(reader)?);
        Ok(())
    }
}

/// Decodes a whole body.
///
/// # Errors
///
/// When the body is not UTF-8, is no valid JSON, goes on after the value, nests deeper than 127 levels, or
/// is of another kind than `T` as a whole. The error says where, and never quotes the body.
pub fn from_slice<T: Decode>(body: &[u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(body).map_err(|error| error.with_path_of::<T>(body))?;
    let start = reader.save();
    match T::decode(&mut reader) {
        Ok(value) => reader.end().map(|()| value),
        // Damage counts for more than another kind of value, also when it comes later.
        Err(error) if error.is_syntax() => Err(error),
        Err(error) => {
            reader.rewind(start);
            reader.value()?;
            reader.end()?;
            Err(error)
        }
    }
}
