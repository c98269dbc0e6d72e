//! Requirements in every form in which services write them, as the Python SDK was recorded reading them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;

use bytes::Bytes;
use conformance::{Case, Outcome};
use globus_sdk::api_error::{ApiError, ErrorContext, Service, SubError};
use globus_sdk::gare::{Gare, GareSource, GlobusAuthorizationParameters};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[test]
fn conformance_of_gare() {
    conformance::run("gare.json", judge);
}

fn judge(case: &Case) -> Outcome {
    let input = &case.input;
    let found = match case.op() {
        "to_gare" => found(input, &First).map_or(Value::Null, |gare| shown(&gare)),
        "is_gare" => json!(found(input, &IsThere)),
        "to_gares" => errors(input).flat_map(|error| found(error, &All)).map(|gare| shown(&gare)).collect(),
        "has_gares" => json!(errors(input).any(|error| found(error, &IsThere))),
        "gare_from_dict" => match Gare::try_from(&input["document"]) {
            Ok(gare) => shown(&gare),
            Err(_) => json!({"error": "ValidationError"}),
        },
        "params_from_dict" => match GlobusAuthorizationParameters::try_from(&input["document"]) {
            Ok(parameters) => json!({"fields": parameters, "extra": parameters.extra}),
            Err(_) => json!({"error": "ValidationError"}),
        },
        "roundtrip" => match found(input, &First) {
            Some(gare) if input["include_extra"] == true => json!(gare.including_extra()),
            Some(gare) => json!(gare),
            None => Value::Null,
        },
        _ => return Outcome::Pending,
    };
    case.expect(&found)
}

fn shown(gare: &Gare) -> Value {
    json!({
        "code": gare.code,
        "authorization_parameters": gare.authorization_parameters,
        "authorization_parameters_extra": gare.authorization_parameters.extra,
        "extra": gare.extra,
    })
}

fn errors(input: &Value) -> impl Iterator<Item = &Value> {
    input["errors"].as_array().unwrap().iter()
}

/// What is done with an error, be it of one type or the other.
trait Question {
    type Answer;

    fn ask(&self, source: &dyn GareSource) -> Self::Answer;
}

struct First;
struct All;
struct IsThere;

impl Question for First {
    type Answer = Option<Gare>;

    fn ask(&self, source: &dyn GareSource) -> Option<Gare> {
        Gare::find(source)
    }
}

impl Question for All {
    type Answer = Vec<Gare>;

    fn ask(&self, source: &dyn GareSource) -> Vec<Gare> {
        Gare::find_all(source)
    }
}

impl Question for IsThere {
    type Answer = bool;

    fn ask(&self, source: &dyn GareSource) -> bool {
        Gare::is_in(source)
    }
}

fn found<Q: Question>(error: &Value, question: &Q) -> Q::Answer {
    if let Some(document) = error.get("document") {
        question.ask(document)
    } else if let Some(document) = error.get("subdocument") {
        // A part of an error cannot be made alone: it is the single part of an error of its own.
        let whole = answer(&json!({"body": {"errors": [document]}}));
        let parts: Vec<SubError<'_>> = whole.errors();
        question.ask(&parts[0])
    } else {
        question.ask(&globus_sdk::Error::from(answer(&error["api"])))
    }
}

fn answer(api: &Value) -> ApiError {
    let status = api["status"].as_u64().map_or(403, |status| u16::try_from(status).unwrap());
    let content_type = api["content_type"].as_str().unwrap_or("application/json");
    let body = match api["body_text"].as_str() {
        Some(text) => text.to_owned(),
        None => api["body"].to_string(),
    };
    let context = ErrorContext {
        service: Service::Other,
        method: Method::GET,
        url: "https://service.example/thing".parse().unwrap(),
        authorization_scheme: Some("Bearer"),
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
    ApiError::from_response(context, StatusCode::from_u16(status).unwrap(), headers, Bytes::from(body))
}
