use crate::gare::GlobusAuthorizationParameters;

/// Why a login is needed. Lists are the service's own texts, and none is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginReason {
    /// The user has to consent to these scopes.
    Consents(Vec<String>),
    /// All these identities must be in the session.
    Identities(Vec<String>),
    /// An identity of one of these domains must be in the session.
    Domains(Vec<String>),
    /// The session must satisfy all these policies.
    Policies(Vec<String>),
    /// The session must have used a second factor.
    Mfa,
    /// The last login is too long ago, or a new one is wanted for another reason that is not said.
    SessionAge,
    /// The login has ended: its refresh token is dead.
    Ended,
    /// The service does not take the access token.
    TokenRefused,
    /// There is no token, or its time is over.
    NoToken,
    /// The token does not cover what the program needs.
    NotCovered {
        /// What is missing, in words.
        missing: String,
    },
    /// A login was begun and not finished.
    Unfinished,
    /// Another person logged in than before: the one with this identity.
    OtherIdentity {
        /// The identity that has logged in before.
        before: String,
    },
}

impl LoginReason {
    /// What the parameters that a service sent require.
    pub(super) fn of(parameters: &GlobusAuthorizationParameters) -> Vec<Self> {
        let mut reasons = Vec::new();
        let mut add = |texts: Vec<String>, reason: fn(Vec<String>) -> Self| {
            let texts: Vec<_> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
            if !texts.is_empty() {
                reasons.push(reason(texts));
            }
        };
        let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        add(parameters.scopes_to_request().iter().map(str::to_owned).collect(), Self::Consents);
        add(list(&parameters.session_required_identities), Self::Identities);
        add(list(&parameters.session_required_single_domain), Self::Domains);
        add(list(&parameters.session_required_policies), Self::Policies);
        if parameters.session_required_mfa == Some(true) {
            reasons.push(Self::Mfa);
        }
        if parameters.prompt.as_deref() == Some("login") {
            reasons.push(Self::SessionAge);
        }
        reasons
    }

    /// Whether only a person in a browser can fulfil it.
    pub(super) fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Self::Identities(_) | Self::Domains(_) | Self::Policies(_) | Self::Mfa | Self::SessionAge
        )
    }
}
