//! A server of raw bytes on this machine.

use std::time::Duration;

use globus_core::config::{HttpTimeout, TlsVerification};
use globus_core::transport::{HttpSettings, HttpTransport, Request, Transport, TransportErrorKind};
use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does once it has read the head of a request.
#[derive(Debug, Clone)]
pub(crate) enum Then {
    /// Sends these pieces and closes the connection.
    Send(Vec<Vec<u8>>),
    /// Sends this and then stays silent.
    Stall(Vec<u8>),
    /// Sends this as soon as anything has come, and then stays silent.
    Interrupt(Vec<u8>),
}

/// Starts a server; answers its address.
pub(crate) async fn serve(then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, then.clone()));
        }
    });
    format!("http://{address}/x")
}

async fn answer(mut connection: TcpStream, then: Then) {
    if let Then::Interrupt(bytes) = then {
        let _some = connection.read(&mut [0; 16 << 10]).await;
        connection.write_all(&bytes).await.unwrap();
        return std::future::pending().await;
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    match then {
        Then::Send(pieces) => {
            for piece in pieces {
                if connection.write_all(&piece).await.is_err() {
                    return;
                }
            }
        }
        Then::Stall(bytes) | Then::Interrupt(bytes) => {
            connection.write_all(&bytes).await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}

/// Starts a server that answers with this.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> String {
    serve(Then::Send(vec![answer.into()])).await
}

/// A transport that waits this long.
pub(crate) fn transport(timeout: Duration) -> HttpTransport {
    HttpTransport::new(HttpSettings::new(HttpTimeout::after(timeout), TlsVerification::Roots))
}

/// Long enough for every machine: reached only by what would never end.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Short: only for servers that never answer.
pub(crate) const SHORT: Duration = Duration::from_millis(100);

/// Gets the address and reads the whole answer.
pub(crate) async fn get(
    transport: &HttpTransport,
    address: &str,
) -> Result<(StatusCode, Vec<u8>), TransportErrorKind> {
    let request = Request::new(Method::GET, address.parse().unwrap());
    let answer = transport.send(request).await.map_err(|error| error.kind())?;
    let body = answer.body.read(None, 1 << 20).await.map_err(|error| error.kind())?;
    Ok((answer.status, body.to_vec()))
}
