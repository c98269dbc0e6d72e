//! How long `globus-emulator serve` takes from its spawn to its ready line, beside the shortest life of a process.
//!
//!     cargo bench -p globus-emulator --bench start
//!     cargo bench -p globus-emulator --bench start --profile dev

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 20;

fn main() {
    println!("{:<28}{:>8}{:>8}{:>8}  ms, of {STARTS}", "", "min", "median", "max");
    if cfg!(unix) {
        show("/bin/true, to its end", || {
            let begun = Instant::now();
            assert!(Command::new("/bin/true").status().expect("there is a /bin/true").success());
            begun.elapsed()
        });
    }
    let files = tempfile::tempdir().unwrap();
    show("in memory", || start(files.path(), None));
    let fresh = tempfile::tempdir().unwrap();
    let mut number = 0;
    show("with a fresh data dir", || {
        number += 1;
        start(files.path(), Some(&fresh.path().join(number.to_string())))
    });
    let existing = tempfile::tempdir().unwrap();
    start(files.path(), Some(existing.path()));
    show("with an existing data dir", || start(files.path(), Some(existing.path())));
}

fn show(name: &str, once: impl FnMut() -> Duration) {
    let mut times: Vec<f64> =
        std::iter::repeat_with(once).take(STARTS).map(|time| time.as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<28}{:>8.1}{:>8.1}{:>8.1}", times[0], times[STARTS / 2], times[STARTS - 1]);
}

/// Starts an emulator, takes the time until its ready line is there, and waits for its end.
fn start(files: &Path, data_dir: Option<&Path>) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_globus-emulator"));
    command.args(["serve", "--until-stdin-closes"]);
    command.arg("--collection").arg(format!("laptop={}", files.display()));
    if let Some(directory) = data_dir {
        command.arg("--data-dir").arg(directory);
    }
    let begun = Instant::now();
    let mut emulator = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(emulator.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let taken = begun.elapsed();
    assert!(line.starts_with("{\"url\":"), "{line}");
    // Its stdin is closed by the wait.
    assert!(emulator.wait().unwrap().success());
    taken
}
