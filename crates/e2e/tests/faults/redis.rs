//! Storms on Redis.

use std::time::Duration;

use e2e::storages;
use test_services::redis::RedisServer;

use crate::storm::{self, Kills, WORKERS};
use crate::workers::Setup;

/// The server is killed and started again while two hundred workers want a token; it answers a write when it is on its
/// disk, so what it has acknowledged is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_restarts_in_the_middle() {
    let world = storm::world(Duration::from_secs(30)).await;
    let mut server = RedisServer::durable();
    let setup = Setup::new(format!("redis:{}", server.url())).with_short_leases();
    let storage = storages::open(&setup.storage, setup.lease_time).await.unwrap();
    storm::store_expired(&world, &storage).await;
    let (server_back, server_again) = std::sync::mpsc::channel();
    let restart = move || {
        server.kill();
        server.start_again();
        server_back.send(server).unwrap();
    };
    let setup = move |_| setup.clone();
    let reports = storm::run_through(&world, WORKERS, Kills::TheFirstAndOneInTen, restart, setup).await;
    let _server = server_again.recv().unwrap();
    storm::check(&world, &storage, &reports).await;
}

/// A server that is slow is not one that is away.
#[tokio::test]
async fn the_server_is_slow() {
    let server = RedisServer::in_memory();
    let storage = storages::open(&format!("redis:{}", server.url()), Duration::from_secs(30)).await.unwrap();
    // Longer than the driver waits by default, however often the storage asks again.
    server.pause(Duration::from_secs(4));
    assert!(storage.get("rs").await.unwrap().is_none());
}

/// The lease of a living holder is lost, so that two renew at once: one result is stored, and it is good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_lost() {
    let world = storm::world(Duration::from_secs(30)).await;
    let server = RedisServer::in_memory();
    let setup = Setup::new(format!("redis:{}", server.url())).with_short_leases();
    let storage = storages::open(&setup.storage, setup.lease_time).await.unwrap();
    storm::store_expired(&world, &storage).await;
    let (server_back, server_again) = std::sync::mpsc::channel();
    let lose = move || {
        server.delete("*lease:*");
        server_back.send(server).unwrap();
    };
    let setup = move |_| setup.clone();
    let reports = storm::run_through(&world, WORKERS / 5, Kills::None, lose, setup).await;
    let _server = server_again.recv().unwrap();
    storm::check_survivors(&reports);
    let asked: usize = reports.iter().map(crate::workers::Report::asked).sum();
    assert!((1..=2).contains(&asked), "{asked} have renewed the token; one lost its lease");
    storm::assert_family_is_alive(&world, &storage).await;
}
