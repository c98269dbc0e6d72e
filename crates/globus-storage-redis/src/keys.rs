//! The names of the keys.

use std::error::Error;
use std::fmt;

use globus_core::storage::Namespace;
use globus_core::token::ResourceServer;

/// A key prefix cannot be used.
///
/// It must have 1 to 64 characters out of letters, digits, `:`, `.`, `_`, `-` and `/`. Others mean something in the
/// patterns of access lists, or decide where a cluster keeps a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKeyPrefix(());

impl fmt::Display for InvalidKeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the key prefix cannot be used; take 1 to 64 characters out of ASCII letters, digits and `:._-/`",
        )
    }
}

impl Error for InvalidKeyPrefix {}

/// What all keys of a storage begin with: the prefix, and the prefix again in braces. A cluster looks at what is in
/// the braces only, so all keys of a storage are in one slot, as scripts and an exact list need it.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: String,
    begin: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Result<Self, InvalidKeyPrefix> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b":._-/".contains(&byte);
        if !(1..=64).contains(&prefix.len()) || !prefix.bytes().all(is_good) {
            return Err(InvalidKeyPrefix(()));
        }
        Ok(Self::begin_with(prefix))
    }

    fn begin_with(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), begin: format!("{prefix}{{{prefix}}}") }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The hash of a namespace.
    pub(crate) fn tokens(&self, namespace: &Namespace) -> String {
        format!("{}{namespace}", self.tokens_begin())
    }

    /// What the key of every namespace's hash begins with.
    pub(crate) fn tokens_begin(&self) -> String {
        format!("{}tokens:", self.begin)
    }

    /// The set of namespaces.
    pub(crate) fn namespaces(&self) -> String {
        format!("{}namespaces", self.begin)
    }

    /// The lease of a token. The length keeps names apart that have colons in them.
    pub(crate) fn lease(&self, namespace: &Namespace, resource_server: &ResourceServer) -> String {
        format!("{}lease:{}:{namespace}:{resource_server}", self.begin, namespace.as_str().len())
    }

    /// The last fencing number.
    pub(crate) fn fencing(&self) -> String {
        format!("{}fencing", self.begin)
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::begin_with("globus:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_no_pattern_and_no_braces() {
        let long = "a".repeat(65);
        for bad in ["", "a b", "a{b", "}", "a*", "a?", "[a]", "a\\", "ä", "a\n", long.as_str()] {
            assert!(Keys::new(bad).is_err(), "{bad:?}");
        }
        for good in ["globus:", "Portal-1/tokens_v2.", &long[..64]] {
            assert_eq!(Keys::new(good).unwrap().prefix(), good);
        }
    }

    #[test]
    fn all_keys_begin_with_the_prefix_and_are_in_one_slot() {
        let keys = Keys::new("globus:").unwrap();
        let (namespace, server) = (Namespace::from("{a}"), ResourceServer::from("{b}"));
        for key in
            [keys.tokens(&namespace), keys.namespaces(), keys.lease(&namespace, &server), keys.fencing()]
        {
            assert!(key.starts_with("globus:{globus:}"), "{key}");
        }
    }

    #[test]
    fn no_two_leases_have_one_key() {
        let keys = Keys::new("globus:").unwrap();
        assert_ne!(keys.lease(&"a:b".into(), &"c".into()), keys.lease(&"a".into(), &"b:c".into()));
        assert_ne!(keys.lease(&"1".into(), &"b".into()), keys.lease(&"".into(), &"1:b".into()));
    }
}
