//! What a sealed content is, and whose.

use std::fmt;

/// What a sealed content is, and whose: it opens only with the same purpose and the same fields in the same order.
///
/// None of this is kept in the sealed content; whoever opens it must know it.
///
/// ```
/// use globus_core::seal::SealContext;
///
/// let context = SealContext::new("login flow")
///     .with("client_id", "00000000-0000-0000-0000-000000000000")
///     .with("started_at", 1_700_000_000_i64.to_be_bytes());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SealContext(Vec<u8>);

impl SealContext {
    /// A context of this purpose, a name that is given to one kind of content only.
    pub fn new(purpose: &str) -> Self {
        let mut context = Self(Vec::new());
        context.push(purpose.as_bytes());
        context
    }

    /// Adds a field. An empty value is another thing than no field.
    #[must_use]
    pub fn with(mut self, label: &str, value: impl AsRef<[u8]>) -> Self {
        self.push(label.as_bytes());
        self.push(value.as_ref());
        self
    }

    /// With its length before it, so that what belongs to one part can never be taken for the next one's.
    fn push(&mut self, part: &[u8]) {
        self.0.extend((part.len() as u64).to_be_bytes());
        self.0.extend(part);
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealContext({})", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_contexts_are_the_same() {
        let contexts = [
            SealContext::new(""),
            SealContext::new("ab"),
            SealContext::new("a").with("b", ""),
            SealContext::new("a").with("", "b"),
            SealContext::new("").with("a", "b"),
            SealContext::new("").with("ab", ""),
            SealContext::new("").with("", "ab"),
            SealContext::new("").with("a", "").with("b", ""),
            SealContext::new("").with("b", "").with("a", ""),
        ];
        for (place, context) in contexts.iter().enumerate() {
            for other in &contexts[place + 1..] {
                assert_ne!(context, other);
                assert!(!other.as_bytes().is_empty());
            }
        }
    }
}
