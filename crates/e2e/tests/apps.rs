//! A tool with an app of its own, against the emulator: the first run, the second, one that needs more, the wrong person, no
//! plain text; and collections that ask for a consent in the middle.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_emulator::{CollectionRules, Decision, EntityType, JwtTime, Person, Requests, Service};
use globus_sdk::app::UserAppBuilder;
use globus_sdk::config::Variables;
use globus_sdk::login::{AskWith, LoginUi};
use globus_sdk::scopes::{GroupsScopes, SearchScopes, TransferScopes};
use globus_sdk::seal::SealingKey;
use globus_sdk::storage::{EncryptedTokenStorage, StorageErrorKind};
use globus_sdk::{
    Environment, Error, JsonTokenStorage, LoginError, Scope, Scopes, Storage, TokenData, TransferClient,
    UserApp,
};
use support::World;
use tempfile::TempDir;
use uuid::Uuid;

/// A laboratory that uses the tool: the emulator, the home directory of a user, and the person at the browser.
struct Lab {
    world: World,
    home: PathBuf,
    logins: AtomicUsize,
    /// What was stored for Transfer while the person was in front of the browser.
    stored_meanwhile: Mutex<Option<TokenData>>,
    /// Where further collections are.
    _collections: Option<TempDir>,
}

impl Lab {
    async fn open() -> Arc<Self> {
        // Weeks pass here, for id tokens too.
        Self::of(World::start_with(|builder| builder.jwt_time(JwtTime::Emulated)).await, None)
    }

    fn of(world: World, collections: Option<TempDir>) -> Arc<Self> {
        let home = world.directory.path().join("home");
        std::fs::create_dir(&home).unwrap();
        std::fs::write(world.dir("laptop").join("here.txt"), "").unwrap();
        Arc::new(Self {
            world,
            home,
            logins: AtomicUsize::new(0),
            stored_meanwhile: Mutex::default(),
            _collections: collections,
        })
    }

    /// The person at the browser: follows the address, and copies what is there in the end.
    fn person(self: &Arc<Self>) -> impl LoginUi + use<> {
        let lab = Arc::clone(self);
        AskWith::new(move |address| {
            let lab = Arc::clone(&lab);
            async move {
                lab.logins.fetch_add(1, SeqCst);
                *lab.stored_meanwhile.lock().unwrap() = lab.stored("transfer.api.globus.org").await;
                lab.world.emulator.paste_login(address).await
            }
        })
    }

    fn logins(&self) -> usize {
        self.logins.load(SeqCst)
    }

    /// Where the tool finds things: the emulator in place of Globus, and this home directory.
    fn variables(&self) -> Variables {
        let home = ("HOME".to_owned(), self.home.to_str().unwrap().to_owned());
        self.world.emulator.variables().into_iter().chain([home]).collect()
    }

    /// Where the tool keeps its tokens by itself.
    fn file(&self) -> PathBuf {
        let (id, variables) = (self.world.emulator.native_client_id(), self.variables());
        let environment = Environment::from_variables(&variables);
        let storage =
            JsonTokenStorage::for_app_with(&id.to_string(), "seqsync", &environment, &variables).unwrap();
        assert!(storage.path().starts_with(self.home.join(".globus/app")));
        storage.path().to_owned()
    }

    async fn stored(&self, server: &str) -> Option<TokenData> {
        Storage::from(JsonTokenStorage::new(self.file())).get(server).await.unwrap()
    }

    /// The tool's app, as far as it is the same in all its versions.
    fn seqsync(self: &Arc<Self>) -> UserAppBuilder {
        UserApp::builder("seqsync")
            .client_id(self.world.emulator.native_client_id())
            .request_refresh_tokens(true)
            .login_ui(self.person())
            .variables(self.variables())
            .clock(self.world.emulator.clock())
    }

    fn authorizations(&self) -> Requests {
        self.world.emulator.requests().service(Service::Auth).path("/v2/oauth2/authorize")
    }

