//! What is known of an app's logins offline.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod playback;

use std::time::Duration;

use globus_sdk::app::{AppKind, AppStatus};
use globus_sdk::scopes::TransferScopes;
use globus_sdk::storage::StoreKind;
use globus_sdk::{
    ClientApp, JsonTokenStorage, ManualClock, MemoryTokenStorage, Storage, Timestamp, TokenData, UserApp,
};
use playback::Playback;
use serde_json::{Map, json};

const CLIENT: &str = "61338d24-54d5-408f-a10d-66c06b59f6d2";
const AUTH: &str = "auth.globus.org";
const TRANSFER: &str = "transfer.api.globus.org";
const ALL: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";
const START: i64 = 1_700_000_000;

struct Setup {
    playback: Playback,
    clock: ManualClock,
    storage: Storage,
}

fn setup() -> Setup {
    Setup {
        playback: Playback::default(),
        clock: ManualClock::at(START),
        storage: MemoryTokenStorage::new().into(),
    }
}

impl Setup {
    fn app(&self, refresh_tokens: bool) -> UserApp {
        UserApp::builder("status-test")
            .client_id(CLIENT)
            .token_storage(&self.storage)
            .transport(self.playback.clone())
            .clock(self.clock.clone())
            .request_refresh_tokens(refresh_tokens)
            .scope_requirements(TRANSFER, ALL)
            .never_prompt()
            .build()
            .unwrap()
    }

    async fn store(&self, tokens: impl IntoIterator<Item = TokenData>) {
        self.storage.store(tokens.into_iter().collect(), StoreKind::Login).await.unwrap();
    }
}

fn token(server: &str, scope: &str) -> TokenData {
    TokenData::new(server, scope, format!("AgAccess-{server}"), START + 3600)
        .with_identity_id("some-identity")
}

fn both() -> [TokenData; 2] {
    [token(AUTH, "openid"), token(TRANSFER, ALL)]
}

fn shown(status: &AppStatus) -> String {
    let shown = format!("{status}\n{status:?}\n{}", serde_json::to_string(status).unwrap());
    assert!(!shown.contains("AgAccess") && !shown.contains("AgRefresh"), "{shown}");
    shown
}

#[tokio::test]
async fn without_tokens_a_login_is_needed_and_nothing_is_asked() {
    let setup = setup();
    let status = setup.app(false).status().await.unwrap();
    assert!(status.login_required && status.identity_id.is_none() && status.last_login.is_none());
    let servers: Vec<_> = status
        .resource_servers
        .iter()
        .map(|server| (server.resource_server.as_str(), server.needed))
        .collect();
    assert_eq!(servers, [(AUTH, true), (TRANSFER, true)]);
    assert_eq!(status.resource_servers[1].missing_scopes, [ALL]);
    assert_eq!((status.client_id.as_str(), status.profile.as_str()), (CLIENT, "DEFAULT"));
    let text = shown(&status);
    assert!(text.contains("nobody is known to be logged in") && text.contains("a login is needed"), "{text}");
    assert!(setup.playback.sent().is_empty());
}

#[tokio::test]
async fn an_access_token_is_enough_until_it_ends() {
    let setup = setup();
    setup.store(both()).await;
    let app = setup.app(false);
    let status = app.status().await.unwrap();
    assert!(!status.login_required, "{status}");
    assert_eq!(status.identity_id.as_deref(), Some("some-identity"));
    let transfer = status.resource_servers[1].token.as_ref().unwrap();
    assert_eq!(transfer.scopes, [ALL]);
    assert_eq!(transfer.access_token_until, Some(Timestamp::from_second(START + 3600).unwrap()));
    assert!(!transfer.expired && !transfer.renewable);
    assert!(shown(&status).contains("good until 2023-11-14T23:13:20Z, cannot be renewed"));

    setup.clock.advance(Duration::from_secs(3601));
    let status = app.status().await.unwrap();
    assert!(status.login_required && status.resource_servers[1].token.as_ref().unwrap().expired);
    assert!(app.login_required().await.unwrap(), "the app says the same");
}

#[tokio::test]
async fn with_refresh_tokens_it_is_their_presence_that_counts() {
    let setup = setup();
    setup.store(both().map(|token| token.with_refresh_token("AgRefresh"))).await;
    setup.clock.advance(Duration::from_secs(7200));
    let status = setup.app(true).status().await.unwrap();
    let transfer = status.resource_servers[1].token.as_ref().unwrap();
    assert!(!status.login_required && transfer.expired && transfer.renewable);
    shown(&status);
    // An app that does not ask for refresh tokens does not use those that are there either.
    let status = setup.app(false).status().await.unwrap();
    assert!(status.login_required && !status.resource_servers[1].token.as_ref().unwrap().renewable);

    setup.store([token(TRANSFER, ALL)]).await;
    assert!(setup.app(true).status().await.unwrap().login_required);
}

