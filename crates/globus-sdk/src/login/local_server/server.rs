//! The server that the browser comes back to. Only the login's own redirect means anything to it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use globus_core::AuthorizationCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use super::page::Page;
use crate::auth::LoginError;
use crate::login::StartedLogin;

/// Where the browser is sent from the redirect, so that the code stays in neither its address bar nor its history.
const DONE: &str = "/done";

/// How many connections are open at once. The oldest makes way: the redirect is sent in an instant.
const CONNECTIONS: usize = 16;

/// How long a connection may last, of one who sends slowly or nothing.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// The most bytes of the head of a request.
const HEAD_SIZE: usize = 16 * 1024;

/// How long the browser may take to ask for the page after the redirect. They all do at once.
const LAST_PAGE_LIMIT: Duration = Duration::from_secs(10);

/// How long nothing is accepted when the system has refused to.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) type Outcome = Result<AuthorizationCode, LoginError>;
type Answer = Response<Full<Bytes>>;

/// A port of this machine, open for as long as this lives.
pub(super) struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(super) fn redirect_uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits here for the redirect of this login.
    pub(super) fn serve(self, login: Arc<StartedLogin>) -> Server {
        let (sender, outcome) = oneshot::channel();
        let waiting = Waiting { login, address: self.address, end: Mutex::new(End::Awaited(sender)) };
        Server {
            listener: self.listener,
            waiting: Arc::new(waiting),
            outcome,
            connections: JoinSet::new(),
            by_age: VecDeque::new(),
        }
    }
}

/// The server. It does its work while one of its futures is awaited, and is shut down when it is dropped.
pub(super) struct Server {
    listener: TcpListener,
    waiting: Arc<Waiting>,
    outcome: oneshot::Receiver<Outcome>,
    /// Each says whether it has given the last page.
    connections: JoinSet<bool>,
    by_age: VecDeque<AbortHandle>,
}

impl Server {
    /// Serves until the redirect of the login has come.
    pub(super) async fn redirect(&mut self) -> Outcome {
        loop {
            tokio::select! {
                biased;
                outcome = &mut self.outcome => return outcome.unwrap_or(Err(LoginError::NoCode)),
                Some(_) = self.connections.join_next() => {}
                accepted = self.listener.accept() => self.accept(accepted).await,
            }
        }
    }

    /// Serves until the browser has the page after the redirect, or does not ask for it.
    pub(super) async fn last_page(&mut self) {
        let shown = async {
            loop {
                tokio::select! {
                    biased;
                    Some(done) = self.connections.join_next() => if matches!(done, Ok(true)) { break },
                    accepted = self.listener.accept() => self.accept(accepted).await,
                }
            }
        };
        drop(tokio::time::timeout(LAST_PAGE_LIMIT, shown).await);
    }

    async fn accept(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file handles, most likely: what is open needs time to end.
                tracing::debug!(%error, "the server of the login could not accept a connection");
                return tokio::time::sleep(PAUSE).await;
            }
        };
        self.by_age.retain(|connection| !connection.is_finished());
        if self.by_age.len() >= CONNECTIONS
            && let Some(oldest) = self.by_age.pop_front()
        {
            oldest.abort();
        }
        let connection = self.connections.spawn(connection(stream, Arc::clone(&self.waiting)));
        self.by_age.push_back(connection);
    }
}

/// One request, and whether it got the last page.
async fn connection(stream: TcpStream, waiting: Arc<Waiting>) -> bool {
    let gave_last_page = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        let (answer, is_last) = waiting.answer(&request);
        gave_last_page.fetch_or(is_last, Ordering::Relaxed);
        async move { Ok::<_, Infallible>(answer) }
    });
    let serving = http1::Builder::new()
        .max_buf_size(HEAD_SIZE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that ends in another way has ended too.
    drop(tokio::time::timeout(CONNECTION_LIMIT, serving).await);
    gave_last_page.into_inner()
}

/// What a redirect is held against.
struct Waiting {
    login: Arc<StartedLogin>,
    address: SocketAddr,
    end: Mutex<End>,
}

enum End {
    Awaited(oneshot::Sender<Outcome>),
    Came(Page),
}

impl Waiting {
    fn answer(&self, request: &Request<Incoming>) -> (Answer, bool) {
        if request.method() == Method::GET {
            match request.uri().path() {
                "/" if self.comes_back(request.uri().query().unwrap_or_default()) => {
                    let mut answer = answer(StatusCode::SEE_OTHER, String::new());
                    answer.headers_mut().insert(LOCATION, HeaderValue::from_static(DONE));
                    return (answer, false);
                }
                DONE => {
                    if let End::Came(page) = &*self.end.lock().unwrap_or_else(PoisonError::into_inner) {
                        return (answer(StatusCode::OK, page.html()), true);
                    }
                }
                _ => {}
            }
        }
        (answer(StatusCode::NOT_FOUND, "Not found\n".to_owned()), false)
    }

    /// Whether this is the redirect of the login. The first one ends it.
    fn comes_back(&self, query: &str) -> bool {
        let redirected = format!("http://{}/?{query}", self.address);
        let outcome = self.login.flow().code_from(&redirected);
        let page = match &outcome {
            Ok(_) => Page::Done,
            // Another login's, or nobody's.
            Err(error) if error.can_still_be_finished() => return false,
            Err(error) => Page::of_refusal(error),
        };
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*end, End::Awaited(_))
            && let End::Awaited(sender) = std::mem::replace(&mut *end, End::Came(page))
        {
            // Who has gone away has no use for it.
            drop(sender.send(outcome));
        }
        true
    }
}

fn answer(status: StatusCode, text: String) -> Answer {
    let html = status == StatusCode::OK;
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, if html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" }),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::login::LoginRequest;
    use crate::{GlobusAuthorizationParameters, NativeAppAuthClient};

    async fn server() -> (Server, SocketAddr, String) {
        let port = Port::open().await.unwrap();
        let client =
            NativeAppAuthClient::builder("cid").base_url("https://auth.example.org/").build().unwrap();
        let wanted = GlobusAuthorizationParameters::default().required_scopes("openid");
        let login = LoginRequest::new(client, wanted).start_with_redirect(&port.redirect_uri()).unwrap();
        let (address, state) = (port.address, login.state().to_owned());
        (port.serve(Arc::new(login)), address, state)
    }

    #[tokio::test]
    async fn connections_are_not_kept_without_a_limit() {
        let (mut server, address, state) = server().await;
        let flood = async {
            let mut open = Vec::new();
            for _ in 0..50 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
                open.push(stream);
            }
            let mut right = TcpStream::connect(address).await.unwrap();
            let request = format!("GET /?code=CODE&state={state} HTTP/1.1\r\n\r\n");
            right.write_all(request.as_bytes()).await.unwrap();
            (open, right)
        };
        let (outcome, _open) = futures_util::future::join(server.redirect(), flood).await;
        assert_eq!(outcome.unwrap().expose(), "CODE");
        // Those that had to make way end when they get to run.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        while server.connections.try_join_next().is_some() {}
        let open = server.connections.len();
        assert!((1..=CONNECTIONS).contains(&open), "{open}");
    }

    /// The clock of the runtime moves by itself when there is nothing to do.
    #[tokio::test(start_paused = true)]
    async fn who_never_ends_a_request_is_sent_away() {
        let (mut server, address, _) = server().await;
        let slow = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").await.unwrap();
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer).await);
        };
        tokio::select! {
            outcome = server.redirect() => panic!("{outcome:?}"),
            () = slow => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_page_is_not_waited_for_for_ever() {
        let (mut server, _, _) = server().await;
        server.last_page().await;
    }
}
