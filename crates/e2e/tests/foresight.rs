//! Knowing beforehand what credentials are good for, against the emulator: how long they last, what is asked of them, and
//! what is done about it when nobody is there to log in.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_emulator::{
    CollectionRules, Decision, EntityType, Fault, JwtTime, NewPolicy, NewProject, Service, TokenLifetimes,
};
use globus_sdk::app::{Answer, LapseReason, ParkedRequirement, UserAppBuilder, Verdict};
use globus_sdk::login::{LoginRequest, LoginUi, NeverPrompt};
use globus_sdk::next_step::LoginReason;
use globus_sdk::scopes::{AuthScopes, GcsCollectionScopes, TransferScopes};
use globus_sdk::storage::Namespace;
use globus_sdk::transfer::{IntendedActions, ScopePlanner};
use globus_sdk::{
    ClientApp, Clock, Error, JsonTokenStorage, LoginError, NextStep, RetryPolicy, TokenResponse,
    TransferClient, TransferData, UserApp,
};
use support::World;
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const POLICY: Uuid = Uuid::from_u128(0x0f0e_5160);

/// An emulator with collections that ask for different things of those who use them: `mapped` for consent, `protected`
/// for a sign-in within three days, and `guest` for nothing. Their directory comes with it.
async fn world() -> (Arc<World>, TempDir) {
    let files = tempfile::tempdir().unwrap();
    let mapped = EntityType::Gcsv5MappedCollection;
    let rules = CollectionRules::none().high_assurance(3 * DAY).policy(POLICY);
    let policy = NewPolicy::new("Fresh")
        .id(POLICY)
        .description("Sign in every three days")
        .high_assurance()
        .max_age_seconds(3 * 24 * 3600);
    let world = World::start_with(|builder| {
        builder
            .project(NewProject::new("Lab").policy(policy))
            .collection_with_rules(
                "mapped",
                files.path(),
                mapped,
                CollectionRules::none().require_data_access(),
            )
            .collection_with_rules("protected", files.path(), mapped, rules)
            .collection_of_type("guest", files.path(), EntityType::Gcsv5GuestCollection)
            .token_lifetimes(TokenLifetimes::access(10 * HOUR))
            .jwt_time(JwtTime::Emulated)
    })
    .await;
    world.emulator.clock().freeze();
    std::fs::write(world.dir("guest").join("a.nc"), "data").unwrap();
    (Arc::new(world), files)
}

/// The person at the terminal, who is told where to log in.
#[derive(Clone)]
struct Human {
    world: Arc<World>,
    asked: Arc<Mutex<Vec<Url>>>,
}

impl std::fmt::Debug for Human {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Human")
    }
}

impl Human {
    fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), asked: Arc::default() }
    }

    /// How often somebody was asked.
    fn prompts(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The scopes that the last login asked for.
    fn last_scopes(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let scopes =
            asked.last().unwrap().query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
        globus_sdk::Scopes::from(scopes).iter().map(str::to_owned).collect()
    }
}

impl LoginUi for Human {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        let login = request.start()?;
        self.asked.lock().unwrap().push(login.authorize_url().clone());
        match self.world.emulator.login(login.authorize_url()).await {
            Ok(redirected) => login.finish(redirected.url.as_str()).await,
            Err(globus_emulator::LoginError::Refused { error, .. }) => {
                let address = format!("http://localhost/?error={error}&state={}", login.state());
                login.finish(&address).await
            }
            Err(other) => panic!("the person ended on a page: {other}"),
        }
    }
}

fn builder(world: &World, human: impl LoginUi) -> UserAppBuilder {
    UserApp::builder("climate-tool")
        .client_id(world.emulator.native_client_id())
        .environment(world.emulator.environment())
        .clock(world.emulator.clock())
        .token_storage(JsonTokenStorage::new(world.directory.path().join("tokens.json")))
        .scope_requirements("auth.globus.org", [AuthScopes::OPENID, AuthScopes::PROFILE])
        .request_refresh_tokens(true)
        .login_ui(human)
}

/// The app of a batch job, in another process: it has the tokens, and nobody to ask.
fn batch(world: &World) -> (UserApp, TransferClient) {
    let app = builder(world, NeverPrompt).build().unwrap();
    let transfer = TransferClient::with_app(&app).unwrap();
    (app, transfer)
}

