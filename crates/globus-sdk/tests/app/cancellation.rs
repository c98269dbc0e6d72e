//! Callers who go away at any time: no lock stays behind, and no token is lost.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use globus_sdk::{GlobusApp, Storage};
use serde_json::json;

use crate::globus::{AUTH, SEARCH, TRANSFER, next};
use crate::world::{World, call, search, secrets, transfer};

/// Polls a future this many times at most, and then drops it.
async fn for_a_while(future: impl Future<Output = ()>, polls: u64) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if (&mut future).now_or_never().is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// One thing that a program does with its app.
async fn something(app: &GlobusApp, what: u64) {
    let done = match what {
        0..3 => call(&transfer(app)).await.map(drop),
        3..5 => call(&search(app)).await.map(drop),
        5 => app.login().await,
        6 => app.login().force().await,
        7 => app.login_required().await.map(drop),
        8 => app.logout().await.map(drop),
        _ => app.close().await,
    };
    drop(done);
}

async fn everything_at_random(seed: u64, user: bool) {
    let world = World::new();
    world.globus.set(|globus| globus.rotates = true);
    world.globus.wait_at_random(seed);
    let app = if user {
        GlobusApp::from(
            &world.builder().request_refresh_tokens(true).auto_redrive_gares(true).build().unwrap(),
        )
    } else {
        let app = globus_sdk::ClientApp::builder("daemon")
            .client(crate::globus::CLIENT_ID, "s")
            .variables(globus_sdk::config::Variables::none())
            .transport(world.globus.clone())
            .clock(world.clock.clone())
            .token_storage(world.storage.clone())
            .auto_redrive_gares(true);
        GlobusApp::from(&app.build().unwrap())
    };
    let mut numbers = seed;
    for _ in 0..40 {
        match next(&mut numbers) % 6 {
            0 => world.advance(172_801),
            1 => world.globus.kill_access_tokens(),
            2 => world.globus.answer(
                TRANSFER,
                403,
                json!({"code": "ConsentRequired", "authorization_parameters": {
                    "required_scopes": ["email"],
                }}),
            ),
            _ => {}
        }
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (what, polls) = (next(&mut numbers) % 10, next(&mut numbers) % 60);
                let app = app.clone();
                tokio::spawn(async move { for_a_while(something(&app, what), polls).await })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    }

    // Nothing is locked, and everything works with one login at most.
    let last = async {
        while call(&transfer(&app)).await.is_err() {}
        call(&search(&app)).await.unwrap();
        app.close().await.unwrap();
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), last).await;
    assert!(in_time.is_ok(), "seed {seed}: something is locked for ever");
    // What is stored is what is alive, and whole.
    let stored = Storage::from(world.storage.clone()).get_all().await.unwrap();
    assert!(stored.damaged.is_empty());
    for server in [TRANSFER, SEARCH] {
        let token = &stored.tokens[server];
        for secret in secrets(token) {
            assert!(world.globus.is_alive(&secret), "seed {seed}: the stored token for {server} is dead");
        }
    }
    if user {
        assert!(stored.tokens.contains_key(AUTH));
    }
}

#[tokio::test]
async fn callers_of_a_user_app_may_go_away_at_any_time() {
    for seed in 0..60 {
        everything_at_random(seed, true).await;
    }
}

#[tokio::test]
async fn callers_of_a_client_app_may_go_away_at_any_time() {
    for seed in 0..60 {
        everything_at_random(seed, false).await;
    }
}

/// From the moment that the tokens of a login have come, they are stored, whoever goes away.
#[tokio::test]
async fn tokens_that_have_come_are_stored_even_if_nobody_waits() {
    for polls in 0..60 {
        let world = World::new();
        world.globus.wait_at_random(polls);
        let app = world.builder().request_refresh_tokens(true).build().unwrap();
        let client = transfer(&app);
        for_a_while(call(&client).map(drop), polls).await;
        let answered = world.globus.grants("authorization_code") > 0;
        // Whoever comes next waits for what is under way, and asks nobody a second time.
        while call(&client).await.is_err() {}
        if world.person.logins() == 2 {
            assert!(
                !answered || world.globus.sent("/openid-configuration").len() == 1,
                "{polls}: tokens that had come were lost"
            );
        }
    }
}
