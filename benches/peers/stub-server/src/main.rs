//! A loopback stand-in for the few service calls that the benchmarks make.
//!
//! It keeps rendered bodies in memory, so that what a benchmark times is the client. Every setting can be
//! changed while it runs through `POST /_config?name=value&…`; `GET /_stats` tells what it has served.

mod bodies;
mod state;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;

use crate::bodies::Key;
use crate::state::{State, number_in};

const USERINFO: &[u8] = br#"{"sub":"b2c3d4e5-0000-4000-8000-000000000001","name":"Alice","preferred_username":"alice@example.org","email":"alice@example.org"}"#;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// The port; 0 takes a free one. The first line of the output says which.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many threads serve.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// After how many seconds it ends by itself, so that it does not outlive its benchmark by long.
    #[arg(long, default_value_t = 3600)]
    life_s: u64,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(arguments.workers.max(1))
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let life = Duration::from_secs(arguments.life_s);
        tokio::time::timeout(life, serve(arguments.port)).await.unwrap_or(Ok(()))
    })
}

async fn serve(port: u16) -> std::io::Result<()> {
    let state = Arc::new(State::default());
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(2048)?;
    println!("LISTENING {}", listener.local_addr()?);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true)?;
        state.counters.connections.fetch_add(1, SeqCst);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
            // A client that goes away is no news.
            let _ended = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (counters, settings) = (&state.counters, &state.settings);
    let query = request.uri().query().unwrap_or("");
    let body = match request.uri().path() {
        "/v2/oauth2/token" if request.method() == Method::POST => return Ok(token(&state, request).await),
        path if path.starts_with("/v0.10/operation/endpoint/") && path.ends_with("/ls") => {
            counters.ls.fetch_add(1, SeqCst);
            let entries = number_in(query, "limit").unwrap_or_else(|| settings.default_n.load(SeqCst));
            state.bodies.get(Key::Listing { entries: entries.min(1_000_000) })
        }
        "/v0.10/task_list" => {
            counters.task_list.fetch_add(1, SeqCst);
            let limit = number_in(query, "limit").unwrap_or(10).min(10_000);
            let offset = number_in(query, "offset").unwrap_or(0);
            state.bodies.get(Key::Tasks { offset, limit, total: settings.total.load(SeqCst) })
        }
        "/v2/api/userinfo" | "/v2/oauth2/userinfo" => {
            counters.userinfo.fetch_add(1, SeqCst);
            Bytes::from_static(USERINFO)
        }
        "/_stats" => state.stats().into(),
        "/_reset" => {
            state.reset();
            Bytes::from_static(b"{}")
        }
        "/_config" => {
            state.configure(query);
            Bytes::from_static(b"{}")
        }
        _ => {
            counters.other.fetch_add(1, SeqCst);
            let body = Bytes::from_static(br#"{"code":"NotFound","message":"the stub has no such call"}"#);
            return Ok(reply(StatusCode::NOT_FOUND, body));
        }
    };
    Ok(reply(StatusCode::OK, body))
}

fn reply(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn token(state: &State, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (counters, settings) = (&state.counters, &state.settings);
    let number = counters.token.fetch_add(1, SeqCst) + 1;
    let in_flight = state.token_in_flight.fetch_add(1, SeqCst) + 1;
    counters.token_in_flight_max.fetch_max(in_flight, SeqCst);
    // A body that breaks off has no refresh token.
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let form = String::from_utf8_lossy(&body);
    let used = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
    let refresh = used.map_or(Ok(None), |used| rotate(state, used, number));
    let delay = settings.token_delay_ms.load(SeqCst);
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    state.token_in_flight.fetch_sub(1, SeqCst);
    let Ok(refresh) = refresh else {
        counters.token_rejected.fetch_add(1, SeqCst);
        return reply(StatusCode::BAD_REQUEST, Bytes::from_static(br#"{"error":"invalid_grant"}"#));
    };
    let refresh = refresh.map_or("null".to_owned(), |token| format!("\"{token}\""));
    let expires_in = settings.expires_in.load(SeqCst);
    let of = |server: &str, more: &str| {
        let padding = "x".repeat(60);
        format!(
            r#"{{"access_token":"Ag{number:08}{server}{padding}","refresh_token":{refresh},"expires_in":{expires_in},"resource_server":"{server}","scope":"urn:globus:auth:scope:{server}:all","token_type":"Bearer"{more}}}"#
        )
    };
    let servers = settings.resource_servers.load(SeqCst).clamp(1, 1000);
    let others: Vec<_> = (1..servers).map(|server| of(&format!("rs-{server}.example.org"), "")).collect();
    let body = of("transfer.api.globus.org", &format!(r#","other_tokens":[{}]"#, others.join(",")));
    reply(StatusCode::OK, body.into())
}

/// A refresh token that was used before.
struct Refused;

/// The refresh token that goes out for one that came in; none when that stays good.
fn rotate(state: &State, used: &str, number: u64) -> Result<Option<String>, Refused> {
    let rotate = state.settings.rotate.load(SeqCst);
    if rotate == 0 {
        return Ok(None);
    }
    let mut live = state.live_refresh.lock().unwrap_or_else(PoisonError::into_inner);
    if rotate == 2 && live.as_deref().is_some_and(|live| live != used) {
        return Err(Refused);
    }
    let next = format!("AgRotated{number:08}");
    *live = Some(next.clone());
    Ok(Some(next))
}
