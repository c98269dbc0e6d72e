//! The names of what a token is for: resource servers and scopes.

use std::sync::Arc;

/// A name of its own type: cheap to clone, ordered, borrowed as `str`.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<&$name> for $name {
            fn from(name: &$name) -> Self {
                name.clone()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }
    };
}
pub(crate) use text_newtype;

text_newtype! {
    /// The name of a resource server: the service that a token is good for, such as
    /// `transfer.api.globus.org`, or the id of a collection.
    ResourceServer
}

/// The scopes that are asked for, or by which a token is looked up.
///
/// A text with blanks between the scopes and a list of scopes are the same thing:
///
/// ```
/// use globus_core::Scopes;
///
/// let text = Scopes::from("openid urn:globus:auth:scope:transfer.api.globus.org:all[*data_access]");
/// let list = Scopes::from(["openid", "urn:globus:auth:scope:transfer.api.globus.org:all[*data_access]"]);
/// assert_eq!(text, list);
/// assert_eq!(text.iter().count(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scopes(Arc<str>);

impl Scopes {
    /// The scopes as one text, as the token endpoint takes them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no scope is named.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The single scopes in order. A scope keeps its dependencies: `a[b c] d` is `a[b c]` and `d`.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut depth = 0_usize;
        self.0
            .split(move |character: char| {
                match character {
                    '[' => depth += 1,
                    ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && character.is_whitespace()
            })
            .filter(|scope| !scope.is_empty())
    }

    fn join<S: AsRef<str>>(scopes: &[S]) -> Self {
        let mut text = String::new();
        for scope in scopes.iter().map(AsRef::as_ref).filter(|scope| !scope.is_empty()) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(scope);
        }
        Self(text.into())
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Scopes {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Scopes {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Scopes {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Scopes {
    fn from(text: &String) -> Self {
        Self(text.as_str().into())
    }
}

impl From<&Self> for Scopes {
    fn from(scopes: &Self) -> Self {
        scopes.clone()
    }
}

impl<S: AsRef<str>> From<&[S]> for Scopes {
    fn from(scopes: &[S]) -> Self {
        Self::join(scopes)
    }
}

impl<S: AsRef<str>> From<Vec<S>> for Scopes {
    fn from(scopes: Vec<S>) -> Self {
        Self::join(&scopes)
    }
}

impl<S: AsRef<str>> From<&Vec<S>> for Scopes {
    fn from(scopes: &Vec<S>) -> Self {
        Self::join(scopes)
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for Scopes {
    fn from(scopes: [S; N]) -> Self {
        Self::join(&scopes)
    }
}

impl<S: AsRef<str>, const N: usize> From<&[S; N]> for Scopes {
    fn from(scopes: &[S; N]) -> Self {
        Self::join(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_a_text_are_the_same() {
        assert_eq!(Scopes::from(vec!["a".to_owned(), "b".to_owned()]), Scopes::from("a b"));
        assert_eq!(Scopes::from(["a", "", "b"]).as_str(), "a b");
        assert_eq!(Scopes::from(&["a"][..]).as_str(), "a");
    }

    #[test]
    fn dependencies_stay_with_their_scope() {
        let scopes = Scopes::from(" a[b c[d e]]\t f] g ");
        assert_eq!(scopes.iter().collect::<Vec<_>>(), ["a[b c[d e]]", "f]", "g"]);
    }

    #[test]
    fn blanks_alone_are_no_scope() {
        assert!(Scopes::from(" \t\n").is_empty());
        assert!(Scopes::from("").is_empty());
        assert!(!Scopes::from(" a").is_empty());
    }

    #[test]
    fn a_name_is_found_by_its_text() {
        let map = std::collections::BTreeMap::from([(ResourceServer::from("rs1"), 1)]);
        assert_eq!(map.get("rs1"), Some(&1));
        assert_eq!(format!("{:>5}", ResourceServer::from("rs1")), "  rs1");
    }
}
