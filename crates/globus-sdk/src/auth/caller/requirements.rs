//! What a service asks of those who call it.

use std::time::Duration;

use globus_core::{IdentityId, PolicyId, Scopes};

/// What a service asks of a caller, beyond a good token that is meant for the service.
///
/// All that is set must hold. A caller who does not meet it is refused with a
/// [`Gare`](crate::Gare) that names what the next login must bring, where a login can bring it.
///
/// ```
/// use std::time::Duration;
///
/// use globus_sdk::auth::caller::CallerRequirements;
///
/// let restricted_data = CallerRequirements::new()
///     .scopes("https://auth.globus.org/scopes/61338d24-54d5-408f-a10d-66c06b59f6d2/restricted")
///     .session_domains(["example.edu"])
///     .session_max_age(Duration::from_secs(30 * 60))
///     .session_mfa(true)
///     .session_message("Restricted data needs a fresh login with a second factor.");
/// # let _ = restricted_data;
/// ```
///
/// # The session
///
/// What is asked of the session (age, second factor, domain) must hold of *one* of its logins: a login of yesterday from
/// the right domain and one of today from another do not add up. A token without a session, such as a service's own
/// from the client credentials grant, meets none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct CallerRequirements {
    /// As they are written, perhaps with dependencies.
    pub(super) scopes: Vec<String>,
    pub(super) identities: Vec<IdentityId>,
    pub(super) domains: Vec<String>,
    pub(super) session_max_age: Option<Duration>,
    pub(super) session_mfa: bool,
    pub(super) session_identities: Vec<IdentityId>,
    pub(super) session_domains: Vec<String>,
    pub(super) policies: Vec<PolicyId>,
    pub(super) session_message: Option<String>,
}

impl CallerRequirements {
    /// Nothing is asked.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token must carry all of these scopes.
    ///
    /// Dependencies that are written with a scope are not looked for in the token, which does not show them; they are
    /// named to a caller who lacks the scope.
    pub fn scopes(mut self, scopes: impl Into<Scopes>) -> Self {
        self.scopes = scopes.into().iter().map(|scope| scope.trim_start_matches('*').to_owned()).collect();
        self
    }

    /// One of these must be among the caller's linked identities.
    pub fn identities<I: Into<IdentityId>>(mut self, any_of: impl IntoIterator<Item = I>) -> Self {
        self.identities = any_of.into_iter().map(Into::into).collect();
        self
    }

    /// One of the caller's linked identities must be of one of these domains: what stands behind the `@` of its name.
    /// It does not matter which of them has logged in; see [`session_domains`](Self::session_domains) for that.
    pub fn domains<T: Into<String>>(mut self, any_of: impl IntoIterator<Item = T>) -> Self {
        self.domains = any_of.into_iter().map(Into::into).collect();
        self
    }

    /// The login must not be older than this.
    pub fn session_max_age(mut self, age: Duration) -> Self {
        self.session_max_age = Some(age);
        self
    }

    /// The login must have used a second factor: `amr` has `mfa`, or `acr` is the MFA profile of REFEDS.
    pub fn session_mfa(mut self, required: bool) -> Self {
        self.session_mfa = required;
        self
    }

    /// All of these identities must have logged in during the session.
    pub fn session_identities<I: Into<IdentityId>>(mut self, all_of: impl IntoIterator<Item = I>) -> Self {
        self.session_identities = all_of.into_iter().map(Into::into).collect();
        self
    }

    /// The login must be that of an identity of one of these domains.
    pub fn session_domains<T: Into<String>>(mut self, any_of: impl IntoIterator<Item = T>) -> Self {
        self.session_domains = any_of.into_iter().map(Into::into).collect();
        self
    }

    /// The login must meet all of these policies. Globus Auth judges that when it is asked about the token, so the
    /// checker must know of them: it asks about those of its own requirements, and about those named with
    /// [`evaluate_policies`](super::TokenCheckerBuilder::evaluate_policies).
    pub fn session_policies<P: Into<PolicyId>>(mut self, all_of: impl IntoIterator<Item = P>) -> Self {
        self.policies = all_of.into_iter().map(Into::into).collect();
        self
    }

    /// What a caller who has to log in again is told on the login page.
    pub fn session_message(mut self, message: impl Into<String>) -> Self {
        self.session_message = Some(message.into());
        self
    }
}
