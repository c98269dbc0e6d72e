//! Storms on a JSON file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use globus_sdk::{JsonTokenStorage, Storage, TransferClient};

use crate::shim;
use crate::storm::{self, Kills, WORKERS};
use crate::support::World;
use crate::workers::{Report, Setup, Worker};

const GRACE: Duration = Duration::from_secs(30);

/// Reads the file as fast as it can, as any JSON, and never finds it broken or empty.
struct IndependentReader {
    done: Arc<AtomicBool>,
    reading: JoinHandle<usize>,
}

impl IndependentReader {
    fn start(path: PathBuf) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let reading = std::thread::spawn({
            let done = Arc::clone(&done);
            move || {
                let mut reads = 0;
                while !done.load(Ordering::SeqCst) || reads == 0 {
                    let content = std::fs::read(&path).unwrap();
                    let file: serde_json::Value =
                        serde_json::from_slice(&content).expect("the file is whole");
                    let record = &file["data"]["DEFAULT"][TransferClient::RESOURCE_SERVER];
                    assert!(record["refresh_token"].is_string(), "the record is whole");
                    reads += 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
                reads
            }
        });
        Self { done, reading }
    }

    fn finish(self) {
        self.done.store(true, Ordering::SeqCst);
        println!("an independent reader found the file whole {} times", self.reading.join().unwrap());
    }
}

struct File {
    path: PathBuf,
    storage: Storage,
}

async fn file(world: &World) -> File {
    let path = world.directory.path().join("home").join("tokens.json");
    let storage = Storage::from(JsonTokenStorage::new(&path));
    storm::store_expired(world, &storage).await;
    File { path, storage }
}

