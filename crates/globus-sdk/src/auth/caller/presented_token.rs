use globus_core::{AccessToken, Timestamp};

use super::judge::name_of;
use super::presented::Caller;

/// A token that a caller presented, on whose behalf further services are to be called: of a [`Caller`] who was checked,
/// or the bare token where something in front of this program has checked it.
#[derive(Debug, Clone)]
pub struct PresentedToken {
    pub(super) token: AccessToken,
    /// The scopes that it carries, where they are known.
    scopes: Vec<String>,
    /// When it ends on our clock, where that is known.
    ends_at: Option<Timestamp>,
}

impl PresentedToken {
    /// Whether it is known that it has ended.
    pub(super) fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|ends_at| ends_at <= now)
    }

    /// What a login has to be asked for, so that this service may have these scopes: they stand below the scope with which
    /// the caller calls, if that is known.
    pub(super) fn consents_for(&self, scopes: &[String], below: Option<&str>) -> Vec<String> {
        if scopes.is_empty() {
            return Vec::new();
        }
        let below = match (below, self.scopes.as_slice()) {
            (Some(own), _) => own,
            (None, [own]) => own,
            // Which of several it is for nobody can tell.
            (None, _) => return scopes.to_vec(),
        };
        vec![format!("{}[{}]", name_of(below), scopes.join(" "))]
    }
}

impl From<&Caller> for PresentedToken {
    fn from(caller: &Caller) -> Self {
        Self {
            token: caller.token.clone(),
            scopes: caller.scopes().map(str::to_owned).collect(),
            ends_at: caller.ends_at_here(),
        }
    }
}

impl From<AccessToken> for PresentedToken {
    fn from(token: AccessToken) -> Self {
        Self { token, scopes: Vec::new(), ends_at: None }
    }
}

impl From<&AccessToken> for PresentedToken {
    fn from(token: &AccessToken) -> Self {
        token.clone().into()
    }
}

impl From<&str> for PresentedToken {
    fn from(token: &str) -> Self {
        AccessToken::new(token).into()
    }
}
