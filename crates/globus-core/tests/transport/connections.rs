//! Ways in which no answer comes.

use std::time::Duration;

use globus_core::config::{HttpTimeout, TlsVerification};
use globus_core::transport::TransportErrorKind::{Connect, ConnectionLost, Timeout, Tls};
use globus_core::transport::{HttpSettings, HttpTransport, Request, Transport, TransportErrorKind};
use http::Method;
use static_assertions::assert_impl_all;
use tokio::net::TcpListener;

use crate::server::{LONG, SHORT, Then, answering, get, serve, transport};

assert_impl_all!(HttpTransport: Clone, Send, Sync, std::fmt::Debug);

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let kind = get(&transport(LONG), &address).await.unwrap_err();
    assert_eq!(kind, Connect);
    assert!(!kind.may_have_been_processed());
}

#[tokio::test]
async fn no_such_host() {
    // RFC 6761, section 6.4: never resolves.
    assert_eq!(get(&transport(LONG), "http://nowhere.invalid/").await.unwrap_err(), Connect);
}

#[tokio::test]
async fn the_connection_is_closed_in_place_of_an_answer() {
    let address = serve(Then::Send(Vec::new())).await;
    let kind = get(&transport(LONG), &address).await.unwrap_err();
    assert_eq!(kind, ConnectionLost);
    assert!(kind.may_have_been_processed());
}

#[tokio::test]
async fn the_connection_is_closed_in_the_head_of_the_answer() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Le").await;
    assert_eq!(get(&transport(LONG), &address).await.unwrap_err(), ConnectionLost);
}

#[tokio::test]
async fn what_comes_is_not_http() {
    let address = answering("220 mail.example.org ESMTP\r\n\r\n").await;
    let kind = get(&transport(LONG), &address).await.unwrap_err();
    assert!(kind.may_have_been_processed(), "{kind:?}");
}

#[tokio::test]
async fn the_server_stays_silent() {
    let address = serve(Then::Stall(Vec::new())).await;
    let kind = get(&transport(SHORT), &address).await.unwrap_err();
    assert_eq!(kind, Timeout);
    assert!(kind.may_have_been_processed());
}

#[tokio::test]
async fn the_requests_own_time_ends() {
    let address = serve(Then::Stall(Vec::new())).await;
    let mut request = Request::new(Method::GET, address.parse().unwrap());
    request.timeout = Some(SHORT);
    assert_eq!(transport(LONG).send(request).await.unwrap_err().kind(), Timeout);
    // Already over before it begins.
    let mut request = Request::new(Method::GET, address.parse().unwrap());
    request.timeout = Some(Duration::ZERO);
    let kind = transport(LONG).send(request).await.unwrap_err().kind();
    assert!(matches!(kind, Timeout | TransportErrorKind::ConnectTimeout), "{kind:?}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls() {
    let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let address = serve(Then::Interrupt(answer.to_vec())).await;
    let kind = get(&transport(LONG), &address.replace("http:", "https:")).await.unwrap_err();
    assert_eq!(kind, Tls);
    assert!(kind.is_hopeless());
}

#[tokio::test]
async fn redirects_are_left_to_the_caller() {
    let address =
        answering("HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let request = Request::new(Method::GET, address.await.parse().unwrap());
    let answer = transport(LONG).send(request).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.headers["location"]), (302, &"/y".parse().unwrap()));
}

#[tokio::test]
async fn failures_show_neither_query_nor_headers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/?token=AgSecret", listener.local_addr().unwrap());
    drop(listener);
    let mut request = Request::new(Method::POST, address.parse().unwrap());
    request.headers.insert("authorization", "Bearer AgSecret".parse().unwrap());
    request.body = "AgSecret".into();
    assert!(!format!("{request:?}").contains("AgSecret"));
    let error = transport(LONG).send(request).await.unwrap_err();
    let causes =
        std::iter::successors(Some(&error as &(dyn std::error::Error + 'static)), |cause| cause.source());
    let shown: Vec<_> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
    let shown = shown.join("\n");
    assert!(!shown.contains("AgSecret"), "{shown}");
}

#[tokio::test]
async fn equal_settings_share_their_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let settings = |milliseconds| {
        let timeout = HttpTimeout::after(Duration::from_millis(milliseconds));
        HttpSettings::new(timeout, TlsVerification::Roots)
    };
    let server = tokio::spawn(async move {
        let mut connections = 0;
        while connections < 2 {
            let (mut connection, _) = listener.accept().await.unwrap();
            connections += 1;
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let mut head = Vec::new();
                while let Ok(byte) = connection.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{connections}");
                        connection.write_all(answer.as_bytes()).await.unwrap();
                        head.clear();
                    }
                }
            });
        }
    });
    // The number of the connection is the answer.
    for (milliseconds, expected) in [(29_001, "1"), (29_001, "1"), (29_002, "2"), (29_001, "1")] {
        let transport = HttpTransport::shared(&settings(milliseconds));
        let (_, body) = get(&transport, &address).await.unwrap();
        assert_eq!(body, expected.as_bytes());
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_bundle_that_is_none_is_told_and_never_tried_again() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let tls = TlsVerification::Bundle(file.path().to_owned());
    let transport = HttpTransport::new(HttpSettings::new(HttpTimeout::default(), tls));
    let request = Request::new(Method::GET, "https://127.0.0.1:1/".parse().unwrap());
    let error = transport.send(request).await.unwrap_err();
    assert!(error.kind().is_hopeless());
    let text = error.to_string();
    assert!(text.contains("no PEM certificate") && text.contains(file.path().to_str().unwrap()), "{text}");
}
