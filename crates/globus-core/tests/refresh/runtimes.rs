//! Runtimes that end in the middle, and callers that have none.

use futures_util::FutureExt;
use globus_core::Authorizer;
use tokio::runtime::{Builder, Runtime};

use crate::support::{Answer, Step, World, token};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap()
}

#[test]
fn a_runtime_that_ends_before_the_answer_costs_a_second_request() {
    let world = World::new();
    world.grants.shut();
    let authorizer = world.authorizer(-1);
    let first = runtime();
    first.spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    first.block_on(world.grants.started());
    drop(first);
    world.grants.let_through(1);
    let second = runtime();
    assert_eq!(second.block_on(token(&authorizer)).unwrap(), "AT2");
    assert_eq!(world.grants.most_at_once(), 1);
}

#[test]
fn a_caller_that_outlives_the_renewals_runtime_starts_another() {
    let world = World::new();
    world.grants.shut();
    let authorizer = world.authorizer(-1);
    let (first, second) = (runtime(), runtime());
    first.spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    first.block_on(world.grants.started());
    // Joins the renewal that runs on the other runtime.
    let waiting = second.spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    drop(first);
    second.block_on(world.grants.started());
    world.grants.let_through(1);
    assert_eq!(second.block_on(waiting).unwrap().unwrap(), "AT2");
}

#[test]
fn a_runtime_that_ends_after_the_answer_does_not_lose_the_token() {
    let world = World::new();
    world.grants.then([Answer::rotated("AT1", "RT1")]);
    world.adapter.shut();
    let authorizer = world.authorizer(-1);
    let first = runtime();
    first.spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    first.block_on(world.adapter.started());
    first.shutdown_background();
    world.adapter.open();
    // The token is on its way to the storage, and the next caller needs no second request: the old refresh
    // token is spent.
    let second = runtime();
    assert_eq!(second.block_on(token(&authorizer)).unwrap(), "AT1");
    assert_eq!(world.adapter.stored().unwrap().refresh_token.unwrap().expose(), "RT1");
    assert_eq!(authorizer.held().refresh_token.unwrap().expose(), "RT1");
    assert_eq!(world.grants.asked(), ["RT0"]);
}

#[test]
fn a_token_that_has_arrived_is_stored_even_if_nobody_asks_again() {
    let world = World::new();
    world.adapter.shut();
    let authorizer = world.authorizer(-1);
    let first = runtime();
    first.spawn(async move { token(&authorizer).await });
    first.block_on(world.adapter.started());
    let adapter = world.adapter.clone();
    let opens = std::thread::spawn(move || adapter.open());
    // Waits for the thread that stores, as every runtime does that is dropped.
    drop(first);
    opens.join().unwrap();
    assert_eq!(world.adapter.stored().unwrap().access_token.expose(), "AT1");
}

#[test]
fn settle_on_a_new_runtime_finishes_what_the_old_one_left() {
    let world = World::new();
    world.adapter.shut();
    world.adapter.next_stores([Step::Fail]);
    let authorizer = world.authorizer(-1);
    let first = runtime();
    first.spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    first.block_on(world.adapter.started());
    first.shutdown_background();
    world.adapter.open();
    let second = runtime();
    // The first runtime's store may be the one that fails; whichever does, the token ends up stored.
    if second.block_on(authorizer.settle()).is_err() {
        second.block_on(authorizer.settle()).unwrap();
    }
    assert_eq!(world.adapter.stored().unwrap().access_token.expose(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[test]
fn outside_a_runtime_a_good_token_is_given_and_a_renewal_is_a_usage_error() {
    let world = World::new();
    // Advisory: a renewal would be started, if it could be.
    let authorizer = Authorizer::from(world.authorizer(100));
    let header = authorizer.authorization().now_or_never().unwrap().unwrap();
    assert_eq!(crate::support::text(&header), "AT0");
    world.advance(50);
    let error = authorizer.authorization().now_or_never().unwrap().unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("tokio runtime"), "{error}");
    authorizer.settle().now_or_never().unwrap().unwrap();
    assert_eq!(world.grants.requests(), 0);
    // Nothing is left behind that would keep a runtime from renewing.
    assert_eq!(runtime().block_on(token(&authorizer)).unwrap(), "AT1");
}

#[test]
fn outside_a_runtime_storing_what_is_owed_is_a_usage_error() {
    let world = World::new();
    world.adapter.next_stores([Step::Fail]);
    let authorizer = world.authorizer(-1);
    let inside = runtime();
    inside.block_on(token(&authorizer)).unwrap();
    // The renewal's last steps.
    while authorizer.settle().now_or_never().is_none() {
        std::thread::yield_now();
    }
    assert!(authorizer.settle().now_or_never().unwrap().unwrap_err().is_usage());
    inside.block_on(authorizer.settle()).unwrap();
}
