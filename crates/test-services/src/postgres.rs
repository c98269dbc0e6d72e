//! PostgreSQL.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Names a server that runs already, as the text of a connection. `scripts/test` sets it.
pub const VARIABLE: &str = "GLOBUS_TEST_POSTGRES";

/// Whether the server waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does not: as quick as possible, for tests of anything else.
    Off,
    /// It does: what it has acknowledged is there after [`Server::restart`].
    On,
}

/// A server that tests use together: the one that [`VARIABLE`] names, or one of this process, which ends with the
/// last of those who hold it.
#[derive(Clone, Debug)]
pub struct Shared {
    connection: String,
    _server: Option<Arc<Server>>,
}

impl Shared {
    /// Finds or starts it.
    pub fn get() -> Self {
        static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        if let Ok(connection) = std::env::var(VARIABLE) {
            return Self { connection, _server: None };
        }
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let server = running.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start(Durability::Off));
            *running = Arc::downgrade(&server);
            server
        });
        Self { connection: server.connection().to_owned(), _server: Some(server) }
    }

    /// How to connect, as the text that drivers take.
    pub fn connection(&self) -> &str {
        &self.connection
    }
}

/// A server of its own.
#[derive(Debug)]
pub struct Server {
    keeper: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    connection: String,
}

impl Server {
    /// Starts a new and empty server.
    pub fn start(durability: Durability) -> Self {
        let mut keeper = Command::new("sh");
        // What ends the whole group of processes of a test leaves the keeper alone, so that it can clean up.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
        let mut keeper = keeper
            .args(["-c", include_str!("../postgres.sh"), "postgres.sh"])
            .arg(if durability == Durability::On { "durable" } else { "quick" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let orders = keeper.stdin.take();
        let answers = BufReader::new(keeper.stdout.take().unwrap());
        let mut server = Self { keeper, orders, answers, connection: String::new() };
        server.connection = server.answer();
        server
    }

    /// How to connect, as the text that drivers take.
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// Stops the server at once, as when it is killed, with all connections.
    pub fn stop(&mut self) {
        self.order("stop");
    }

    /// Starts it again, with what was on the disk.
    pub fn start_again(&mut self) {
        self.order("start");
    }

    /// [`stop`](Self::stop) and [`start_again`](Self::start_again).
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.answer();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "PostgreSQL does not run; its own words are above");
        line.trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.keeper.wait());
    }
}