/// A verdict, after a look whether it shows a token of the store.
async fn checked(app: &UserApp, verdict: Verdict) -> Verdict {
    let shown = format!("{verdict}\n{verdict:?}\n{}", serde_json::to_string(&verdict).unwrap());
    for token in app.token_storage().get_all().await.unwrap().tokens.values() {
        assert!(!shown.contains(token.access_token.expose()), "{shown}");
        assert!(!shown.contains(token.refresh_token.as_ref().unwrap().expose()), "{shown}");
    }
    verdict
}

/// Will my credentials last through the queue?
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_names_the_sign_in_that_gets_too_old_and_a_fresh_one_lasts() {
    let (world, _files) = world().await;
    let human = Human::new(&world);
    let app = builder(&world, human.clone()).build().unwrap();
    let transfer = TransferClient::with_app(&app).unwrap();
    app.login().await.unwrap();
    let signed_in = world.emulator.clock().now();
    let status = app.status().await.unwrap();
    assert_eq!(status.last_login.unwrap().authenticated_at.unwrap().as_second(), signed_in.as_second());
    assert_eq!(status.identity_id, Some(world.emulator.user().id.to_string()));
    let (from, to) = (world.id("guest"), world.id("protected"));

    world.emulator.advance(HOUR);
    let verdict = app.check().for_duration(96 * HOUR).transfer([from, to]).await.unwrap();
    let lapse = checked(&app, verdict.clone()).await.first_lapse().unwrap().clone();
    assert_eq!((verdict.answer, verdict.lapses.len()), (Answer::No, 1), "{verdict}");
    assert_eq!((lapse.reason, lapse.concerns), (LapseReason::SessionTooOld, to.to_string()));
    assert_eq!(lapse.at.as_second(), signed_in.as_second() + 72 * 3600);
    let document = serde_json::to_value(&verdict).unwrap();
    assert_eq!(document["lapses"][0]["reason"], "session_too_old");
    assert_eq!(document["lapses"][0]["login"]["session_required_policies"][0], POLICY.to_string());
    assert_eq!(human.prompts(), 1, "a check asks nobody");

    // She signs in again.
    app.login().parameters(lapse.login.unwrap()).await.unwrap();
    let verdict = app.check().for_duration(48 * HOUR).transfer([from, to]).await.unwrap();
    assert!(checked(&app, verdict.clone()).await.is_positive(), "{verdict}");
    app.close().await.unwrap();

    // The job runs without anybody, on access tokens of its own.
    let (job, job_transfer) = batch(&world);
    world.emulator.advance(47 * HOUR);
    assert!(
        job.status().await.unwrap().resource_servers.iter().all(|server| server
            .token
            .as_ref()
            .unwrap()
            .expired)
    );
    let data = TransferData::new(from, to).add_item("/a.nc", "/copy.nc");
    let submitted = job_transfer.submit_transfer(data.clone()).send().await.unwrap();
    assert_eq!(human.prompts(), 2);
    world.emulator.clock().unfreeze();
    let task = job_transfer.task_wait(submitted.task_id).await.unwrap();
    assert_eq!(task.status, "SUCCEEDED");

    // And once more, too late.
    world.emulator.advance(26 * HOUR);
    let submissions = || world.emulator.requests().service(Service::Transfer).path("/v0.10/transfer").len();
    let before = submissions();
    let error = job_transfer.submit_transfer(data).send().await.unwrap_err();
    let Some(NextStep::LogIn(login)) = NextStep::of(&error) else { panic!("{error}") };
    assert!(login.reasons.contains(&LoginReason::Policies(vec![POLICY.to_string()])), "{login}");
    assert!(login.to_string().contains("Sign in every three days"), "{login}");
    assert!(submissions() - before <= 2, "no storm");
    let verdict = job.check().transfer([from, to]).await.unwrap();
    assert_eq!(verdict.first_lapse().unwrap().reason, LapseReason::SessionTooOld);
    assert!(verdict.to_string().starts_with("no, already now"), "{verdict}");
    drop(transfer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_notices_a_login_that_was_revoked_and_consents_that_were_withdrawn() {
    let (world, _files) = world().await;
    let app = builder(&world, Human::new(&world)).build().unwrap();
    let mapped = world.id("mapped");
    TransferClient::with_app(&app).unwrap().add_app_data_access_scope([mapped]).unwrap();
    app.login().await.unwrap();
    let verdict = app.check().for_duration(96 * HOUR).transfer([mapped]).await.unwrap();
    assert!(verdict.is_positive(), "{verdict}");
    assert!(app.check().for_duration(96 * HOUR).await.unwrap().is_positive());

    let user = world.emulator.user().username.clone();
    let data_access = GcsCollectionScopes::new(mapped).data_access();
    assert_eq!(world.emulator.withdraw_consent(&user, data_access.name()), 1);
    let verdict = app.check().for_duration(96 * HOUR).transfer([mapped]).await.unwrap();
    let lapse = verdict.first_lapse().unwrap();
    assert_eq!(lapse.reason, LapseReason::ConsentMissing, "{verdict}");
    app.login().parameters(lapse.login.clone().unwrap()).await.unwrap();
    assert!(app.check().for_duration(96 * HOUR).transfer([mapped]).await.unwrap().is_positive());

    world.emulator.withdraw_consent(&user, TransferScopes::ALL.name());
    let verdict = app.check().for_duration(96 * HOUR).transfer([mapped]).await.unwrap();
    let reasons: Vec<_> = verdict.lapses.iter().map(|lapse| lapse.reason).collect();
    assert_eq!(reasons, [LapseReason::TokenRefused, LapseReason::RefreshTokenDead], "{verdict:?}");
}

/// A program with a secret asks about the session itself; a service account has none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_with_a_secret_are_checked_by_other_means() {
    let (world, _files) = world().await;
    let client = world.emulator.confidential_client();
    let portal = UserApp::builder("portal")
        .client_id(client.id())
        .client_secret(client.secret())
        .redirect_uri("http://localhost:1234/back")
        .environment(world.emulator.environment())
        .clock(world.emulator.clock())
        .token_storage(globus_sdk::MemoryTokenStorage::new())
        .login_ui(Human::new(&world))
        .request_refresh_tokens(true)
        .build()
        .unwrap();
    let transfer = TransferClient::with_app(&portal).unwrap();
    portal.login().await.unwrap();
    let protected = world.id("protected");
    let lists = || world.emulator.requests().filter(|request| request.path.ends_with("/ls")).len();
    assert!(portal.check().for_duration(71 * HOUR).transfer([protected]).await.unwrap().is_positive());
    let verdict = portal.check().for_duration(73 * HOUR).transfer([protected]).await.unwrap();
    assert_eq!(verdict.first_lapse().unwrap().reason, LapseReason::SessionTooOld, "{verdict}");
    assert_eq!(lists(), 0, "nothing had to be tried");
    drop(transfer);

    let account = ClientApp::builder("daemon")
        .client(client.id(), client.secret())
        .environment(world.emulator.environment())
        .clock(world.emulator.clock())
        .token_storage(globus_sdk::MemoryTokenStorage::new())
        .build()
        .unwrap();
    TransferClient::with_app(&account).unwrap();
    let verdict = account.check().for_duration(1000 * HOUR).transfer([world.id("guest")]).await.unwrap();
    assert!(verdict.is_positive(), "{verdict}");
    // No session of an account gets too old, but it is of no domain.
    let verdict = account.check().for_duration(1000 * HOUR).transfer([protected]).await.unwrap();
    assert!(verdict.is_positive() && lists() == 1, "{verdict}");
    let home = NewProject::new("Home").policy(NewPolicy::new("Home").domain("home.example.com"));
    let policy = world.emulator.add_project(&home).unwrap().policy("Home").unwrap().id;
    let rules = CollectionRules::none().policy(policy);
    world.emulator.set_collection_rules(world.id("laptop"), rules).unwrap();
    let verdict = account.check().transfer([world.id("laptop")]).await.unwrap();
    let lapse = verdict.first_lapse().unwrap();
    assert_eq!((lapse.reason, &lapse.login), (LapseReason::PolicyNotMet, &None), "{verdict}");
    assert!(lapse.next_step.contains("a service account cannot"), "{verdict}");
    assert!(portal.check().transfer([world.id("laptop")]).await.unwrap().is_positive());
}

/// Everything that the tool does: from the mapped, the guest and the protected collection.
async fn list_all(world: &World, transfer: &TransferClient) -> Result<(), Error> {
    for collection in ["guest", "protected", "mapped"] {
        transfer.operation_ls(world.id(collection)).path("/").send().await?;
    }
    Ok(())
}

/// All scopes that logins have asked for.
fn asked_scopes(world: &World) -> String {
    let logins = world.emulator.requests().path("/v2/oauth2/authorize");
    logins
        .iter()
        .filter_map(|login| login.query_value("scope").map(str::to_owned))
        .collect::<Vec<_>>()
        .join(" ")
}

fn assert_no_unneeded_data_access(world: &World) {
    let asked = asked_scopes(world);
    for collection in ["guest", "protected"] {
        assert!(!asked.contains(&world.id(collection).to_string()), "{asked}");
    }
}

fn list_requests(world: &World, collection: &str) -> usize {
    let path = format!("/v0.10/operation/endpoint/{}/ls", world.id(collection));
    world.emulator.requests().path(&path).len()
}

/// A mapped collection asks for consent in the middle, and there is a terminal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_person_there_one_prompt_is_enough() {
    let (world, _files) = world().await;
    let human = Human::new(&world);
    let app = builder(&world, human.clone()).auto_redrive_gares(true).build().unwrap();
    let transfer = TransferClient::with_app(&app).unwrap();
    app.login().await.unwrap();
    list_all(&world, &transfer).await.unwrap();
    assert_eq!(human.prompts(), 2, "one for what was known, and one for the consent");
    assert_eq!(list_requests(&world, "mapped"), 2, "the request was repeated once");
    let needed = TransferScopes::with_data_access([world.id("mapped")]).to_string();
    assert!(human.last_scopes().contains(&needed), "{:?}", human.last_scopes());
    assert_no_unneeded_data_access(&world);
}

