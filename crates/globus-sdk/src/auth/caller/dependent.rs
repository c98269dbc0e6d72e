//! Tokens to act on a caller's behalf.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use globus_core::{AccessToken, Clock, ResourceServer, Scopes, TokenResponse};

use super::answers::{Answer, Answers};
use super::builder::{CAPACITY, TIMEOUT};
use super::dependent_authorizer::DependentAuthorizer;
use super::granted::{Granted, Wanted};
use super::kept::Key;
use super::presented_token::PresentedToken;
use super::refusal::Refusal;
use crate::Gare;
use crate::GlobusAuthorizationParameters;
use crate::auth::ConfidentialAppAuthClient;

/// Tokens with which this service calls others on behalf of those who call it: *dependent tokens*.
///
/// Make one and keep it: it trades a caller's token once, for all the services that this one depends on, and remembers
/// what it got. Clones share that.
///
/// ```no_run
/// use globus_sdk::auth::caller::{Caller, DependentTokens, Refusal};
/// use globus_sdk::{ConfidentialAppAuthClient, TransferClient};
///
/// # fn portal(client: &ConfidentialAppAuthClient) {
/// let dependent_tokens = DependentTokens::new(client);
/// # }
///
/// async fn newest_task(tokens: &DependentTokens, caller: &Caller) -> Result<String, Refusal> {
///     let authorizer = tokens.authorizer(caller, TransferClient::RESOURCE_SERVER).await?;
///     let transfer_client = TransferClient::new(authorizer)?;
///     let tasks = transfer_client.task_list().limit(1).send().await?;
///     Ok(tasks.data.first().map(|task| task.task_id.to_string()).unwrap_or_default())
/// }
/// ```
#[derive(Clone)]
pub struct DependentTokens(Arc<Inner>);

pub(super) struct Inner {
    client: ConfidentialAppAuthClient,
    scopes: Option<Scopes>,
    consent_below: Option<String>,
    timeout: Duration,
    pub(super) answers: Arc<Answers<Arc<Granted>>>,
}

/// Sets up [`DependentTokens`]. From [`DependentTokens::builder`].
#[derive(Clone)]
#[must_use = "call build()"]
pub struct DependentTokensBuilder {
    client: ConfidentialAppAuthClient,
    scopes: Option<Scopes>,
    consent_below: Option<String>,
    capacity: usize,
    timeout: Duration,
}

impl DependentTokens {
    /// Tokens for all that the service depends on.
    pub fn new(client: &ConfidentialAppAuthClient) -> Self {
        Self::builder(client).build()
    }

    /// Sets them up. The client is the service's own, and its clock decides.
    pub fn builder(client: &ConfidentialAppAuthClient) -> DependentTokensBuilder {
        DependentTokensBuilder {
            client: client.clone(),
            scopes: None,
            consent_below: None,
            capacity: CAPACITY,
            timeout: TIMEOUT,
        }
    }

    /// An authorizer with which a client of this resource server acts for the caller.
    ///
    /// The caller's token is traded if it was not yet, once for all that ask at the same time. The authorizer trades it
    /// again when what it got runs out, and once when the service refuses it (401).
    ///
    /// That of a [`Caller`](super::Caller) ends with the caller's token, at the time that Globus Auth has told for that.
    /// That of a bare token is not renewed once the token has ended, but what was got before serves to its own end. The
    /// same holds for both where the token is revoked: nobody tells. So check the caller for each request, and
    /// [`forget`](Self::forget) the token when the caller logs out.
    ///
    /// # Errors
    ///
    /// [`RefusalKind::ConsentRequired`](super::RefusalKind::ConsentRequired) with a [`Gare`] to hand to the browser;
    /// [`RefusalKind::Inactive`](super::RefusalKind::Inactive) where the caller's token has died;
    /// [`RefusalKind::Unavailable`](super::RefusalKind::Unavailable) where Globus Auth is away, and where it gives no
    /// token for this resource server: the scope of this service must be registered with it as a dependency.
    pub async fn authorizer(
        &self,
        caller: impl Into<PresentedToken>,
        resource_server: impl Into<ResourceServer>,
    ) -> Result<DependentAuthorizer, Refusal> {
        self.authorizer_for(caller.into(), Wanted::ResourceServer(resource_server.into())).await
    }

    /// An authorizer with the one token that carries all of these scopes. As [`authorizer`](Self::authorizer) otherwise.
    ///
    /// # Errors
    ///
    /// As [`authorizer`](Self::authorizer); where no token has these scopes, the caller is asked to consent to them.
    pub async fn authorizer_for_scopes(
        &self,
        caller: impl Into<PresentedToken>,
        scopes: impl Into<Scopes>,
    ) -> Result<DependentAuthorizer, Refusal> {
        self.authorizer_for(caller.into(), Wanted::Scopes(scopes.into())).await
    }

