//! Several requirements as few logins.

use super::{Gare, GlobusAuthorizationParameters};

/// Merges requirements, so that one login fulfils as many as it can.
///
/// Those that ask for nothing but scopes and policies become one. Messages and prompts keep requirements apart,
/// unless the caller says what the merged one shall have. Identities, domains and factors never merge: of two lists
/// of domains one identity of either would do, where one of each is needed.
///
/// ```
/// use globus_sdk::gare::{Gare, GlobusAuthorizationParameters, coalesce};
///
/// let parameters = GlobusAuthorizationParameters::default;
/// let gares = coalesce([
///     Gare::new("ConsentRequired", parameters().required_scopes("a")),
///     Gare::new("AuthorizationRequired", parameters().session_required_mfa(true)),
///     Gare::new("ConsentRequired", parameters().required_scopes("b").session_message("for b")),
/// ])
/// .session_message("The workflow needs your consent")
/// .gares();
///
/// assert_eq!(gares.len(), 2);
/// assert_eq!(gares[0].authorization_parameters.scopes_to_request().as_str(), "a b");
/// assert_eq!(gares[1].authorization_parameters.session_required_mfa, Some(true));
/// ```
pub fn coalesce(gares: impl IntoIterator<Item = Gare>) -> Coalesce {
    Coalesce { gares: gares.into_iter().collect(), session_message: None, prompt: None }
}

/// Requirements about to be merged. From [`coalesce`].
#[derive(Debug, Clone)]
#[must_use = "call gares()"]
pub struct Coalesce {
    gares: Vec<Gare>,
    session_message: Option<String>,
    prompt: Option<String>,
}

impl Coalesce {
    /// The message of the merged requirement, in place of those of its parts.
    pub fn session_message(mut self, message: impl Into<String>) -> Self {
        self.session_message = Some(message.into());
        self
    }

    /// The prompt of the merged requirement, in place of those of its parts.
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// The merged requirement, if there was anything to merge, then those that stay apart, in order. The merged one
    /// has the code `ConsentRequired` if all its parts had it, else `AuthorizationRequired`; it has no `extra`, and
    /// of scopes and policies that were asked for twice it has one.
    pub fn gares(self) -> Vec<Gare> {
        let (merged, mut apart): (Vec<_>, Vec<_>) =
            self.gares.iter().cloned().partition(|gare| self.can_merge(&gare.authorization_parameters));
        if merged.is_empty() {
            return apart;
        }
        let consents_only = merged.iter().all(|gare| gare.code == Gare::CONSENT_REQUIRED);
        let code = if consents_only { Gare::CONSENT_REQUIRED } else { Gare::AUTHORIZATION_REQUIRED };
        let mut whole = GlobusAuthorizationParameters {
            session_message: self.session_message,
            prompt: self.prompt,
            ..Default::default()
        };
        for mut part in merged.into_iter().map(|gare| gare.authorization_parameters) {
            part.adopt_hidden_scopes();
            whole.adopt_scopes(part.required_scopes.into_iter().flatten());
            for policy in part.session_required_policies.into_iter().flatten() {
                let policies = whole.session_required_policies.get_or_insert_default();
                if !policies.contains(&policy) {
                    policies.push(policy);
                }
            }
        }
        apart.insert(0, Gare::new(code, whole));
        apart
    }

    fn can_merge(&self, parameters: &GlobusAuthorizationParameters) -> bool {
        let GlobusAuthorizationParameters {
            session_message,
            session_required_identities,
            session_required_policies: _,
            session_required_single_domain,
            session_required_mfa,
            required_scopes: _,
            prompt,
            extra: _,
        } = parameters;
        session_required_identities.is_none()
            && session_required_single_domain.is_none()
            && session_required_mfa.is_none()
            && (session_message.is_none() || self.session_message.is_some())
            && (prompt.is_none() || self.prompt.is_some())
    }
}