    /// The scopes that the last login asked for, in order.
    fn asked_for(&self) -> Vec<String> {
        let text = self.authorizations().last().unwrap().query_value("scope").unwrap().to_owned();
        let mut scopes: Vec<_> = Scopes::from(text).parse().unwrap().iter().map(Scope::to_string).collect();
        scopes.sort();
        scopes
    }

    fn listings(&self) -> Requests {
        self.world
            .emulator
            .requests()
            .service(Service::Transfer)
            .filter(|request| request.path.ends_with("/ls"))
    }
}

/// The tool's program. The names in a directory.
async fn run_seqsync(app: UserAppBuilder, collection: Uuid) -> globus_sdk::Result<Vec<String>> {
    let app = app.build()?;
    let transfer_client = TransferClient::with_app(&app)?;
    app.add_scope_requirements(GroupsScopes::RESOURCE_SERVER, GroupsScopes::DEFAULTS)?;

    let listing = transfer_client.operation_ls(collection).path("/").send().await?;
    let names = listing.data.iter().map(|entry| entry.name.to_string()).collect();
    app.close().await?;
    Ok(names)
}

#[tokio::test]
async fn the_first_run_logs_in_and_the_second_does_not() {
    let lab = Lab::open().await;
    let collection = lab.world.id("laptop");
    for _ in 0..2 {
        assert_eq!(run_seqsync(lab.seqsync(), collection).await.unwrap(), ["here.txt"]);
    }
    assert_eq!(lab.logins(), 1);
    let mut scopes = vec!["openid".to_owned(), TransferScopes::ALL.to_string()];
    scopes.extend(GroupsScopes::DEFAULTS.iter().map(Scope::to_string));
    scopes.sort();
    assert_eq!(lab.asked_for(), scopes);
    let login = lab.authorizations().last().unwrap().clone();
    assert!(login.query_value("prefill_named_grant").unwrap().starts_with("seqsync on "));
    assert_private(&lab.file());
    // Two days later the access token is over, and nobody is asked.
    lab.world.emulator.advance(Duration::from_secs(49 * 3600));
    run_seqsync(lab.seqsync(), collection).await.unwrap();
    assert_eq!((lab.logins(), lab.world.refreshes()), (1, 1));
}

#[cfg(unix)]
fn assert_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[cfg(not(unix))]
fn assert_private(_: &Path) {}

#[tokio::test]
async fn a_version_that_needs_more_asks_once_and_the_old_tokens_live_until_then() {
    let lab = Lab::open().await;
    let collection = lab.world.id("laptop");
    run_seqsync(lab.seqsync(), collection).await.unwrap();
    let old = lab.stored("transfer.api.globus.org").await.unwrap();
    lab.world.emulator.advance(Duration::from_secs(7 * 24 * 3600));

    let newer = || lab.seqsync().scope_requirements(SearchScopes::RESOURCE_SERVER, SearchScopes::SEARCH);
    // Whoever needs nothing new goes on, but for a renewal.
    run_seqsync(newer(), collection).await.unwrap();
    assert_eq!(lab.logins(), 1);
    let renewed = lab.stored("transfer.api.globus.org").await.unwrap();
    assert_eq!(renewed.refresh_token, old.refresh_token);

    let app = newer().build().unwrap();
    assert!(app.login_required().await.unwrap());
    app.login().await.unwrap();
    assert_eq!(lab.logins(), 2, "one prompt for what is missing");
    assert!(lab.asked_for().contains(&SearchScopes::SEARCH.to_string()));
    assert_eq!(*lab.stored_meanwhile.lock().unwrap(), Some(renewed), "the old tokens were there meanwhile");
    for server in ["auth.globus.org", "transfer.api.globus.org", SearchScopes::RESOURCE_SERVER] {
        assert!(lab.stored(server).await.is_some(), "{server}");
    }
    run_seqsync(newer(), collection).await.unwrap();
    run_seqsync(lab.seqsync(), collection).await.unwrap();
    assert_eq!(lab.logins(), 2);
}

