//! Collections: which consents they need, and how somebody must have logged in.

use std::collections::BTreeMap;

use globus_core::{
    AccessTokenAuthorizer, Authorizer, EndpointId, Error, PolicyId, ResourceServer, Result, Timestamp,
};
use jiff::SignedDuration;

use super::{Inquiry, LapseReason, Looked};
use crate::app::status::last_login;
use crate::auth::{AuthClient, ConfidentialAppAuthClient, LoginClient};
use crate::gare::{Gare, GlobusAuthorizationParameters};
use crate::next_step::{LogIn, NextStep};
use crate::scopes::{AuthScopes, TransferScopes};
use crate::transfer::{CollectionFacts, ScopePlanner, TransferClient};

/// What is known of the session in which somebody logged in.
#[derive(Default)]
struct Session {
    /// When the person last proved who they are.
    authenticated_at: Option<Timestamp>,
    /// Whether it was with a second factor; asked only by clients with a secret.
    mfa: Option<bool>,
    /// Whether it meets policies, by id; the same.
    policies: BTreeMap<String, bool>,
    /// Why the time is not known.
    why: String,
}

impl Inquiry<'_> {
    fn transfer_client(&self, authorizer: Authorizer) -> Result<TransferClient> {
        TransferClient::builder().like(&self.app.template).authorizer(authorizer).build()
    }

    /// Whatever is done with collections needs Transfer.
    pub(super) fn add_transfer(&mut self) {
        if !self.collections.is_empty() {
            let scopes = self.needed.entry(TransferScopes::RESOURCE_SERVER.into()).or_default();
            if scopes.iter().all(|scope| scope.name() != TransferScopes::ALL.name()) {
                scopes.push(TransferScopes::ALL);
            }
        }
    }

    pub(super) async fn look_at_collections(
        &mut self,
        looked: &mut BTreeMap<ResourceServer, Looked>,
    ) -> Result<()> {
        let server = ResourceServer::from(TransferScopes::RESOURCE_SERVER);
        let Some(token) = looked.get_mut(&server) else { return Ok(()) };
        let (Some(authorizer), false) = (token.authorizer.clone(), self.collections.is_empty()) else {
            return Ok(());
        };
        let client = self.transfer_client(authorizer)?;
        let known = self.facts(&client, &server).await?;
        token.is_proved |= !known.is_empty();
        if self.lapses.iter().any(|lapse| lapse.reason == LapseReason::TokenRefused) {
            // One word about it is enough.
            token.is_proved = true;
            return Ok(());
        }
        let restricting: Vec<CollectionFacts> =
            known.into_iter().filter(CollectionFacts::restricts_logins).collect();
        if !restricting.is_empty() {
            let session = self.session(&restricting, looked).await;
            for collection in &restricting {
                self.look_at_session(&client, collection, &session).await;
            }
        }
        Ok(())
    }

    /// A client has no session, and Globus Connect Server does not ask it for one; policies may exclude it all the same.
    pub(super) async fn look_at_collections_of_client(
        &mut self,
        client: &ConfidentialAppAuthClient,
    ) -> Result<()> {
        if self.collections.is_empty() {
            return Ok(());
        }
        self.add_transfer();
        let server = ResourceServer::from(TransferScopes::RESOURCE_SERVER);
        let Some(token) = self.granted(client, &server, vec![TransferScopes::ALL]).await else {
            self.needed.remove(&server);
            return Ok(());
        };
        let transfer = self.transfer_client(AccessTokenAuthorizer::new(&token.access_token).into())?;
        for collection in self.facts(&transfer, &server).await? {
            if collection.restricts_logins() {
                self.try_it(&transfer, &collection, false).await;
            }
        }
        Ok(())
    }

    /// Looks the collections up, and adds the `data_access` that they need to what is needed.
    async fn facts(
        &mut self,
        client: &TransferClient,
        server: &ResourceServer,
    ) -> Result<Vec<CollectionFacts>> {
        let planner = ScopePlanner::new(client);
        let mut known = Vec::new();
        for collection in self.collections.clone() {
            match planner.facts([collection]).await {
                Ok(facts) => known.extend(facts),
                Err(error) if error.is_unauthorized() => {
                    self.refused(server);
                    return Ok(Vec::new());
                }
                Err(error) => {
                    self.not_found_out(format!("what the collection {collection} asks for"), &error);
                }
            }
        }
        let data_access: Vec<EndpointId> =
            known.iter().filter(|facts| facts.needs_data_access()).map(|facts| facts.id).collect();
        if !data_access.is_empty() {
            let needed = self.needed.entry(server.clone()).or_default();
            let merged = globus_core::Scopes::from(needed.clone())
                .merge(TransferScopes::with_data_access(data_access))?;
            *needed = merged.parse()?;
        }
        Ok(known)
    }

    /// What can be learned of the session: of the session itself by a client with a secret, else of the person's last
    /// sign-in, else what the login has left.
    async fn session(
        &self,
        collections: &[CollectionFacts],
        looked: &BTreeMap<ResourceServer, Looked>,
    ) -> Session {
        let mut session = Session::default();
        if let LoginClient::Confidential(client) = &self.app.login_client {
            self.introspect(client, collections, &mut session).await;
        }
        if session.authenticated_at.is_none() {
            match self.last_authentication(looked).await {
                Ok(Some(time)) => session.authenticated_at = Some(time),
                Ok(None) => {
                    "Globus Auth tells it to programs that ask for the scope `profile`; add it to what the app needs of \
                     auth.globus.org"
                        .clone_into(&mut session.why);
                }
                Err(error) => session.why = error.to_string(),
            }
        }
        // A later login of another program can only have made it younger.
        let remembered = last_login(&self.stored).and_then(|login| login.authenticated_at);
        session.authenticated_at = session.authenticated_at.max(remembered);
        session
    }

    async fn introspect(
        &self,
        client: &ConfidentialAppAuthClient,
        collections: &[CollectionFacts],
        session: &mut Session,
    ) {
        let Some(token) = self.stored.tokens.get(TransferScopes::RESOURCE_SERVER) else { return };
        let policies = collections.iter().filter_map(|collection| policy_of(collection));
        let policies: Vec<PolicyId> = policies.filter_map(|policy| policy.parse().ok()).collect();
        // The token may have been renewed meanwhile.
        let token =
            self.app.plain.get(&token.resource_server).await.ok().flatten().unwrap_or_else(|| token.clone());
        let mut question =
            client.oauth2_token_introspect(token.access_token.expose()).include(["session_info"]);
        if !policies.is_empty() {
            question = question.authentication_policies(policies);
        }
        let Ok(answer) = question.send().await else { return };
        let evaluations = answer.policy_evaluations.iter();
        session.policies = evaluations.map(|(id, policy)| (id.clone(), policy.evaluation)).collect();
        let own = answer.session_info.as_ref().and_then(|info| info.authentications.get(answer.sub.as_str()));
        if let Some(own) = own {
            session.authenticated_at = own.auth_time.and_then(|second| Timestamp::from_second(second).ok());
            session.mfa = Some(own.amr.iter().any(|means| means == "mfa"));
        }
    }

    /// When the identity last signed in, as Globus Auth tells it.
    async fn last_authentication(
        &self,
        looked: &BTreeMap<ResourceServer, Looked>,
    ) -> Result<Option<Timestamp>> {
        let server = ResourceServer::from(AuthScopes::RESOURCE_SERVER);
        let client = match looked.get(&server).and_then(|token| token.authorizer.clone()) {
            Some(authorizer) => {
                AuthClient::builder().like(&self.app.template).authorizer(authorizer).build()?
            }
            None => self.app.auth_client_without_login().await?,
        };
        let me = client.userinfo().send().await?;
        Ok(me.last_authentication.and_then(|second| Timestamp::from_second(second).ok()))
    }

    async fn look_at_session(
        &mut self,
        client: &TransferClient,
        collection: &CollectionFacts,
        session: &Session,
    ) {
        let policy = policy_of(collection);
        if let Some(minutes) = collection.authentication_timeout_mins {
            let minutes = i64::try_from(minutes).unwrap_or(i64::MAX / 60);
            match session.authenticated_at {
                Some(time) => {
                    let limit = SignedDuration::from_secs(minutes.saturating_mul(60));
                    let ends = time.saturating_add(limit).unwrap_or(Timestamp::MAX);
                    if ends <= self.until {
                        self.lapse(
                            LapseReason::SessionTooOld,
                            &collection.id,
                            ends,
                            format!("sign in again shortly before it is needed; a sign-in counts for {minutes} minutes"),
                            Some(self.sign_in_again(policy)),
                        );
                    }
                    if ends <= self.now {
                        return;
                    }
                }
                None => self.not_found_out(
                    format!("for how long the sign-in is recent enough for the collection {}", collection.id),
                    &session.why,
                ),
            }
        }
        if collection.mfa_required && session.mfa == Some(false) {
            let login = self.sign_in_again(policy).session_required_mfa(true);
            let step = "sign in again with a second factor";
            self.lapse(LapseReason::SecondFactorMissing, &collection.id, self.now, step, Some(login));
            return;
        }
        match policy.and_then(|policy| session.policies.get(policy)) {
            Some(true) => {}
            Some(false) => {
                let step = "sign in again as the policy asks";
                let login = Some(self.sign_in_again(policy));
                self.lapse(LapseReason::PolicyNotMet, &collection.id, self.now, step, login);
            }
            None => self.try_it(client, collection, true).await,
        }
    }

    fn sign_in_again(&self, policy: Option<&str>) -> GlobusAuthorizationParameters {
        let login = GlobusAuthorizationParameters::default().prompt("login");
        match (policy, self.identity()) {
            (Some(policy), _) => login.session_required_policies([policy]),
            (None, Some(identity)) => login.session_required_identities([identity]),
            (None, None) => login,
        }
    }

    /// Lists one entry of the collection, since nothing but use tells whether a login meets what it asks for.
    async fn try_it(&mut self, client: &TransferClient, collection: &CollectionFacts, is_user: bool) {
        let Err(error) = client.operation_ls(collection.id).limit(1).send().await else { return };
        let Some((reason, login)) = required_login(&error) else {
            return self.not_found_out(
                format!("whether the collection {} lets this login in", collection.id),
                &error,
            );
        };
        // Those for `data_access` are looked at by themselves.
        if reason == LapseReason::ConsentMissing && collection.needs_data_access() {
            return;
        }
        let (step, login) = if is_user {
            (NextStep::LogIn(login.clone()).to_string(), Some(login.parameters))
        } else {
            (NextStep::LogIn(login).for_service_account().to_string(), None)
        };
        self.lapse(reason, &collection.id, self.now, step, login);
    }
}

fn policy_of(collection: &CollectionFacts) -> Option<&str> {
    collection.authentication_policy_id.as_deref()
}

/// The login that a refusal requires, and what it was refused for.
fn required_login(error: &Error) -> Option<(LapseReason, LogIn)> {
    Gare::find_for_login(error)?;
    let Some(NextStep::LogIn(login)) = NextStep::of(error) else { return None };
    let asked = &login.parameters;
    let asks_for_session = asked.session_required_policies.is_some()
        || asked.session_required_identities.is_some()
        || asked.session_required_single_domain.is_some()
        || asked.prompt.is_some();
    let reason = if asked.session_required_mfa == Some(true) {
        LapseReason::SecondFactorMissing
    } else if asks_for_session || asked.scopes_to_request().is_empty() {
        LapseReason::PolicyNotMet
    } else {
        LapseReason::ConsentMissing
    };
    Some((reason, login))
}
