//! Errors of services: what is shown, what never is, and that every body is survived.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use globus_core::api_error::{ApiError, ErrorContext, Service};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE};
use http::{Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

const SERVICES: [Service; 9] = [
    Service::Auth,
    Service::Transfer,
    Service::Groups,
    Service::Search,
    Service::Flows,
    Service::Timers,
    Service::Compute,
    Service::Gcs,
    Service::Other,
];

fn context(service: Service, url: &str) -> ErrorContext<'static> {
    ErrorContext {
        service,
        method: Method::POST,
        url: url.parse().unwrap(),
        authorization_scheme: Some("Bearer SECRET-TOKEN"),
    }
}

fn answer(service: Service, media_type: &'static str, body: impl Into<Bytes>) -> ApiError {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    ApiError::from_response(
        context(service, "https://example.org/v1/x?code=SECRET-QUERY"),
        StatusCode::BAD_REQUEST,
        headers,
        body.into(),
    )
}

fn json_answer(service: Service, body: &Value) -> ApiError {
    answer(service, "application/json", body.to_string())
}

#[test]
fn neither_display_nor_debug_shows_what_was_sent() {
    let body = json!({
        "code": "C",
        "message": "M",
        "request": {"refresh_token": "SECRET-BODY"},
        "errors": [{"code": "D", "SECRET": "SECRET-BODY"}],
    });
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (SET_COOKIE, "session=SECRET-COOKIE"),
        (HeaderName::from_static("authorization"), "Bearer SECRET-HEADER"),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    let context = context(Service::Auth, "https://user:SECRET-USER@example.org/v1/x?code=SECRET-QUERY");
    let error = ApiError::from_response(context, StatusCode::BAD_REQUEST, headers, body.to_string().into());

    assert_eq!(error.to_string(), "Globus Auth: POST /v1/x failed with 400 Bad Request: C: M");
    let debug = format!("{error:?} {error:#?}");
    assert!(debug.contains("set-cookie") && debug.contains("\"C\""), "{debug}");
    assert!(!debug.contains("SECRET-"), "{debug}");
    assert!(!error.url().as_str().contains("SECRET-USER"));
    assert_eq!(error.authorization_scheme(), Some("Bearer"));
    assert!(!format!("{:?}", error.errors()).contains("SECRET-"));
    // A program that asks for the body gets it.
    assert!(error.text().contains("SECRET-BODY"));
}

#[test]
fn an_unknown_authorization_scheme_is_not_kept() {
    for header in ["SECRET-TOKEN", "", "  ", "Bearer:SECRET"] {
        let mut context = context(Service::Other, "https://example.org/");
        context.authorization_scheme = Some(header);
        let error = ApiError::from_response(context, StatusCode::FORBIDDEN, HeaderMap::new(), Bytes::new());
        assert_eq!(error.authorization_scheme(), None, "{header}");
    }
}

#[test]
fn texts_from_outside_stay_on_their_line() {
    let error = json_answer(
        Service::Transfer,
        &json!({"code": "A\nB", "message": "one\r\n\u{1b}[31mtwo\u{202e}\u{2028}three\0", "request_id": "\u{9b}r"}),
    );
    assert_eq!(
        error.to_string(),
        "Globus Transfer: POST /v1/x failed with 400 Bad Request: A B: one   [31mtwo three  (request id  r)"
    );
    assert_eq!(error.code(), Some("A\nB"), "a program sees the code as it is");
}

#[test]
fn long_texts_are_cut() {
    let long = "é".repeat(100_000);
    let error = json_answer(Service::Search, &json!({"code": long, "message": long, "request_id": long}));
    let shown = error.to_string();
    assert!(shown.chars().count() < 800, "{}", shown.chars().count());
    assert!(shown.contains("é…"));
    assert!(format!("{error:?}").chars().count() < 1500);
    assert_eq!(error.message().map(str::len), Some(200_000));
}

