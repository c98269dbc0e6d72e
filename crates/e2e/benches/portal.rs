//! A portal with ten thousand users on four nodes: how many renewals there are, and whether users with live tokens
//! notice that the token endpoint is down.
//!
//!     cargo bench -p e2e --bench portal            PostgreSQL and Redis
//!     cargo bench -p e2e --bench portal redis      one of them
//!
//! `BENCH_USERS` sets the number of users (10,000), `BENCH_ROUNDS` that of the rounds (5). Nodes are processes of their
//! own with 64 tasks each; each request reads the user's token from the storage and gets a header from it. Requests of users
//! whose token has run out have tasks beyond the 64, and a request's time begins when it has its task. Servers are started
//! for this alone, and do not wait for their disks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::time::Duration;

use e2e::portal::{self, Node};
use e2e::storages;
use globus_emulator::{Emulator, Fault, Service};
use globus_sdk::storage::{PostgresTokenStorage, StoreKind};
use globus_sdk::{ConfidentialAppAuthClient, Storage, TokenData, TransferClient};
use test_services::postgres::{Durability, Server};
use test_services::redis::RedisServer;

const NODES: usize = 4;
const TASKS: usize = 64;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_wanted = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if is_wanted("postgres") {
            let server = Server::start(Durability::Off);
            let storage = PostgresTokenStorage::new(storages::pool(server.connection(), 8).unwrap());
            storage.migrate().await.unwrap();
            measure("PostgreSQL", &format!("postgres:{}", server.connection()), storage.into()).await;
        }
        if is_wanted("redis") {
            let server = RedisServer::in_memory();
            let text = format!("redis:{}", server.url());
            let storage = storages::open(&text, Duration::from_secs(30)).await.unwrap();
            measure("Redis", &text, storage).await;
        }
    });
}

