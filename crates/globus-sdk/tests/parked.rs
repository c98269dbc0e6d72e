//! Requirements that are parked in files, and what a logout keeps to be revoked later.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod playback;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_sdk::app::{ParkedError, ParkedRequirement};
use globus_sdk::login::{LoginRequest, LoginUi};
use globus_sdk::storage::StoreKind;
use globus_sdk::{
    ClientApp, Error, Gare, GlobusAuthorizationParameters, LoginError, ManualClock, MemoryTokenStorage,
    RetryPolicy, Storage, TokenData, TokenResponse, TransferClient, UserApp,
};
use playback::{Playback, Step};
use serde_json::{Value, json};
use uuid::Uuid;

const CLIENT: &str = "61338d24-54d5-408f-a10d-66c06b59f6d2";
const TRANSFER: &str = "transfer.api.globus.org";
const ALL: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";
const DATA_ACCESS: &str = "https://auth.globus.org/scopes/00000000-0000-0000-0000-00000000000b/data_access";
const START: i64 = 1_700_000_000;
const MAPPED: Uuid = Uuid::from_u128(0xb);

fn app_builder(playback: &Playback) -> globus_sdk::app::UserAppBuilder {
    UserApp::builder("parking")
        .client_id(CLIENT)
        .transport(playback.clone())
        .clock(ManualClock::at(START))
        .retry(RetryPolicy::never())
        .never_prompt()
}

async fn with_tokens() -> Storage {
    let storage = Storage::from(MemoryTokenStorage::new());
    let token = |server: &str, scope: &str| {
        TokenData::new(server, scope, format!("AgAccess-{server}"), START + 3600).with_identity_id("me")
    };
    storage
        .store(vec![token("auth.globus.org", "openid"), token(TRANSFER, ALL)], StoreKind::Login)
        .await
        .unwrap();
    storage
}

fn consent_required() -> Value {
    json!({
        "code": "ConsentRequired", "message": "Missing required data_access consent",
        "required_scopes": [format!("{ALL}[*{DATA_ACCESS}]")],
    })
}

async fn refused(app: &UserApp) -> Error {
    TransferClient::with_app(app).unwrap().operation_ls(MAPPED).send().await.unwrap_err()
}

fn document(parked: &ParkedRequirement) -> Value {
    serde_json::to_value(parked).unwrap()
}

#[tokio::test]
async fn a_refusal_is_parked_as_a_complete_requirement() {
    let playback = Playback::new([Step::json(403, &consent_required())]);
    let app = app_builder(&playback).token_storage(with_tokens().await).profile("DEFAULT").build().unwrap();
    let error = refused(&app).await;
    let parked = app.park(&error).unwrap();
    assert_eq!(
        document(&parked),
        json!({
            "code": "ConsentRequired",
            "authorization_parameters": {
                "session_message": "Missing required data_access consent",
                "required_scopes": ["openid", format!("{ALL}[*{DATA_ACCESS}]")],
            },
            "app_name": "parking", "client_id": CLIENT, "auth_url": "https://auth.globus.org/", "profile": "DEFAULT",
            "parked_at": START,
        })
    );
    assert!(parked.to_string().starts_with("parking needs a login (the service says: Missing"), "{parked}");
    assert!(!format!("{parked:?}{parked}").contains("AgAccess"));

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("requirement.json");
    std::fs::write(&path, "something older").unwrap();
    parked.save(&path).await.unwrap();
    assert_eq!(ParkedRequirement::load(&path).await.unwrap(), parked);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside");
}

#[tokio::test]
async fn what_the_app_itself_could_not_log_in_for_is_parked_too() {
    // After a refusal the app wants to log in, and may not.
    let playback = Playback::new([Step::json(403, &consent_required())]);
    let app =
        app_builder(&playback).token_storage(with_tokens().await).auto_redrive_gares(true).build().unwrap();
    let parked = app.park(&refused(&app).await).unwrap();
    assert_eq!(parked.parameters().scopes_to_request().as_str(), format!("openid {ALL}[*{DATA_ACCESS}]"));
    // Nobody has logged in at all.
    let app =
        app_builder(&playback).token_storage(MemoryTokenStorage::new()).profile("work").build().unwrap();
    let parked = app.park(&refused(&app).await).unwrap();
    assert_eq!(parked.gare().code, Gare::AUTHORIZATION_REQUIRED);
    assert_eq!(parked.parameters().scopes_to_request().as_str(), format!("openid {ALL}"));
    assert_eq!(parked.profile(), Some("work"));
    assert!(parked.to_string().contains("for the profile work"), "{parked}");
}

