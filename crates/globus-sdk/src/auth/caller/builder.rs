use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use globus_core::{Error, PolicyId, Result};

use super::answers::Answers;
use super::checker::{Inner, TokenChecker};
use super::requirements::CallerRequirements;
use crate::auth::ConfidentialAppAuthClient;

/// How many tokens are remembered unless the program says otherwise, of the good and of the refused ones each.
pub(super) const CAPACITY: usize = 10_000;

/// How long a question to Globus Auth may take unless the program says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Sets up a [`TokenChecker`]. From [`TokenChecker::builder`].
#[derive(Clone)]
#[must_use = "call build()"]
pub struct TokenCheckerBuilder {
    client: ConfidentialAppAuthClient,
    audiences: Vec<String>,
    issuer: Option<String>,
    requirements: CallerRequirements,
    policies: Vec<PolicyId>,
    cache_for: Duration,
    cache_refusals_for: Duration,
    capacity: usize,
    timeout: Duration,
}

impl TokenCheckerBuilder {
    pub(super) fn new(client: &ConfidentialAppAuthClient) -> Self {
        Self {
            client: client.clone(),
            audiences: vec![client.client_id().to_owned()],
            issuer: None,
            requirements: CallerRequirements::new(),
            policies: Vec::new(),
            cache_for: Duration::from_secs(60),
            cache_refusals_for: Duration::from_secs(10),
            capacity: CAPACITY,
            timeout: TIMEOUT,
        }
    }

    /// The token must be for one of these: the service's names as a resource server. By default its client's id.
    ///
    /// The client that a token was given to does not count, although Globus Auth lists it with the audience: a service
    /// that logs people in itself does not take the tokens that it got for other services.
    pub fn audience<T: Into<String>>(mut self, any_of: impl IntoIterator<Item = T>) -> Self {
        self.audiences = any_of.into_iter().map(Into::into).collect();
        self
    }

    /// The token must be of this issuer, such as `https://auth.globus.org`. By default it is not looked at: the answers
    /// come from the client's own auth service, which vouches for its own tokens only.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// What is asked of every caller.
    pub fn requirements(mut self, requirements: CallerRequirements) -> Self {
        self.requirements = requirements;
        self
    }

    /// Policies that single operations require, so that Globus Auth is asked about them. Those of
    /// [`requirements`](Self::requirements) are asked about anyway.
    pub fn evaluate_policies<P: Into<PolicyId>>(mut self, policies: impl IntoIterator<Item = P>) -> Self {
        self.policies = policies.into_iter().map(Into::into).collect();
        self
    }

    /// How long a good token is believed without asking again, counted from the question: a token that is revoked is
    /// refused after this time at the latest. 60 seconds by default; an answer is never kept past the token's expiry.
    /// Zero asks for every call, though calls at the same time still share one question.
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.cache_for = time;
        self
    }

    /// How long a refused token is refused without asking again. 10 seconds by default.
    pub fn cache_refusals_for(mut self, time: Duration) -> Self {
        self.cache_refusals_for = time;
        self
    }

    /// How many good tokens are remembered at most, and how many refused ones. 10 000 each by default. Where there are
    /// more, those not seen for longest are forgotten, and asked about again.
    pub fn cache_capacity(mut self, tokens: usize) -> Self {
        self.capacity = tokens;
        self
    }

    /// How long asking about a token may take, attempts and waits included. 30 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The checker. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A usage error when no audience is named.
    pub fn build(mut self) -> Result<TokenChecker> {
        self.audiences.retain(|audience| !audience.is_empty());
        if self.audiences.is_empty() {
            return Err(Error::usage(
                "a token for no audience in particular is good for nobody; name this service's own",
            ));
        }
        for policy in &self.requirements.policies {
            if !self.policies.contains(policy) {
                self.policies.push(*policy);
            }
        }
        let clock = Arc::clone(self.client.login.base.clock());
        Ok(TokenChecker::of(Inner {
            client: self.client,
            audiences: self.audiences,
            issuer: self.issuer,
            requirements: self.requirements,
            policies: self.policies,
            cache_for: self.cache_for,
            cache_refusals_for: self.cache_refusals_for,
            timeout: self.timeout,
            answers: Arc::new(Answers::new(clock, self.capacity)),
        }))
    }
}

impl fmt::Debug for TokenCheckerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCheckerBuilder")
            .field("client", &self.client)
            .field("audiences", &self.audiences)
            .field("requirements", &self.requirements)
            .field("cache_for", &self.cache_for)
            .finish_non_exhaustive()
    }
}
