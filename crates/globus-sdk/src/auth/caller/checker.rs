//! Checking the tokens that callers present.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use globus_core::clock::clock_offset;
use globus_core::{AccessToken, Clock, Error, PolicyId, Result, Timestamp};
use http::HeaderValue;

use super::answers::{Answer, Answers};
use super::builder::TokenCheckerBuilder;
use super::judge::{is_meant_for, judge};
use super::kept::Key;
use super::presented::{Caller, Facts};
use super::refusal::{Refusal, RefusalKind};
use super::requirements::CallerRequirements;
use crate::auth::{ConfidentialAppAuthClient, TokenIntrospection};

/// No token of Globus Auth comes near this length, in bytes. What is longer is not asked about.
const LONGEST_TOKEN: usize = 8 << 10;

/// Checks the tokens that callers present to this service. See the [module](super).
///
/// Make one and keep it: it remembers what Globus Auth said. Clones share that.
///
/// ```no_run
/// use std::time::Duration;
///
/// use globus_sdk::ConfidentialAppAuthClient;
/// use globus_sdk::auth::caller::{CallerRequirements, TokenChecker};
///
/// # async fn example(client: ConfidentialAppAuthClient, presented: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let checker = TokenChecker::builder(&client)
///     .requirements(
///         CallerRequirements::new()
///             .scopes("https://auth.globus.org/scopes/61338d24-54d5-408f-a10d-66c06b59f6d2/portal"),
///     )
///     .cache_for(Duration::from_secs(30))
///     .build()?;
///
/// let caller = checker.check(presented).await?;
/// println!("{} calls", caller.identity_id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "TokenVerifier")]
#[doc(alias = "TokenGuard")]
#[doc(alias = "AuthState")]
pub struct TokenChecker(Arc<Inner>);

pub(super) struct Inner {
    pub(super) client: ConfidentialAppAuthClient,
    pub(super) audiences: Vec<String>,
    pub(super) issuer: Option<String>,
    pub(super) requirements: CallerRequirements,
    /// All policies that are asked about.
    pub(super) policies: Vec<PolicyId>,
    pub(super) cache_for: Duration,
    pub(super) cache_refusals_for: Duration,
    pub(super) timeout: Duration,
    pub(super) answers: Arc<Answers<Arc<Facts>>>,
}

impl TokenChecker {
    /// A checker that accepts good tokens for the client, and asks for nothing else.
    ///
    /// # Errors
    ///
    /// A usage error when the client has no id.
    pub fn new(client: &ConfidentialAppAuthClient) -> Result<Self> {
        Self::builder(client).build()
    }

    /// Sets up a checker. The client is the service's own, and its clock decides.
    pub fn builder(client: &ConfidentialAppAuthClient) -> TokenCheckerBuilder {
        TokenCheckerBuilder::new(client)
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Checks a token.
    ///
    /// Globus Auth is asked once per token within the time that answers are kept, however many calls ask at once, and
    /// the question goes on when the one who asked it goes away.
    ///
    /// # Errors
    ///
    /// Who is refused, and why, with what to answer.
    pub async fn check(&self, token: impl Into<AccessToken>) -> Result<Caller, Refusal> {
        self.judged(token.into(), None).await
    }

    /// Checks the token in an `Authorization` header, as it came with a request.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and [`RefusalKind::NoToken`] where there is no header or it bears no token.
    pub async fn check_authorization(&self, header: Option<&HeaderValue>) -> Result<Caller, Refusal> {
        let bearer = header.and_then(|header| {
            let (scheme, token) = header.to_str().ok()?.trim().split_once(' ')?;
            Some(token.trim_start()).filter(|_| scheme.eq_ignore_ascii_case("Bearer"))
        });
        match bearer {
            Some(token) => self.check(token).await,
            None => Err(Refusal::new(RefusalKind::NoToken, "the request has no bearer token")),
        }
    }

    /// Checks a caller against further requirements, of one operation. What is asked of every caller is checked again,
    /// too.
    ///
    /// It needs no question as long as the answer about the token is kept, with one exception: where the *login* does not
    /// do, Globus Auth is asked again, at most once in the time that refusals are kept, because a person who has logged
    /// in again meanwhile may come back with the same token.
    ///
    /// # Errors
    ///
    /// Who is refused, and why. [`RefusalKind::Unavailable`] with a usage error where a policy is required that the
    /// checker does not ask about.
    pub async fn require(
        &self,
        caller: &Caller,
        requirements: &CallerRequirements,
    ) -> Result<Caller, Refusal> {
        if let Some(policy) = requirements.policies.iter().find(|policy| !self.0.policies.contains(policy)) {
            return Err(Refusal::unavailable(Error::usage(format!(
                "the checker does not ask about the policy {policy}; name it with evaluate_policies"
            ))));
        }
        self.judged(caller.token.clone(), Some(requirements)).await
    }

    /// Forgets what is known of a token, such as after it was revoked by this very service.
    pub fn forget(&self, token: impl Into<AccessToken>) {
        self.0.answers.forget(&Key::of(&token.into()));
    }

    async fn judged(
        &self,
        token: AccessToken,
        further: Option<&CallerRequirements>,
    ) -> Result<Caller, Refusal> {
        if token.is_empty() || token.expose().len() > LONGEST_TOKEN {
            return Err(Refusal::inactive(None));
        }
        let key = Key::of(&token);
        let clock = self.0.clock();
        let begun_at = clock.now();
        let judge = |facts: &Facts, now| {
            judge(facts, &self.0.requirements, now)
                .and_then(|()| further.map_or(Ok(()), |further| judge(facts, further, now)))
        };
        let facts = match self.0.answers.kept(&key) {
            Some(known) => known?,
            None => self.facts(key, &token, Timestamp::MIN).await?,
        };
        let now = clock.now();
        let Err(refusal) = judge(&facts, now) else { return Ok(Caller { token, facts }) };
        let old = now.checked_sub(self.0.cache_refusals_for).unwrap_or(Timestamp::MIN);
        if !refusal.is_about_login() || facts.asked_at >= old.min(begun_at) {
            return Err(refusal);
        }
        let facts = match self.facts(key, &token, old).await {
            Ok(facts) => facts,
            // By all that is known another login is what is needed.
            Err(failure) if failure.kind() == RefusalKind::Unavailable => return Err(refusal),
            Err(inactive) => return Err(inactive),
        };
        judge(&facts, clock.now())?;
        Ok(Caller { token, facts })
    }

    /// What Globus Auth says, or said no longer ago than this.
    async fn facts(&self, key: Key, token: &AccessToken, since: Timestamp) -> Result<Arc<Facts>, Refusal> {
        let good_enough = |facts: &Arc<Facts>| facts.asked_at >= since;
        let ask = |_| {
            let (inner, token) = (Arc::clone(&self.0), token.clone());
            async move { inner.ask(token).await }
        };
        self.0.answers.get(key, good_enough, ask).await
    }
}

impl Inner {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.client.login.base.clock()
    }