/// The same, where the tool plans what it needs beforehand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_planned_is_asked_for_at_once_and_nothing_else() {
    let (world, _files) = world().await;
    let human = Human::new(&world);
    let app = builder(&world, human.clone()).build().unwrap();
    let transfer = TransferClient::with_app(&app).unwrap();
    app.login().await.unwrap();
    let collections = ["guest", "protected", "mapped", "laptop"].map(|name| world.id(name));
    let planner = ScopePlanner::new(&transfer);
    let plan = planner.plan(&IntendedActions::new().transfer(collections)).await.unwrap();
    let needed = TransferScopes::with_data_access([world.id("mapped")]).to_string();
    assert_eq!(plan.scopes().as_str(), needed);
    app.add_scope_requirements_of(plan.requirements().clone()).unwrap();
    app.login().await.unwrap();
    assert_eq!(human.prompts(), 2);
    list_all(&world, &transfer).await.unwrap();
    assert_eq!((human.prompts(), list_requests(&world, "mapped")), (2, 1));
    assert_no_unneeded_data_access(&world);
}

/// The program may not prompt: the requirement goes into a file, and the run goes on with other work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_requirement_is_fulfilled_elsewhere_and_then_the_call_succeeds() {
    let (world, _files) = world().await;
    let human = Human::new(&world);
    let terminal = builder(&world, human.clone()).build().unwrap();
    TransferClient::with_app(&terminal).unwrap();
    terminal.login().await.unwrap();

    let (job, transfer) = batch(&world);
    let error = transfer.operation_ls(world.id("mapped")).path("/").send().await.unwrap_err();
    let parked = job.park(&error).unwrap();
    let file = world.directory.path().join("requirement.json");
    parked.save(&file).await.unwrap();
    transfer.operation_ls(world.id("guest")).path("/").send().await.unwrap();
    assert_eq!(human.prompts(), 1);

    // Later, at a terminal. The file is enough: this app knows nothing of Transfer.
    let terminal = builder(&world, human.clone()).build().unwrap();
    let parked = ParkedRequirement::load(&file).await.unwrap();
    terminal.fulfil(&parked).await.unwrap();
    assert_eq!(human.prompts(), 2);
    let needed = TransferScopes::with_data_access([world.id("mapped")]).to_string();
    assert_eq!(human.last_scopes(), ["openid".to_owned(), "profile".to_owned(), needed]);

    transfer.operation_ls(world.id("mapped")).path("/").send().await.unwrap();
    list_all(&world, &batch(&world).1).await.unwrap();
    assert_eq!(human.prompts(), 2);
    assert_no_unneeded_data_access(&world);

    // So is the session of the protected collection, and what an app that logs in by itself could not do.
    world.emulator.advance(4 * DAY);
    let job = builder(&world, NeverPrompt).auto_redrive_gares(true).build().unwrap();
    let transfer = TransferClient::with_app(&job).unwrap();
    let protected = world.id("protected");
    let error = transfer.operation_ls(protected).path("/").send().await.unwrap_err();
    let parked = job.park(&error).unwrap();
    assert!(parked.to_string().contains("Sign in every three days"), "{parked}");
    parked.save(&file).await.unwrap();
    terminal.fulfil(&ParkedRequirement::load(&file).await.unwrap()).await.unwrap();
    transfer.operation_ls(protected).path("/").send().await.unwrap();
    assert_eq!(human.prompts(), 3);
}