    async fn authorizer_for(
        &self,
        caller: PresentedToken,
        wanted: Wanted,
    ) -> Result<DependentAuthorizer, Refusal> {
        let authorizer = DependentAuthorizer::new(Arc::clone(&self.0), caller, wanted);
        authorizer.header().await?;
        Ok(authorizer)
    }

    /// Forgets the tokens that were got for a caller's token, such as when the caller logs out. It does not revoke them.
    pub fn forget(&self, token: impl Into<AccessToken>) {
        self.0.answers.forget(&Key::of(&token.into()));
    }
}

impl DependentTokensBuilder {
    /// Asks for these of the dependent scopes only. By default for all that the caller has consented to.
    ///
    /// Where the caller has not consented to one of them, Globus Auth says so, and the caller is asked to.
    pub fn scopes(mut self, scopes: impl Into<Scopes>) -> Self {
        self.scopes = Some(scopes.into());
        self
    }

    /// The scope of this service with which the dependent scopes are registered: a consent that is missing has to be asked
    /// for below it. By default it is the scope of the caller's token, if that has but one.
    pub fn consent_below(mut self, own_scope: impl Into<String>) -> Self {
        self.consent_below = Some(own_scope.into());
        self
    }

    /// How many callers' tokens are remembered at most. 10 000 by default. Where there are more, those not used for
    /// longest are forgotten, and traded again.
    pub fn cache_capacity(mut self, tokens: usize) -> Self {
        self.capacity = tokens;
        self
    }

    /// How long trading a token may take, attempts and waits included. 30 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The dependent tokens. Nothing is sent.
    pub fn build(self) -> DependentTokens {
        let clock = Arc::clone(self.client.login.base.clock());
        DependentTokens(Arc::new(Inner {
            client: self.client,
            scopes: self.scopes,
            consent_below: self.consent_below,
            timeout: self.timeout,
            answers: Arc::new(Answers::new(clock, self.capacity)),
        }))
    }
}

impl Inner {
    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        self.client.login.base.clock()
    }

    /// Trades a caller's token. `known` is what was got for it before.
    pub(super) async fn trade(
        self: Arc<Self>,
        caller: PresentedToken,
        known: Option<Arc<Granted>>,
    ) -> Answer<Arc<Granted>> {
        let now = self.clock().now();
        let after_refusal = known.is_some_and(|known| known.is_refused());
        match self.request(&caller.token).await {
            Ok(response) => {
                let granted = Granted::new(&response, now, after_refusal);
                let ends_at = Some(granted.ends_at());
                Answer { outcome: Ok(Arc::new(granted)), ends_at }
            }
            Err(error) => Answer { outcome: Err(self.refusal(&caller, error)), ends_at: None },
        }
    }

    async fn request(&self, token: &AccessToken) -> globus_core::Result<TokenResponse> {
        let mut request = self.client.oauth2_get_dependent_tokens(token).with_timeout(self.timeout);
        if let Some(scopes) = &self.scopes {
            request = request.scope(scopes);
        }
        request.send().await
    }

    fn refusal(&self, caller: &PresentedToken, error: globus_core::Error) -> Refusal {
        if error.is_invalid_grant() {
            return Refusal::inactive(Some(error));
        }
        match Gare::find_for_login(&error) {
            Some(mut gare) => {
                let parameters = &mut gare.authorization_parameters;
                let scopes = parameters.required_scopes.take();
                parameters.required_scopes = scopes.map(|scopes| self.consents(caller, &scopes));
                Refusal::of_gare(gare, error)
            }
            None => Refusal::unavailable(error),
        }
    }

    /// The caller is asked to consent to these.
    pub(super) fn consent_to(&self, caller: &PresentedToken, scopes: &Scopes) -> Refusal {
        let scopes: Vec<String> = scopes.iter().map(str::to_owned).collect();
        let parameters =
            GlobusAuthorizationParameters::default().required_scopes(self.consents(caller, &scopes));
        Refusal::consent_required(Gare::new(Gare::CONSENT_REQUIRED, parameters), None)
    }

    fn consents(&self, caller: &PresentedToken, scopes: &[String]) -> Vec<String> {
        caller.consents_for(scopes, self.consent_below.as_deref())
    }
}

impl fmt::Debug for DependentTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DependentTokens")
            .field("client", &self.0.client)
            .field("scopes", &self.0.scopes)
            .field("kept", &self.0.answers.counts().0)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DependentTokensBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DependentTokensBuilder")
            .field("client", &self.client)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
