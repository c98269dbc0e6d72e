//! One login serves everybody who needs it.

use std::sync::atomic::Ordering::SeqCst;

use futures_util::future::join_all;
use globus_sdk::{GlobusApp, LoginError};

use crate::globus::{SEARCH, TRANSFER};
use crate::world::{SEARCH_SEARCH, World, call, chain, client, search, transfer};

/// Polls everything once, which brings it as far as it gets.
async fn everybody_waits() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_callers_make_one_login() {
    let world = World::new();
    world.person.thinks();
    let app = world.app();
    let clients: Vec<_> =
        (0..50).map(|number| if number % 2 == 0 { transfer(&app) } else { search(&app) }).collect();
    let calls: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(async move { call(&client).await })).collect();
    world.person.begun(1).await;
    everybody_waits().await;
    world.person.goes_on();
    for outcome in join_all(calls).await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(world.person.logins(), 1);
    assert_eq!(world.globus.sent("/things").len(), 50, "nobody sent without a token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_with_as_many_resource_servers_make_one_login() {
    for _ in 0..10 {
        let world = World::new();
        let app = world.app();
        let servers: Vec<_> = (0..20).map(|number| format!("s{number}.example.org")).collect();
        let clients: Vec<_> = servers
            .iter()
            .map(|server| client(&app, server, format!("urn:globus:auth:scope:{server}:all")))
            .collect();
        let calls: Vec<_> =
            clients.into_iter().map(|client| tokio::spawn(async move { call(&client).await })).collect();
        for outcome in join_all(calls).await {
            outcome.unwrap().unwrap();
        }
        assert_eq!(world.person.logins(), 1);
    }
}

#[tokio::test]
async fn a_login_that_failed_is_everybodys_who_waited_and_the_next_call_asks_again() {
    let world = World::new();
    world.person.thinks();
    world.person.refuses.store(true, SeqCst);
    let app = world.app();
    let client = transfer(&app);
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client).await })
        })
        .collect();
    world.person.begun(1).await;
    everybody_waits().await;
    world.person.goes_on();
    for outcome in join_all(calls).await {
        let error = outcome.unwrap().unwrap_err();
        let Some(LoginError::Refused { error, .. }) = error.find_cause::<LoginError>() else {
            panic!("{}", chain(&error))
        };
        assert_eq!(error, "access_denied");
    }
    assert_eq!(world.person.logins(), 1);

    world.person.refuses.store(false, SeqCst);
    world.person.goes_on();
    call(&client).await.unwrap();
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn another_takes_over_when_the_first_caller_goes_away() {
    let world = World::new();
    world.person.thinks();
    let app = world.app();
    let client = transfer(&app);
    let spawn = || {
        let client = client.clone();
        tokio::spawn(async move { call(&client).await })
    };
    let first = spawn();
    world.person.begun(1).await;
    let others = [spawn(), spawn()];
    everybody_waits().await;
    assert_eq!(world.person.logins(), 1);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    world.person.begun(2).await;
    world.person.goes_on();
    for outcome in join_all(others).await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(world.person.logins(), 2);
}

/// A client that is attached while the login is under way needs what that login does not ask for.
#[tokio::test]
async fn a_login_that_began_with_less_does_not_do() {
    let world = World::new();
    world.person.thinks();
    let app = world.app();
    let transferring = tokio::spawn({
        let client = transfer(&app);
        async move { call(&client).await }
    });
    world.person.begun(1).await;
    let searching = tokio::spawn({
        let client = search(&app);
        async move { call(&client).await }
    });
    everybody_waits().await;
    world.person.goes_on();
    transferring.await.unwrap().unwrap();
    world.person.begun(2).await;
    assert!(world.person.last_scopes().contains(&SEARCH_SEARCH.to_owned()));
    world.person.goes_on();
    searching.await.unwrap().unwrap();
    assert_eq!(world.person.logins(), 2);
}

#[tokio::test]
async fn an_explicit_login_and_one_by_a_call_are_one() {
    let world = World::new();
    world.person.thinks();
    let app = GlobusApp::from(&world.app());
    let client = transfer(&app);
    let calling = tokio::spawn(async move { call(&client).await });
    world.person.begun(1).await;
    let logging_in = tokio::spawn(async move { app.login().await });
    everybody_waits().await;
    world.person.goes_on();
    calling.await.unwrap().unwrap();
    logging_in.await.unwrap().unwrap();
    assert_eq!(world.person.logins(), 1);
}

/// As in the Python SDK: the login is made, and then the token is still missing.
#[tokio::test]
async fn a_resource_server_that_nobody_asked_for_is_told_after_one_login() {
    let world = World::new();
    let app = world.app();
    transfer(&app);
    let error = app.authorizer(SEARCH).authorization().await.unwrap_err();
    assert!(error.storage().unwrap().is_validation(), "{}", chain(&error));
    assert_eq!(error.storage().unwrap().resource_server().unwrap(), SEARCH);
    assert_eq!(world.person.logins(), 1);
    assert!(world.stored(TRANSFER).await.is_some());
}
