//! A portal that is called with users' tokens: it checks them, and calls Transfer and Groups on the users' behalf.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use globus_emulator::{CollectionRules, NewPolicy, NewProject};
use globus_sdk::auth::caller::{CallerRequirements, DependentTokens, Refusal, RefusalKind, TokenChecker};
use globus_sdk::{
    AccessToken, Authorizer, ConfidentialAppAuthClient, Gare, GlobusAuthorizationParameters, Scopes,
    TransferClient,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use support::World;

const GROUPS: &str = "groups.api.globus.org";
const GROUPS_SCOPE: &str = "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships";

/// How long the portal believes a token, and how long a login may be for restricted data.
const CACHE: Duration = Duration::from_secs(30);
const SESSION: Duration = Duration::from_secs(1800);

/// The portal: an API in front of Transfer and Groups.
#[derive(Clone)]
struct Portal {
    checker: TokenChecker,
    dependent_tokens: DependentTokens,
}

impl Portal {
    fn new(world: &World) -> Self {
        let client = client(world);
        let checker = TokenChecker::builder(&client)
            .requirements(
                CallerRequirements::new().scopes(scope(world)).identities([world.emulator.user().id]),
            )
            .cache_for(CACHE)
            .build()
            .unwrap();
        let dependent_tokens =
            DependentTokens::builder(&client).scopes([TransferClient::ALL_SCOPE, GROUPS_SCOPE]).build();
        Self { checker, dependent_tokens }
    }

    /// What everybody may do who has the portal's scope. Answers the id of a submission, which comes from Transfer.
    async fn submit(&self, world: &World, headers: &HeaderMap) -> Result<String, Refusal> {
        let caller = self.checker.check_authorization(headers.get(header::AUTHORIZATION)).await?;
        let for_groups = self.dependent_tokens.authorizer(&caller, GROUPS).await?;
        assert!(Authorizer::from(for_groups).authorization().await?.header().is_some());
        let for_transfer = self.dependent_tokens.authorizer(&caller, TransferClient::RESOURCE_SERVER).await?;
        let transfer = world.transfer(for_transfer);
        Ok(transfer.get_submission_id().send().await?.value.to_string())
    }

    /// What needs a fresh login.
    async fn restricted(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let caller = self.checker.check_authorization(headers.get(header::AUTHORIZATION)).await?;
        let fresh = CallerRequirements::new().session_max_age(SESSION);
        self.checker.require(&caller, &fresh).await.map(drop)
    }
}

/// The portal's own client.
fn client(world: &World) -> ConfidentialAppAuthClient {
    let service = world.emulator.confidential_client();
    ConfidentialAppAuthClient::builder(service.id(), service.secret())
        .environment(world.emulator.environment())
        .clock(world.emulator.clock())
        .build()
        .unwrap()
}

/// The portal's own scope.
fn scope(world: &World) -> String {
    format!("https://auth.globus.org/scopes/{}/portal", world.emulator.confidential_client().id())
}

/// The portal's scope with what the portal needs to call.
fn whole_scope(world: &World) -> String {
    format!("{}[{} {GROUPS_SCOPE}]", scope(world), TransferClient::ALL_SCOPE)
}

/// What the browser does: logs the user in for this, and has a token for the portal.
async fn log_in(
    world: &World,
    scopes: impl Into<Scopes>,
    asked: &GlobusAuthorizationParameters,
) -> AccessToken {
    let flow = world.login_client.oauth2_start_flow(scopes).start().unwrap();
    let address = flow.oauth2_get_authorize_url().authorization_parameters(asked).url().unwrap();
    let redirected = world.emulator.login(address).await.unwrap();
    let response = flow.finish(redirected.url.as_str()).await.unwrap();
    let portal = world.emulator.confidential_client().id().to_string();
    response.by_resource_server()[portal.as_str()].access_token.clone()
}

async fn log_in_for_all(world: &World) -> AccessToken {
    log_in(world, whole_scope(world), &GlobusAuthorizationParameters::default()).await
}

fn request(token: &AccessToken) -> HeaderMap {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose())).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