#[tokio::test]
async fn where_no_login_helps_there_is_nothing_to_park() {
    let no_permission = json!({"code": "PermissionDenied", "message": "no"});
    let mfa = json!({"code": "X", "authorization_parameters": {"session_required_mfa": true}});
    let playback = Playback::new([
        Step::json(403, &no_permission),
        Step::json(
            200,
            &json!({"access_token": "AgClient", "expires_in": 60, "scope": ALL, "resource_server": TRANSFER, "token_type": "Bearer"}),
        ),
        Step::json(403, &mfa),
    ]);
    let app = app_builder(&playback).token_storage(with_tokens().await).build().unwrap();
    assert_eq!(app.park(&refused(&app).await), None);
    assert_eq!(app.park(&Error::usage("wrong")), None);

    let client = ClientApp::builder("parking")
        .client(CLIENT, "secret of the client")
        .token_storage(MemoryTokenStorage::new())
        .transport(playback.clone())
        .clock(ManualClock::at(START))
        .build()
        .unwrap();
    let transfer = TransferClient::with_app(&client).unwrap();
    let error = transfer.operation_ls(MAPPED).send().await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    assert_eq!(client.park(&error), None, "a client has no second factor");
}

/// Refuses to log in, and keeps what for.
#[derive(Debug, Clone, Default)]
struct Asked(Arc<Mutex<Vec<GlobusAuthorizationParameters>>>);

impl LoginUi for Asked {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        self.0.lock().unwrap().push(request.parameters().clone());
        Err(LoginError::Cancelled)
    }
}

#[tokio::test]
async fn it_is_fulfilled_by_the_same_program_and_no_other() {
    let asked = Asked::default();
    let app = app_builder(&Playback::default())
        .token_storage(MemoryTokenStorage::new())
        .scope_requirements("groups", "view")
        .login_ui(asked.clone())
        .build()
        .unwrap();
    let parked = |change: &dyn Fn(&mut Value)| -> ParkedRequirement {
        let mut document = json!({
            "code": "AuthorizationRequired",
            "authorization_parameters": {"required_scopes": ["a[b]"], "session_required_policies": ["p"]},
            "client_id": CLIENT, "auth_url": "https://auth.globus.org/", "profile": "DEFAULT",
        });
        change(&mut document);
        document.to_string().parse().unwrap()
    };
    let member = |name: &'static str, value: &'static str| {
        parked(&move |document: &mut Value| document[name] = json!(value))
    };
    let evil = "other\u{1b}[31m";
    let errors = [
        app.fulfil(&member("client_id", evil)).await.unwrap_err(),
        app.fulfil(&member("auth_url", evil)).await.unwrap_err(),
        app.fulfil(&member("profile", evil)).await.unwrap_err(),
    ];
    assert!(matches!(&errors[0], ParkedError::OtherClient { client_id, .. } if client_id == CLIENT));
    assert!(matches!(&errors[1], ParkedError::OtherEnvironment { .. }));
    assert!(matches!(&errors[2], ParkedError::OtherProfile { .. }));
    assert!(
        errors
            .iter()
            .all(|error| !error.to_string().contains('\u{1b}') && error.to_string().contains("other"))
    );
    assert!(asked.0.lock().unwrap().is_empty());

    // Those of other tools do not say whose they are.
    let without = parked(&|document| {
        for name in ["client_id", "auth_url", "profile"] {
            document.as_object_mut().unwrap().remove(name);
        }
    });
    for parked in [parked(&|_| {}), without] {
        let error = app.fulfil(&parked).await.unwrap_err();
        assert!(matches!(error, ParkedError::Login(_)), "{error}");
    }
    let asked = asked.0.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].scopes_to_request().as_str(), "openid view a[b]");
    assert_eq!(asked[0].session_required_policies.as_deref(), Some(&["p".to_owned()][..]));
}