#[tokio::test]
async fn missing_scopes_are_named_and_what_depends_on_consents_is_said_to_be_unknown() {
    let setup = setup();
    setup.store(both()).await;
    setup.store([token("groups", "view")]).await;
    let app = setup.app(false);
    let deep = TransferScopes::with_data_access([uuid::Uuid::from_u128(1)]);
    app.add_scope_requirements(TRANSFER, &deep).unwrap();
    let status = app.status().await.unwrap();
    assert_eq!(status.resource_servers[2].unknown_dependencies, [deep.to_string()]);
    assert!(!status.login_required);
    let groups = &status.resource_servers[1];
    assert!(!groups.needed && groups.token.is_some() && shown(&status).contains("not needed"));

    app.add_scope_requirements("groups", "view *manage join").unwrap();
    let status = app.status().await.unwrap();
    assert_eq!(status.resource_servers[1].missing_scopes, ["join"]);
    assert!(status.login_required && shown(&status).contains("lacks join"));
    assert!(setup.playback.sent().is_empty());
}

#[tokio::test]
async fn damaged_records_and_other_people_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    let setup = Setup { storage: JsonTokenStorage::new(&path).into(), ..setup() };
    setup.store(both()).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["data"]["DEFAULT"][TRANSFER]["scope"] = json!(5);
    document["data"]["other"] = document["data"]["DEFAULT"].clone();
    document["data"]["other"][AUTH]["identity_id"] = json!("somebody-else");
    std::fs::write(&path, document.to_string()).unwrap();

    let app = setup.app(false);
    let status = app.status().await.unwrap();
    let transfer = &status.resource_servers[1];
    assert!(transfer.token.is_none() && status.login_required);
    assert!(transfer.damage.as_ref().unwrap().contains("scope"), "{transfer:?}");
    assert_eq!(status.profiles.len(), 1);
    shown(&status);
    let status = app.status().all_profiles().await.unwrap();
    let profiles: Vec<_> = status
        .profiles
        .iter()
        .map(|profile| (profile.name.as_str(), profile.identity_id.as_deref()))
        .collect();
    assert_eq!(profiles, [("DEFAULT", Some("some-identity")), ("other", Some("somebody-else"))]);

    document["data"]["DEFAULT"][TRANSFER] = json!({
        "resource_server": TRANSFER, "identity_id": "somebody-else", "scope": ALL, "access_token": "AgAccess",
        "expires_at_seconds": START + 60,
    });
    std::fs::write(&path, document.to_string()).unwrap();
    let status = app.status().await.unwrap();
    assert!(status.several_identities && status.identity_id.is_none() && status.login_required);
    assert!(shown(&status).contains("several identities"));

    std::fs::write(&path, "{").unwrap();
    assert!(app.status().await.unwrap_err().storage().unwrap().is_damaged());
}

#[tokio::test]
async fn the_last_login_is_remembered_with_the_tokens() {
    let setup = setup();
    let with_login = |token: TokenData, at: i64, authenticated_at: Option<i64>| {
        let login = json!({"at": at, "authenticated_at": authenticated_at});
        token.with_extra(Map::from_iter([("globus_sdk_rs_login".to_owned(), login)]))
    };
    let [auth, transfer] = both();
    setup
        .store([with_login(auth, START - 50, None), with_login(transfer, START - 10, Some(START - 90))])
        .await;
    let login = setup.app(false).status().await.unwrap().last_login.unwrap();
    assert_eq!(login.at.as_second(), START - 10);
    assert_eq!(login.authenticated_at.unwrap().as_second(), START - 90);
    // A renewal keeps it.
    setup.storage.store(vec![token(TRANSFER, ALL)], StoreKind::Refresh).await.unwrap();
    let status = setup.app(false).status().await.unwrap();
    assert_eq!(status.last_login.unwrap().at.as_second(), START - 10);
    assert!(shown(&status).contains("signed in"));
}

#[tokio::test]
async fn a_client_app_never_needs_a_person() {
    let setup = setup();
    let app = ClientApp::builder("status-test")
        .client(CLIENT, "secret of the client")
        .token_storage(&setup.storage)
        .transport(setup.playback.clone())
        .clock(setup.clock.clone())
        .scope_requirements(TRANSFER, ALL)
        .build()
        .unwrap();
    let status = app.status().await.unwrap();
    assert_eq!(status.kind, AppKind::Client);
    assert!(!status.login_required && status.resource_servers[1].token.is_none());
    assert!(shown(&status).contains("acts as the client itself"));
    assert!(!shown(&status).contains("secret of"));
    setup.store([token(TRANSFER, ALL)]).await;
    assert!(app.status().await.unwrap().resource_servers[1].token.as_ref().unwrap().renewable);
}

#[tokio::test]
async fn what_was_stored_by_others_is_shown_without_control_characters() {
    let setup = setup();
    setup.store([token("evil\u{1b}[2J\nserver", "s")]).await;
    let text = setup.app(false).status().await.unwrap().to_string();
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert_eq!(text.lines().filter(|line| line.starts_with("evil")).count(), 1);
    assert!(!text.lines().any(|line| line.starts_with("server")), "{text:?}");
}
