//! Expiry is judged by the service's clock.

use globus_core::{Authorize, Timestamp};
use jiff::SignedDuration;

use crate::support::{Answer, LIFETIME, World, soon, token};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[tokio::test]
async fn a_token_that_has_expired_by_the_services_clock_is_renewed() {
    let world = World::new();
    let authorizer = world.authorizer(1000);
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    // The service is twenty minutes ahead.
    authorizer.observe_server_time(at(world.now() + 1200));
    assert_eq!(authorizer.clock_offset(), SignedDuration::from_secs(1200));
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
}

#[tokio::test]
async fn a_token_that_is_good_by_the_services_clock_is_kept() {
    let world = World::new();
    let authorizer = world.authorizer(10);
    authorizer.observe_server_time(at(world.now() - 1200));
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(world.grants.requests(), 0);
    // A clock that was set right counts again.
    authorizer.observe_server_time(at(world.now()));
    assert_eq!(authorizer.clock_offset(), SignedDuration::ZERO);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
}

#[tokio::test]
async fn small_and_impossible_differences_are_ignored() {
    let world = World::new();
    let authorizer = world.authorizer(301);
    for difference in [4, -4, 86_401, -86_401, 400 * 86_400] {
        authorizer.observe_server_time(at(world.now() + difference));
        assert_eq!(authorizer.clock_offset(), SignedDuration::ZERO, "{difference}");
    }
    // An established difference does not follow the noise of the network either.
    for (difference, expected) in [(1200, 1200), (1203, 1200), (1197, 1200), (1210, 1210), (86_401, 1210)] {
        authorizer.observe_server_time(at(world.now() + difference));
        assert_eq!(authorizer.clock_offset(), SignedDuration::from_secs(expected), "{difference}");
    }
}

#[tokio::test]
async fn the_clock_of_the_token_endpoint_counts_too() {
    let world = World::new();
    // An hour ahead: the expiry in its answer is reckoned by that clock.
    world.grants.then([Answer::At(world.now() + 3600)]);
    let authorizer = world.builder().build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert_eq!(authorizer.clock_offset(), SignedDuration::from_secs(3600));
    assert_eq!(authorizer.held().expires_at_seconds, Some(world.now() + 3600 + LIFETIME));
    world.advance(3299);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(world.grants.requests(), 1);
    world.advance(300);
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
}
