use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use super::error::{ScopeErrorKind, ScopeParseError, shown};
use super::parse::SPECIAL;
use super::{merge, parse};

/// A scope: a name, whether it is optional, and the scopes that it depends on.
///
/// It never changes: [`with_dependency`](Self::with_dependency) and [`optional`](Self::optional) answer new ones. Cloning
/// is cheap. Two scopes are equal if they are written the same; see [`normalized`](Self::normalized) for a comparison
/// without regard to order.
///
/// ```
/// use globus_core::Scope;
///
/// # fn example() -> Result<(), globus_core::scope::ScopeParseError> {
/// let scope = Scope::new("transfer")?.with_dependency(Scope::new("data_access")?.optional());
/// assert_eq!(scope.to_string(), "transfer[*data_access]");
/// assert_eq!(scope, Scope::parse("transfer[ *data_access ]")?);
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone)]
pub struct Scope {
    name: Name,
    optional: bool,
    dependencies: Option<Arc<[Self]>>,
}

/// A name known when the program is compiled, or a shared text.
#[derive(Clone)]
enum Name {
    Constant(&'static str),
    Shared(Arc<str>),
}

impl Scope {
    /// A required scope without dependencies.
    ///
    /// # Errors
    ///
    /// [`ScopeErrorKind::InvalidName`] when the name holds a bracket, a star or a blank: use [`parse`](Self::parse) for a
    /// text with those.
    pub fn new(name: impl AsRef<str>) -> Result<Self, ScopeParseError> {
        let name = name.as_ref();
        if name.contains(SPECIAL) {
            return Err(ScopeParseError::new(
                ScopeErrorKind::InvalidName,
                format!(
                    "\"{}\" is not the name of one scope: names hold no brackets, stars and blanks; read a text with \
                     Scope::parse",
                    shown(name)
                ),
            ));
        }
        Ok(Self::shared(name.into(), false, None))
    }

    /// A scope for a constant of a program.
    ///
    /// ```
    /// use globus_core::Scope;
    ///
    /// const RUN: Scope = Scope::constant("https://auth.globus.org/scopes/ba0b1c2d/run");
    /// assert_eq!(RUN.optional().to_string(), "*https://auth.globus.org/scopes/ba0b1c2d/run");
    /// ```
    ///
    /// # Panics
    ///
    /// When the name holds a bracket, a star or a blank; in a constant the compiler says so.
    pub const fn constant(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                !matches!(bytes[at], b'[' | b']' | b'*' | b' '),
                "a scope's name holds no brackets, stars and blanks"
            );
            at += 1;
        }
        Self { name: Name::Constant(name), optional: false, dependencies: None }
    }

    /// Reads a text that holds one scope. See the [module](super) for how texts are read.
    ///
    /// # Errors
    ///
    /// See [`ScopeErrorKind`]; [`NotOneScope`](ScopeErrorKind::NotOneScope) when there are none or several.
    pub fn parse(text: &str) -> Result<Self, ScopeParseError> {
        let mut scopes = parse::parse(text)?.into_iter();
        match (scopes.next(), scopes.len()) {
            (Some(scope), 0) => Ok(scope),
            (first, more) => Err(ScopeParseError::new(
                ScopeErrorKind::NotOneScope,
                format!(
                    "one scope is wanted here, and the text holds {}",
                    more + usize::from(first.is_some())
                ),
            )),
        }
    }

    pub(super) fn shared(name: Arc<str>, optional: bool, dependencies: Option<Arc<[Self]>>) -> Self {
        Self { name: Name::Shared(name), optional, dependencies }
    }

    /// The name alone, as it stands in tokens and consents.
    #[doc(alias = "scope_string")]
    pub fn name(&self) -> &str {
        match &self.name {
            Name::Constant(name) => name,
            Name::Shared(name) => name,
        }
    }

    /// Whether the user may refuse it, or withdraw it later, and keep the rest ("atomically revocable").
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// The scopes that this one depends on, in order.
    pub fn dependencies(&self) -> &[Self] {
        self.dependencies.as_deref().unwrap_or_default()
    }

    /// The same scope with one more dependency, at the end.
    #[must_use]
    pub fn with_dependency(self, dependency: Self) -> Self {
        self.with_dependencies([dependency])
    }

    /// The same scope with more dependencies, at the end.
    #[must_use]
    pub fn with_dependencies(self, dependencies: impl IntoIterator<Item = Self>) -> Self {
        let all: Arc<[Self]> = self.dependencies().iter().cloned().chain(dependencies).collect();
        Self { dependencies: Some(all).filter(|all| !all.is_empty()), ..self }
    }

    /// The same scope, optional.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with_optional(true)
    }

    /// The same scope, optional or required.
    #[must_use]
    pub fn with_optional(self, optional: bool) -> Self {
        Self { optional, ..self }
    }

    /// The same scope in the one form that all scopes with its meaning have: read as a text is, dependencies in order
    /// of their names. For comparing.
    ///
    /// # Errors
    ///
    /// [`ScopeErrorKind::Cycle`] or [`ScopeErrorKind::TooLarge`].
    pub fn normalized(&self) -> Result<Self, ScopeParseError> {
        let mut graph = merge::Graph::default();
        graph.add(self)?;
        graph.sort();
        graph.trees()?.into_iter().next().ok_or_else(|| {
            // A scope that was added is in the result.
            ScopeParseError::new(ScopeErrorKind::NotOneScope, "one scope is wanted here, and there is none")
        })
    }

    /// Whether both share the very same dependencies, so that they need no comparison.
    fn has_same(&self, other: &Self) -> bool {
        match (&self.dependencies, &other.dependencies) {
            (None, None) => true,
            (Some(one), Some(another)) => Arc::ptr_eq(one, another),
            _ => false,
        }
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.optional == other.optional
            && self.name() == other.name()
            && (self.has_same(other) || self.dependencies() == other.dependencies())
    }
}

impl Eq for Scope {}

impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.optional.hash(state);
        self.name().hash(state);
        self.dependencies().hash(state);
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.optional {
            f.write_str("*")?;
        }
        f.write_str(self.name())?;
        let mut mark = "[";
        for dependency in self.dependencies() {
            f.write_str(mark)?;
            dependency.fmt(f)?;
            mark = " ";
        }
        if mark == " " { f.write_str("]") } else { Ok(()) }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({self})")
    }
}

impl FromStr for Scope {
    type Err = ScopeParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<&Self> for Scope {
    fn from(scope: &Self) -> Self {
        scope.clone()
    }
}