/// The person does not consent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_consent_is_the_end_of_the_call_and_no_loop() {
    let (world, _files) = world().await;
    let human = Human::new(&world);
    let app = builder(&world, human.clone()).auto_redrive_gares(true).build().unwrap();
    let transfer = TransferClient::with_app(&app).unwrap();
    app.login().await.unwrap();
    world.emulator.script_consent([Decision::deny()]);
    let error = transfer.operation_ls(world.id("mapped")).path("/").send().await.unwrap_err();
    assert!(error.find_cause::<LoginError>().unwrap().is_declined(), "{error:?}");
    assert_eq!((human.prompts(), list_requests(&world, "mapped")), (2, 1));
    // The earlier login is still good for the rest.
    transfer.operation_ls(world.id("guest")).path("/").send().await.unwrap();
    assert!(!app.login_required().await.unwrap());

    // Who leaves the box unticked consents to less than the collection needs.
    world.emulator.script_consent([Decision::approve().without_optional_scopes()]);
    let error = transfer.operation_ls(world.id("mapped")).path("/").send().await.unwrap_err();
    assert!(error.is_forbidden() && app.park(&error).is_some(), "{error:?}");
    assert_eq!((human.prompts(), list_requests(&world, "mapped")), (3, 3));
}

/// Leaving while Globus Auth is away: the next run finishes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_revoked_is_revoked_by_the_next_run() {
    let (world, _files) = world().await;
    let app = builder(&world, Human::new(&world)).retry(RetryPolicy::never()).build().unwrap();
    let transfer = TransferClient::with_app(&app).unwrap();
    app.login().await.unwrap();
    let token = app.token_storage().get("transfer.api.globus.org").await.unwrap().unwrap();
    world.emulator.faults().add(Fault::status(503).service(Service::Auth).path("/v2/oauth2/token/revoke"));
    let report = app.logout().keep_unrevoked().await.unwrap();
    assert_eq!((report.removed.len(), report.still_valid.len()), (2, 2));
    assert!(report.still_valid.iter().all(|token| token.is_kept));
    let old = world.transfer(globus_sdk::AccessTokenAuthorizer::new(token.access_token.clone()));
    old.get_submission_id().send().await.unwrap();

    world.emulator.faults().clear();
    let (next_run, _) = batch(&world);
    let report = next_run.revoke_remembered().await.unwrap();
    assert_eq!((report.removed.len(), report.still_valid.len()), (2, 0));
    assert!(old.get_submission_id().send().await.unwrap_err().is_unauthorized());
    let grant = world.login_client.oauth2_refresh_token(token.refresh_token.unwrap().expose());
    assert!(grant.send().await.unwrap_err().is_invalid_grant());
    assert_eq!(app.token_storage().list().await.unwrap(), Vec::<Namespace>::new());
    drop(transfer);
}