#[tokio::test]
async fn the_wrong_person_is_refused_before_anything_is_stored() {
    let lab = Lab::open().await;
    let emulator = &lab.world.emulator;
    run_seqsync(lab.seqsync(), lab.world.id("laptop")).await.unwrap();
    let before = std::fs::read(lab.file()).unwrap();
    let ben = emulator.add_person(&Person::new("ben@example.org"))[0].id.to_string();

    emulator.script_consent([Decision::approve().as_user("ben@example.org")]);
    let app = lab.seqsync().build().unwrap();
    TransferClient::with_app(&app).unwrap();
    let error = app.login().force().await.unwrap_err();
    let kind = error.storage().map(globus_sdk::StorageError::kind);
    assert!(matches!(kind, Some(StorageErrorKind::IdentityMismatch { .. })), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&ben) && text.contains(&emulator.user().id.to_string()), "{text}");
    assert_eq!(std::fs::read(lab.file()).unwrap(), before);
    // An access and a refresh token each for Auth and Transfer.
    let revoked = emulator.requests().service(Service::Auth).path("/v2/oauth2/token/revoke").status(200);
    assert_eq!(revoked.len(), 4);

    // The right one goes on; and when they have left, the other may.
    run_seqsync(lab.seqsync(), lab.world.id("laptop")).await.unwrap();
    assert_eq!(lab.logins(), 2);
    app.logout().sweep().await.unwrap();
    emulator.script_consent([Decision::approve().as_user("ben@example.org")]);
    app.login().await.unwrap();
    assert_eq!(lab.stored("transfer.api.globus.org").await.unwrap().identity_id, Some(ben));
}

#[tokio::test]
async fn never_plain_text_is_an_encrypted_file_or_a_failure_that_names_the_choices() {
    let lab = Lab::open().await;
    let collection = lab.world.id("laptop");
    let error = run_seqsync(lab.seqsync().never_plain_text(), collection).await.unwrap_err();
    assert!(error.is_usage(), "{error:?}");
    for choice in ["KeyringTokenStorage", "EncryptedTokenStorage", "SealedTokenStorage", "MemoryTokenStorage"]
    {
        assert!(error.to_string().contains(choice), "{error}");
    }
    let plain = JsonTokenStorage::new(lab.file());
    assert!(run_seqsync(lab.seqsync().never_plain_text().token_storage(plain), collection).await.is_err());
    assert_eq!(lab.logins(), 0);
    assert!(std::fs::read_dir(&lab.home).unwrap().next().is_none(), "something was written");

    let path = lab.home.join("seqsync.tokens");
    let encrypted = || EncryptedTokenStorage::new(&path, SealingKey::from_bytes([7; 32]));
    for _ in 0..2 {
        run_seqsync(lab.seqsync().never_plain_text().token_storage(encrypted()), collection).await.unwrap();
    }
    assert_eq!(lab.logins(), 1);
    let token = Storage::from(encrypted()).get("transfer.api.globus.org").await.unwrap().unwrap();
    let written = std::fs::read(&path).unwrap();
    for secret in
        [token.access_token.expose(), token.refresh_token.as_ref().unwrap().expose(), "refresh_token"]
    {
        assert!(!written.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "plain text");
    }
    assert!(!lab.file().exists());
}

// A collection that asks for more in the middle

/// A laboratory with a mapped collection that asks for consent to its `data_access`, a guest collection, and one of high
/// assurance.
async fn with_collections() -> Arc<Lab> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let (mapped, guest, assured) = (path("mapped"), path("guest"), path("assured"));
    let world = World::start_with(|builder| {
        let kind = EntityType::Gcsv5MappedCollection;
        builder
            .jwt_time(JwtTime::Emulated)
            .collection_with_rules("mapped", mapped, kind, CollectionRules::none().require_data_access())
            .collection_of_type("guest", guest, EntityType::Gcsv5GuestCollection)
            .collection_with_rules(
                "assured",
                assured,
                kind,
                CollectionRules::none().high_assurance(Duration::from_secs(3600)),
            )
    })
    .await;
    Lab::of(world, Some(directory))
}

