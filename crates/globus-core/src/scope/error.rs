use std::fmt;

/// A text that is not what is wanted of a scope, or scopes that cannot be put together.
///
/// It says where and why; [`kind`](Self::kind) tells programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeParseError {
    kind: ScopeErrorKind,
    what: String,
}

/// What is wrong with a text of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScopeErrorKind {
    /// The text does not follow the grammar.
    Syntax,
    /// A scope depends on itself, be it through others.
    Cycle,
    /// The text, its depth, or what it stands for is larger than the limits of this module.
    TooLarge,
    /// A name holds a bracket, a star or a blank.
    InvalidName,
    /// One scope was wanted, and the text holds none or several.
    NotOneScope,
}

impl ScopeParseError {
    pub(super) fn new(kind: ScopeErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }

    /// A fault of grammar at a character, counted from 1.
    pub(super) fn syntax(position: usize, what: &str) -> Self {
        Self::new(ScopeErrorKind::Syntax, format!("at character {position}: {what}"))
    }

    /// What is wrong.
    pub fn kind(&self) -> ScopeErrorKind {
        self.kind
    }

    /// Whether a scope depends on itself.
    #[doc(alias = "ScopeCycleError")]
    pub fn is_cycle(&self) -> bool {
        self.kind == ScopeErrorKind::Cycle
    }
}

impl fmt::Display for ScopeParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ScopeErrorKind::Syntax => {
                write!(f, "the scopes cannot be read, {}; they are written like a[b *c[d]] e", self.what)
            }
            _ => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for ScopeParseError {}

/// A scope's name as it may be repeated in a message: short, and nothing that a terminal obeys.
pub(super) fn shown(name: &str) -> String {
    let mut shown: String = name.chars().filter(|character| !character.is_control()).take(100).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    shown
}