async fn measure(name: &str, text: &str, storage: Storage) {
    let users = number("BENCH_USERS", 10_000);
    // Every fifth user's token has run out.
    let expired: Vec<String> = (0..users / 5).map(|user| format!("expired-{user}")).collect();
    let live: Vec<String> = (0..users - users / 5).map(|user| format!("live-{user}")).collect();
    println!(
        "\n{name}: {users} users, {} with expired tokens; {NODES} nodes, {TASKS} tasks each",
        expired.len()
    );
    let emulator = Emulator::builder().start().await.unwrap();
    let client = emulator.confidential_client();
    let login_client = ConfidentialAppAuthClient::builder(client.id(), client.secret().to_owned())
        .environment(emulator.environment())
        .build()
        .unwrap();
    for user in &live {
        let token = TokenData::new(
            TransferClient::RESOURCE_SERVER,
            "all",
            format!("AgLive{user}"),
            i64::from(u32::MAX),
        )
        .with_refresh_token("AgNeverUsed");
        storage.with_namespace(&**user).store(vec![token], StoreKind::Login).await.unwrap();
    }
    for user in &expired {
        let flow = login_client
            .oauth2_start_flow("http://localhost:8080/callback", [TransferClient::ALL_SCOPE])
            .refresh_tokens(true)
            .start()
            .unwrap();
        let redirected = emulator.login(flow.authorize_url().unwrap()).await.unwrap();
        let response = flow.finish(redirected.url.as_str()).await.unwrap();
        let token = response.by_resource_server()[TransferClient::RESOURCE_SERVER].clone();
        expire(&storage, user, token).await;
    }

    let mut nodes: Vec<Node> = (0..NODES).map(|_| node(text, &emulator)).collect();
    let refreshes = || emulator.requests().form("grant_type", "refresh_token").len();
    let warm_up = tokio::task::block_in_place(|| burst(&mut nodes, &live, &[]));
    assert_eq!(warm_up.live.len(), live.len());

    // Every node wants the token of every expired user at once.
    let storm = tokio::task::block_in_place(|| burst(&mut nodes, &live, &expired));
    assert_eq!((storm.failed, storm.live.len()), (0, live.len()));
    println!(
        "  renewals: {} ({} requests) for {} expired users, wanted by {NODES} nodes at once; p99 of live users {:?}",
        storm.asked,
        refreshes(),
        expired.len(),
        percentile(&storm.live, 99)
    );
    assert_eq!(refreshes(), expired.len(), "one renewal for each expired user");

    // Once more some tokens have run out: with the endpoint as it should be, and with one that is down.
    let unlucky = &expired[..expired.len().min(500)];
    println!("  {:<8} {:>12} {:>12} {:>7}", "round", "p99 up", "p99 down", "ratio");
    let mut ratios = Vec::new();
    for round in 1..=number("BENCH_ROUNDS", 5) {
        expire_again(&storage, unlucky).await;
        let up = tokio::task::block_in_place(|| burst(&mut nodes, &live, unlucky));
        expire_again(&storage, unlucky).await;
        let fault = emulator.faults().add(Fault::status(503).service(Service::Auth).path("token"));
        let down = tokio::task::block_in_place(|| burst(&mut nodes, &live, unlucky));
        emulator.faults().remove(fault);
        assert_eq!((up.failed, up.live.len(), down.live.len()), (0, live.len(), live.len()));
        assert_eq!(down.failed, unlucky.len() * NODES, "nobody gets a token from an endpoint that is down");
        let (up, down) = (percentile(&up.live, 99), percentile(&down.live, 99));
        let ratio = down.as_secs_f64() / up.as_secs_f64();
        println!("  {round:<8} {up:>12.1?} {down:>12.1?} {ratio:>7.2}");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("  median ratio {:.2}", ratios[ratios.len() / 2]);
    drop(nodes);
    emulator.stop().await;
}

async fn expire_again(storage: &Storage, users: &[String]) {
    for user in users {
        let token = storage.with_namespace(&**user).get_fresh(TransferClient::RESOURCE_SERVER).await;
        expire(storage, user, token.unwrap().unwrap()).await;
    }
}

async fn expire(storage: &Storage, user: &str, mut token: TokenData) {
    token.expires_at_seconds = 1_000;
    storage.with_namespace(user).store(vec![token], StoreKind::Login).await.unwrap();
}

struct Outcome {
    /// How long the requests of users with live tokens took.
    live: Vec<Duration>,
    failed: usize,
    /// How often the nodes have asked the token endpoint.
    asked: usize,
}

/// Lets every live user make one request on one of the nodes, and every expired one on all of them.
fn burst(nodes: &mut [Node], live: &[String], expired: &[String]) -> Outcome {
    let count = nodes.len();
    for (number, node) in nodes.iter_mut().enumerate() {
        let expired = expired.iter().map(|user| format!("!{user}"));
        node.hand(expired.chain(live.iter().skip(number).step_by(count).cloned()));
    }
    let mut outcome = Outcome { live: Vec::new(), failed: 0, asked: 0 };
    for line in portal::said_by(nodes) {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match words[..] {
            ["asks", _] => outcome.asked += 1,
            ["answered", _] => {}
            [user, microseconds, "good"] => {
                if user.starts_with("live-") {
                    outcome.live.push(Duration::from_micros(microseconds.parse().unwrap()));
                }
            }
            [_, _, _] => outcome.failed += 1,
            _ => panic!("the node says {line:?}"),
        }
    }
    outcome
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn node(storage: &str, emulator: &Emulator) -> Node {
    let client = emulator.confidential_client();
    Node::start(
        env!("CARGO_BIN_EXE_portal-node"),
        &[
            ("E2E_STORAGE", storage.to_owned()),
            ("E2E_AUTH", emulator.service_url("auth")),
            ("E2E_CLIENT", client.id().to_string()),
            ("E2E_SECRET", client.secret().to_owned()),
            ("E2E_TASKS", TASKS.to_string()),
            ("E2E_CONNECTIONS", "8".to_owned()),
        ],
    )
}
