//! Worker processes: started together, let go together, some of them killed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::World;

/// How workers are started.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) storage: String,
    pub(crate) lease_time: Duration,
    /// Environment variables of all.
    pub(crate) environment: Vec<(String, String)>,
    /// Program and arguments in front of the worker's own, such as one that gives it another host name.
    pub(crate) wrapper: Vec<String>,
}

impl Setup {
    pub(crate) fn new(storage: impl Into<String>) -> Self {
        // Long against a storm: no living holder is ever taken for dead because the machine is slow.
        let lease_time = Duration::from_secs(30);
        Self { storage: storage.into(), lease_time, environment: Vec::new(), wrapper: Vec::new() }
    }

    /// For storages where nobody sees whether a process lives, so that only the time ends a dead one's lease: shorter
    /// than the grace in which the token that it may have spent is still taken.
    pub(crate) fn with_short_leases(mut self) -> Self {
        self.lease_time = Duration::from_secs(10);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }
}

/// One worker, as seen from outside.
///
/// It is killed when this is dropped.
pub(crate) struct Worker {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    reading: Option<JoinHandle<()>>,
    heard: Vec<String>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Worker {
    pub(crate) fn start(world: &World, setup: &Setup) -> Self {
        let worker = env!("CARGO_BIN_EXE_storage-worker");
        let mut words: Vec<&str> = setup.wrapper.iter().map(String::as_str).collect();
        words.push(worker);
        let mut process = Command::new(words[0])
            .args(&words[1..])
            .env("E2E_STORAGE", &setup.storage)
            .env("E2E_LEASE_MILLISECONDS", setup.lease_time.as_millis().to_string())
            .env("E2E_AUTH", world.emulator.service_url("auth"))
            .env("E2E_TRANSFER", world.emulator.service_url("transfer"))
            .env("E2E_CLIENT", world.emulator.native_client_id().to_string())
            .envs(setup.environment.clone())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines): (Sender<String>, _) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        let reading = std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let input = process.stdin.take();
        Self { process, input, lines, reading: Some(reading), heard: Vec::new() }
    }

    /// Waits for a line. Answers false when the worker ends without it.
    pub(crate) fn hears(&mut self, expected: &str) -> bool {
        while let Ok(line) = self.lines.recv() {
            let found = line == expected;
            self.heard.push(line);
            if found {
                return true;
            }
        }
        false
    }

    /// Whether it has asked the token endpoint by now.
    pub(crate) fn has_asked(&mut self) -> bool {
        self.heard.extend(self.lines.try_iter());
        self.heard.iter().any(|line| line == "asks")
    }

    /// Lets it do its work.
    pub(crate) fn go(&mut self) {
        // One that was killed does not listen.
        drop(self.input.as_mut().map(|input| writeln!(input)));
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    /// Whether it has ended, in whatever way.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name]).arg(self.process.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end, and answers everything it has said.
    pub(crate) fn finish(mut self) -> Report {
        drop(self.input.take());
        let status = self.process.wait().unwrap();
        self.reading.take().unwrap().join().unwrap();
        self.heard.extend(self.lines.try_iter());
        // One that had ended by itself before was not killed.
        Report { said: std::mem::take(&mut self.heard), killed: status.signal().is_some() }
    }
}

/// What a worker has said.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) said: Vec<String>,
    pub(crate) killed: bool,
}

impl Report {
    pub(crate) fn says(&self, line: &str) -> bool {
        self.said.iter().any(|said| said == line)
    }

    pub(crate) fn begins(&self, beginning: &str) -> bool {
        self.said.iter().any(|said| said.starts_with(beginning))
    }

    pub(crate) fn is_good(&self) -> bool {
        self.says("good")
    }

    /// How often it has asked the token endpoint.
    pub(crate) fn asked(&self) -> usize {
        self.said.iter().filter(|line| *line == "asks").count()
    }
}
