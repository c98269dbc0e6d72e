//! Servers end with the process that started them, and leave nothing behind.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "tests")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use test_services::redis::{URL_VARIABLE, shared_url};

const INSIDE: &str = "GLOBUS_TEST_REDIS_INSIDE";

/// A process that takes the shared server ends by itself, and another one is killed.
#[test]
fn the_shared_server_leaves_no_directory_behind() {
    if std::env::var_os(INSIDE).is_some() {
        println!("\n{}", shared_url());
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let ends: [fn(&mut Child); 2] = [|child| drop(child.stdin.take()), |child| child.kill().unwrap()];
    for end in ends {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_shared_server_leaves_no_directory_behind", "--nocapture"])
            .env(INSIDE, "yes")
            .env_remove(URL_VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.into_iter().find_map(|line| line.strip_prefix("unix://").map(str::to_owned));
        let socket = url.expect("the process starts the server");
        let directory = Path::new(&socket).parent().unwrap();
        assert!(directory.join("log").exists());
        end(&mut child);
        child.wait().unwrap();
        let begin = Instant::now();
        while directory.exists() {
            // So that what stays is told, and not waited for without end.
            assert!(begin.elapsed() < Duration::from_secs(120), "{} stays", directory.display());
            sleep(Duration::from_millis(5));
        }
    }
}