#[test]
fn an_empty_answer_still_says_what_failed() {
    let context = context(Service::Gcs, "https://example.org/api/roles");
    let status = StatusCode::from_u16(599).unwrap();
    let error = ApiError::from_response(context, status, HeaderMap::new(), Bytes::new());
    assert_eq!(error.reason(), "");
    assert_eq!(error.to_string(), "Globus Connect Server: POST /api/roles failed with 599");

    let error = error.with_reason("Own Words");
    assert_eq!(error.to_string(), "Globus Connect Server: POST /api/roles failed with 599 Own Words");
}

#[test]
fn members_of_one_service_are_not_read_for_another() {
    let body = json!({"error_data": 1, "detail": {"DATA_TYPE": "x#1"}});
    for service in SERVICES {
        let error = json_answer(service, &body);
        assert_eq!(error.error_data().is_some(), service == Service::Search);
        assert_eq!(error.detail_data_type(), (service == Service::Gcs).then_some("x#1"));
    }
}

#[test]
fn retry_after_is_handed_on_as_it_came() {
    let headers =
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"))]);
    let context = context(Service::Other, "https://example.org/");
    let error = ApiError::from_response(context, StatusCode::TOO_MANY_REQUESTS, headers, Bytes::new());
    assert_eq!(error.retry_after_header(), Some("Wed, 21 Oct 2015 07:28:00 GMT"));
    assert_eq!(json_answer(Service::Other, &json!({})).retry_after_header(), None);
}

#[test]
fn bodies_in_other_charsets_are_read() {
    let latin1: &[u8] = b"{\"code\": \"C\", \"message\": \"caf\xe9\"}";
    let declared = answer(Service::Other, "application/json; charset=\"ISO-8859-1\"", latin1);
    assert_eq!(declared.message(), Some("café"));
    let undeclared = answer(Service::Other, "application/json", latin1);
    assert_eq!(undeclared.message(), Some("caf\u{fffd}"));

    assert_eq!(answer(Service::Other, "text/html", &b"caf\xe9"[..]).text(), "café");
    assert_eq!(answer(Service::Other, "text/html", "café").text(), "café");
    assert_eq!(
        answer(Service::Other, "application/octet-stream", &b"\xef\xbb\xbfa\xff"[..]).text(),
        "a\u{fffd}"
    );
}

#[test]
fn the_kind_of_login_is_read_strictly() {
    let info = json_answer(
        Service::Groups,
        &json!({"authorization_parameters": {"session_required_policies": "a,b", "session_required_mfa": "yes"}}),
    )
    .info();
    let parameters = info.authorization_parameters.unwrap();
    assert_eq!(parameters.session_required_policies, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(parameters.session_required_mfa, None);
    assert_eq!(info.consent_required, None);
}

/// Documents made of the names that are looked for, with values of every type in every place.
fn documents() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "code",
        "message",
        "detail",
        "title",
        "errors",
        "error",
        "error_description",
        "request_id",
        "id",
        "loc",
        "msg",
        "DATA_TYPE",
        "required_scopes",
        "required_scope",
        "authorization_parameters",
        "session_required_policies",
        "session_required_mfa",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::from("ConsentRequired")),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn survives(error: &ApiError) {
    let shown = error.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(shown.chars().count() < 1000);
    assert_eq!(error.message().is_some(), !error.messages().is_empty());
    for part in error.errors() {
        assert_eq!(part.code, part.raw.get("code").and_then(Value::as_str));
    }
    if let Some(consent) = error.info().consent_required {
        assert!(!consent.required_scopes.is_empty());
    }
    assert!(error.text().len() <= error.body().len() * 3);
    assert!(!format!("{error:?}").is_empty());
}

proptest! {
    #[test]
    fn every_document_is_survived(
        service in prop::sample::select(SERVICES.to_vec()),
        media_type in prop::sample::select(vec!["application/json", "application/vnd.api+json"]),
        document in documents(),
    ) {
        let error = answer(service, media_type, document.to_string());
        prop_assert_eq!(error.raw_json(), Some(&document).filter(|document| !document.is_null()));
        survives(&error);
    }

    #[test]
    fn every_body_is_survived(
        service in prop::sample::select(SERVICES.to_vec()),
        media_type in prop::sample::select(vec!["application/json", "text/html", "a/b; charset=latin1", "", ";;="]),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        survives(&answer(service, media_type, body));
    }
}
