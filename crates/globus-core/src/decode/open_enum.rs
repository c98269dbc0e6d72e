//! The macro that makes an enumeration of words which can grow.

/// Makes an enumeration of the words a service uses in one place, with room for words it may add.
///
/// The enumeration gets one more variant, `Other`, with the word itself. It has `as_str`, `Display`,
/// `From<&str>` and `FromStr` (which never fail), `Default` (the empty word), equality with `&str`, a JSON value,
/// [`Decode`](crate::decode::Decode), and serde's `Serialize` and `Deserialize`. Equality goes by the word.
///
/// ```
/// globus_core::string_enum! {
///     /// How a task stands.
///     pub enum TaskStatus {
///         /// It runs.
///         Active = "ACTIVE",
///         /// It is done.
///         Succeeded = "SUCCEEDED",
///     }
/// }
///
/// assert_eq!(TaskStatus::from("ACTIVE"), TaskStatus::Active);
/// assert_eq!(TaskStatus::Succeeded.as_str(), "SUCCEEDED");
/// assert_eq!(TaskStatus::from("RESTING"), TaskStatus::Other("RESTING".into()));
/// assert_eq!(TaskStatus::from("RESTING").to_string(), "RESTING");
/// ```
#[macro_export]
macro_rules! string_enum {
    ($(#[$attribute:meta])* $visibility:vis enum $enum:ident {
        $($(#[$variant_attribute:meta])* $variant:ident = $word:literal),* $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        $visibility enum $enum {
            $($(#[$variant_attribute])* $variant,)*
            /// A word that this version of the library does not know.
            Other(::std::boxed::Box<str>),
        }

        impl $enum {
            /// The word that the service uses.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl ::core::convert::From<&str> for $enum {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        impl ::core::str::FromStr for $enum {
            type Err = ::core::convert::Infallible;

            fn from_str(word: &str) -> ::core::result::Result<Self, Self::Err> {
                ::core::result::Result::Ok(Self::from(word))
            }
        }

        impl ::core::default::Default for $enum {
            fn default() -> Self {
                Self::from("")
            }
        }

        impl ::core::fmt::Display for $enum {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::core::convert::AsRef<str> for $enum {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl ::core::convert::From<$enum> for $crate::decode::private::Value {
            fn from(word: $enum) -> Self {
                Self::from(word.as_str())
            }
        }

        impl ::core::cmp::PartialEq for $enum {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl ::core::cmp::Eq for $enum {}

        impl ::core::hash::Hash for $enum {
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl ::core::cmp::PartialEq<str> for $enum {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl ::core::cmp::PartialEq<&str> for $enum {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl $crate::decode::Decode for $enum {
            fn decode(
                reader: &mut $crate::decode::Reader<'_>,
            ) -> ::core::result::Result<Self, $crate::decode::DecodeError> {
                ::core::result::Result::Ok(Self::from(&*reader.string()?))
            }
        }

        impl $crate::decode::private::serde::Serialize for $enum {
            fn serialize<S: $crate::decode::private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::decode::private::serde::Deserialize<'de> for $enum {
            fn deserialize<D: $crate::decode::private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::decode::private::FromText::deserialize("a string", deserializer)
            }
        }
    };
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "as users write it")]
mod tests {
    use std::collections::HashSet;

    use crate::decode::from_slice;

    crate::string_enum! {
        /// For the tests.
        pub enum Colour {
            /// Red.
            Red = "RED",
            /// Green.
            Green = "green",
        }
    }

    #[test]
    fn every_way_in_and_out_keeps_the_word() {
        for (word, colour) in
            [("RED", Colour::Red), ("green", Colour::Green), ("red", Colour::Other("red".into()))]
        {
            assert_eq!(Colour::from(word), colour);
            assert_eq!(word.parse::<Colour>(), Ok(colour.clone()));
            assert_eq!(from_slice::<Colour>(format!("\"{word}\"").as_bytes()).unwrap(), colour);
            assert_eq!(serde_json::from_str::<Colour>(&format!("\"{word}\"")).unwrap(), colour);
            assert_eq!(serde_json::to_string(&colour).unwrap(), format!("\"{word}\""));
            assert_eq!((colour.as_str(), colour.to_string().as_str()), (word, word));
            assert!(colour == word && colour == *word);
        }
        assert_eq!(from_slice::<Colour>(br#""\u0052ED""#).unwrap(), Colour::Red);
        assert!(matches!(Colour::from("RED"), Colour::Red));
    }

    #[test]
    fn a_word_written_as_other_is_the_same_word() {
        let red = Colour::Other("RED".into());
        assert_eq!(red, Colour::Red);
        assert!(HashSet::from([red]).contains(&Colour::Red));
        assert_eq!(Colour::default(), Colour::Other("".into()));
    }

    #[test]
    fn only_strings() {
        assert!(from_slice::<Colour>(b"1").is_err());
        assert!(serde_json::from_str::<Colour>("1").is_err());
    }
}
