//! How long a transfer task takes to copy a tree of a gigabyte, next to `cp -r` of the same tree on the same disk.
//!
//! Both are timed in turn, in several rounds, each to a fresh destination that is removed afterwards; the page
//! cache is warm for both, and dirty pages are written out (`sync`) before each turn. `BENCH_TMP` names the
//! directory to work in, `BENCH_ROUNDS` the number of rounds (7 by default).

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use globus_emulator::Emulator;
use serde_json::{Value, json};

const SCOPE: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";

/// What the tree is made of: directories, files in each, bytes of each file.
const TREE: [(&str, usize, usize, usize); 4] = [
    ("tiny", 20, 200, 2 * 1024),
    ("small", 10, 100, 64 * 1024),
    ("medium", 10, 50, 1024 * 1024),
    ("large", 1, 1, 400 * 1024 * 1024),
];

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(compare());
}

async fn compare() {
    let home = std::env::var_os("BENCH_TMP")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let rounds = std::env::var("BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let scratch = tempfile::tempdir_in(&home).unwrap();
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    fs::create_dir(&to).unwrap();
    make_tree(&from);
    let emulator = Emulator::builder().collection("from", &from).collection("to", &to).start().await.unwrap();
    let service = Service::log_in(&emulator).await;
    for verify in [false, true] {
        println!("verify_checksum: {verify}");
        let (mut cps, mut tasks) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // Who goes first changes from round to round.
            let (cp, task) = if round % 2 == 0 {
                let cp = cp(&from, &to);
                (cp, service.copy(&to, verify).await)
            } else {
                let task = service.copy(&to, verify).await;
                (cp(&from, &to), task)
            };
            println!("  round {round}: cp -r {cp:.3?}, task {task:.3?}, ratio {:.2}", ratio(task, cp));
            cps.push(cp);
            tasks.push(task);
        }
        let (cp, task) = (median(&mut cps), median(&mut tasks));
        println!("  median:  cp -r {cp:.3?}, task {task:.3?}, ratio {:.2}", ratio(task, cp));
    }
    emulator.stop().await;
}

fn make_tree(root: &Path) {
    let (mut files, mut bytes) = (0, 0);
    for (name, directories, count, size) in TREE {
        println!("tree: {name}: {directories} directories of {count} files of {size} bytes");
        for directory in 0..directories {
            let directory = root.join(name).join(format!("{directory}"));
            fs::create_dir_all(&directory).unwrap();
            for file in 0..count {
                // No two blocks are alike, so that nothing can be shared.
                let content: Vec<u8> =
                    (0..size / 8).flat_map(|word| (word * 31 + file).to_le_bytes()).collect();
                fs::write(directory.join(format!("file-{file}")), content).unwrap();
                files += 1;
                bytes += size;
            }
        }
    }
    println!("tree: {files} files, {} MB", bytes / 1_000_000);
}

/// Removes what the last turn made, and lets the disk come to rest.
fn prepare(destination: &Path) {
    if destination.exists() {
        fs::remove_dir_all(destination).unwrap();
    }
    assert!(Command::new("sync").status().unwrap().success());
}

fn cp(from: &Path, to: &Path) -> Duration {
    let destination = to.join("copy");
    prepare(&destination);
    let begin = Instant::now();
    assert!(Command::new("cp").arg("-r").arg(from).arg(&destination).status().unwrap().success());
    let taken = begin.elapsed();
    prepare(&destination);
    taken
}

/// The emulator as a client sees it.
struct Service<'e> {
    emulator: &'e Emulator,
    http: reqwest::Client,
    token: String,
}

impl<'e> Service<'e> {
    async fn log_in(emulator: &'e Emulator) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let client = emulator.confidential_client();
        let answer = http
            .post(format!("{}v2/oauth2/token", emulator.service_url("auth")))
            .basic_auth(client.id(), Some(client.secret()))
            .form(&[("grant_type", "client_credentials"), ("scope", SCOPE)])
            .send()
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap();
        Self { emulator, http, token: body["access_token"].as_str().unwrap().to_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}v0.10/{path}", self.emulator.service_url("transfer"));
        self.http.get(url).bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }

    /// From the submission until a poll says that the task has succeeded.
    async fn copy(&self, to: &Path, verify: bool) -> Duration {
        let destination = to.join("copy");
        prepare(&destination);
        let id = |name: &str| self.emulator.collection(name).unwrap().id;
        let begin = Instant::now();
        let submission = self.get("submission_id").await;
        let request = json!({
            "DATA_TYPE": "transfer", "submission_id": submission["value"], "source_endpoint": id("from"),
            "destination_endpoint": id("to"), "verify_checksum": verify,
            "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/", "destination_path": "/copy", "recursive": true}],
        });
        let url = format!("{}v0.10/transfer", self.emulator.service_url("transfer"));
        let accepted = self.http.post(url).bearer_auth(&self.token).json(&request).send().await.unwrap();
        let accepted: Value = accepted.json().await.unwrap();
        let path = format!("task/{}", accepted["task_id"].as_str().unwrap());
        let task = loop {
            let task = self.get(&path).await;
            if task["status"] != "ACTIVE" {
                break task;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let taken = begin.elapsed();
        assert_eq!(task["status"], "SUCCEEDED", "{task}");
        prepare(&destination);
        taken
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
