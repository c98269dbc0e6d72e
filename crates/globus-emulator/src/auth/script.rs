//! Decisions of a scripted human.

use serde::{Deserialize, Serialize};

/// What the person in front of the consent page does at the next authorize request.
///
/// Decisions are used up in order, one for each request; without any, the emulator's user approves everything.
///
/// ```
/// use globus_emulator::Decision;
///
/// let jon_approves = Decision::approve().as_user("jon@lab.example.org");
/// let somebody_refuses = Decision::deny();
/// # let _ = (jon_approves, somebody_refuses);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decision {
    /// Username or id of the person; the emulator's user when absent.
    pub(crate) user: Option<String>,
    /// Whether consent is refused.
    pub(crate) deny: bool,
    /// The `error` word of a refusal; `access_denied` when absent.
    pub(crate) error: Option<String>,
    /// Scopes that are left out, wherever they stand.
    pub(crate) drop: Vec<String>,
}

impl Decision {
    /// Consents to everything.
    pub fn approve() -> Self {
        Self::default()
    }

    /// Refuses.
    pub fn deny() -> Self {
        Self { deny: true, ..Self::default() }
    }

    /// Ends with another OAuth2 error than `access_denied`.
    pub fn fail(error: impl Into<String>) -> Self {
        Self { deny: true, error: Some(error.into()), ..Self::default() }
    }

    /// Logs in as somebody else, by username or identity id.
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Consents, but not to this scope.
    #[must_use]
    pub fn without_scope(mut self, scope: impl Into<String>) -> Self {
        self.drop.push(scope.into());
        self
    }
}