fn introspections(world: &World) -> usize {
    world.emulator.requests().path("/v2/oauth2/token/introspect").len()
}

fn trades(world: &World) -> usize {
    world.emulator.requests().form("grant_type", "urn:globus:auth:grant_type:dependent_token").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_question_and_one_trade_for_300_calls_and_none_for_those_who_are_refused() {
    let world = std::sync::Arc::new(World::start().await);
    let portal = Portal::new(&world);
    let token = log_in_for_all(&world).await;
    let calls: Vec<_> = (0..300)
        .map(|_| {
            let (world, portal, headers) = (world.clone(), portal.clone(), request(&token));
            tokio::spawn(async move { portal.submit(&world, &headers).await })
        })
        .collect();
    for call in calls {
        assert!(!call.await.unwrap().unwrap().is_empty());
    }
    assert_eq!((introspections(&world), trades(&world)), (1, 1));
    assert_eq!(world.emulator.requests().path("/v0.10/submission_id").len(), 300);

    // Revoked: it is noticed when the time is over that the portal has set.
    world.login_client.oauth2_revoke_token(token.expose()).send().await.unwrap();
    world.emulator.advance(CACHE.saturating_sub(Duration::from_secs(1)));
    portal.submit(&world, &request(&token)).await.unwrap();
    world.emulator.advance(Duration::from_secs(1));
    let refusal = portal.submit(&world, &request(&token)).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::Inactive, StatusCode::UNAUTHORIZED));
    assert!(portal.submit(&world, &request(&token)).await.is_err());
    assert_eq!((introspections(&world), trades(&world)), (2, 1));
}

#[tokio::test]
async fn a_token_for_another_service_is_refused_before_any_further_call() {
    let world = World::start().await;
    let portal = Portal::new(&world);
    // One of the user's, for Transfer: Auth tells the portal nothing about it.
    let users =
        world.log_in().await.by_resource_server()[TransferClient::RESOURCE_SERVER].access_token.clone();
    let refusal = portal.submit(&world, &request(&users)).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Inactive);

    // One that the portal itself got for Transfer: Auth names the portal with the audience.
    let token = log_in_for_all(&world).await;
    let caller = portal.checker.check(&token).await.unwrap();
    let authorizer =
        portal.dependent_tokens.authorizer(&caller, TransferClient::RESOURCE_SERVER).await.unwrap();
    let header = Authorizer::from(authorizer).authorization().await.unwrap();
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, header.header().unwrap().clone())]);
    let (asked, traded) = (introspections(&world), trades(&world));
    for _ in 0..3 {
        let refusal = portal.submit(&world, &headers).await.unwrap_err();
        assert_eq!(
            (refusal.kind(), refusal.status()),
            (RefusalKind::WrongAudience, StatusCode::UNAUTHORIZED)
        );
    }
    assert_eq!((introspections(&world), trades(&world)), (asked + 1, traded));
}

#[tokio::test]
async fn a_missing_consent_is_handed_to_the_browser_which_logs_in_for_it() {
    let world = World::start().await;
    let portal = Portal::new(&world);
    let token = log_in(&world, scope(&world), &GlobusAuthorizationParameters::default()).await;
    let refusal = portal.submit(&world, &request(&token)).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::ConsentRequired, StatusCode::FORBIDDEN));

    // What the browser gets is all that it needs.
    let gare = Gare::from_json(&refusal.body().to_string()).unwrap();
    assert_eq!(gare.code, Gare::CONSENT_REQUIRED);
    let parameters = gare.authorization_parameters;
    let wanted = parameters.scopes_to_request();
    assert_eq!(wanted.as_str(), whole_scope(&world));
    let token = log_in(&world, wanted, &parameters).await;
    portal.submit(&world, &request(&token)).await.unwrap();
}

