//! Requests to the token endpoint.

use std::fmt;

use globus_core::clock::clock_offset;
use globus_core::{Call, Error, Grant, RawResponse, Result, TokenResponse};
use serde_json::Value;

use crate::operation::call_options;

/// The fields of a form, in order. They can hold secrets, so `Debug` shows the names only.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    pub(super) fn set(&mut self, name: String, value: String) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Sends a call whose body or answer holds a secret. A redirect is no answer to it, and is not followed.
pub(in crate::auth) async fn send_secret(call: Call) -> Result<RawResponse> {
    let answer = call.carries_secret().send_raw().await?;
    if answer.status.is_redirection() {
        return Err(Error::refused(
            "Globus Auth answered with a redirect where none belongs, and it was not followed; check the \
             address of the auth service",
        ));
    }
    Ok(answer)
}

/// A request to the token endpoint, under construction. It answers with tokens.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct TokenRequest {
    call: Call,
    form: Form,
}

call_options!(TokenRequest);

impl TokenRequest {
    pub(super) fn new(call: Call, form: Vec<(String, String)>) -> Self {
        Self { call, form: Form(form) }
    }

    /// Sends another field, or another value of a field.
    #[doc(alias = "body_params")]
    #[doc(alias = "additional_params")]
    pub fn body_param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.form.set(name.into(), value.to_string());
        self
    }

    pub(super) fn has_body_param(&self, name: &str) -> bool {
        self.form.get(name).is_some()
    }

    /// Sends the request.
    ///
    /// A refresh and a client credentials grant are sent again after a failure that leaves open whether they
    /// were processed, an authorization code never.
    ///
    /// # Errors
    ///
    /// The endpoint's refusal ([`Error::is_invalid_grant`]: the code or refresh token is dead), the failure
    /// to reach it, or an answer that is not a token response.
    pub async fn send(self) -> Result<TokenResponse> {
        let (grant, idempotent) = match self.form.get("grant_type") {
            Some("refresh_token") => (Grant::RefreshToken, true),
            Some("client_credentials") => (Grant::ClientCredentials, true),
            Some("urn:globus:auth:grant_type:dependent_token") => (Grant::DependentToken, false),
            _ => (Grant::AuthorizationCode, false),
        };
        let clock = self.call.clock().clone();
        let answer = send_secret(self.call.form(self.form.pairs()).idempotent(idempotent)).await?;
        // The expiry is reckoned by the service's clock, so that it is right on every machine that reads it.
        let now = clock.now();
        let service_time = answer.service_time();
        let offset = service_time.and_then(|time| clock_offset(time, now)).unwrap_or_default();
        let response = TokenResponse::parse(grant, &answer.body, now.saturating_add(offset).unwrap_or(now))?;
        Ok(match service_time {
            Some(time) => response.with_server_time(time),
            None => response,
        })
    }
}

/// A revocation, under construction.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct RevokeToken {
    call: Call,
    form: Form,
}

/// The answer to a revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokedToken {
    /// Whether the token is still good. False, unless the service could not revoke it.
    pub active: bool,
}

call_options!(RevokeToken);

impl RevokeToken {
    pub(super) fn new(call: Call, form: Vec<(String, String)>) -> Self {
        Self { call, form: Form(form) }
    }

    /// Sends another field, or another value of a field.
    #[doc(alias = "body_params")]
    pub fn body_param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.form.set(name.into(), value.to_string());
        self
    }

    /// Sends the request. Revoking a token twice does no harm.
    ///
    /// # Errors
    ///
    /// The service's refusal, the failure to reach it, or an answer that is not JSON; the token may still be
    /// good.
    pub async fn send(self) -> Result<RevokedToken> {
        let answer =
            send_secret(self.call.form(self.form.pairs()).idempotent(true)).await?.json::<Value>()?;
        Ok(RevokedToken { active: answer.get("active").and_then(Value::as_bool).unwrap_or(false) })
    }
}
