//! Redis on a socket in a directory of its own.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Names a server that the tests use instead of starting one, as `unix:///path` or `redis://…`.
pub const URL_VARIABLE: &str = "GLOBUS_TEST_REDIS";

/// Runs the server until a line of the standard input names the signal to stop it with. Where the input just ends, the
/// test has, however it did: then neither the server nor its directory outlives it.
const KEEPER: &str = r#"
directory=$1
shift
redis-server "$@" &
if read -r signal; then
    kill -s "$signal" $!
    wait $!
else
    kill -s KILL $!
    wait $!
    rm -rf "$directory"
fi
"#;

/// The server for tests that only keep to their own keys ([`unique_prefix`]): the one that `GLOBUS_TEST_REDIS` names,
/// or one of this process, which ends with it and leaves nothing behind.
pub fn shared_url() -> String {
    static OWN: OnceLock<RedisServer> = OnceLock::new();
    std::env::var(URL_VARIABLE).unwrap_or_else(|_| OWN.get_or_init(RedisServer::in_memory).url())
}

/// A key prefix that no other test has.
pub fn unique_prefix() -> String {
    format!("test-{}:", uuid::Uuid::new_v4().simple())
}

/// A server of its own, for tests that stop it or change its settings.
#[derive(Debug)]
pub struct RedisServer {
    directory: TempDir,
    persistence: &'static [&'static str],
    keeper: Option<Child>,
}

impl RedisServer {
    /// A server that forgets everything when it stops.
    pub fn in_memory() -> Self {
        Self::start(&["--save", "", "--appendonly", "no"])
    }

    /// A server that answers a write only when it is on the disk.
    pub fn durable() -> Self {
        Self::start(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    fn start(persistence: &'static [&'static str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Self { directory, persistence, keeper: None };
        server.run();
        server
    }

    fn run(&mut self) {
        let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        assert!(
            version.is_ok_and(|status| status.success()),
            "this test needs the program redis-server: install it (`apt-get install redis-server`), or name a \
             running server in {URL_VARIABLE}"
        );
        let mut keeper = Command::new("sh");
        // What ends the whole group of processes of a test leaves the keeper alone, so that it can clean up.
        keeper.process_group(0);
        keeper.args(["-c", KEEPER, "sh"]).arg(self.directory.path());
        keeper.args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"]).arg(self.socket());
        keeper.arg("--dir").arg(self.directory.path());
        keeper.arg("--logfile").arg(self.log()).args(self.persistence);
        self.keeper =
            Some(keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let start = Instant::now();
        while !self.answers() {
            // So that a server that does not start is told, and not waited for without end.
            let log = || std::fs::read_to_string(self.log()).unwrap_or_default();
            assert!(start.elapsed() < Duration::from_secs(120), "redis-server does not start: {}", log());
            sleep(Duration::from_millis(5));
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn answers(&self) -> bool {
        self.ask("PING").is_ok_and(|answer| answer == "+PONG\r\n")
    }

    /// The answer to one short command, on a connection of its own.
    fn ask(&self, command: &str) -> io::Result<String> {
        let mut connection = UnixStream::connect(self.socket())?;
        write!(connection, "{command}\r\n")?;
        let mut answer = [0; 64];
        let length = connection.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    /// Where it keeps what it keeps.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Stops it as an administrator does.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    /// Stops it as a crash does.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    /// Starts it again, with what it has kept.
    pub fn start_again(&mut self) {
        self.stop();
        self.run();
    }

    /// Cuts all connections that there are.
    pub fn drop_connections(&self) {
        let answer = self.ask("CLIENT KILL TYPE normal SKIPME yes").unwrap();
        assert!(answer.starts_with(':'), "{answer}");
    }

    /// Lets all connections wait for their answers for this long.
    pub fn pause(&self, time: Duration) {
        let answer = self.ask(&format!("CLIENT PAUSE {}", time.as_millis())).unwrap();
        assert_eq!(answer, "+OK\r\n");
    }

    /// Deletes the keys that match, as one who does not know what they are for.
    pub fn delete(&self, pattern: &str) {
        let script = format!(
            "for _, key in ipairs(redis.call('KEYS', '{pattern}')) do redis.call('DEL', key) end return 1"
        );
        assert_eq!(self.ask(&format!("EVAL \"{script}\" 0")).unwrap(), ":1\r\n");
    }

    fn end(&mut self, signal: &str) {
        let Some(mut keeper) = self.keeper.take() else { return };
        let mut input = keeper.stdin.take().expect("it is piped");
        // A keeper that is gone has taken the server along.
        drop(writeln!(input, "{signal}"));
        drop(input);
        drop(keeper.wait());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
