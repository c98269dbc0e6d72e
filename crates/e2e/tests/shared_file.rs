//! Many processes on one token file: one renews, the others take over what it stored, and nobody's death hurts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the children tell the parent how far they are")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use globus_emulator::{Fault, Rotation, Service};
use globus_sdk::storage::StoreKind;
use globus_sdk::{
    Authorizer, JsonTokenStorage, NativeAppAuthClient, RefreshTokenAuthorizer, Storage, TransferClient,
};
use support::{World, expired};

const PROCESSES: usize = 64;

/// What a child does: build an authorizer from the file, and use it.
#[tokio::main(flavor = "current_thread")]
async fn child(file: &Path, auth_url: &str, transfer_url: &str, client_id: &str) {
    let storage = Storage::from(JsonTokenStorage::new(file));
    let tokens = storage.get(TransferClient::RESOURCE_SERVER).await.unwrap().unwrap();
    let login_client = NativeAppAuthClient::builder(client_id).base_url(auth_url).build().unwrap();
    let authorizer = RefreshTokenAuthorizer::from_tokens(&tokens, &login_client)
        .unwrap()
        .on_refresh(storage)
        .build()
        .unwrap();
    println!("started");
    let header = Authorizer::from(&authorizer).authorization().await.unwrap();
    assert!(header.header().is_some());
    let client = TransferClient::builder().authorizer(&authorizer).base_url(transfer_url).build().unwrap();
    client.get_submission_id().send().await.unwrap();
    authorizer.settle().await.unwrap();
    println!("good");
}

/// Runs as a child when the parent says so; alone it has nothing to do.
#[test]
fn child_process() {
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(file) = variable("E2E_FILE") {
        child(
            Path::new(&file),
            &variable("E2E_AUTH").unwrap(),
            &variable("E2E_TRANSFER").unwrap(),
            &variable("E2E_CLIENT").unwrap(),
        );
    }
}

struct Peer {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(world: &World, file: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--nocapture"])
            .env("E2E_FILE", file)
            .env("E2E_AUTH", world.emulator.service_url("auth"))
            .env("E2E_TRANSFER", world.emulator.service_url("transfer"))
            .env("E2E_CLIENT", world.emulator.native_client_id().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// Reads until the line comes. False when the process ended without it.
    fn says(&mut self, expected: &str) -> bool {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            if line.contains(expected) {
                return true;
            }
        }
    }
}

/// Kills the process that has the refresh lease, and so is asking the token endpoint or storing the answer.
fn kill_the_holder(file: &Path, peers: &mut [Peer]) -> usize {
    let lease = file.with_file_name("tokens.json.refresh");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "nobody took the lease");
        let holder = std::fs::read(&lease)
            .ok()
            .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
            .and_then(|lease| lease["pid"].as_u64());
        let victim = peers.iter().position(|peer| Some(u64::from(peer.process.id())) == holder);
        if let Some(victim) = victim {
            peers[victim].process.kill().unwrap();
            return victim;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_survivor_has_a_good_token_and_each_surviving_lease_made_one_request() {
    let world =
        World::start_with(|builder| builder.rotation(Rotation::on().reuse_grace(Duration::from_secs(30))))
            .await;
    let file = world.directory.path().join("tokens.json");
    let storage = Storage::from(JsonTokenStorage::new(&file));
    let response = world.log_in().await;
    storage.store(vec![expired(&response)], StoreKind::Login).await.unwrap();
    // Slow enough that processes die in the middle of it.
    world
        .emulator
        .faults()
        .add(Fault::latency(Duration::from_millis(150)).service(Service::Auth).path("token"));

    let (world, file) = (std::sync::Arc::new(world), std::sync::Arc::new(file));
    let outcome = tokio::task::spawn_blocking({
        let (world, file) = (std::sync::Arc::clone(&world), std::sync::Arc::clone(&file));
        move || {
            let mut peers: Vec<Peer> = (0..PROCESSES).map(|_| Peer::start(&world, &file)).collect();
            let mut victims = vec![kill_the_holder(&file, &mut peers)];
            let mut good = 0;
            for (number, peer) in peers.iter_mut().enumerate() {
                if victims[0] == number {
                    continue;
                }
                assert!(peer.says("started"), "process {number} did not start");
                if number % 10 == 3 && victims.len() < PROCESSES / 10 {
                    // It has started, and is renewing, waiting for the lease, or done.
                    peer.process.kill().unwrap();
                    victims.push(number);
                }
            }
            let killed = victims.len();
            for (number, peer) in peers.iter_mut().enumerate() {
                let ended_well = peer.says("good");
                let status = peer.process.wait().unwrap();
                if !victims.contains(&number) {
                    assert!(ended_well && status.success(), "process {number} has no good token: {status}");
                    good += 1;
                }
            }
            (killed, good)
        }
    })
    .await
    .unwrap();

    let (killed, good) = outcome;
    assert_eq!((killed, good), (PROCESSES / 10, PROCESSES - PROCESSES / 10));
    let requests = world.refreshes();
    assert!(
        (1..=1 + killed).contains(&requests),
        "{requests} token requests: one for the survivors and at most one for each of the {killed} killed"
    );
    println!("{PROCESSES} processes, {killed} killed, {good} with a good token, {requests} token request(s)");
    let stored =
        Storage::from(JsonTokenStorage::new(&*file)).get(TransferClient::RESOURCE_SERVER).await.unwrap();
    assert!(stored.unwrap().expires_at_seconds > 1_000);
}
