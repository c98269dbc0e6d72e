//! The logins of a portal's users, when some of them end: who must log in again is told so, with an address and a state of
//! their own; everybody else goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use globus_emulator::{Decision, Fault, JwtTime, Person, Service, TokenFilter};
use globus_sdk::seal::SealingKey;
use globus_sdk::storage::{MemoryTokenStorage, SealedTokenStorage};
use globus_sdk::{
    ConfidentialAppAuthClient, GlobusAuthorizationParameters, Result, RetryPolicy, Storage, TransferClient,
    UserApp,
};
use support::World;

const USERS: [&str; 4] = ["ada", "ben", "cleo", "dan"];

struct Portal {
    world: World,
    app: UserApp,
    /// What is in the database.
    rows: Storage,
    ids: BTreeMap<&'static str, String>,
}

impl Portal {
    async fn open() -> Self {
        // Clocks that jump are the portal's, too, so id tokens follow them.
        let world = World::start_with(|builder| builder.jwt_time(JwtTime::Emulated)).await;
        let client = world.emulator.confidential_client();
        let login_client = ConfidentialAppAuthClient::builder(client.id(), client.secret().to_owned())
            .environment(world.emulator.environment())
            .clock(world.emulator.clock())
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let rows = MemoryTokenStorage::new();
        let sealed = SealedTokenStorage::new(rows.clone(), SealingKey::from_bytes([3; 32])).unwrap();
        let app = UserApp::builder("portal")
            .login_client(login_client)
            .redirect_uri("http://localhost:8080/callback")
            .never_prompt()
            .request_refresh_tokens(true)
            .never_plain_text()
            .token_storage(sealed)
            .environment(world.emulator.environment())
            .clock(world.emulator.clock())
            .retry(RetryPolicy::never())
            .scope_requirements(TransferClient::RESOURCE_SERVER, TransferClient::ALL_SCOPE)
            .build()
            .unwrap();
        let mut portal = Self { world, app, rows: rows.into(), ids: BTreeMap::new() };
        for user in USERS {
            let person = portal.world.emulator.add_person(&Person::new(format!("{user}@example.org")));
            portal.ids.insert(user, person[0].id.to_string());
            portal.log_in(user).await;
        }
        portal
    }

    /// The user's app, as a request of theirs gets it.
    fn of(&self, user: &str) -> UserApp {
        self.app.with_profile(user)
    }

    /// The user's browser goes to Globus Auth and comes back.
    async fn log_in(&self, user: &str) {
        let app = self.of(user);
        let login = app.begin_login(GlobusAuthorizationParameters::default()).unwrap();
        self.world.emulator.script_consent([Decision::approve().as_user(format!("{user}@example.org"))]);
        let redirected = self.world.emulator.login(login.authorize_url()).await.unwrap();
        let tokens = login.finish(redirected.url.as_str()).await.unwrap();
        app.finish_login(tokens).await.unwrap();
    }

    /// A page that needs Transfer.
    async fn request(&self, user: &str) -> Result<()> {
        let client = TransferClient::with_app(&self.of(user))?;
        client.task_list().send().await.map(drop)
    }

    async fn sealed_rows(&self) -> BTreeMap<&'static str, String> {
        let mut all = BTreeMap::new();
        for user in USERS {
            let row = self.rows.with_namespace(user).get(TransferClient::RESOURCE_SERVER).await.unwrap();
            all.insert(user, row.unwrap().access_token.expose().to_owned());
        }
        all
    }
}

#[tokio::test]
async fn users_whose_login_has_ended_are_sent_to_log_in_and_nobody_else_notices() {
    let portal = Portal::open().await;
    let emulator = &portal.world.emulator;
    for user in USERS {
        portal.request(user).await.unwrap();
    }
    assert!(emulator.withdraw_consent(&portal.ids["ada"], TransferClient::ALL_SCOPE) > 0);
    emulator.expire_tokens(&TokenFilter::refresh().identity(&portal.ids["ben"]));
    emulator.expire_tokens(&TokenFilter::access());
    emulator.advance(Duration::from_secs(49 * 3600));
    let before = portal.sealed_rows().await;

    for user in ["cleo", "dan"] {
        portal.request(user).await.unwrap();
    }
    let mut states = Vec::new();
    for user in ["ada", "ben"] {
        let error = portal.request(user).await.unwrap_err();
        assert!(error.is_login_required(), "{user}: {error:?}");
        let login = portal.of(user).begin_login(GlobusAuthorizationParameters::default()).unwrap();
        assert!(login.authorize_url().as_str().contains("/v2/oauth2/authorize?"));
        states.push(login.state().to_owned());
    }
    assert_ne!(states[0], states[1]);
    let after = portal.sealed_rows().await;
    for user in USERS {
        assert_eq!(before[user] == after[user], ["ada", "ben"].contains(&user), "the row of {user}");
    }

    portal.log_in("ada").await;
    portal.request("ada").await.unwrap();
    assert!(portal.request("ben").await.unwrap_err().is_login_required());
}

#[tokio::test]
async fn while_the_token_endpoint_is_away_live_users_go_on() {
    let portal = Portal::open().await;
    let emulator = &portal.world.emulator;
    let fault = emulator.faults().add(Fault::status(503).service(Service::Auth).path("^/v2/oauth2/token$"));
    for _minute in 0..10 {
        emulator.advance(Duration::from_secs(60));
        for user in USERS {
            portal.request(user).await.unwrap();
        }
    }
    // Who needs a new token just then is told to come back, and not to log in.
    emulator.advance(Duration::from_secs(49 * 3600));
    let error = portal.request("ada").await.unwrap_err();
    assert!(error.is_retryable() && !error.is_login_required(), "{error:?}");
    emulator.faults().remove(fault);
    emulator.advance(Duration::from_secs(60));
    for user in USERS {
        portal.request(user).await.unwrap();
    }
}
