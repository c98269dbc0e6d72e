//! Other processes on the same place: the test binary again, with one errand.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use globus_core::storage::{Storage, StoreKind};

use crate::sample::SECRET;
use crate::{Backend, Options, sample};

const ERRAND: &str = "GLOBUS_TESTKIT_ERRAND";
const PLACE: &str = "GLOBUS_TESTKIT_PLACE";

/// Marks the lines that are for the parent; the test harness writes to the same stream.
const MARK: &str = "testkit: ";

/// Does the errand that a parent process asked for; without one there is nothing to do.
pub fn child_process<B: Backend>(backend: &B) {
    let (Ok(errand), Ok(place)) = (std::env::var(ERRAND), std::env::var(PLACE)) else { return };
    let words: Vec<&str> = errand.split(' ').collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let milliseconds = |text: &str| Duration::from_millis(text.parse().unwrap());
        let open = |options| backend.open(&place, options);
        match words[..] {
            ["store-many", server, count] => {
                store_many(&open(Options::default()).await, server, count.parse().unwrap()).await;
                say("done");
            }
            ["count", server, count] => {
                count_up(&open(Options::default()).await, server, count.parse().unwrap()).await;
                say("done");
            }
            ["store-batch", number] => {
                let storage = open(Options::default()).await;
                say("ready");
                let stored = storage.store(batch(number.parse().unwrap()), StoreKind::Login).await;
                say(&stored
                    .map_or_else(|error| format!("refused {:?}", error.kind()), |()| "stored".to_owned()));
            }
            ["remove", server] => {
                let storage = open(Options::default()).await;
                say("ready");
                let removed = storage.remove(server).await;
                say(&removed.map_or_else(
                    |error| format!("refused {:?}", error.kind()),
                    |removed| format!("removed {removed}"),
                ));
            }
            ["hold-lease", server, time] => {
                let lease_time = milliseconds(time);
                let storage = open(Options { lease_time, lock_wait: lease_time * 12 }).await;
                let lease = storage.lock_refresh(server).await.unwrap();
                say(&format!("holds {}", lease.fencing()));
                // Until it is killed.
                std::future::pending::<()>().await;
            }
            _ => panic!("an unknown errand {errand}"),
        }
    });
}

/// Three records that are stored together and carry the same number.
pub(crate) fn batch(number: i64) -> Vec<globus_core::TokenData> {
    ["batch-1", "batch-2", "batch-3"].map(|server| sample::token(server, number)).into()
}

async fn store_many(storage: &Storage, server: &str, count: i64) {
    for number in 0..count {
        let server = format!("{server}-{number}");
        storage.store(vec![sample::token(&server, number)], StoreKind::Login).await.unwrap();
    }
}

/// Adds one to the number of the stored record, this often; only one of those who do it at once succeeds.
pub(crate) async fn count_up(storage: &Storage, server: &str, count: usize) {
    static WRITES: AtomicUsize = AtomicUsize::new(0);
    for _ in 0..count {
        // No two write the same record: that would be storing again, which is no conflict.
        let write = WRITES.fetch_add(1, Ordering::Relaxed);
        let refresh_token = format!("{SECRET}Write{write}OfProcess{}", std::process::id());
        loop {
            let stored = storage.get_fresh(server).await.unwrap().unwrap();
            let next = sample::token(server, sample::number(&stored) + 1).with_refresh_token(&*refresh_token);
            match storage.store(vec![next], StoreKind::RefreshOf(stored.generation())).await {
                Ok(()) => break,
                Err(error) if error.is_conflict() => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{MARK}{line}").unwrap();
    out.flush().unwrap();
}

/// A process with an errand. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(test: &str, place: &str, errand: &[&str], failpoint: &str) -> Self {
        // The name of a test has no crate in front.
        let (_, test) = test.split_once("::").unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ERRAND, errand.join(" "))
            .env(PLACE, place)
            .env("GLOBUS_FAILPOINT", failpoint)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next line for the parent; `None` when the process has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(said) = line.trim_end().strip_prefix(MARK) {
                return Some(said.to_owned());
            }
        }
    }

    /// Waits for the line; fails when the process says something else or ends.
    pub(crate) fn expect(&mut self, said: &str) {
        assert_eq!(self.next().as_deref(), Some(said), "what the other process says");
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.wait();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
