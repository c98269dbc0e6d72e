//! One renewal, however many callers, and whatever becomes of them.

use futures_util::future::join_all;
use globus_core::{
    Authorizer, ClientCredentialsAuthorizer, HeldTokens, OnRefresh, PendingPersist, RefreshTokenAuthorizer,
    RefreshWindows, RenewingBuilder,
};
use static_assertions::assert_impl_all;

use crate::support::{Answer, World, idle, soon, token};

assert_impl_all!(Authorizer: Clone, Send, Sync);
assert_impl_all!(RefreshTokenAuthorizer: Clone, Send, Sync);
assert_impl_all!(ClientCredentialsAuthorizer: Clone, Send, Sync);
assert_impl_all!(OnRefresh: Clone, Send, Sync);
assert_impl_all!(RenewingBuilder<RefreshTokenAuthorizer>: Send, Sync);
assert_impl_all!(HeldTokens: Send, Sync);
assert_impl_all!(PendingPersist: Send, Sync);
assert_impl_all!(RefreshWindows: Send, Sync);

fn is_static<T: 'static>(_: &T) {}

#[tokio::test]
async fn a_thousand_callers_with_an_expired_token_make_one_request() {
    let world = World::new();
    let authorizer = world.authorizer(-10);
    is_static(&authorizer);
    // In one task, so that every caller has asked before the first renewal gets a turn.
    let tokens = join_all((0..1000).map(|_| token(&authorizer))).await;
    assert!(tokens.into_iter().all(|token| token.unwrap() == "AT1"));
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_on_several_threads_make_one_request() {
    let world = World::new();
    world.grants.shut();
    let authorizer = world.authorizer(-10);
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let authorizer = authorizer.clone();
            tokio::spawn(async move { token(&authorizer).await.unwrap() })
        })
        .collect();
    world.grants.started().await;
    // More than one would be let through.
    world.grants.let_through(1000);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "AT1");
    }
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_renewals_are_never_under_way_at_once() {
    let world = World::new();
    // Every token is refused at once, by everybody, while others settle: the worst case for the order.
    let authorizer = Authorizer::from(world.authorizer(-10));
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let authorizer = authorizer.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let header = authorizer.authorization().await.unwrap();
                    authorizer.rejected(&header);
                    if number % 2 == 0 {
                        authorizer.settle().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        soon(caller).await.unwrap();
    }
    assert_eq!(world.grants.most_at_once(), 1);
    // Stored in the order in which they came.
    let stored: Vec<_> = world.log.events().into_iter().filter(|event| event.starts_with("store")).collect();
    let expected: Vec<_> = (1..=world.grants.requests()).map(|number| format!("store AT{number}")).collect();
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_take_the_renewal_along() {
    let world = World::new();
    world.grants.shut();
    world.grants.then([Answer::rotated("AT1", "RT1")]);
    let authorizer = world.authorizer(-10);
    let caller = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    world.grants.started().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    world.grants.let_through(1);
    authorizer.settle().await.unwrap();
    assert_eq!(world.adapter.stored().unwrap().refresh_token.unwrap().expose(), "RT1");
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn settle_waits_for_the_renewal_under_way() {
    let world = World::new();
    world.grants.shut();
    // In the advisory time: the header comes at once, the renewal goes on behind it.
    let authorizer = world.authorizer(100);
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    world.grants.started().await;
    let settling = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { authorizer.settle().await }
    });
    idle().await;
    assert!(!settling.is_finished());
    world.grants.let_through(1);
    soon(settling).await.unwrap().unwrap();
    assert_eq!(world.adapter.stored().unwrap().access_token.expose(), "AT1");
}

#[tokio::test]
async fn nothing_is_asked_before_the_first_call_and_no_task_waits_around() {
    let world = World::new();
    let authorizer = world.builder().build().unwrap();
    authorizer.settle().await.unwrap();
    idle().await;
    assert_eq!(world.grants.requests(), 0);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
}

#[tokio::test]
async fn fetch_asks_at_once_unless_there_is_a_token() {
    let world = World::new();
    let authorizer = soon(world.builder().fetch()).await.unwrap();
    assert_eq!(world.grants.requests(), 1);
    assert_eq!(authorizer.held().access_token.unwrap().expose(), "AT1");

    // Even if the token is of no use any more.
    let world = World::new();
    let builder = world.builder().access_token("AT0", world.now() - 5);
    let authorizer = soon(builder.fetch()).await.unwrap();
    assert_eq!(world.grants.requests(), 0);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
}

#[tokio::test]
async fn fetch_fails_with_what_the_token_endpoint_says() {
    let world = World::new();
    world.grants.then([Answer::Broken]);
    assert!(soon(world.builder().fetch()).await.unwrap_err().is_connect());
}
