//! Refreshing: plain, rotated, replayed, expired, revoked.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::Duration;

use globus_emulator::{Rotation, TokenFilter, TokenLifetimes};
use support::{TRANSFER, json, setup, setup_with, text};

#[tokio::test]
async fn a_refresh_answers_one_new_token_and_repeats_the_refresh_token() {
    let setup = setup().await;
    let tokens = setup.login(&format!("openid {TRANSFER}")).await;
    let old = &tokens["other_tokens"][0];
    let new = json(setup.refresh(&text(&old["refresh_token"])).await, 200).await;
    assert_ne!(new["access_token"], old["access_token"]);
    assert_eq!(new["refresh_token"], old["refresh_token"]);
    assert_eq!(new["resource_server"], "transfer.api.globus.org");
    assert_eq!(new["other_tokens"], serde_json::json!([]));
}

#[tokio::test]
async fn expired_access_tokens_are_refused_and_can_be_renewed() {
    let setup = setup().await;
    let tokens = setup.login("openid").await;
    let access = text(&tokens["access_token"]);
    assert_eq!(setup.emulator.expire_tokens(&TokenFilter::access()), 1);
    assert_eq!(setup.userinfo(&access).await.status(), 401);
    let new = json(setup.refresh(&text(&tokens["refresh_token"])).await, 200).await;
    assert_eq!(setup.userinfo(&text(&new["access_token"])).await.status(), 200);

    setup.emulator.advance(Duration::from_secs(172_800));
    assert_eq!(setup.userinfo(&text(&new["access_token"])).await.status(), 401);
}

#[tokio::test]
async fn lifetimes_can_be_set() {
    let lifetimes = TokenLifetimes::access(Duration::from_secs(60)).refresh_idle(Duration::from_secs(600));
    let setup = setup_with(|builder| builder.token_lifetimes(lifetimes)).await;
    setup.emulator.clock().freeze();
    let tokens = setup.login("openid").await;
    let refresh = text(&tokens["refresh_token"]);
    assert_eq!(tokens["expires_in"], 60);
    setup.emulator.advance(Duration::from_secs(599));
    json(setup.refresh(&refresh).await, 200).await;
    // Its use began the idle time anew.
    setup.emulator.advance(Duration::from_secs(599));
    json(setup.refresh(&refresh).await, 200).await;
    setup.emulator.advance(Duration::from_secs(600));
    assert_eq!(json(setup.refresh(&refresh).await, 400).await["error"], "invalid_grant");
}

#[tokio::test]
async fn a_rotated_token_replayed_without_grace_revokes_its_family() {
    let setup = setup_with(|builder| builder.rotation(Rotation::on())).await;
    let tokens = setup.login("openid").await;
    let other = setup.login("openid").await;
    let first = text(&tokens["refresh_token"]);
    let second = json(setup.refresh(&first).await, 200).await;
    assert_ne!(text(&second["refresh_token"]), first);
    assert_eq!(setup.userinfo(&text(&second["access_token"])).await.status(), 200);

    let refused = json(setup.refresh(&first).await, 400).await;
    assert_eq!(refused["error"], "invalid_grant");
    json(setup.refresh(&text(&second["refresh_token"])).await, 400).await;
    assert_eq!(setup.userinfo(&text(&second["access_token"])).await.status(), 401);
    // Another login is another family.
    json(setup.refresh(&text(&other["refresh_token"])).await, 200).await;
}

#[tokio::test]
async fn within_the_grace_a_replay_gets_the_current_successor() {
    let grace = Duration::from_secs(30);
    let setup = setup_with(|builder| builder.rotation(Rotation::on().reuse_grace(grace))).await;
    setup.emulator.clock().freeze();
    let first = text(&setup.login("openid").await["refresh_token"]);
    let second = json(setup.refresh(&first).await, 200).await;
    let again = json(setup.refresh(&first).await, 200).await;
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert_ne!(again["access_token"], second["access_token"]);
    assert_eq!(setup.userinfo(&text(&again["access_token"])).await.status(), 200);

    // The successor was rotated meanwhile: the replay gets the newest.
    let third = json(setup.refresh(&text(&second["refresh_token"])).await, 200).await;
    setup.emulator.advance(grace);
    let late = json(setup.refresh(&first).await, 200).await;
    assert_eq!(late["refresh_token"], third["refresh_token"]);

    setup.emulator.advance(Duration::from_secs(1));
    json(setup.refresh(&first).await, 400).await;
    json(setup.refresh(&text(&third["refresh_token"])).await, 400).await;
}

