use std::collections::BTreeMap;

use globus_core::call::CommaList;
use globus_core::decode::{Text, from_slice};
use globus_core::{Call, PolicyId, Result, Timestamp, document};
use serde_json::Value;

use super::requests::{Form, send_secret};

use crate::auth::LinkedIdentity;
use crate::operation::call_options;

document! {
    /// What Globus Auth says about a token (RFC 7662, section 2.2). Of a token that is not active, nothing but
    /// that is said.
    pub struct TokenIntrospection {
        /// Whether the token is good now. Refuse the caller where it is not.
        pub active: bool,
        /// The scopes of the token, with blanks between them.
        pub scope: Text,
        /// The client that the token was given to.
        pub client_id: Text,
        /// The id of the identity that the token stands for, a UUID.
        pub sub: Text,
        /// The name that this identity logs in with.
        pub username: Option<Text>,
        /// The person's name.
        pub name: Option<Text>,
        /// The person's address.
        pub email: Option<Text>,
        /// The resource servers that the token is for. Refuse the caller where this service is not among
        /// them.
        pub aud: Vec<Text>,
        /// Who gave the token out.
        pub iss: Option<Text>,
        /// When it expires, in seconds since 1970-01-01 UTC.
        pub exp: Option<i64>,
        /// When it was given out.
        pub iat: Option<i64>,
        /// From when on it counts.
        pub nbf: Option<i64>,
        /// The kind of token, `Bearer`.
        pub token_type: Option<Text>,
        /// The ids of all identities of the person; on request, see
        /// [`include`](IntrospectToken::include).
        pub identity_set: Vec<Text>,
        /// The same identities with their names; on request.
        pub identity_set_detail: Vec<LinkedIdentity>,
        /// How and when the person logged in; on request.
        pub session_info: Option<SessionInfo>,
        /// For each policy that was asked about, by its id, whether the login meets it; see
        /// [`authentication_policies`](IntrospectToken::authentication_policies).
        pub policy_evaluations: BTreeMap<String, PolicyEvaluation>,
    }
}

document! {
    /// How and when somebody logged in: one session of a browser.
    pub struct SessionInfo {
        /// The session's id.
        pub session_id: Option<Text>,
        /// The logins of the session, by the id of the identity.
        pub authentications: BTreeMap<String, SessionAuthentication>,
    }
}

document! {
    /// One login of a session.
    pub struct SessionAuthentication {
        /// The id of the identity provider.
        pub idp: Option<Text>,
        /// When it was, in seconds since 1970-01-01 UTC.
        pub auth_time: Option<i64>,
        /// How strong it was, in the identity provider's words.
        pub acr: Option<Text>,
        /// By what means it was, such as `mfa`.
        pub amr: Vec<Text>,
        /// What else the identity provider said.
        pub custom_claims: Option<Value>,
    }
}

document! {
    /// Whether a login meets a policy.
    pub struct PolicyEvaluation {
        /// Whether it does. Refuse the caller where it does not.
        pub evaluation: bool,
    }
}

impl TokenIntrospection {
    /// Whether the login meets a policy. False where the answer says nothing about it, be it that it was not asked
    /// for.
    pub fn meets_policy(&self, policy: impl Into<PolicyId>) -> bool {
        let id = policy.into().to_string();
        self.policy_evaluations.get(&id).is_some_and(|evaluation| evaluation.evaluation)
    }
}

/// A question about a token, under construction. From
/// [`ConfidentialAppAuthClient::oauth2_token_introspect`](crate::ConfidentialAppAuthClient::oauth2_token_introspect).
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct IntrospectToken {
    call: Call,
    form: Form,
}

call_options!(IntrospectToken);

impl IntrospectToken {
    pub(super) fn new(call: Call, token: String) -> Self {
        Self { call, form: Form::new(vec![("token".to_owned(), token)]) }
    }

    /// Asks for more: `identity_set`, `identity_set_detail`, `session_info`.
    pub fn include<T: AsRef<str>>(mut self, parts: impl IntoIterator<Item = T>) -> Self {
        let parts: Vec<String> = parts.into_iter().map(|part| part.as_ref().to_owned()).collect();
        self.form.set("include".to_owned(), parts.join(","));
        self
    }

    /// Asks whether the login meets these policies. The answer is in
    /// [`policy_evaluations`](TokenIntrospection::policy_evaluations).
    pub fn authentication_policies<P: Into<PolicyId>>(
        mut self,
        policies: impl IntoIterator<Item = P>,
    ) -> Self {
        let policies: CommaList = policies.into_iter().map(Into::into).collect();
        self.form.set("authentication_policies".to_owned(), policies.to_string());
        self
    }

    /// Sends another field, or another value of a field.
    #[doc(alias = "body_params")]
    pub fn body_param(mut self, name: impl Into<String>, value: impl std::fmt::Display) -> Self {
        self.form.set(name.into(), value.to_string());
        self
    }

    /// Sends the question. It changes nothing, so it is sent again after any passing failure.
    ///
    /// # Errors
    ///
    /// The service's refusal, the failure to reach it, or an answer that is not a document. That the token is
    /// not good is no error: see [`active`](TokenIntrospection::active).
    pub async fn send(self) -> Result<TokenIntrospection> {
        Ok(self.send_with_time().await?.0)
    }

    /// The answer, with the time that the service's clock showed.
    pub(in crate::auth) async fn send_with_time(self) -> Result<(TokenIntrospection, Option<Timestamp>)> {
        let answer = send_secret(self.call.form(self.form.pairs()).idempotent(true)).await?;
        Ok((from_slice(&answer.body)?, answer.service_time()))
    }
}
