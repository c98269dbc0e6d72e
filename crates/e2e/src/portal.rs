//! The nodes of a portal, as those see them who send them requests; see the program `portal-node`.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "for tests and benchmarks, which fail by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running node. It is killed when this is dropped.
#[derive(Debug)]
pub struct Node {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    /// Starts the program with these variables, and waits until it has started.
    pub fn start(program: &str, variables: &[(&str, String)]) -> Self {
        let mut process = Command::new(program)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut node = Self { input: process.stdin.take().unwrap(), process, output };
        assert_eq!(node.next_line(), "started");
        node
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the node has ended");
        line.trim_end().to_owned()
    }

    /// Hands the requests of these users to the node, all at once.
    pub fn hand(&mut self, users: impl Iterator<Item = String>) {
        let lines: String = users.map(|user| user + "\n").collect();
        writeln!(self.input, "{lines}").unwrap();
        self.input.flush().unwrap();
    }

    fn said(&mut self) -> Vec<String> {
        std::iter::repeat_with(|| self.next_line()).take_while(|line| line != "end of the burst").collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What the nodes say about the requests that they were handed, when all are through.
///
/// All are read at once: one that is not read stands still when its pipe is full, with its leases in its hands.
pub fn said_by(nodes: &mut [Node]) -> Vec<String> {
    std::thread::scope(|scope| {
        let reading: Vec<_> = nodes.iter_mut().map(|node| scope.spawn(|| node.said())).collect();
        reading.into_iter().flat_map(|node| node.join().unwrap()).collect()
    })
}
