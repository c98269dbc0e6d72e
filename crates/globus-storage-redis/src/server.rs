//! One command at a time to the server, repeated where that is safe.

use std::sync::LazyLock;
use std::time::Duration;

use globus_core::storage::{Pause, StorageError};
use redis::aio::ConnectionManager;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind, cmd};

use crate::error::{may_pass, storage_error};

/// How often a command is sent whose answer does not come.
pub(crate) const ATTEMPTS: u32 = 5;

/// A script and its hash, by which the server knows it once it has seen it.
pub(crate) struct Lua {
    text: &'static str,
    hash: String,
}

impl Lua {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text, hash: Script::new(text).get_hash().to_owned() }
    }

    fn command(&self, is_known: bool, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
        let mut command = if is_known { cmd("EVALSHA") } else { cmd("EVAL") };
        command.arg(if is_known { self.hash.as_str() } else { self.text });
        command.arg(keys.len()).arg(keys);
        for argument in arguments {
            command.arg(*argument);
        }
        command
    }
}

macro_rules! scripts {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(pub(crate) static $name: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!($file)));)*
    };
}

scripts!(
    SWAP = "lua/swap.lua",
    LIST = "lua/list.lua",
    TAKE = "lua/take.lua",
    EXTEND = "lua/extend.lua",
    RELEASE = "lua/release.lua",
);

/// The server, through the user's connection.
#[derive(Clone)]
pub(crate) struct Server(pub(crate) ConnectionManager);

impl Server {
    /// The answer to a command. Once.
    async fn ask_once<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        command.query_async(&mut self.0.clone()).await
    }

    /// The answer to a script. Once, unless the server does not know the script, which then has not run.
    pub(crate) async fn run_once<T: FromRedisValue>(
        &self,
        script: &Lua,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<T, RedisError> {
        match self.ask_once(&script.command(true, keys, arguments)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.ask_once(&script.command(false, keys, arguments)).await
            }
            answer => answer,
        }
    }

    /// The answer to a command that can be repeated.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StorageError> {
        let mut retry = Retry::new();
        loop {
            match self.ask_once(command).await {
                Ok(answer) => return Ok(answer),
                Err(error) => retry.after(&error).await?,
            }
        }
    }

    /// The answer to a script that can be repeated.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Lua,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<T, StorageError> {
        let mut retry = Retry::new();
        loop {
            match self.run_once(script, keys, arguments).await {
                Ok(answer) => return Ok(answer),
                Err(error) => retry.after(&error).await?,
            }
        }
    }
}

/// Between two tries or looks.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How often something has failed that may pass.
pub(crate) struct Retry {
    failures: u32,
    pause: Pause,
}

impl Retry {
    pub(crate) fn new() -> Self {
        Self { failures: 0, pause: Pause::up_to(LONGEST_PAUSE) }
    }

    /// Waits a little, or gives up.
    pub(crate) async fn after(&mut self, error: &RedisError) -> Result<(), StorageError> {
        self.failures += 1;
        // The first refusal may be of an earlier time: the driver keeps it until somebody asks again. The next one
        // comes after the driver itself has tried for seconds.
        let is_down = error.is_connection_refusal() && self.failures > 1;
        if self.failures >= ATTEMPTS || is_down || !may_pass(error) {
            return Err(storage_error(error));
        }
        tokio::time::sleep(self.pause.length()).await;
        Ok(())
    }
}