#[tokio::test]
async fn bad_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("requirement.json");
    let load = async |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        ParkedRequirement::load(&path).await.unwrap_err()
    };
    let whole = |more: &str| format!(r#"{{"code": "x", "authorization_parameters": {{}}{more}}}"#);
    for content in ["", "{", "[]", "null", r#"{"code": 5}"#, r#"{"code": "x"}"#, "\u{feff}{}"] {
        let error = load(content.as_bytes()).await;
        assert!(matches!(error, ParkedError::NotARequirement(_)), "{content}: {error}");
    }
    assert!(matches!(load(b"\xff\xfe{}").await, ParkedError::NotARequirement(_)));
    assert!(matches!(load(&vec![b'['; 60_000]).await, ParkedError::NotARequirement(_)), "no deep recursion");
    let error = load(whole(r#", "client_id": 5"#).as_bytes()).await;
    assert!(matches!(error, ParkedError::OddMember { member: "client_id", .. }), "{error}");
    let large = whole(&format!(r#", "x": "{}""#, "y".repeat(64 * 1024)));
    assert!(matches!(load(large.as_bytes()).await, ParkedError::TooLarge));
    assert!(matches!(large.parse::<ParkedRequirement>(), Err(ParkedError::TooLarge)));

    let missing = ParkedRequirement::load(directory.path().join("none")).await.unwrap_err();
    assert!(matches!(&missing, ParkedError::File(error) if error.is_not_found()), "{missing}");
    assert!(matches!(ParkedRequirement::load(directory.path()).await.unwrap_err(), ParkedError::File(_)));

    let evil = r#", "app_name": "a\u001b[2J\nb\u202e", "profile": "p\r\u0007""#;
    let message = r#"{"session_message": "see\u001b]0;title\u0007 this", "required_scopes": ["s\u001b"]}"#;
    let text = format!(r#"{{"code": "x", "authorization_parameters": {message}{evil}}}"#);
    let shown = text.parse::<ParkedRequirement>().unwrap().to_string();
    assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_files_are_read_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let (link, target) = (directory.path().join("link"), directory.path().join("target"));
    std::fs::write(&target, "mine").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let parked: ParkedRequirement = r#"{"code": "x", "authorization_parameters": {}}"#.parse().unwrap();
    for path in [link.as_path(), directory.path()] {
        assert!(matches!(parked.save(path).await.unwrap_err(), ParkedError::File(_)));
        assert!(matches!(ParkedRequirement::load(path).await.unwrap_err(), ParkedError::File(_)));
    }
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
    let nowhere = Path::new("/nonexistent-directory/requirement.json");
    assert!(matches!(parked.save(nowhere).await.unwrap_err(), ParkedError::File(_)));
}

// What a logout keeps

async fn logged_in() -> Storage {
    let storage = Storage::from(MemoryTokenStorage::new());
    let token = TokenData::new(TRANSFER, ALL, "AgAccess", START + 3600).with_refresh_token("AgRefresh");
    storage.store(vec![token], StoreKind::Login).await.unwrap();
    storage
}

fn revoked() -> Step {
    Step::json(200, &json!({"active": false}))
}

fn unreachable() -> Step {
    Step::Failure(globus_sdk::transport::TransportErrorKind::Connect)
}

fn logout_app(playback: &Playback, storage: &Storage, clock: &ManualClock) -> UserApp {
    app_builder(playback)
        .token_storage(storage)
        .clock(clock.clone())
        .scope_requirements(TRANSFER, ALL)
        .build()
        .unwrap()
}

#[tokio::test]
async fn what_could_not_be_revoked_is_kept_on_request_and_worked_off_later() {
    let (storage, clock) = (logged_in().await, ManualClock::at(START));
    let playback =
        Playback::new([unreachable(), unreachable(), unreachable(), revoked(), revoked(), revoked()]);
    let app = logout_app(&playback, &storage, &clock);
    let report = app.logout().keep_unrevoked().await.unwrap();
    assert_eq!(report.removed, [TRANSFER]);
    assert!(report.still_valid[0].is_kept && report.still_valid[0].has_refresh_token);
    assert!(!format!("{report:?}").contains("Ag"), "{report:?}");
    assert!(storage.get(TRANSFER).await.unwrap().is_none());
    assert!(app.login_required().await.unwrap());
    let profiles = app.status().all_profiles().await.unwrap().profiles;
    assert_eq!(profiles.len(), 1, "it is no profile: {profiles:?}");

    // A new run of the program; half of it works.
    let app = logout_app(&playback, &storage, &clock);
    let report = app.revoke_remembered().await.unwrap();
    assert_eq!((report.removed.len(), report.still_valid[0].resource_server.as_str()), (0, TRANSFER));
    assert!(report.still_valid[0].is_kept);
    let report = app.revoke_remembered().await.unwrap();
    assert_eq!(report.removed, [TRANSFER]);
    assert!(report.still_valid.is_empty());
    let forms: Vec<_> = playback.sent().iter().map(|sent| sent.form_field("token").unwrap()).collect();
    assert_eq!(forms, ["AgAccess", "AgRefresh", "AgAccess", "AgRefresh", "AgAccess", "AgRefresh"]);
    assert!(storage.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_second_logout_keeps_both_and_tells_of_both() {
    let (storage, clock) = (logged_in().await, ManualClock::at(START));
    let playback = Playback::new(std::iter::repeat_with(unreachable).take(6));
    let app = logout_app(&playback, &storage, &clock);
    app.logout().keep_unrevoked().await.unwrap();
    let another = TokenData::new(TRANSFER, ALL, "AgAnother", START + 3600);
    storage.store(vec![another], StoreKind::Login).await.unwrap();
    let report = app.logout().keep_unrevoked().await.unwrap();
    assert_eq!(report.still_valid.len(), 2);
    assert!(report.still_valid.iter().all(|token| token.is_kept && token.resource_server == *TRANSFER));
    assert_eq!(storage.with_namespace("DEFAULT/unrevoked").get_all().await.unwrap().tokens.len(), 2);

    // One ends by itself, and the other when its refresh token does.
    clock.advance(Duration::from_secs(3601));
    let report = app.revoke_remembered().await.unwrap();
    assert_eq!((report.removed.len(), report.still_valid.len()), (1, 1));
    clock.advance(Duration::from_secs(183 * 24 * 3600));
    assert_eq!(app.revoke_remembered().await.unwrap().removed, [TRANSFER]);
    assert!(storage.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_being_told_a_logout_keeps_nothing() {
    let (storage, clock) = (logged_in().await, ManualClock::at(START));
    let playback = Playback::new([unreachable(), unreachable()]);
    let report = logout_app(&playback, &storage, &clock).logout().await.unwrap();
    assert!(!report.still_valid[0].is_kept);
    assert!(storage.list().await.unwrap().is_empty());
}
