//! A portal with many users and four nodes: one renewal for each user over all nodes, sealed rows, and requests that
//! are dropped in the middle.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a burst are worth showing")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::portal::{self, Node};
use e2e::storages;
use globus_emulator::{Fault, Rotation, Service};
use globus_sdk::seal::SealingKey;
use globus_sdk::storage::{PostgresTokenStorage, SealedTokenStorage, StoreKind};
use globus_sdk::{
    Authorizer, ConfidentialAppAuthClient, RefreshTokenAuthorizer, Storage, TokenResponse, TransferClient,
};
use support::{World, expired};
use test_services::postgres::{Durability, Server};

const NODES: usize = 4;
/// Requests at the same time for the one user whom everybody looks at.
const BURST: usize = 500;
/// Users with one request each.
const OTHERS: usize = 100;
/// 32 bytes that are nowhere in the database.
const KEY: &str = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4=";

struct Portal {
    world: World,
    server: Server,
    login_client: ConfidentialAppAuthClient,
    storage: Storage,
    /// Every token that was ever handed out, with the user who has it.
    handed_out: Vec<(String, TokenResponse)>,
}

impl Portal {
    /// The users log in by redirect, and their access tokens run out.
    async fn open(users: &[String]) -> Self {
        let rotation = Rotation::on().reuse_grace(Duration::ZERO);
        let world = World::start_with(|builder| builder.rotation(rotation)).await;
        let server = Server::start(Durability::Off);
        // So long that waiting for the end of a lease that was left behind would be waiting for ever.
        let rows = PostgresTokenStorage::new(storages::pool(server.connection(), 4).unwrap())
            .lease_time(Duration::from_secs(3600))
            .lock_wait(Duration::from_secs(60));
        rows.migrate().await.unwrap();
        let storage =
            Storage::from(SealedTokenStorage::new(rows, SealingKey::from_base64(KEY).unwrap()).unwrap());
        let client = world.emulator.confidential_client();
        let login_client = ConfidentialAppAuthClient::builder(client.id(), client.secret().to_owned())
            .environment(world.emulator.environment())
            .build()
            .unwrap();
        let mut handed_out = Vec::new();
        for user in users {
            let flow = login_client
                .oauth2_start_flow("http://localhost:8080/callback", ["openid", TransferClient::ALL_SCOPE])
                .refresh_tokens(true)
                .start()
                .unwrap();
            let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
            let response = flow.finish(redirected.url.as_str()).await.unwrap();
            let stored =
                storage.with_namespace(&**user).store(vec![expired(&response)], StoreKind::Login).await;
            stored.unwrap();
            handed_out.push((user.clone(), response));
        }
        Self { world, server, login_client, storage, handed_out }
    }

    fn node(&self) -> Node {
        let client = self.world.emulator.confidential_client();
        Node::start(
            env!("CARGO_BIN_EXE_portal-node"),
            &[
                ("E2E_STORAGE", format!("sealed-postgres:{}", self.server.connection())),
                ("E2E_SEALING_KEY", KEY.to_owned()),
                ("E2E_AUTH", self.world.emulator.service_url("auth")),
                ("E2E_TRANSFER", self.world.emulator.service_url("transfer")),
                ("E2E_CLIENT", client.id().to_string()),
                ("E2E_SECRET", client.secret().to_owned()),
                ("E2E_TASKS", "64".to_owned()),
                ("E2E_CONNECTIONS", "8".to_owned()),
            ],
        )
    }

    /// Every secret that anybody was handed, for Transfer and for Auth.
    fn secrets(&self) -> Vec<String> {
        let records = self.handed_out.iter().flat_map(|(_, response)| response.by_resource_server().iter());
        records
            .flat_map(|token| {
                let refresh_token = token.refresh_token.iter().map(|token| token.expose().to_owned());
                refresh_token.chain([token.access_token.expose().to_owned()])
            })
            .collect()
    }
}

fn users() -> Vec<String> {
    std::iter::once("everybody-looks-at".to_owned())
        .chain((0..OTHERS).map(|user| format!("user-{user}")))
        .collect()
}

