//! The listener: one task per connection, and an end to all of them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::exchange;

/// A handler's wish that the connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut by a fault")]
pub(crate) struct Cut;

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// How long open connections may take to finish their last answer when the emulator stops.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until `stop` turns true (or its sender is gone), then lets open connections finish.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, app.clone(), router.clone(), stop.clone()));
                }
                Err(error) => {
                    // Out of file handles, most likely: the connections that are open need time to end.
                    tracing::warn!(%error, "the emulator could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = told(&mut stop) => break,
        }
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, all_done).await.is_err() {
        connections.shutdown().await;
    }
}

/// Ready when the emulator is to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that the emulator is gone, which says the same.
    drop(stop.wait_for(|stop| *stop).await);
}

async fn connection(stream: TcpStream, app: Arc<App>, router: Router, mut stop: watch::Receiver<bool>) {
    // Small answers must not wait for the caller's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, router) = (app.clone(), router.clone());
        async move { answer(app, router, request).await }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        // The emulator writes `Date` itself: the emulated one.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = told(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(app: Arc<App>, router: Router, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    exchange::answer(&app, router, request.map(Body::new)).await
}
