//! Who decides on consent, and the decisions of a scripted human.

use serde::{Deserialize, Serialize};

/// Who decides what happens at authorize requests.
///
/// Scripted [decisions](Decision) come first in every mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ConsentMode {
    /// The emulator's user consents to everything at once, or whoever the request names in `emulator_user` or
    /// the header `X-Emulator-User`.
    #[default]
    Auto,
    /// Only scripted decisions count; a request without one ends on a page that says so.
    Scripted,
    /// A person decides on a page.
    Interactive,
}

impl ConsentMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Scripted, Self::Interactive];

    /// The name in the control interface and on the command line: `auto`, `scripted` or `interactive`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Scripted => "scripted",
            Self::Interactive => "interactive",
        }
    }
}

/// What the person in front of the consent page does at the next authorize request.
///
/// Decisions are used up in order, one for each request that could be consented to.
///
/// ```
/// use globus_emulator::Decision;
///
/// let jon_approves = Decision::approve().as_user("jon@lab.example.org");
/// let somebody_refuses = Decision::deny();
/// let only_what_is_needed = Decision::approve().without_optional_scopes();
/// # let _ = (jon_approves, somebody_refuses, only_what_is_needed);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decision {
    /// Username or id of the person; the emulator's user when absent.
    pub(crate) user: Option<String>,
    /// The one of the person's linked identities that signs in; what the request asks for when absent.
    pub(crate) identity: Option<String>,
    /// Whether consent is refused.
    pub(crate) deny: bool,
    /// The `error` word of a refusal; `access_denied` when absent.
    pub(crate) error: Option<String>,
    /// Scopes that are left out, wherever they stand.
    pub(crate) drop: Vec<String>,
    /// Whether every optional part is left out.
    pub(crate) drop_optional: bool,
    /// Whether a second factor is shown; exactly where it is asked for when absent.
    pub(crate) mfa: Option<bool>,
    /// Whether the person goes away, so that the login never comes back.
    pub(crate) never_returns: bool,
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

    /// Closes the window: the client never hears of the login again.
    pub fn never_return() -> Self {
        Self { never_returns: true, ..Self::default() }
    }

    /// Logs in as somebody else, by username or identity id. Tokens are for this very identity.
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Signs in with this one of the person's linked identities, by username or id. That goes into the session;
    /// the tokens are for the same identity as otherwise.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// Consents, but not to this scope.
    #[must_use]
    pub fn without_scope(mut self, scope: impl Into<String>) -> Self {
        self.drop.push(scope.into());
        self
    }

    /// Consents, but to nothing that is optional.
    #[must_use]
    pub fn without_optional_scopes(mut self) -> Self {
        self.drop_optional = true;
        self
    }

    /// Shows a second factor, asked for or not.
    #[must_use]
    pub fn with_mfa(mut self) -> Self {
        self.mfa = Some(true);
        self
    }

    /// Has no second factor to show.
    #[must_use]
    pub fn without_mfa(mut self) -> Self {
        self.mfa = Some(false);
        self
    }
}
