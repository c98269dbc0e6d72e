//! The macro that makes a document: a struct, its decoder, and its serde implementations.

use std::borrow::Cow;

use super::{Decode, DecodeError, Extra, Mark, Reader};

/// Makes the struct of a service's document from a list of its members.
///
/// Each member is `pub name: Type`, with its own documentation. Two things may be added: `as "NAME"` after the
/// name, where the wire name is another one, and `= expression` after the type, where a missing or null
/// member has another value than the type's `Default`. Types are those that implement
/// [`Decode`](crate::decode::Decode).
///
/// What comes out is a `#[non_exhaustive]` struct with public fields and one more, `extra`, for members that
/// are not declared and for values that do not fit (see [`decode`](crate::decode) for the rules). It has
/// `Debug`, `Clone`, `PartialEq`, `Default`, [`Decode`](crate::decode::Decode), and serde's `Serialize` and
/// `Deserialize`:
///
/// * `Serialize` writes every member, an unset `Option` as `null`, then what is in `extra`; a value that did
///   not fit is written in the place of its field, so that decoding the result gives the same document;
/// * `Deserialize` follows the same rules as decoding; it needs a format that describes itself, as JSON does.
///
/// ```
/// use globus_core::decode;
///
/// globus_core::document! {
///     /// A page of numbers.
///     #[derive(Eq)]
///     pub struct Numbers {
///         /// The numbers.
///         pub data as "DATA": Vec<u64>,
///         /// How many there are on a page.
///         pub limit: u32 = 100,
///     }
/// }
///
/// let page: Numbers = decode::from_slice(br#"{"DATA": [1, 2], "limit": null}"#)?;
/// assert_eq!((page.data.as_slice(), page.limit), ([1, 2].as_slice(), 100));
///
/// // What does not fit is kept, and the rest of the document is there.
/// let odd: Numbers = decode::from_slice(br#"{"DATA": [1], "limit": "ten"}"#)?;
/// assert_eq!((odd.limit, &odd.extra["limit"]), (100, &"ten".into()));
/// # Ok::<(), decode::DecodeError>(())
/// ```
///
/// The same name twice does not compile:
///
/// ```compile_fail,E0080
/// globus_core::document! {
///     /// Twice the same wire name.
///     pub struct Twice {
///         /// One.
///         pub name: u64,
///         /// The other.
///         pub other as "name": u64,
///     }
/// }
/// ```
#[macro_export]
macro_rules! document {
    ($(#[$attribute:meta])* $visibility:vis struct $document:ident {
        $($(#[$field_attribute:meta])* pub $field:ident $(as $wire:literal)? : $type:ty $(= $default:expr)?),*
        $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        $visibility struct $document {
            $($(#[$field_attribute])* pub $field: $type,)*
            /// Members that this type does not know, and values of known ones that do not fit their field.
            pub extra: $crate::decode::Extra,
        }

        const _: () = assert!(
            $crate::decode::private::members_differ(&[$($crate::document!(@wire $field $($wire)?)),*]),
            "two members of a document have the same name on the wire, or one is a raw identifier without `as`, or \
             one would have to be escaped in JSON"
        );

        impl ::core::default::Default for $document {
            fn default() -> Self {
                Self {
                    $($field: $crate::document!(@default $($default)?),)*
                    extra: ::core::default::Default::default(),
                }
            }
        }

        impl $document {
            /// Reads an object into this document, which is as `default` made it.
            fn fill(
                &mut self,
                reader: &mut $crate::decode::Reader<'_>,
            ) -> ::core::result::Result<(), $crate::decode::DecodeError> {
                #[allow(non_camel_case_types, reason = "named as the fields are")]
                #[derive(Clone, Copy)]
                enum Member {
                    $($field,)*
                }
                const MEMBERS: &[Member] = &[$(Member::$field),*];
                const NAMES: &[&str] = &[$($crate::document!(@wire $field $($wire)?)),*];
                static ORDER: $crate::decode::private::Order<{ NAMES.len() + 1 }> =
                    $crate::decode::private::Order::new();

                reader.begin_object()?;
                let mut first = true;
                let mut slot = 0;
                #[allow(unused_mut, unused_variables, reason = "a document may have no members of its own")]
                let mut set_aside = false;
                while reader.another_member(&mut first)? {
                    let guess = ORDER.guess(slot);
                    let guessed = match MEMBERS.get(guess) {
                        ::core::option::Option::Some(member) => match *member {
                            $(Member::$field => {
                                reader.named(::core::concat!("\"", $crate::document!(@wire $field $($wire)?), "\":"))
                            })*
                        },
                        ::core::option::Option::None => false,
                    };
                    let member = if guessed {
                        slot = guess + 1;
                        guess
                    } else {
                        let name = reader.name()?;
                        let ::core::option::Option::Some(member) = NAMES.iter().position(|known| *known == name)
                        else {
                            reader.unknown(name, &mut self.extra)?;
                            continue;
                        };
                        slot = ORDER.learn(slot, member);
                        member
                    };
                    match MEMBERS[member] {
                        $(Member::$field => reader.member(
                            $crate::document!(@wire $field $($wire)?),
                            &mut self.$field,
                            || $crate::document!(@default $($default)?),
                            &mut self.extra,
                            &mut set_aside,
                        )?,)*
                    }
                }
                ::core::result::Result::Ok(())
            }
        }

        impl $crate::decode::Decode for $document {
            fn decode(
                reader: &mut $crate::decode::Reader<'_>,
            ) -> ::core::result::Result<Self, $crate::decode::DecodeError> {
                let mut document = Self::default();
                document.fill(reader)?;
                ::core::result::Result::Ok(document)
            }

            fn decode_onto(
                list: &mut ::std::vec::Vec<Self>,
                reader: &mut $crate::decode::Reader<'_>,
            ) -> ::core::result::Result<(), $crate::decode::DecodeError> {
                list.push(Self::default());
                match list.last_mut() {
                    ::core::option::Option::Some(document) => document.fill(reader),
                    ::core::option::Option::None => ::core::result::Result::Ok(()),
                }
            }
        }

        impl $crate::decode::private::serde::Serialize for $document {
            fn serialize<S: $crate::decode::private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                #[allow(unused_mut, reason = "a document may have no members of its own")]
                let mut members = $crate::decode::private::Members::<S>::of(serializer, &self.extra)?;
                $(members.known($crate::document!(@wire $field $($wire)?), &self.$field)?;)*
                members.end()
            }
        }

        impl<'de> $crate::decode::private::serde::Deserialize<'de> for $document {
            fn deserialize<D: $crate::decode::private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::decode::private::deserialize(deserializer)
            }
        }
    };

    (@default) => { ::core::default::Default::default() };
    (@default $default:expr) => { $default };
    (@wire $field:ident) => { ::core::stringify!($field) };
    (@wire $field:ident $wire:literal) => { $wire };
}

impl<'a> Reader<'a> {
    /// Reads a known member of a document into its field; what does not fit goes into `extra`.
    #[doc(hidden)]
    #[inline]
    pub fn member<T: Decode>(
        &mut self,
        name: &'static str,
        field: &mut T,
        default: fn() -> T,
        extra: &mut Extra,
        set_aside: &mut bool,
    ) -> Result<(), DecodeError> {
        let start = self.save();
        if self.null().map_err(|error| error.in_member(name))? {
            *field = default();
        } else if let Err(error) = T::decode_into(field, self) {
            *field = default();
            *set_aside = true;
            return self.set_aside(start, name, error, extra);
        }
        if *set_aside {
            // The name came before, with an odd value; the last one counts.
            extra.remove(name);
        }
        Ok(())
    }

    /// Keeps a value that its field cannot hold.
    #[cold]
    fn set_aside(
        &mut self,
        start: Mark,
        name: &'static str,
        error: DecodeError,
        extra: &mut Extra,
    ) -> Result<(), DecodeError> {
        if error.is_syntax() {
            return Err(error.in_member(name));
        }
        self.rewind(start);
        let value = self.value().map_err(|error| error.in_member(name))?;
        extra.insert(name.to_owned(), value);
        Ok(())
    }

    /// Keeps a member that the document does not declare.
    #[doc(hidden)]
    #[cold]
    pub fn unknown(&mut self, name: Cow<'a, str>, extra: &mut Extra) -> Result<(), DecodeError> {
        let value = self.value().map_err(DecodeError::in_unnamed)?;
        extra.insert(name.into_owned(), value);
        Ok(())
    }
}

/// Whether no name occurs twice, none is a raw identifier, which `stringify!` writes as `r#type`, and all stand in
/// JSON as they are.
pub const fn members_differ(names: &[&str]) -> bool {
    let mut one = 0;
    while one < names.len() {
        let name = names[one].as_bytes();
        if name.len() > 1 && name[0] == b'r' && name[1] == b'#' {
            return false;
        }
        if has_escapes(name) {
            return false;
        }
        let mut other = one + 1;
        while other < names.len() {
            if same(name, names[other].as_bytes()) {
                return false;
            }
            other += 1;
        }
        one += 1;
    }
    true
}

const fn has_escapes(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() {
        if name[at] == b'"' || name[at] == b'\\' || name[at] < 0x20 {
            return true;
        }
        at += 1;
    }
    false
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::members_differ;

    #[test]
    fn names_that_occur_twice_are_raw_or_need_escapes_are_found() {
        assert!(members_differ(&[]));
        assert!(members_differ(&["a", "b", "ab", "r", "r2"]));
        assert!(!members_differ(&["a", "b", "a"]));
        assert!(!members_differ(&["DATA", "type", "DATA"]));
        assert!(!members_differ(&["r#type"]));
        assert!(!members_differ(&["a", "a\"b"]) && !members_differ(&["a\\b"]) && !members_differ(&["a\n"]));
        assert!(members_differ(&["grüße", "@type", "a name of more than eight bytes"]));
    }
}
