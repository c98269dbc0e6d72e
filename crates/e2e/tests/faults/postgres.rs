//! Storms on PostgreSQL.

use std::time::Duration;

use e2e::storages;
use globus_sdk::Storage;
use globus_sdk::storage::PostgresTokenStorage;
use test_services::postgres::{Durability, Server};

use crate::storm::{self, Kills, WORKERS};
use crate::workers::Setup;

/// The server is killed and started again while two hundred workers want a token; it waits for its disk, so what it
/// has acknowledged is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_restarts_in_the_middle() {
    let world = storm::world(Duration::from_secs(30)).await;
    let mut server = Server::start(Durability::On);
    let tokens = PostgresTokenStorage::new(storages::pool(server.connection(), 4).unwrap());
    tokens.migrate().await.unwrap();
    let storage = Storage::from(tokens);
    storm::store_expired(&world, &storage).await;
    let setup = Setup::new(format!("postgres:{}", server.connection())).with_short_leases();
    let (server_back, server_again) = std::sync::mpsc::channel();
    let restart = move || {
        server.restart();
        server_back.send(server).unwrap();
    };
    let setup = move |_| setup.clone();
    let reports = storm::run_through(&world, WORKERS, Kills::TheFirstAndOneInTen, restart, setup).await;
    let _server = server_again.recv().unwrap();
    storm::check(&world, &storage, &reports).await;
}
