//! Statements, each on a connection of the pool that is given back at once.

use std::ops::Deref;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use deadpool_postgres::{Client, Object};
use globus_core::storage::{Pause, StorageError};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::PostgresTokenStorage;
use crate::failure::{Failure, is_starting, no_connection};

/// What a statement is given.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Between two looks: up to a quarter of a second, as thousands may be waiting.
pub(crate) fn pause() -> Pause {
    Pause::up_to(Duration::from_millis(250))
}

/// How long the server may take for an answer where nobody has said how long to wait.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// How often a statement is tried when its connection is lost.
const ATTEMPTS: u32 = 3;

/// What a statement has answered.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    /// An earlier try may have been carried out as well.
    pub(crate) is_repeated: bool,
}

impl PostgresTokenStorage {
    /// A connection. A server that is being started anew is waited for.
    pub(crate) async fn connect(&self) -> Result<Connection, StorageError> {
        let start = Instant::now();
        let mut pause = pause();
        loop {
            match self.pool.get().await {
                Ok(client) => return Ok(Connection { client: Some(client), state: State::Unknown }),
                Err(error) if is_starting(&error) && start.elapsed() < self.restart_wait => {
                    self.is_away.store(true, Relaxed);
                    let left = self.restart_wait.saturating_sub(start.elapsed());
                    tokio::time::sleep(pause.length().min(left)).await;
                }
                Err(error) => return Err(no_connection(&error)),
            }
        }
    }

    /// Carries out one statement that does no harm when it is carried out twice. A connection that was lost is
    /// noticed only when it is used, for example after the server was started anew.
    pub(crate) async fn run(&self, statement: &str, values: Values<'_>) -> Result<Answer, Failure> {
        let mut is_repeated = false;
        for _ in 1..ATTEMPTS {
            match self.run_once(statement, values).await {
                Err(Failure::Lost(_)) => is_repeated = true,
                Err(Failure::Race(_)) => {}
                done => return answer(done, is_repeated),
            }
        }
        answer(self.run_once(statement, values).await, is_repeated)
    }

    async fn run_once(&self, statement: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let mut connection = self.connect().await?;
        connection.state = State::Asked;
        let done = connection.run(statement, values).await;
        let is_lost = matches!(done, Err(Failure::Lost(_)));
        connection.state = if is_lost { State::Unknown } else { State::Free };
        self.is_away.store(is_lost, Relaxed);
        done
    }
}

fn answer(done: Result<Vec<Row>, Failure>, is_repeated: bool) -> Result<Answer, Failure> {
    match done {
        Ok(rows) => Ok(Answer { rows, is_repeated }),
        // Whatever is wrong now: the answer to an earlier try was lost.
        Err(Failure::Refused(error)) if is_repeated => Err(Failure::Lost(error)),
        Err(failure) => Err(failure),
    }
}

/// A connection of the pool. When dropped it is given back or closed, as its state says.
pub(crate) struct Connection {
    client: Option<Client>,
    state: State,
}

/// What is known of a connection.
#[derive(Clone, Copy)]
enum State {
    /// It may be lost or in a transaction.
    Unknown,
    /// It is not in a transaction, and has not answered yet.
    Asked,
    /// It has answered, and is not in a transaction.
    Free,
}

impl Connection {
    async fn run(&self, statement: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let statement = self.prepare_cached(statement).await?;
        Ok(self.query(&statement, values).await?)
    }

    pub(crate) fn give_back(mut self) {
        self.state = State::Free;
    }

    /// Gives it back after its transaction.
    pub(crate) async fn roll_back(self) {
        if self.batch_execute("ROLLBACK").await.is_ok() {
            self.give_back();
        }
    }

    /// Gives it back when all that it was asked is answered.
    async fn give_back_once_it_answers(self) {
        if let Ok(Ok(_)) = timeout(ANSWER, self.simple_query("")).await {
            self.give_back();
        }
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        #[expect(clippy::expect_used, reason = "it is taken only when the whole is dropped")]
        self.client.as_ref().expect("it is there until the end")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        match (self.state, Handle::try_current()) {
            (State::Free, _) => drop(client),
            // Nobody waits for the answer any more. Closing it now would cost a new connection each time, and giving
            // it back would lend others one whose server may have vanished.
            (State::Asked, Ok(runtime)) => {
                let connection = Self { client: Some(client), state: State::Unknown };
                drop(runtime.spawn(connection.give_back_once_it_answers()));
            }
            (State::Unknown | State::Asked, _) => drop(Object::take(client)),
        }
    }
}
