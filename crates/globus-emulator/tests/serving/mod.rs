//! The program `globus-emulator` as the tests start it.

#![allow(unreachable_pub, clippy::missing_panics_doc, missing_docs)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use reqwest::Response;
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use crate::support::{TRANSFER, http, text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_globus-emulator");

pub fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_remove("GLOBUS_EMULATOR_CONTROL").stdin(Stdio::null());
    command
}

pub fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// What a program that ended says on stderr, after checking how it ended.
pub fn refusal(arguments: &[&str], status: i32) -> String {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(said.starts_with("error: ") && !said.contains("panicked"), "{arguments:?}: {said}");
    said
}

/// A program that serves a directory with one file, `hello.txt`, as the collection `laptop`.
pub struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: NamedTempFile,
    pub line: String,
    pub ready: Value,
    pub files: TempDir,
}

impl Serving {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, |command| command)
    }

    pub fn start_with(arguments: &[&str], adjust: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let files = tempfile::tempdir().unwrap();
        fs::write(files.path().join("hello.txt"), "hello").unwrap();
        let stderr = NamedTempFile::new().unwrap();
        let mut command = program();
        command.arg("serve").args(["--collection", &format!("laptop={}", files.path().display())]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr.reopen().unwrap());
        let mut child = adjust(&mut command).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("no ready line: {line:?} {}", fs::read_to_string(stderr.path()).unwrap())
        });
        Self { child, stdout, stderr, line, ready, files }
    }

    pub fn text(&self, name: &str) -> String {
        text(&self.ready[name])
    }

    pub fn url(&self, path: &str) -> String {
        self.text("url") + path
    }

    pub fn said(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// Ends it by closing its stdin, which it must have been told to look at.
    pub fn close_stdin(mut self) -> i32 {
        drop(self.child.stdin.take());
        self.ended()
    }

    #[cfg(unix)]
    pub fn signal(mut self, signal: rustix::process::Signal) -> i32 {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
        self.ended()
    }

    #[cfg(unix)]
    pub fn terminate(self) -> i32 {
        self.signal(rustix::process::Signal::TERM)
    }

    /// The status, after checking that stdout had nothing but the ready line.
    pub fn ended(&mut self) -> i32 {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        self.child.wait().unwrap().code().expect("it ends by itself")
    }

    /// An access token of the confidential client for Transfer.
    pub async fn token(&self) -> String {
        let document: Value = self.token_answer(&self.text("client_secret")).await.json().await.unwrap();
        text(&document["access_token"])
    }

    pub async fn token_answer(&self, secret: &str) -> Response {
        let request = http().post(self.url("auth/v2/oauth2/token"));
        let request = request.basic_auth(self.text("client_id"), Some(secret));
        let form = [("grant_type", "client_credentials"), ("scope", TRANSFER)];
        request.form(&form).send().await.unwrap()
    }

    /// The names in the collection, as this token may see them.
    pub async fn list(&self, token: &str) -> Result<Vec<String>, u16> {
        let id = text(&self.ready["collections"]["laptop"]["id"]);
        let url = self.url(&format!("transfer/v0.10/operation/endpoint/{id}/ls?path=/"));
        let answer = http().get(url).bearer_auth(token).send().await.unwrap();
        if !answer.status().is_success() {
            return Err(answer.status().as_u16());
        }
        let document: Value = answer.json().await.unwrap();
        Ok(document["DATA"].as_array().unwrap().iter().map(|entry| text(&entry["name"])).collect())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already unless the test failed or did not care.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
