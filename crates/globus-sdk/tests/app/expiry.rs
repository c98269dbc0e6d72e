//! Access tokens that nothing renews: when they end, and when a service does not take them.

use globus_sdk::RetryPolicy;
use http::StatusCode;

use crate::globus::{START, TRANSFER};
use crate::world::{World, call, chain, search, transfer};

#[tokio::test]
async fn a_token_serves_until_it_ends_and_then_there_is_one_login() {
    let world = World::new();
    let app = world.app();
    let client = transfer(&app);
    let first = call(&client).await.unwrap();
    world.advance(172_790);
    assert_eq!(call(&client).await.unwrap(), first);
    assert_eq!(world.person.logins(), 1);
    world.advance(11);
    assert!(app.login_required().await.unwrap());
    let second = call(&client).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(call(&client).await.unwrap(), second);
    assert_eq!(world.person.logins(), 2);
    let refused = world.globus.sent("/things").len();
    assert_eq!(refused, 4, "what has ended was sent");
}

/// The machine is 20 minutes ahead of the services, or behind them.
#[tokio::test]
async fn a_wrong_clock_makes_neither_storms_nor_stale_tokens() {
    for off in [-1200_i64, 1200] {
        let world = World::new();
        let now = |seconds: i64| globus_sdk::Timestamp::from_second(START + seconds).unwrap();
        world.clock.set(now(off));
        // Less than the clock is off.
        world.globus.set(|globus| globus.lifetime = 900);
        let app = world.app();
        let client = transfer(&app);
        let first = call(&client).await.unwrap();
        assert_eq!(app.clock_offset().as_secs(), -off);
        for passed in [100, 800] {
            world.advance(if passed == 100 { 100 } else { 700 });
            assert_eq!(call(&client).await.unwrap(), first, "{off}, after {passed}");
        }
        assert_eq!(world.person.logins(), 1, "{off}");
        // By the services' clock it is over: it is not sent.
        world.advance(101);
        let sent = world.globus.sent("/things").len();
        let second = call(&client).await.unwrap();
        assert_ne!(second, first);
        assert_eq!(world.globus.sent("/things").len(), sent + 1, "{off}: a stale token was sent");
        assert_eq!(world.person.logins(), 2, "{off}");

        // A process that starts now knows nothing of that yet. It comes to it with one login at most.
        let next = world.app();
        let client = transfer(&next);
        for _ in 0..5 {
            call(&client).await.unwrap();
        }
        assert!(world.person.logins() <= 3, "{off}: {} logins", world.person.logins());
    }
}

#[tokio::test]
async fn a_token_that_is_not_taken_any_more_is_replaced_by_one_login() {
    let world = World::new();
    let app = world.app();
    let (transfer, search) = (transfer(&app), search(&app));
    call(&transfer).await.unwrap();
    world.globus.kill_access_tokens();
    call(&transfer).await.unwrap();
    call(&search).await.unwrap();
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn many_refusals_at_once_are_one_login() {
    let world = World::new();
    let app = world.app();
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.kill_access_tokens();
    let calls = (0..20).map(|_| call(&client));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn where_nobody_may_be_asked_a_refused_token_is_a_login_that_is_needed() {
    let world = World::new();
    call(&transfer(&world.app())).await.unwrap();
    let app = world.builder().never_prompt().build().unwrap();
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.kill_access_tokens();
    for _ in 0..2 {
        let error = call(&client).await.unwrap_err();
        assert!(error.is_login_required(), "{error:?}");
        assert!(chain(&error).contains("no longer takes the token"), "{}", chain(&error));
    }
    assert!(app.login_required().await.unwrap());
    assert_eq!(world.globus.sent("/things").len(), 3, "a token that was refused was sent again");
    assert!(world.stored(TRANSFER).await.is_some(), "what to do with it is the user's");
}

/// A service that refuses everybody must not send people to the login page again and again.
#[tokio::test]
async fn a_service_that_refuses_every_token_costs_one_login() {
    let world = World::new();
    let app = world.app();
    let (transfer, search) = (transfer(&app), search(&app));
    call(&transfer).await.unwrap();
    for _ in 0..20 {
        world.globus.answer(TRANSFER, 401, serde_json::json!({"code": "AuthenticationFailed"}));
    }
    for _ in 0..5 {
        let error = call(&transfer).await.unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED), "{}", chain(&error));
    }
    assert_eq!(world.person.logins(), 2);
    // Others are not concerned; and who asks for a login gets one.
    call(&search).await.unwrap();
    app.login().force().await.unwrap();
    assert_eq!(world.person.logins(), 3);
}

#[tokio::test]
async fn without_retries_a_refused_token_starts_no_login_in_the_same_call() {
    let world = World::new();
    let app = world.builder().retry(RetryPolicy::default().max_retries(0)).build().unwrap();
    let client = transfer(&app);
    call(&client).await.unwrap();
    world.globus.kill_access_tokens();
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(world.person.logins(), 1);
    // The next call knows that the token is dead.
    call(&client).await.unwrap();
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn only_tokens_that_do_not_do_are_a_reason_for_a_login() {
    let world = World::new();
    let app = world.app();
    let client = transfer(&app);
    call(&client).await.unwrap();
    for status in [0, 400, 404, 409, 500, 502] {
        for _ in 0..6 {
            world.globus.answer(TRANSFER, status, serde_json::json!({"code": "Nope"}));
        }
        call(&client).await.unwrap_err();
        while call(&client).await.is_err() {}
    }
    assert_eq!(world.person.logins(), 1);
}
