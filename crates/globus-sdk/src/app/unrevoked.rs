use globus_core::storage::Namespace;

/// The end of the names of the namespaces in which logouts keep what they could not revoke.
const SUFFIX: &str = "/unrevoked";

pub(super) fn is_of_logouts(namespace: &Namespace) -> bool {
    namespace.as_str().ends_with(SUFFIX)
}