    async fn ask(&self, token: AccessToken) -> Answer<Arc<Facts>> {
        let asked_at = self.clock().now();
        let mut request = self
            .client
            .oauth2_token_introspect(token)
            .include(["identity_set", "identity_set_detail", "session_info"])
            .with_timeout(self.timeout);
        if !self.policies.is_empty() {
            request = request.authentication_policies(&self.policies);
        }
        let (introspection, service_time) = match request.send_with_time().await {
            Ok(answer) => answer,
            // Not kept: the next caller asks again.
            Err(error) => return Answer { outcome: Err(Refusal::unavailable(error)), ends_at: None },
        };
        let after = |time: Duration| Some(asked_at.checked_add(time).unwrap_or(Timestamp::MAX));
        match self.read(introspection, service_time, asked_at) {
            Ok((facts, expires_at)) => {
                let ends_at = after(self.cache_for).map(|limit| limit.min(expires_at));
                Answer { outcome: Ok(Arc::new(facts)), ends_at }
            }
            Err(refusal) if refusal.kind() == RefusalKind::Unavailable => {
                Answer { outcome: Err(refusal), ends_at: None }
            }
            Err(refusal) => Answer { outcome: Err(refusal), ends_at: after(self.cache_refusals_for) },
        }
    }

    /// What an answer says, and when the token expires, on our clock.
    fn read(
        &self,
        introspection: TokenIntrospection,
        service_time: Option<Timestamp>,
        asked_at: Timestamp,
    ) -> Result<(Facts, Timestamp), Refusal> {
        if !introspection.active {
            return Err(Refusal::inactive(None));
        }
        if !is_meant_for(&introspection, &self.audiences) {
            let message = "the token is meant for another service than this one";
            return Err(Refusal::new(RefusalKind::WrongAudience, message));
        }
        if self
            .issuer
            .as_ref()
            .is_some_and(|issuer| introspection.iss.as_ref().is_none_or(|iss| iss != issuer))
        {
            let message = "the token is of another issuer than the one that is trusted";
            return Err(Refusal::new(RefusalKind::WrongIssuer, message));
        }
        let Ok(identity) = introspection.sub.parse() else {
            let error =
                Error::unexpected_answer("the introspection of a token has no id of an identity in `sub`");
            return Err(Refusal::unavailable(error));
        };
        let mut identity_set = vec![identity];
        for linked in introspection.identity_set.iter().filter_map(|id| id.parse().ok()) {
            if !identity_set.contains(&linked) {
                identity_set.push(linked);
            }
        }
        let offset = service_time.and_then(|time| clock_offset(time, asked_at)).unwrap_or_default();
        let expires_at = introspection.exp.map_or(Timestamp::MAX, |second| {
            let by_service = Timestamp::from_second(second);
            by_service.map_or(Timestamp::MAX, |time| time.checked_sub(offset).unwrap_or(time))
        });
        Ok((Facts { introspection, identity, identity_set, offset, asked_at }, expires_at))
    }
}

impl fmt::Debug for TokenChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, refused) = self.0.answers.counts();
        f.debug_struct("TokenChecker")
            .field("client", &self.0.client)
            .field("audiences", &self.0.audiences)
            .field("requirements", &self.0.requirements)
            .field("kept", &kept)
            .field("refused", &refused)
            .finish_non_exhaustive()
    }
}
