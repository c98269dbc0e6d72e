use std::fmt;
use std::sync::Arc;

use super::{Scope, ScopeParseError, merge, parse};

/// The scopes that are asked for, or by which a token is looked up: a text with blanks between them.
///
/// Whatever takes scopes takes what converts into this: a text, a [`Scope`], a list of either, a collection's constant. A
/// list of both kinds is a list of `Scopes`. A text is kept as it is and not read until [`parse`](Self::parse).
///
/// ```
/// use globus_core::{Scope, Scopes};
///
/// let text = Scopes::from("openid urn:globus:auth:scope:transfer.api.globus.org:all[*data_access]");
/// let list = Scopes::from(["openid", "urn:globus:auth:scope:transfer.api.globus.org:all[*data_access]"]);
/// assert_eq!(text, list);
/// assert_eq!(text.iter().count(), 2);
///
/// const OPENID: Scope = Scope::constant("openid");
/// let mixed = Scopes::from([Scopes::from(OPENID), Scopes::from("email profile")]);
/// assert_eq!(mixed.as_str(), "openid email profile");
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

    /// The single scopes in order, as they are written. A scope keeps its dependencies: `a[b c] d` is `a[b c]` and `d`.
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

    /// Reads the text, as the [module](super) says. A text without scopes gives none.
    ///
    /// # Errors
    ///
    /// See [`ScopeErrorKind`](super::ScopeErrorKind).
    #[doc(alias = "ScopeParser")]
    pub fn parse(&self) -> Result<Vec<Scope>, ScopeParseError> {
        parse::parse(&self.0)
    }

    /// The scopes of both, each once, with the dependencies of both.
    ///
    /// ```
    /// use globus_core::Scopes;
    ///
    /// # fn example() -> Result<(), globus_core::scope::ScopeParseError> {
    /// let both = Scopes::from("transfer[*a]").merge("openid transfer[*b]")?;
    /// assert_eq!(both.as_str(), "transfer[*a *b] openid");
    /// # Ok(())
    /// # }
    /// # example().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// See [`ScopeErrorKind`](super::ScopeErrorKind); a cycle can come from putting the two together.
    #[doc(alias = "merge_scopes")]
    pub fn merge(&self, other: impl Into<Self>) -> Result<Self, ScopeParseError> {
        let mut graph = merge::Graph::default();
        for scope in self.parse()?.iter().chain(&other.into().parse()?) {
            graph.add(scope)?;
        }
        Ok(graph.trees()?.into())
    }

    fn join<T: fmt::Display>(parts: &[T]) -> Self {
        let mut text = String::new();
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                text.push(' ');
            }
            // Writing to a text does not fail.
            let _ = fmt::Write::write_fmt(&mut text, format_args!("{part}"));
        }
        Self(text.into())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        Self::join(&[scope])
    }
}

impl From<&Scope> for Scopes {
    fn from(scope: &Scope) -> Self {
        Self::join(&[scope])
    }
}

/// What a list of scopes can be made of.
mod part {
    pub trait Part: std::fmt::Display {}

    impl Part for &str {}
    impl Part for String {}
    impl Part for &String {}
    impl Part for super::Scopes {}
    impl Part for &super::Scopes {}
    impl Part for super::Scope {}
    impl Part for &super::Scope {}
}

impl<T: part::Part> From<&[T]> for Scopes {
    fn from(scopes: &[T]) -> Self {
        Self::join(scopes)
    }
}

impl<T: part::Part> From<Vec<T>> for Scopes {
    fn from(scopes: Vec<T>) -> Self {
        Self::join(&scopes)
    }
}

impl<T: part::Part> From<&Vec<T>> for Scopes {
    fn from(scopes: &Vec<T>) -> Self {
        Self::join(scopes)
    }
}

impl<T: part::Part, const N: usize> From<[T; N]> for Scopes {
    fn from(scopes: [T; N]) -> Self {
        Self::join(&scopes)
    }
}

impl<T: part::Part, const N: usize> From<&[T; N]> for Scopes {
    fn from(scopes: &[T; N]) -> Self {
        Self::join(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_a_text_are_the_same() {
        assert_eq!(Scopes::from(vec!["a".to_owned(), "b".to_owned()]), Scopes::from("a b"));
        assert_eq!(Scopes::from(&["a"][..]).as_str(), "a");
        let scope = Scope::constant("a").with_dependency(Scope::constant("b").optional());
        assert_eq!(Scopes::from([&scope, &Scope::constant("c")]).as_str(), "a[*b] c");
        assert_eq!(Scopes::from(scope).as_str(), "a[*b]");
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
        assert!(Scopes::from(["", ""]).is_empty());
        assert!(!Scopes::from(" a").is_empty());
    }
}