#[tokio::test]
async fn restricted_data_needs_a_login_that_is_fresh() {
    let world = World::start().await;
    let portal = Portal::new(&world);
    let token = log_in_for_all(&world).await;
    portal.restricted(&request(&token)).await.unwrap();

    world.emulator.advance(SESSION + Duration::from_secs(1));
    let refusal = portal.restricted(&request(&token)).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::SessionTooOld, StatusCode::FORBIDDEN));
    // The rest goes on.
    portal.submit(&world, &request(&token)).await.unwrap();

    let gare = Gare::from_json(&refusal.body().to_string()).unwrap();
    let parameters = gare.authorization_parameters;
    assert_eq!(parameters.prompt.as_deref(), Some("login"));
    let token = log_in(&world, whole_scope(&world), &parameters).await;
    portal.restricted(&request(&token)).await.unwrap();
}

#[tokio::test]
async fn one_login_brings_all_that_is_asked_and_counts_with_the_same_token() {
    let policy = NewPolicy::new("Lab").max_age_seconds(3600).required_mfa();
    let world = World::start_with(|builder| builder.project(NewProject::new("Lab").policy(policy))).await;
    let policy = world.emulator.project("Lab").unwrap().policies[0].id;
    let checker = TokenChecker::builder(&client(&world)).evaluate_policies([policy]).build().unwrap();
    let strict = CallerRequirements::new()
        .session_max_age(SESSION)
        .session_mfa(true)
        .session_domains(["home.example.com"])
        .session_policies([policy])
        .session_message("The lab's data.");

    let token = log_in_for_all(&world).await;
    let caller = checker.check(&token).await.unwrap();
    let refusal = checker.require(&caller, &strict).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::SessionRequired, StatusCode::FORBIDDEN));
    assert_eq!(introspections(&world), 1, "the login was just asked about");

    let gare = Gare::from_json(&refusal.body().to_string()).unwrap();
    let again = log_in(&world, whole_scope(&world), &gare.authorization_parameters).await;
    assert_ne!(again, token);
    world.emulator.advance(Duration::from_secs(11));
    let caller = checker.require(&caller, &strict).await.unwrap();
    assert_eq!(caller.token(), &token, "it is the old token, of a session that has grown");
    assert_eq!((caller.session().unwrap().authentications.len(), introspections(&world)), (2, 2));

    world.emulator.advance(SESSION + Duration::from_secs(1));
    let refusal = checker.require(&caller, &strict).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::SessionTooOld);
    world.emulator.advance(SESSION);
    let policy = CallerRequirements::new().session_policies([policy]);
    assert_eq!(checker.require(&caller, &policy).await.unwrap_err().kind(), RefusalKind::PolicyNotMet);
}

#[tokio::test]
async fn what_transfer_wants_of_the_login_is_handed_on_to_the_browser() {
    let policy = NewPolicy::new("Fresh").description("Sign in again").max_age_seconds(1800);
    let world = World::start_with(|builder| builder.project(NewProject::new("Lab").policy(policy))).await;
    let policy = world.emulator.project("Lab").unwrap().policies[0].id;
    let laptop = world.id("laptop");
    world.emulator.set_collection_rules(laptop, CollectionRules::none().policy(policy)).unwrap();
    let portal = Portal::new(&world);
    let list = |token: AccessToken| {
        let (portal, world) = (&portal, &world);
        async move {
            let caller = portal.checker.check(&token).await?;
            let authorizer =
                portal.dependent_tokens.authorizer(&caller, TransferClient::RESOURCE_SERVER).await?;
            let listing = world.transfer(authorizer).operation_ls(laptop).send().await?;
            Ok::<_, Refusal>(listing.data.len())
        }
    };
    let token = log_in_for_all(&world).await;
    list(token.clone()).await.unwrap();
    world.emulator.advance(Duration::from_secs(1801));
    let refusal = list(token.clone()).await.unwrap_err();
    assert_eq!(
        (refusal.kind(), refusal.status()),
        (RefusalKind::AuthorizationRequired, StatusCode::FORBIDDEN)
    );
    let gare = Gare::from_json(&refusal.body().to_string()).unwrap();
    let parameters = gare.authorization_parameters;
    assert_eq!(parameters.session_required_policies.as_deref().unwrap(), [policy.to_string()]);
    let token = log_in(&world, whole_scope(&world), &parameters).await;
    list(token).await.unwrap();
}