fn data_access(collection: Uuid) -> String {
    TransferScopes::with_data_access([collection]).to_string()
}

#[tokio::test]
async fn a_consent_that_is_missing_is_one_prompt_and_the_call_goes_again() {
    let lab = with_collections().await;
    let app = lab.seqsync().auto_redrive_gares(true).build().unwrap();
    let transfer_client = TransferClient::with_app(&app).unwrap();
    let list = async |name: &str| transfer_client.operation_ls(lab.world.id(name)).path("/").send().await;
    list("guest").await.unwrap();
    list("assured").await.unwrap();
    assert_eq!(lab.logins(), 1);
    assert_eq!(
        lab.asked_for(),
        ["openid", &TransferScopes::ALL.to_string()],
        "what is not needed is not asked"
    );

    let before = lab.listings().len();
    list("mapped").await.unwrap();
    assert_eq!(lab.logins(), 2);
    assert_eq!(lab.asked_for(), ["openid", &data_access(lab.world.id("mapped"))]);
    assert_eq!(lab.listings().len(), before + 2, "the call is made once more");
    list("mapped").await.unwrap();
    list("guest").await.unwrap();
    assert_eq!(lab.logins(), 2);
}

#[tokio::test]
async fn a_consent_that_is_refused_is_an_error_and_no_loop() {
    let lab = with_collections().await;
    let app = lab.seqsync().auto_redrive_gares(true).build().unwrap();
    let transfer_client = TransferClient::with_app(&app).unwrap();
    app.login().await.unwrap();
    let before = lab.stored("transfer.api.globus.org").await;
    lab.world.emulator.script_consent([Decision::deny()]);
    let call = transfer_client.operation_ls(lab.world.id("mapped")).path("/").send();
    let error: Error = call.await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 403, "{error:?}");
    assert!(error.login_reason().is_some() && !error.is_login_required(), "{error:?}");
    assert!(error.find_cause::<LoginError>().is_some(), "{error:?}");
    assert_eq!((lab.logins(), lab.listings().len()), (2, 1));
    assert_eq!(lab.stored("transfer.api.globus.org").await, before);
}

#[tokio::test]
async fn where_nobody_may_be_asked_the_rest_of_the_work_goes_on() {
    let lab = with_collections().await;
    let app = lab.seqsync().build().unwrap();
    TransferClient::with_app(&app).unwrap();
    app.login().await.unwrap();
    let app = lab.seqsync().auto_redrive_gares(true).never_prompt().build().unwrap();
    let transfer_client = TransferClient::with_app(&app).unwrap();
    let list = async |name: &str| transfer_client.operation_ls(lab.world.id(name)).path("/").send().await;
    let error = list("mapped").await.unwrap_err();
    assert!(error.is_login_required(), "{error:?}");
    let Some(LoginError::PersonNeeded { parameters, .. }) = error.find_cause::<LoginError>() else {
        panic!("{error:?}")
    };
    list("guest").await.unwrap();
    // Whoever can be asked fulfils it, in another process.
    let elsewhere = lab.seqsync().build().unwrap();
    TransferClient::with_app(&elsewhere).unwrap();
    elsewhere.login().parameters((**parameters).clone()).await.unwrap();
    assert_eq!(lab.asked_for(), ["openid", &data_access(lab.world.id("mapped"))]);
    let later = lab.seqsync().never_prompt().build().unwrap();
    let transfer_client = TransferClient::with_app(&later).unwrap();
    transfer_client.operation_ls(lab.world.id("mapped")).path("/").send().await.unwrap();
    assert_eq!(lab.logins(), 2);
}
