//! What holds of any JSON value in which a requirement is looked for. The tests and the fuzz target share it.

use globus_sdk::api_error::{ApiError, ErrorContext, Service};
use globus_sdk::gare::{Gare, coalesce};
use globus_sdk::{Error, NextStep};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Looks for requirements in the value, and in an error with it as its body.
///
/// # Panics
///
/// When something does not hold.
pub(crate) fn check(value: &Value) {
    let found = Gare::find(value);
    assert_eq!(Gare::is_in(value), found.is_some());
    if let Ok(strict) = Gare::try_from(value) {
        assert_eq!(found.as_ref(), Some(&strict), "the canonical form comes first");
        let again = Gare::try_from(json!(strict.including_extra()));
        assert_eq!(again, Ok(strict), "with its unknown members it reads back whole");
    }
    if let Some(mut gare) = found {
        let again = Gare::try_from(json!(gare)).expect("what was found is written in the canonical form");
        gare.extra.clear();
        gare.authorization_parameters.extra.clear();
        assert_eq!(again, gare);
    }
    let login = Gare::find_for_login(value);
    let merged = coalesce(login.clone()).session_message("m").prompt("login").gares();
    assert_eq!(merged.len(), usize::from(login.is_some()));

    for service in [Service::Transfer, Service::Auth, Service::Flows] {
        for media_type in ["application/json", "application/vnd.api+json"] {
            check_error(&answer(service, media_type, value), login.is_some());
        }
    }
}

fn check_error(error: &Error, at_the_root: bool) {
    assert_eq!(Gare::is_in(error), !Gare::find_all(error).is_empty());
    assert!(Gare::is_in(error) || !at_the_root);
    if let Some(step) = NextStep::of(error) {
        for step in [step.clone(), step.for_service_account()] {
            let shown = step.to_string();
            assert!(!shown.contains(char::is_control), "{shown:?}");
            assert!(shown.chars().count() < 20_000, "{} characters", shown.chars().count());
        }
    }
}

fn answer(service: Service, media_type: &'static str, body: &Value) -> Error {
    let context = ErrorContext {
        service,
        method: Method::GET,
        url: "https://service.example/thing".parse().expect("a valid address"),
        authorization_scheme: Some("Bearer"),
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    ApiError::from_response(context, StatusCode::FORBIDDEN, headers, body.to_string().into()).into()
}
