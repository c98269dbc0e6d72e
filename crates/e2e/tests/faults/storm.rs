//! A storm: a person's expired token in a storage, and many workers that need it at once.

use std::sync::Arc;
use std::time::Duration;

use globus_emulator::{Fault, Rotation, Service};
use globus_sdk::storage::StoreKind;
use globus_sdk::{Storage, TransferClient};

use crate::support::{World, expired};
use crate::workers::{Report, Setup, Worker};

/// How many workers there are.
pub(crate) const WORKERS: usize = 200;

/// An emulator that rotates refresh tokens and revokes the family of one that is used again, after this grace. Where
/// there is one its clock stands still, so that the grace does not end because the machine is slow.
pub(crate) async fn world(grace: Duration) -> Arc<World> {
    let world = World::start_with(|builder| builder.rotation(Rotation::on().reuse_grace(grace))).await;
    // Slow enough that processes die in the middle of it.
    let latency = Fault::latency(Duration::from_millis(150));
    world.emulator.faults().add(latency.service(Service::Auth).path("token"));
    if !grace.is_zero() {
        world.emulator.clock().freeze();
    }
    Arc::new(world)
}

/// Stores the tokens of a login as if they had expired.
pub(crate) async fn store_expired(world: &World, storage: &Storage) {
    let response = world.log_in().await;
    storage.store(vec![expired(&response)], StoreKind::Login).await.unwrap();
}

/// What may be killed, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kills {
    None,
    /// One in ten at random moments, and before that the first that asks the token endpoint.
    TheFirstAndOneInTen,
}

/// Lets the workers go at once, kills some, and answers what all have said. The setup of each is made from its
/// number.
///
/// The token endpoint must have seen what they say that they asked, and nothing else; a question of one that was
/// killed may not have come there.
pub(crate) async fn run(
    world: &Arc<World>,
    count: usize,
    kills: Kills,
    setup: impl Fn(usize) -> Setup + Send + 'static,
) -> Vec<Report> {
    run_through(world, count, kills, || {}, setup).await
}

/// The same, and this happens when the first worker has asked.
pub(crate) async fn run_through(
    world: &Arc<World>,
    count: usize,
    kills: Kills,
    happens: impl FnOnce() + Send + 'static,
    setup: impl Fn(usize) -> Setup + Send + 'static,
) -> Vec<Report> {
    let asked_before = world.refreshes();
    let reports = run_beside_others(world, count, kills, happens, setup).await;
    let asked: usize = reports.iter().map(Report::asked).sum();
    let asked_and_lived: usize = reports.iter().filter(|report| !report.killed).map(Report::asked).sum();
    let seen = world.refreshes() - asked_before;
    assert!((asked_and_lived..=asked).contains(&seen), "{seen} questions were seen, {asked} asked");
    reports
}

/// The same where others ask, too.
pub(crate) async fn run_beside_others(
    world: &Arc<World>,
    count: usize,
    kills: Kills,
    happens: impl FnOnce() + Send + 'static,
    setup: impl Fn(usize) -> Setup + Send + 'static,
) -> Vec<Report> {
    let world = Arc::clone(world);
    let run = move || run_blocking(&world, count, kills, happens, setup);
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn run_blocking(
    world: &World,
    count: usize,
    kills: Kills,
    happens: impl FnOnce(),
    setup: impl Fn(usize) -> Setup,
) -> Vec<Report> {
    let mut workers: Vec<Worker> = (0..count).map(|number| Worker::start(world, &setup(number))).collect();
    for (number, worker) in workers.iter_mut().enumerate() {
        assert!(worker.hears("started"), "worker {number} did not start");
    }
    for worker in &mut workers {
        worker.go();
    }
    let first = first_that_asks(&mut workers);
    if matches!(kills, Kills::TheFirstAndOneInTen) {
        workers[first].kill();
    }
    happens();
    if matches!(kills, Kills::TheFirstAndOneInTen) {
        for number in (0..count).filter(|number| number % 10 == 3 && *number != first).take(count / 10 - 1) {
            std::thread::sleep(random_up_to(Duration::from_millis(60)));
            workers[number].kill();
        }
    }
    workers.into_iter().map(Worker::finish).collect()
}

/// Waits until a worker has asked the token endpoint.
fn first_that_asks(workers: &mut [Worker]) -> usize {
    loop {
        if let Some(first) = workers.iter_mut().position(Worker::has_asked) {
            return first;
        }
        let all_have_ended = workers.iter_mut().all(Worker::has_ended);
        // The last words of one that has ended may still be on their way.
        assert!(!all_have_ended || workers.iter_mut().any(|worker| worker.hears("asks")), "nobody has asked");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn random_up_to(most: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_bytes()[0];
    most.mul_f64(f64::from(random) / 255.0)
}

/// All who were not killed have a good token.
pub(crate) fn check_survivors(reports: &[Report]) -> Vec<&Report> {
    let survivors: Vec<&Report> = reports.iter().filter(|report| !report.killed).collect();
    for report in &survivors {
        assert!(report.is_good(), "a survivor has no good token: {report:?}");
    }
    survivors
}

/// What is true after every storm with a grace: survivors have good tokens, each refresh but one is accounted for by
/// a kill, and the family is alive.
pub(crate) async fn check(world: &World, storage: &Storage, reports: &[Report]) {
    let survivors = check_survivors(reports);
    let asked: usize = reports.iter().map(Report::asked).sum();
    let asked_and_lived: usize = survivors.iter().map(|report| report.asked()).sum();
    let owed = survivors.iter().filter(|report| report.begins("could not store")).count();
    for report in reports.iter().filter(|report| report.killed) {
        assert!(report.asked() <= 1, "nobody asks twice: {report:?}");
    }
    println!(
        "{} workers, {} killed, {} good; asked {asked} times, {asked_and_lived} by survivors ({owed} could not store)",
        reports.len(),
        reports.len() - survivors.len(),
        survivors.len(),
    );
    assert!(asked >= 1, "somebody must have renewed the token");
    assert!(asked_and_lived <= 1 + owed, "{asked_and_lived} survivors renewed the token, one was needed");
    assert_family_is_alive(world, storage).await;
}

/// The stored refresh token still works.
pub(crate) async fn assert_family_is_alive(world: &World, storage: &Storage) {
    let tokens = storage.get_fresh(TransferClient::RESOURCE_SERVER).await.unwrap().unwrap();
    assert!(tokens.expires_at_seconds > 1_000, "the renewed token is stored");
    world.login_client.oauth2_refresh_token(tokens.refresh_token.unwrap()).send().await.unwrap();
}