/// What is beside the file once everything is over and programs have been started again, one on each host.
async fn assert_nothing_is_left_behind(world: &Arc<World>, file: &File, hosts: &[Vec<String>]) {
    for host in hosts {
        storm::store_expired(world, &file.storage).await;
        let mut setup = Setup::new(format!("json:{}", file.path.display()));
        setup.wrapper.clone_from(host);
        let reports = storm::run(world, 1, Kills::None, move |_| setup.clone()).await;
        assert!(reports[0].is_good(), "{reports:?}");
    }
    let mut names: Vec<String> = std::fs::read_dir(file.path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // What is kept of the content before is meant to be there.
        .filter(|name| !name.ends_with(".last-good"))
        // A worker that never locks makes no lock file.
        .filter(|name| name != "tokens.json.lock")
        .collect();
    names.sort();
    assert_eq!(names, ["tokens.json"]);
}

/// One worker alone that cannot write: it uses the new token and says that it could not store it.
async fn one_cannot_store(world: &Arc<World>, file: &File, setup: Setup, why: &str) {
    let before = std::fs::read(&file.path).unwrap();
    let reports = storm::run(world, 1, Kills::None, move |_| setup.clone()).await;
    assert!(reports[0].is_good(), "{reports:?}");
    let owed = reports[0]
        .said
        .iter()
        .find(|line| line.starts_with("owed"))
        .expect("it says that it could not store");
    assert!(owed.contains(why), "{owed}");
    assert_eq!(std::fs::read(&file.path).unwrap(), before, "the old tokens are still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_workers_share_one_token_and_one_of_them_finds_the_disk_full() {
    let world = storm::world(GRACE).await;
    let file = file(&world).await;
    let storage = format!("json:{}", file.path.display());
    let reader = IndependentReader::start(file.path.clone());
    let marker = world.directory.path().join("the-disk-was-full");
    let full_once = format!("file.write=full-once:{}", marker.display());
    let setup = move |_| Setup::new(&storage).with("GLOBUS_FAILPOINT", &full_once);
    let reports = storm::run(&world, WORKERS, Kills::TheFirstAndOneInTen, setup).await;
    assert!(marker.exists(), "somebody has found the disk full");
    let full = |line: &String| line.starts_with("could not store") && line.contains("no space left");
    let told = reports.iter().any(|report| report.killed || report.said.iter().any(full));
    assert!(told, "who finds the disk full says so: {reports:?}");
    reader.finish();
    storm::check(&world, &file.storage, &reports).await;
    assert_nothing_is_left_behind(&world, &file, &[Vec::new()]).await;
}

/// A host name of its own for a worker. Needs namespaces that any user may make. Where the system is known to forbid
/// them, set `GLOBUS_TEST_NO_NAMESPACES`; without that it fails.
fn on_host(name: &str) -> Vec<String> {
    if std::env::var_os("GLOBUS_TEST_NO_NAMESPACES").is_some() {
        return Vec::new();
    }
    let script = format!("hostname {name} && exec \"$0\" \"$@\"");
    ["unshare", "--map-root-user", "--uts", "sh", "-c", &script].map(str::to_owned).into()
}

async fn storm_on_two_hosts(flock: &'static str) {
    let world = storm::world(GRACE).await;
    let file = file(&world).await;
    let shim = shim::build(world.directory.path());
    let storage = format!("json:{}", file.path.display());
    let hosts = [on_host("node-a"), on_host("node-b")];
    let later = hosts.clone();
    let reader = IndependentReader::start(file.path.clone());
    let reports = storm::run(&world, WORKERS, Kills::TheFirstAndOneInTen, move |number| {
        let mut setup =
            Setup::new(&storage).with("LD_PRELOAD", shim.display().to_string()).with("SHIM_FLOCK", flock);
        setup.wrapper.clone_from(&hosts[number % 2]);
        // Nobody sees from one host whether a process of the other one lives, so what counts is the time.
        setup.lease_time = Duration::from_secs(10);
        setup
    })
    .await;
    reader.finish();
    storm::check(&world, &file.storage, &reports).await;
    assert_nothing_is_left_behind(&world, &file, &later).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_where_locks_succeed_and_do_nothing() {
    storm_on_two_hosts("nothing").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_where_locks_are_refused() {
    storm_on_two_hosts("refused").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_jump_by_twenty_minutes() {
    let world = storm::world(GRACE).await;
    let file = file(&world).await;
    let shim = shim::build(world.directory.path());
    let storage = format!("json:{}", file.path.display());
    let seen = world.directory.path().join("shim-seen");
    let reports = storm::run(&world, WORKERS / 5, Kills::TheFirstAndOneInTen, {
        let seen = seen.display().to_string();
        move |number| {
            let setup =
                Setup::new(&storage).with("LD_PRELOAD", shim.display().to_string()).with("SHIM_SEEN", &seen);
            match number % 3 {
                // To and fro while it runs; ahead all the time; as it should be.
                0 => setup.with("SHIM_CLOCK_JUMPS", "1200"),
                1 => setup.with("SHIM_CLOCK", "-1200"),
                _ => setup,
            }
        }
    })
    .await;
    assert!(seen.exists(), "no clock was wrong");
    storm::check(&world, &file.storage, &reports).await;
}

/// Without a grace, who renews with a token that a killed process had spent ends the whole family. What is
/// promised then: a typed error, one question each, an intact store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_grace_a_login_is_asked_for_and_nothing_is_lost() {
    let world = storm::world(Duration::ZERO).await;
    let file = file(&world).await;
    let before = std::fs::read(&file.path).unwrap();
    let storage = format!("json:{}", file.path.display());
    // The server has rotated the token and the answer never came to the disk.
    let spent = Setup::new(&storage).with("GLOBUS_FAILPOINT", "file.lock=crash");
    let lost = storm::run(&world, 1, Kills::None, move |_| spent.clone()).await;
    assert_eq!((lost[0].asked(), lost[0].is_good()), (1, false));
    assert_eq!(std::fs::read(&file.path).unwrap(), before);

    let reports = storm::run(&world, WORKERS / 5, Kills::None, move |_| Setup::new(&storage)).await;
    for report in &reports {
        assert!(report.says("login required"), "{report:?}");
        assert!(report.asked() <= 1, "nobody asks again what was refused: {report:?}");
    }
    assert_eq!(std::fs::read(&file.path).unwrap(), before, "nobody deletes what was refused");
    // A login puts an end to it.
    storm::store_expired(&world, &file.storage).await;
    let storage = format!("json:{}", file.path.display());
    let reports = storm::run(&world, 4, Kills::None, move |_| Setup::new(&storage)).await;
    assert!(reports.iter().all(Report::is_good), "{reports:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_breaks_under_a_sync() {
    let world = storm::world(GRACE).await;
    let file = file(&world).await;
    let shim = shim::build(world.directory.path()).display().to_string();
    let storage = format!("json:{}", file.path.display());
    let broken = Setup::new(&storage).with("LD_PRELOAD", shim).with("SHIM_SYNC", "broken");
    one_cannot_store(&world, &file, broken, "cannot sync it").await;
    let reports = storm::run(&world, 4, Kills::None, move |_| Setup::new(&storage)).await;
    storm::check_survivors(&reports);
    storm::assert_family_is_alive(&world, &file.storage).await;
    assert_nothing_is_left_behind(&world, &file, &[Vec::new()]).await;
}

pub(crate) async fn one_worker_owes(world: &Arc<World>, path: &Path, why: &str) {
    let file = File { path: path.to_owned(), storage: Storage::from(JsonTokenStorage::new(path)) };
    let setup = Setup::new(format!("json:{}", path.display()));
    one_cannot_store(world, &file, setup, why).await;
}

/// A program that stood still for longer than its lease, with the answer in its hand, stores it too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stood_still_overwrites_nobody() {
    let world = storm::world(GRACE).await;
    let file = file(&world).await;
    let storage = format!("json:{}", file.path.display());
    let setup = move |_: usize| {
        let mut setup = Setup::new(&storage);
        setup.lease_time = Duration::from_secs(2);
        setup
    };
    let stalled = tokio::task::spawn_blocking({
        let (world, setup) = (Arc::clone(&world), setup.clone());
        move || {
            let mut worker = Worker::start(&world, &setup(0));
            assert!(worker.hears("started"));
            worker.go();
            assert!(worker.hears("asks"));
            worker.signal("STOP");
            worker
        }
    })
    .await
    .unwrap();
    // The question of the one that stands still may come at any time.
    let reports = storm::run_beside_others(&world, 1, Kills::None, || {}, setup).await;
    assert!(reports[0].is_good() && reports[0].asked() == 1, "{reports:?}");
    let stored = file.storage.get_fresh(TransferClient::RESOURCE_SERVER).await.unwrap();
    let report = tokio::task::spawn_blocking(move || {
        stalled.signal("CONT");
        stalled.finish()
    })
    .await
    .unwrap();
    assert!(report.is_good(), "{report:?}");
    assert_eq!(file.storage.get_fresh(TransferClient::RESOURCE_SERVER).await.unwrap(), stored);
    storm::assert_family_is_alive(&world, &file.storage).await;
}