/// What the database holds, as a backup has it.
fn dump(server: &Server) -> Vec<u8> {
    let programs = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let program = programs
        .map(|version| version.path().join("bin/pg_dump"))
        .find(|program| program.exists())
        .unwrap_or_else(|| Path::new("pg_dump").to_owned());
    let dump = Command::new(program).args(["--inserts", "--dbname", server.connection()]).output();
    let dump = dump.expect("pg_dump is needed: install the package postgresql");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    dump.stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_renewal_for_each_user_over_all_nodes_and_no_usable_secret_in_the_database() {
    let users = users();
    let portal = Portal::open(&users).await;
    // Slow enough that all nodes are waiting for the same renewals.
    let latency = Fault::latency(Duration::from_millis(100));
    portal.world.emulator.faults().add(latency.service(Service::Auth).path("token"));

    let mut nodes: Vec<Node> = (0..NODES).map(|_| portal.node()).collect();
    let said = tokio::task::block_in_place(|| {
        for (number, node) in nodes.iter_mut().enumerate() {
            let burst = std::iter::repeat_n(users[0].clone(), BURST / NODES);
            let others = users[1..].iter().skip(number).step_by(NODES).cloned();
            node.hand(burst.chain(others));
        }
        portal::said_by(&mut nodes)
    });
    let outcomes: Vec<&String> =
        said.iter().filter(|line| !line.starts_with("asks ") && !line.starts_with("answered ")).collect();
    assert_eq!(outcomes.len(), BURST + OTHERS);
    for outcome in outcomes {
        assert!(outcome.ends_with(" good"), "{outcome}");
    }
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for user in said.iter().filter_map(|line| line.strip_prefix("asks ")) {
        *asked.entry(user).or_default() += 1;
    }
    println!(
        "{NODES} nodes, {BURST} requests for one user and {OTHERS} for others: {} renewals",
        asked.values().sum::<usize>()
    );
    assert_eq!(asked.len(), users.len());
    assert!(asked.values().all(|times| *times == 1), "{asked:?}");
    assert_eq!(portal.world.refreshes(), users.len());

    // Every user's family is alive, each row is the user's own, and the dump is of no use to anybody.
    let mut secrets = portal.secrets();
    for user in &users {
        let tokens = portal
            .storage
            .with_namespace(&**user)
            .get(TransferClient::RESOURCE_SERVER)
            .await
            .unwrap()
            .unwrap();
        secrets.push(tokens.access_token.expose().to_owned());
        let refresh_token = tokens.refresh_token.unwrap();
        secrets.push(refresh_token.expose().to_owned());
        portal.login_client.oauth2_refresh_token(refresh_token).send().await.unwrap();
    }
    let dump = dump(&portal.server);
    let contains = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(users.iter().all(|user| contains(user)), "it is the dump of this database");
    for secret in secrets {
        assert!(!contains(&secret), "a token is in the dump");
    }
    assert!(!contains(KEY));
}

/// Requests are dropped at random points. No lock outlives its lease, and no token is lost, although a refresh token
/// that is spent twice ends its family.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_requests_leave_no_lock_and_lose_no_token() {
    let users: Vec<String> = (0..12).map(|user| format!("user-{user}")).collect();
    let portal = Portal::open(&users).await;
    for turn in 0..6 {
        for (number, user) in users.iter().enumerate() {
            let storage = portal.storage.with_namespace(&**user);
            let mut tokens = storage.get(TransferClient::RESOURCE_SERVER).await.unwrap().unwrap();
            if turn > 0 {
                // It runs out again.
                tokens.expires_at_seconds = 1_000;
                storage.store(vec![tokens.clone()], StoreKind::Login).await.unwrap();
            }
            let authorizer = RefreshTokenAuthorizer::from_tokens(&tokens, &portal.login_client)
                .unwrap()
                .on_refresh(storage.clone())
                .build()
                .unwrap();
            let random = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
            let request = async {
                let transfer = portal.world.transfer(&authorizer);
                transfer.get_submission_id().send().await
            };
            // Some are dropped before their first step, some after the last.
            let dropped = tokio::time::timeout(Duration::from_micros(random * random / 2), request).await;
            drop(authorizer);
            if let Ok(done) = dropped {
                done.unwrap();
            }
            // The lease of a dropped request is not waited for until its end: the renewal goes on and gives it back.
            let lease = storage.lock_refresh(TransferClient::RESOURCE_SERVER).await.unwrap();
            lease.release().await.unwrap();
            let tokens = storage.get_fresh(TransferClient::RESOURCE_SERVER).await.unwrap().unwrap();
            let again = RefreshTokenAuthorizer::from_tokens(&tokens, &portal.login_client)
                .unwrap()
                .on_refresh(storage)
                .build()
                .unwrap();
            Authorizer::from(&again).authorization().await.unwrap_or_else(|error| {
                panic!("the token of {user} is lost in turn {turn} of {number}: {error}")
            });
            again.settle().await.unwrap();
        }
    }
}
