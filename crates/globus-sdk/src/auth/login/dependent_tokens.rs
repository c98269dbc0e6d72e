use std::fmt;
use std::time::Duration;

use globus_core::{Result, RetryPolicy, Scopes, TokenResponse};

use super::TokenRequest;

/// A request for tokens to act on a caller's behalf, under construction. From
/// [`ConfidentialAppAuthClient::oauth2_get_dependent_tokens`](crate::ConfidentialAppAuthClient::oauth2_get_dependent_tokens).
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct GetDependentTokens {
    request: TokenRequest,
    refresh_tokens: bool,
}

impl GetDependentTokens {
    pub(super) fn new(request: TokenRequest) -> Self {
        Self { request, refresh_tokens: false }
    }

    /// Asks for refresh tokens too, to act for the caller for longer than the token presented is good. False by
    /// default.
    pub fn refresh_tokens(mut self, wanted: bool) -> Self {
        self.refresh_tokens = wanted;
        self
    }

    /// Asks for these of the dependent scopes only. By default for all of them.
    pub fn scope(mut self, scope: impl Into<Scopes>) -> Self {
        self.request = self.request.body_param("scope", scope.into());
        self
    }

    /// Sends another field, or another value of a field.
    #[doc(alias = "additional_params")]
    pub fn body_param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.request = self.request.body_param(name, value);
        self
    }

    /// How long the whole call may take, waits between attempts included.
    pub fn with_timeout(mut self, total: Duration) -> Self {
        self.request = self.request.with_timeout(total);
        self
    }

    /// Retries by another policy than the client's.
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.request = self.request.with_retry(policy);
        self
    }

    /// Sets a query parameter, in place of one of that name.
    pub fn with_query(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.request = self.request.with_query(name, value);
        self
    }

    /// Sets a header.
    pub fn with_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.request = self.request.with_header(name, value);
        self
    }

    /// Sends the request. It is not sent again once it may have been processed.
    ///
    /// # Errors
    ///
    /// The endpoint's refusal ([`Error::is_invalid_grant`](globus_core::Error::is_invalid_grant): the token
    /// presented is dead), the failure to reach it, or an answer that is no list of tokens.
    pub async fn send(self) -> Result<TokenResponse> {
        let mut request = self.request;
        // A field set by the caller's own hand stays.
        if self.refresh_tokens && !request.has_body_param("access_type") {
            request = request.body_param("access_type", "offline");
        }
        request.send().await
    }
}
