//! Ways in which the body of an answer does not come as announced.

use globus_core::transport::TransportErrorKind::{Body, ContentDecoding, Timeout};

use crate::server::{LONG, SHORT, Then, answering, get, serve, transport};

/// `{"a": 1}` as gzip (RFC 1952): one stored block.
fn gzip() -> Vec<u8> {
    let text = br#"{"a": 1}"#;
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bytes.extend([1, 8, 0, 0xf7, 0xff]);
    bytes.extend(text);
    bytes.extend(crc32(text).to_le_bytes());
    bytes.extend(8_u32.to_le_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_body_ends_before_its_announced_length() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\": 1}").await;
    assert_eq!(get(&transport(LONG), &address).await.unwrap_err(), Body);
}

#[tokio::test]
async fn a_body_ends_before_its_last_chunk() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunks in ["5\r\nhello\r\n", "5\r\nhel", "xyz\r\nhello\r\n0\r\n\r\n"] {
        let address = answering(format!("{head}{chunks}")).await;
        assert_eq!(get(&transport(LONG), &address).await.unwrap_err(), Body, "{chunks:?}");
    }
    let address = answering(format!("{head}5\r\nhello\r\n0\r\n\r\n")).await;
    assert_eq!(get(&transport(LONG), &address).await.unwrap().1, b"hello");
}

#[tokio::test]
async fn a_compressed_body_is_decompressed() {
    let address = answering(compressed(&gzip())).await;
    assert_eq!(get(&transport(LONG), &address).await.unwrap().1, br#"{"a": 1}"#);
}

#[tokio::test]
async fn a_damaged_compressed_body() {
    for place in [0, 12, 20] {
        let mut damaged = gzip();
        damaged[place] ^= 0x55;
        let address = answering(compressed(&damaged)).await;
        assert_eq!(get(&transport(LONG), &address).await.unwrap_err(), ContentDecoding, "{place}");
    }
}

#[tokio::test]
async fn a_body_that_stops_coming() {
    let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec();
    let address = serve(Then::Stall(begun)).await;
    assert_eq!(get(&transport(SHORT), &address).await.unwrap_err(), Timeout);
}

#[tokio::test]
async fn the_requests_time_ends_in_the_body() {
    use globus_core::transport::{Request, Transport};
    let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec();
    let address = serve(Then::Stall(begun)).await;
    let mut request = Request::new(http::Method::GET, address.parse().unwrap());
    request.timeout = Some(SHORT);
    let error = match transport(LONG).send(request).await {
        Ok(answer) => answer.body.read(None, 1000).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Timeout);
}
