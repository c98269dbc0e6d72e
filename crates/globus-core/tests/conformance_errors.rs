//! Errors of services, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod conformance;

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use conformance::{Case, Outcome};
use globus_core::api_error::{ApiError, ErrorContext, Service};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[test]
fn conformance_of_errors() {
    conformance::run("errors.json", |case| match case.op() {
        "api_error" => case.expect(&described(&error_of(case))),
        _ => Outcome::Pending,
    });
}

fn error_of(case: &Case) -> ApiError {
    let input = &case.input;
    let default = json!({"Authorization": "Bearer EXAMPLE"});
    let sent = headers(input.get("request_headers").unwrap_or(&default));
    let context = ErrorContext {
        service: service(input["error_class"].as_str().unwrap()),
        method: Method::from_bytes(input["method"].as_str().unwrap().as_bytes()).unwrap(),
        url: input["url"].as_str().unwrap().parse().unwrap(),
        authorization_scheme: sent.get(AUTHORIZATION).and_then(|value| value.to_str().ok()),
    };
    let status = StatusCode::from_u16(u16::try_from(input["status"].as_u64().unwrap()).unwrap()).unwrap();
    let headers = headers(&input["headers"]);
    let body = decoded(&headers, body(&input["body"]));
    ApiError::from_response(context, status, headers, body)
        .with_reason(input["reason"].as_str().unwrap_or_default())
}

fn service(class: &str) -> Service {
    match class {
        "AuthAPIError" => Service::Auth,
        "TransferAPIError" => Service::Transfer,
        "GroupsAPIError" => Service::Groups,
        "SearchAPIError" => Service::Search,
        "FlowsAPIError" => Service::Flows,
        "TimersAPIError" => Service::Timers,
        "ComputeAPIError" => Service::Compute,
        "GCSAPIError" => Service::Gcs,
        "GlobusAPIError" => Service::Other,
        other => panic!("no such error class: {other}"),
    }
}

fn headers(given: &Value) -> HeaderMap {
    let pairs = given.as_object().unwrap().iter().map(|(name, value)| {
        let value = value.as_str().unwrap();
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

fn body(given: &Value) -> Vec<u8> {
    if let Some(text) = given["text"].as_str() {
        text.as_bytes().to_vec()
    } else if let Some(encoded) = given["base64"].as_str() {
        STANDARD.decode(encoded).unwrap()
    } else {
        let repeated = given["repeat"][0].as_str().unwrap();
        let times = usize::try_from(given["repeat"][1].as_u64().unwrap()).unwrap();
        let (prefix, suffix) = (given["prefix"].as_str().unwrap(), given["suffix"].as_str().unwrap());
        [prefix, &repeated.repeat(times), suffix].concat().into_bytes()
    }
}

/// Removes the content encoding, as a transport does before it hands a body on.
fn decoded(headers: &HeaderMap, body: Vec<u8>) -> Bytes {
    let mut plain = Vec::new();
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        Some(b"gzip") => flate2::read::MultiGzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap(),
        Some(b"deflate") => flate2::read::ZlibDecoder::new(&body[..]).read_to_end(&mut plain).unwrap(),
        _ => return body.into(),
    };
    plain.into()
}

fn described(error: &ApiError) -> Value {
    let errors: Vec<_> =
        error.errors().iter().map(|e| json!({"code": e.code, "message": e.message, "raw": e.raw})).collect();
    let mut result = json!({
        "http_status": error.status().as_u16(),
        "http_reason": error.reason(),
        "content_type": error.content_type(),
        "code": error.code(),
        "message": error.message(),
        "messages": error.messages(),
        "request_id": error.request_id(),
        "text": error.text(),
        "raw_json": error.raw_json(),
        "errors": errors,
        "info": info(error),
        "shown": shown(error),
    });
    if error.service() == Service::Search {
        result["error_data"] = json!(error.error_data());
    }
    if error.service() == Service::Gcs {
        result["detail"] = json!(error.detail());
        result["detail_data_type"] = json!(error.detail_data_type());
    }
    result
}

fn info(error: &ApiError) -> Value {
    let info = error.info();
    let consent = info.consent_required.as_ref();
    let present = info.authorization_parameters.is_some();
    let parameters = info.authorization_parameters.clone().unwrap_or_default();
    json!({
        "consent_required": {
            "present": consent.is_some(),
            "required_scopes": consent.map(|consent| consent.required_scopes.clone()).unwrap_or_default(),
        },
        "authorization_parameters": {
            "present": present,
            "session_message": parameters.session_message,
            "session_required_identities": parameters.session_required_identities,
            "session_required_single_domain": parameters.session_required_single_domain,
            "session_required_policies": parameters.session_required_policies,
            "session_required_mfa": parameters.session_required_mfa,
        },
    })
}

/// The facts that a traceback of the Python SDK shows, in its order.
fn shown(error: &ApiError) -> Value {
    let message = error.message().filter(|message| !message.is_empty()).unwrap_or(error.reason());
    let mut shown = vec![
        json!(error.method().as_str()),
        json!(error.url()),
        json!(error.authorization_scheme()),
        json!(error.status().as_u16()),
        json!(error.code()),
        json!(message),
    ];
    shown.extend(error.request_id().filter(|id| !id.is_empty()).map(|id| json!(id)));
    if error.service() == Service::Gcs {
        shown.push(json!(error.detail_data_type()));
        shown.extend(error.detail().filter(|detail| detail.is_string()).cloned());
    }
    json!(shown)
}

/// The comparison itself can fail: were it to pass everything, no case would mean anything.
#[test]
fn comparison_tells_values_apart() {
    let same = [
        (json!({"a": 1, "b": [1.0, null]}), json!({"b": [1, null], "a": 1.0})),
        (json!({"$int": "18446744073709551616"}), json!(18_446_744_073_709_551_616.0)),
        (json!({"$large": true}), json!({"read": 1})),
        (
            json!({"$text": {"chars": 3, "sha256": "1a7674eb4ee78df7e1ac439a93c3fa8e3c945784d4dec9fd8e3011738b2f1d62"}}),
            json!("tok"),
        ),
    ];
    for (expected, found) in &same {
        assert_eq!(conformance::difference(expected, found), None);
    }
    let different = [
        (json!([1, 2]), json!([2, 1])),
        (json!([1]), json!([1, 1])),
        (json!({"a": null}), json!({})),
        (json!({}), json!({"a": null})),
        (json!({"$large": true}), json!(null)),
        (json!({"$int": "18446744073709551616"}), json!(1)),
        (json!({"$float": "nan"}), json!(0.0)),
        (json!({"$text": {"chars": 3, "sha256": "00"}}), json!("tok")),
        (json!("1"), json!(1)),
    ];
    for (expected, found) in &different {
        assert!(conformance::difference(expected, found).is_some(), "{expected} passes for {found}");
    }
}
