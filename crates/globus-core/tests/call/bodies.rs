//! Requests as they are written, answers as they are read.

use globus_core::{BaseClient, ManualClock};
use http::Method;
use serde::Deserialize;

use crate::support::{Reply, START, Service, builder, json, status};

fn client(service: &Service) -> BaseClient {
    builder(service, &ManualClock::at(START)).build().unwrap()
}

#[tokio::test]
async fn path_and_query_are_encoded() {
    let service = Service::default();
    let call = client(&service).request(Method::GET, "/a b:c%20d?x=1");
    let call = call.query("q", "a&b c").query("n", 1).query("n", 2).query("gone", 1).set_query("gone", "é");
    call.send().await.unwrap();
    assert_eq!(
        service.addresses(),
        ["https://service.example.org/api/a%20b%3Ac%2520d%3Fx%3D1?q=a%26b+c&n=1&n=2&gone=%C3%A9"]
    );
}

#[tokio::test]
async fn bodies_have_their_content_type_unless_the_caller_says_another() {
    let service = Service::default();
    let post = || client(&service).request(Method::POST, "/x");
    post().json(&serde_json::json!({"a": null})).send().await.unwrap();
    post().header("content-type", "application/vnd.api+json").json(&[1]).send().await.unwrap();
    post().form([("a", "1 2"), ("b", "ü")]).send().await.unwrap();
    post().text("as it is").send().await.unwrap();
    post().send().await.unwrap();
    let sent: Vec<_> = service
        .requests()
        .into_iter()
        .map(|request| {
            let media_type =
                request.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
            (media_type.unwrap_or_default(), String::from_utf8(request.body.to_vec()).unwrap())
        })
        .collect();
    let expected = [
        ("application/json", r#"{"a":null}"#),
        ("application/vnd.api+json", "[1]"),
        ("application/x-www-form-urlencoded", "a=1+2&b=%C3%BC"),
        ("", "as it is"),
        ("", ""),
    ];
    assert_eq!(sent, expected.map(|(media_type, body)| (media_type.to_owned(), body.to_owned())));
}

#[tokio::test]
async fn what_cannot_be_written_is_a_usage_error_and_nothing_is_sent() {
    let service = Service::default();
    let get = || client(&service).request(Method::GET, "/x");
    let keys = std::collections::BTreeMap::from([([1_u8, 2], 3)]);
    for call in [
        get().header("bad name", "x"),
        get().header("name", "Secret\n"),
        get().json(&keys),
        client(&service).request(Method::GET, "/a/../b"),
        client(&service).request(Method::GET, "https://[/"),
    ] {
        let error = call.send().await.unwrap_err();
        assert!(error.is_usage(), "{error}");
        assert!(!error.to_string().contains("Secret"), "{error}");
    }
    assert_eq!(service.requests().len(), 0);
}

#[derive(Debug, Deserialize)]
struct Thing {
    name: String,
    parts: Vec<u32>,
}

const THING: &str = r#"{"name": "n", "parts": [1, 2]}"#;

#[tokio::test]
async fn answers_are_read_into_the_callers_own_type() {
    let service = Service::replies([json(201, THING).header("x-request-id", "abc")]);
    let answer = client(&service).request(Method::GET, "/x").send_as::<Thing>().await.unwrap();
    assert_eq!((answer.name.as_str(), answer.parts.as_slice()), ("n", [1, 2].as_slice()));
    assert_eq!((answer.status().as_u16(), answer.request_id()), (201, Some("abc")));
    assert_eq!(answer.content_type(), Some("application/json"));
    assert_eq!(answer.raw(), THING.as_bytes());
    assert_eq!(answer.map(|thing| thing.parts.len()).into_inner(), 2);
}

#[tokio::test]
async fn an_untyped_answer_that_is_no_json_is_null_with_its_text_kept() {
    let service = Service::replies([status(200).chunks([Ok("<html>"), Ok("hello")])]);
    let answer = client(&service).request(Method::GET, "/x").send().await.unwrap();
    assert!(answer.is_null());
    assert_eq!(&answer.raw()[..], b"<html>hello");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_placed_and_not_quoted() {
    let html = "<html>AgSecret</html>";
    for (reply, place) in [
        (json(200, html), "line 1, column 1"),
        (json(200, r#"{"name": "AgSecret", "parts": [1, "AgSecret"]}"#), "parts[1]"),
        (json(200, r#"{"name": "AgSecret""#), "ends too early"),
        (json(200, r#"{"name": "AgSecret", "parts": []} AgSecret"#), "is not JSON"),
    ] {
        let error = read(reply).await;
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(place) && shown.contains("GET https://service.example.org/api/x"), "{shown}");
        assert!(!shown.contains("AgSecret") && !shown.contains("html>"), "{shown}");
        assert!(error.is_decode(), "{shown}");
    }
}

async fn read(reply: Reply) -> globus_core::Error {
    let service = Service::replies([reply]);
    client(&service).request(Method::GET, "/x").send_as::<Thing>().await.unwrap_err()
}