#[tokio::test]
async fn another_client_cannot_refresh() {
    let setup = setup().await;
    let refresh = text(&setup.login("openid").await["refresh_token"]);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("client_id", "95fdeba8-fac2-42bd-a357-e068d82ff78e"),
    ];
    assert_eq!(json(setup.token(&form).await, 400).await["error"], "invalid_grant");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(json(setup.token_as_service(&form).await, 400).await["error"], "invalid_grant");
    json(setup.refresh(&refresh).await, 200).await;
}

#[tokio::test]
async fn revoking_always_answers_the_same_and_ends_tokens() {
    let setup = setup().await;
    let tokens = setup.login("openid").await;
    let revoke = async |form: &[(&str, &str)]| {
        let answer = setup.http.post(setup.auth("v2/oauth2/token/revoke")).form(form).send().await.unwrap();
        assert_eq!(json(answer, 200).await, serde_json::json!({"active": false}));
    };
    revoke(&[]).await;
    revoke(&[("token", "unknown")]).await;
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    revoke(&[("token", &access), ("client_id", "95fdeba8-fac2-42bd-a357-e068d82ff78e")]).await;
    assert_eq!(setup.userinfo(&access).await.status(), 401);
    let new = json(setup.refresh(&refresh).await, 200).await;
    revoke(&[("token", &refresh)]).await;
    json(setup.refresh(&refresh).await, 400).await;
    // What the refresh token gave ends with it.
    assert_eq!(setup.userinfo(&text(&new["access_token"])).await.status(), 401);
}

#[tokio::test]
async fn a_data_directory_keeps_tokens_keys_and_ids_over_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("emulator");
    let first = setup_with(|builder| builder.data_dir(&data)).await;
    let refresh = text(&first.login("openid").await["refresh_token"]);
    let keys = async |setup: &support::Setup| {
        json(setup.http.get(setup.auth("jwk.json")).send().await.unwrap(), 200).await
    };
    let before =
        (keys(&first).await, first.native(), first.id("laptop"), first.emulator.confidential_client());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        for entry in data.read_dir().unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
    let support::Setup { emulator, a, b, .. } = first;
    emulator.clock().advance(Duration::from_secs(3600));
    emulator.stop().await;

    let second = setup_with(|_| {
        let builder = globus_emulator::Emulator::builder().data_dir(&data);
        builder.collection("laptop", a.path()).collection("cluster", b.path())
    })
    .await;
    let after =
        (keys(&second).await, second.native(), second.id("laptop"), second.emulator.confidential_client());
    assert_eq!(before, after);
    json(second.refresh(&refresh).await, 200).await;
    // The clock goes on from where it was.
    let ahead = globus_emulator::Clock::now(&second.emulator.clock()).duration_since(jiff::Timestamp::now());
    assert!(ahead.as_secs() >= 3599);
    // Only fingerprints of tokens are written.
    for entry in data.read_dir().unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(refresh.len()).any(|window| window == refresh.as_bytes()));
    }
}

#[tokio::test]
async fn one_emulator_has_a_data_directory_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let start = || globus_emulator::Emulator::builder().data_dir(home.path()).start();
    let first = start().await.unwrap();
    let id = first.native_client_id();
    let refused = start().await.unwrap_err();
    assert!(matches!(refused, globus_emulator::StartError::Store(_)), "{refused}");
    // Dropping is enough to let go of it.
    drop(first);
    assert_eq!(start().await.unwrap().native_client_id(), id);
}
