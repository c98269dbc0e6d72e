//! Which failure calls for which next step, and how it is said.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use globus_sdk::api_error::{ApiError, ErrorContext, Service};
use globus_sdk::next_step::{Fault, LoginReason, WaitReason};
use globus_sdk::storage::StorageErrorKind;
use globus_sdk::transport::{TransportError, TransportErrorKind};
use globus_sdk::{Error, LoginError, NextStep, StorageError};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};

fn answer(service: Service, scheme: Option<&str>, status: u16, body: &Value) -> Error {
    let context = ErrorContext {
        service,
        method: Method::GET,
        url: "https://service.example/thing".parse().unwrap(),
        authorization_scheme: scheme,
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let status = StatusCode::from_u16(status).unwrap();
    ApiError::from_response(context, status, headers, body.to_string().into()).into()
}

fn transfer(status: u16, body: &Value) -> Error {
    answer(Service::Transfer, Some("Bearer"), status, body)
}

fn reasons(error: &Error) -> Vec<LoginReason> {
    match NextStep::of(error) {
        Some(NextStep::LogIn(login)) => login.reasons,
        other => panic!("{error}: {other:?}"),
    }
}

fn fault(error: &(dyn std::error::Error + 'static)) -> Fault {
    match NextStep::of(error) {
        Some(NextStep::FixConfiguration(fix)) => fix.what,
        other => panic!("{error}: {other:?}"),
    }
}

fn wait(error: &(dyn std::error::Error + 'static)) -> WaitReason {
    match NextStep::of(error) {
        Some(NextStep::TryLater(later)) => later.reason,
        other => panic!("{error}: {other:?}"),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_requirement_names_every_reason_whatever_the_status() {
    let body = json!({"code": "AuthorizationRequired", "authorization_parameters": {
        "required_scopes": ["a[*b]", "c"],
        "session_required_identities": ["i"],
        "session_required_single_domain": ["x.edu", "y.edu"],
        "session_required_policies": ["p"],
        "session_required_mfa": true,
        "prompt": "login",
        "session_message": "Because\nof the\u{1b}[2J law",
    }});
    for status in [400, 401, 403, 404, 502] {
        assert_eq!(
            reasons(&transfer(status, &body)),
            [
                LoginReason::Consents(texts(&["a[*b]", "c"])),
                LoginReason::Identities(texts(&["i"])),
                LoginReason::Domains(texts(&["x.edu", "y.edu"])),
                LoginReason::Policies(texts(&["p"])),
                LoginReason::Mfa,
                LoginReason::SessionAge,
            ]
        );
    }
    assert_eq!(
        NextStep::of(&transfer(403, &body)).unwrap().to_string(),
        "log in: your consent is needed to a[*b] and c; use the identities i in one session; use an identity of \
         x.edu or y.edu; the login must satisfy the policies p; use a second factor; a fresh login is needed (the \
         service says: Because of the [2J law)"
    );
}

#[test]
fn a_requirement_is_found_in_the_parts_of_an_error_and_in_legacy_forms() {
    let in_parts = json!({"errors": [{"code": "x"}, {"code": "B", "authorization_parameters": {"session_required_mfa": true}}]});
    assert_eq!(reasons(&transfer(403, &in_parts)), [LoginReason::Mfa]);
    let hidden = json!({"authorization_parameters": {"required_scopes": ["s"]}});
    assert_eq!(reasons(&transfer(403, &hidden)), [LoginReason::Consents(texts(&["s"]))]);
    let dependent = json!({"error": "dependent_consent_required", "errors": [
        {"unapproved_scopes": ["a"]}, {"odd": 1}, {"unapproved_scopes": ["b", "a"]},
    ]});
    let error = answer(Service::Auth, Some("Basic"), 403, &dependent);
    assert_eq!(reasons(&error), [LoginReason::Consents(texts(&["a", "b"]))]);
}

#[test]
fn what_no_login_can_fulfil_is_no_requirement() {
    let parameters = |parameters: Value| json!({"code": "Odd", "authorization_parameters": parameters});
    for body in [
        parameters(json!({})),
        parameters(json!({"session_message": "no reason"})),
        parameters(json!({"session_required_policies": [""], "session_required_mfa": false})),
        parameters(json!({"required_scopes": ["a[b"]})),
        parameters(json!({"required_scopes": ["a".repeat(1 << 20)]})),
        json!({"code": "ConsentRequired", "required_scopes": []}),
        json!({"code": "ConsentRequired"}),
        json!([1]),
        json!({}),
    ] {
        assert_eq!(NextStep::of(&transfer(403, &body)), None, "{body}");
    }
    let said = json!({"code": "AuthorizationRequired", "authorization_parameters": {}});
    assert_eq!(reasons(&transfer(403, &said)), [LoginReason::SessionAge]);
}

#[test]
fn texts_of_a_service_cannot_flood_a_terminal() {
    let scopes: Vec<String> = (0..1000).map(|number| format!("scope{number}")).collect();
    let body = json!({"code": "ConsentRequired", "required_scopes": scopes, "message": "m".repeat(100_000)});
    let step = NextStep::of(&transfer(403, &body)).unwrap().to_string();
    assert!(step.len() < 1000, "{} characters", step.len());
    assert!(step.contains("and 990 more"));
}

#[test]
fn refused_tokens_and_clients() {
    let nothing = json!({});
    let of = |service, scheme, status, body: &Value| answer(service, scheme, status, body);
    assert_eq!(reasons(&of(Service::Groups, Some("Bearer"), 401, &nothing)), [LoginReason::TokenRefused]);
    assert_eq!(fault(&of(Service::Groups, None, 401, &nothing)), Fault::Program);
    assert_eq!(fault(&of(Service::Auth, Some("Basic"), 401, &nothing)), Fault::Client);
    assert_eq!(fault(&of(Service::Auth, None, 401, &nothing)), Fault::Client);
    for (error, expected) in [
        ("invalid_client", Fault::Client),
        ("unauthorized_client", Fault::Client),
        ("invalid_scope", Fault::Scopes),
    ] {
        assert_eq!(fault(&of(Service::Auth, None, 400, &json!({"error": error}))), expected);
    }
    let dead = of(Service::Auth, None, 400, &json!({"error": "invalid_grant"}));
    assert_eq!(reasons(&dead), [LoginReason::Ended]);
    let ended = Error::login_required(Some("transfer.api.globus.org".to_owned()), dead);
    assert_eq!(reasons(&ended), [LoginReason::Ended]);
    let person = LoginError::Ui("gone".into());
    let needed = Error::login_required(
        None,
        Error::other("no", Some(Box::<dyn std::error::Error + Send + Sync>::from(person))),
    );
    assert_eq!(reasons(&needed), [LoginReason::Unfinished]);
    let unsaid = Error::login_required(None, Error::other("no", None));
    assert_eq!(reasons(&unsaid), [LoginReason::NoToken]);
    // Only Globus Auth speaks OAuth2.
    assert_eq!(
        NextStep::of(&of(Service::Search, Some("Bearer"), 400, &json!({"error": "invalid_grant"}))),
        None
    );
}

#[test]
fn what_passes_by_itself() {
    for (status, expected) in [
        (429, WaitReason::RateLimited),
        (500, WaitReason::Service),
        (502, WaitReason::Service),
        (503, WaitReason::Service),
        (504, WaitReason::Service),
    ] {
        assert_eq!(wait(&transfer(status, &json!({}))), expected);
    }
    let collection = |code: &str| transfer(502, &json!({"code": code, "message": "m", "request_id": "r"}));
    assert_eq!(wait(&collection("ExternalError.DirListingFailed.GCDisconnected")), WaitReason::Service);
    assert_eq!(NextStep::of(&collection("ExternalError.DirListingFailed.LoginFailed")), None);
    for kind in [
        TransportErrorKind::Timeout,
        TransportErrorKind::ConnectTimeout,
        TransportErrorKind::Connect,
        TransportErrorKind::ConnectionLost,
        TransportErrorKind::Proxy,
    ] {
        assert_eq!(wait(&Error::from(TransportError::new(kind))), WaitReason::Network);
    }
    assert_eq!(wait(&StorageError::locked(None, Duration::from_secs(1))), WaitReason::Storage);
    let step = NextStep::of(&transfer(503, &json!({}))).unwrap();
    assert_eq!(step.to_string(), "try again later: the service cannot answer now");
}

#[test]
fn what_somebody_has_to_fix() {
    assert_eq!(fault(&Error::from(TransportError::new(TransportErrorKind::Tls))), Fault::Network);
    assert_eq!(fault(&Error::from(TransportError::new(TransportErrorKind::InvalidRequest))), Fault::Network);
    assert_eq!(fault(&Error::usage("name a scope")), Fault::Program);
    assert_eq!(fault(&Error::refused("plain http")), Fault::Program);
    for kind in
        [StorageErrorKind::Permissions, StorageErrorKind::KeyringLocked, StorageErrorKind::NotAnObject]
    {
        assert_eq!(fault(&Error::from(StorageError::new(kind))), Fault::Storage);
    }
    assert_eq!(
        NextStep::of(&Error::usage("name a scope")).unwrap().to_string(),
        "fix the configuration: name a scope"
    );
}

#[test]
fn tokens_that_are_not_there_or_another_persons() {
    let storage = |error: StorageError| Error::from(error);
    assert_eq!(reasons(&storage(StorageError::missing_token("rs"))), [LoginReason::NoToken]);
    assert_eq!(
        reasons(&storage(StorageError::unmet_scope_requirements("rs", "the token was given without a"))),
        [LoginReason::NotCovered { missing: "the token was given without a".to_owned() }]
    );
    assert_eq!(reasons(&storage(StorageError::new(StorageErrorKind::NotFound))), [LoginReason::NoToken]);
    assert_eq!(
        reasons(&storage(StorageError::identity_mismatch("ada", "bob"))),
        [LoginReason::OtherIdentity { before: "ada".to_owned() }]
    );
}

#[test]
fn what_nobody_can_say_has_no_step() {
    for status in [400, 403, 404, 409, 422] {
        assert_eq!(NextStep::of(&transfer(status, &json!({"code": "C", "message": "m"}))), None);
    }
    assert_eq!(NextStep::of(&Error::unexpected_answer("odd")), None);
    assert_eq!(NextStep::of(&Error::callback("mine")), None);
    assert_eq!(NextStep::of(&StorageError::new(StorageErrorKind::Database)), None);
    assert_eq!(NextStep::of(&std::io::Error::other("odd")), None);
}

#[test]
fn logins_that_came_to_nothing() {
    let of = |error: &LoginError| NextStep::of(error);
    assert!(
        matches!(of(&LoginError::NoCode), Some(NextStep::LogIn(login)) if login.reasons == [LoginReason::Unfinished])
    );
    let refused = |error: &str| LoginError::Refused { error: error.to_owned(), description: None };
    assert!(matches!(of(&refused("access_denied")), Some(NextStep::LogIn(_))));
    assert_eq!(fault(&refused("invalid_scope")), Fault::Scopes);
    assert_eq!(wait(&refused("temporarily_unavailable")), WaitReason::Service);
    let exchange = LoginError::Exchange(TransportError::new(TransportErrorKind::Timeout).into());
    assert_eq!(wait(&exchange), WaitReason::Network);
}

#[test]
fn the_cause_of_another_error_counts() {
    let wrapped = Error::other(
        "the batch failed",
        Some(Box::<dyn std::error::Error + Send + Sync>::from(transfer(429, &json!({})))),
    );
    assert_eq!(wait(&wrapped), WaitReason::RateLimited);
}

#[test]
fn a_service_account_is_not_sent_to_a_browser() {
    let domain = json!({"code": "AuthorizationRequired", "authorization_parameters": {"session_required_single_domain": ["x.edu"]}});
    let step = NextStep::of(&transfer(403, &domain)).unwrap().for_service_account();
    assert!(matches!(&step, NextStep::FixConfiguration(fix) if fix.what == Fault::Account), "{step:?}");
    assert!(step.to_string().contains("use an identity of x.edu"), "{step}");
    let consent = json!({"code": "ConsentRequired", "required_scopes": ["s"]});
    let step = NextStep::of(&transfer(403, &consent)).unwrap();
    assert_eq!(step.clone().for_service_account(), step);
}
