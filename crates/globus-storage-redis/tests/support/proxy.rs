//! A way to the server that can lose a question or its answer.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::spawn;

/// What gets lost, with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The server never sees the command.
    Question,
    /// The server has done what it was told.
    Answer,
}

/// What happens at a command.
enum Action {
    Lose(Lost),
    /// Something else is done first.
    First(Box<dyn FnOnce() + Send>),
}

/// What is to happen, one after the other, each at a command with its word.
type Armed = Arc<Mutex<VecDeque<(String, Action)>>>;

/// Forwards between a port and the server's socket.
pub struct Proxy {
    port: u16,
    armed: Armed,
}

impl Proxy {
    pub fn start(server_url: &str) -> Self {
        let socket = server_url.strip_prefix("unix://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(Mutex::new(VecDeque::new()));
        spawn({
            let armed = Arc::clone(&armed);
            move || {
                for client in listener.incoming() {
                    forward(client.unwrap(), UnixStream::connect(&socket).unwrap(), &armed);
                }
            }
        });
        Self { port, armed }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Loses the next command that has `word` in it, or its answer. Only for clients that ask one thing at a time.
    ///
    /// This, and each [`before`](Self::before), waits for what was ordered earlier.
    pub fn lose(&self, word: &str, lost: Lost) {
        self.order(word, Action::Lose(lost));
    }

    /// Does something before the next command that has `word` in it goes on to the server.
    pub fn before(&self, word: &str, first: impl FnOnce() + Send + 'static) {
        self.order(word, Action::First(Box::new(first)));
    }

    fn order(&self, word: &str, action: Action) {
        self.armed.lock().unwrap().push_back((word.to_owned(), action));
    }

    /// Whether what was to happen has happened.
    pub fn is_done(&self) -> bool {
        self.armed.lock().unwrap().is_empty()
    }
}

fn forward(mut client: TcpStream, mut server: UnixStream, armed: &Armed) {
    client.set_nodelay(true).unwrap();
    let is_answer_lost = Arc::new(Mutex::new(false));
    let (mut to_client, mut from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    spawn({
        let is_answer_lost = Arc::clone(&is_answer_lost);
        move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = from_server.read(&mut buffer) {
                if *is_answer_lost.lock().unwrap() || to_client.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            drop((to_client.shutdown(Shutdown::Both), from_server.shutdown(Shutdown::Both)));
        }
    });
    let armed = Arc::clone(armed);
    spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = client.read(&mut buffer) {
            let action = {
                let mut armed = armed.lock().unwrap();
                let text = String::from_utf8_lossy(&buffer[..length]);
                let is_now = armed.front().is_some_and(|(word, _)| text.contains(word));
                if is_now { armed.pop_front() } else { None }
            };
            match action {
                Some((_, Action::Lose(Lost::Question))) => break,
                Some((_, Action::Lose(Lost::Answer))) => *is_answer_lost.lock().unwrap() = true,
                Some((_, Action::First(first))) => first(),
                None => {}
            }
            if server.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        drop((client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both)));
    });
}
