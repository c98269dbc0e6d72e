//! A network between the program and the server that fails at one place.

use std::sync::{Arc, Mutex};

use globus_storage_postgres::tokio_postgres::Config;
use globus_storage_postgres::tokio_postgres::config::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Semaphore, watch};

/// Where it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What holds the text is not sent.
    BeforeSending,
    /// What holds the text is sent, and the answer that a transaction has ended is lost.
    AnswerLost,
}

#[derive(Debug)]
struct Shared {
    fault: Mutex<Option<(Fault, &'static str)>>,
    /// A permit for each fault that has happened.
    failed: Semaphore,
    /// Connections after the fault wait for this.
    mended: Semaphore,
    is_broken: Mutex<bool>,
    /// How often all connections of then were halted.
    halts: watch::Sender<u32>,
}

/// Takes connections by TCP for a server on a socket.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    config: Config,
}

impl Proxy {
    pub async fn start(server: &Config) -> Self {
        let Host::Unix(directory) = &server.get_hosts()[0] else { panic!("a socket is expected") };
        let socket = directory.join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::new();
        config.host("127.0.0.1").port(listener.local_addr().unwrap().port());
        config.user(server.get_user().unwrap()).dbname(server.get_dbname().unwrap());
        let shared = Arc::new(Shared {
            fault: Mutex::default(),
            failed: Semaphore::new(0),
            mended: Semaphore::new(0),
            is_broken: Mutex::default(),
            halts: watch::Sender::default(),
        });
        let of_listener = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(forward(client, server, Arc::clone(&of_listener)));
            }
        });
        Self { shared, config }
    }

    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Fails once, when this text comes from the program. From then on connections are halted.
    pub fn fail_at(&self, fault: Fault, text: &'static str) {
        *self.shared.fault.lock().unwrap() = Some((fault, text));
    }

    /// Waits until it has failed.
    pub async fn failed(&self) {
        self.shared.failed.acquire().await.unwrap().forget();
    }

    /// From now on the connections that there are carry nothing more, without being closed, as when a server has
    /// vanished. New ones do.
    pub fn halt(&self) {
        self.shared.halts.send_modify(|halts| *halts += 1);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.shared.mended.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

async fn forward(mut client: TcpStream, mut server: UnixStream, shared: Arc<Shared>) {
    if *shared.is_broken.lock().unwrap() {
        drop(shared.mended.acquire().await.unwrap());
    }
    let mut halts = shared.halts.subscribe();
    let (mut from_client, mut from_server) = (vec![0; 65536], vec![0; 65536]);
    let mut last = Vec::new();
    loop {
        tokio::select! {
            biased;
            halted = halts.changed() => {
                halted.unwrap();
                std::future::pending::<()>().await;
            }
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return };
                // The text may come in two pieces.
                last.extend_from_slice(&from_client[..length]);
                let fault = shared.fault.lock().unwrap().take_if(|(_, text)| contains(&last, text));
                if let Some((fault, _)) = fault {
                    if fault == Fault::AnswerLost {
                        server.write_all(&from_client[..length]).await.unwrap();
                        let mut answer = Vec::new();
                        while !contains(&answer, "COMMIT\0") {
                            let length = server.read(&mut from_server).await.unwrap();
                            assert!(length > 0, "the server is there");
                            answer.extend_from_slice(&from_server[..length]);
                        }
                    }
                    *shared.is_broken.lock().unwrap() = true;
                    shared.failed.add_permits(1);
                    return;
                }
                last.drain(..last.len().saturating_sub(256));
                if server.write_all(&from_client[..length]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&from_server[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
