//! Configuration, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod conformance;

use std::path::PathBuf;
use std::time::Duration;

use conformance::{Case, Outcome, difference};
use globus_core::BaseClient;
use globus_core::config::paths::{Platform, TokenFile, app_slug, default_token_path};
use globus_core::config::url::{gcs_url, join, request_url};
use globus_core::config::{
    ClientInfo, ConfigError, Environment, HttpTimeout, TlsVerification, Variables, base_url, service_url,
    user_agent, webapp_url,
};
use globus_core::transport::{Request, Response, Transport, TransportError, TransportErrorKind};
use http::Method;
use serde_json::{Value, json};
use url::Url;

#[test]
fn conformance_of_configuration() {
    conformance::run("config.json", |case| match case.op() {
        "service_url" => {
            let service = text(&case.input["service"]);
            let url = service_url(&service, environment(case).as_ref(), &variables(case));
            expect_url(case, url)
        }
        "webapp_url" => expect_url(case, webapp_url(environment(case).as_ref(), &variables(case))),
        "client_base_url" => client_base_url(case),
        "verify_ssl" => verify_ssl(case),
        "http_timeout" => http_timeout(case),
        "headers" => expect_result(case, &result(headers(case), |headers| headers), same_headers),
        "slash_join" => {
            let path = case.input["b"].as_str().unwrap_or_default();
            case.expect(&json!({"ok": join(case.input["a"].as_str().unwrap(), path)}))
        }
        "request_url" => expect_request_url(case),
        "app_slug" => {
            let slug = app_slug(case.input["app_name"].as_str().unwrap());
            expect_result(case, &result(slug, |slug| json!(slug)), difference)
        }
        "default_path" => expect_result(case, &result(default_path(case), |path| json!(path)), difference),
        // Needs apps and service clients.
        _ => Outcome::Pending,
    });
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn variables(case: &Case) -> Variables {
    let none = serde_json::Map::new();
    let env = case.input["env"].as_object().unwrap_or(&none);
    env.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn environment(case: &Case) -> Option<Environment> {
    case.input["environment"].as_str().map(Environment::named)
}

/// `ConfigError` is what the Python SDK's value errors and usage errors are here.
fn result<T>(found: Result<T, ConfigError>, show: impl FnOnce(T) -> Value) -> Value {
    match found {
        Ok(value) => json!({"ok": show(value)}),
        Err(_) => json!({"error": "ConfigError"}),
    }
}

/// Compares results where failures are `ConfigError`s, and successes compare with a rule.
fn expect_result(case: &Case, found: &Value, same: impl Fn(&Value, &Value) -> Option<String>) -> Outcome {
    case.expect_by(|accepted| match (accepted.get("ok"), found.get("ok")) {
        (Some(expected), Some(found)) => same(expected, found),
        (None, None) if is_config_error(accepted) => None,
        _ => difference(accepted, found),
    })
}

fn is_config_error(accepted: &Value) -> bool {
    matches!(accepted["error"].as_str(), Some("ValueError" | "GlobusSDKUsageError"))
}

/// URLs compare as URLs: one without a path is the same as one with the path `/`, and hosts have no case.
fn expect_url(case: &Case, found: Result<Url, ConfigError>) -> Outcome {
    expect_result(case, &result(found, |url| json!(url)), same_url)
}

fn same_url(expected: &Value, found: &Value) -> Option<String> {
    let parse = |value: &Value| value.as_str().and_then(|text| Url::parse(text).ok());
    match (parse(expected), parse(found)) {
        (Some(a), Some(b)) if same_but_for_encoding(&a, &b) => None,
        _ => difference(expected, found),
    }
}

/// The segments of paths compare decoded: encoding more or fewer characters is no difference.
fn same_but_for_encoding(a: &Url, b: &Url) -> bool {
    let segments = |url: &Url| -> Vec<Vec<u8>> {
        url.path().split('/').map(|segment| percent_encoding::percent_decode_str(segment).collect()).collect()
    };
    a.origin() == b.origin()
        && segments(a) == segments(b)
        && a.query() == b.query()
        && a.fragment() == b.fragment()
}

fn client_base_url(case: &Case) -> Outcome {
    let args = &case.input["args"];
    let service = match case.input["client"].as_str().unwrap() {
        "AuthClient" | "AuthLoginClient" | "NativeAppAuthClient" | "ConfidentialAppAuthClient" => "auth",
        "TransferClient" | "TransferClientV2" => "transfer",
        "GroupsClient" => "groups",
        "SearchClient" => "search",
        "FlowsClient" | "SpecificFlowClient" => "flows",
        "TimersClient" => "timer",
        "ComputeClientV2" | "ComputeClientV3" => "compute",
        "GCSClient" => return expect_url(case, gcs_url(args["gcs_address"].as_str().unwrap())),
        _ => return Outcome::Pending,
    };
    let environment = args["environment"].as_str().map(Environment::named);
    let url = base_url(args["base_url"].as_str(), service, environment.as_ref(), &variables(case));
    expect_url(case, url)
}

fn verify_ssl(case: &Case) -> Outcome {
    let argument = match &case.input["argument"] {
        Value::Null => None,
        Value::Bool(true) => Some(TlsVerification::Roots),
        Value::Bool(false) => Some(TlsVerification::Off),
        Value::String(text) => Some(TlsVerification::from_text(text)),
        // Anything else is no `TlsVerification`: the call does not compile.
        _ => {
            return if case.accepted().iter().any(is_config_error) {
                Outcome::Passed
            } else {
                Outcome::Pending
            };
        }
    };
    let folder = tempfile::tempdir().unwrap();
    for file in case.input["files"].as_array().unwrap() {
        let path = folder.path().join(file.as_str().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let before = std::env::current_dir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    let found = TlsVerification::resolve(argument, &variables(case));
    std::env::set_current_dir(before).unwrap();
    let found = result(found, |choice| match choice {
        TlsVerification::Roots => json!(true),
        TlsVerification::Off => json!(false),
        TlsVerification::Bundle(path) => json!(path),
        other => panic!("not in the cases: {other:?}"),
    });
    expect_result(case, &found, difference)
}

fn http_timeout(case: &Case) -> Outcome {
    let argument = match case.input["argument"].as_f64() {
        None => None,
        Some(-1.0) => Some(HttpTimeout::none()),
        Some(seconds) => match Duration::try_from_secs_f64(seconds) {
            Ok(duration) => Some(HttpTimeout::after(duration)),
            // No `Duration`, so the call does not compile; right where it is to be refused.
            Err(_) if case.accepted().iter().any(is_config_error) => return Outcome::Passed,
            Err(error) => return Outcome::Failed(error.to_string()),
        },
    };
    let found = HttpTimeout::resolve(argument, &variables(case));
    let found = result(found, |timeout| json!(timeout.duration().map(|duration| duration.as_secs_f64())));
    expect_result(case, &found, difference)
}

fn headers(case: &Case) -> Result<Value, ConfigError> {
    let mut app_name = case.input["client_args"]["app_name"].as_str().or_else(|| case.input["app"].as_str());
    let mut info = ClientInfo::new();
    let own = info.header_value().unwrap();
    for step in case.input["steps"].as_array().unwrap() {
        let value = &step[1];
        match step[0].as_str().unwrap() {
            "app_name" => app_name = value.as_str(),
            "clear" => info = ClientInfo::none(),
            "add" => {
                info = match value {
                    Value::String(item) => info.with_text(item)?,
                    pairs => {
                        let pairs = pairs.as_object().unwrap().iter();
                        info.with_item(pairs.map(|(key, value)| (key.clone(), text(value))))?
                    }
                }
            }
            other => panic!("no such step: {other}"),
        }
    }
    // A header is bytes; beyond ASCII they are UTF-8.
    let plain = |value: &http::HeaderValue| String::from_utf8(value.as_bytes().to_vec()).unwrap();
    let product = plain(&user_agent(None).unwrap());
    let agent = plain(&user_agent(app_name)?).replacen(&product, "$SDK", 1);
    let info = info.header_value().map(|value| plain(&value).replacen(&plain(&own), "$SDK_INFO", 1));
    Ok(json!({"User-Agent": agent, "X-Globus-Client-Info": info}))
}

/// JSON does not keep the order of an item's pairs, so each item compares as a set of them.
fn same_headers(expected: &Value, found: &Value) -> Option<String> {
    let sorted = |headers: &Value| {
        let items = headers["X-Globus-Client-Info"].as_str().map(|info| {
            let pairs = |item: &str| {
                let mut pairs: Vec<_> = item.split(',').map(str::to_owned).collect();
                pairs.sort();
                pairs
            };
            info.split(';').map(pairs).collect::<Vec<_>>()
        });
        json!({"User-Agent": headers["User-Agent"], "X-Globus-Client-Info": items})
    };
    difference(&sorted(expected), &sorted(found))
}

fn expect_request_url(case: &Case) -> Outcome {
    let (base, path) = (case.input["base_url"].as_str().unwrap(), case.input["path"].as_str().unwrap());
    let url = match case.input["query"].as_object() {
        None => result(request_url(&Url::parse(base).unwrap(), path), |url| json!(url)),
        Some(query) => url_of_call(base, path, query),
    };
    let mut found = url;
    if let Some(mut url) = found["ok"].as_str().map(|url| Url::parse(url).unwrap()) {
        let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        query.sort();
        url.set_query(None);
        found["ok"] = json!({"url": url, "query": query});
    }
    expect_result(case, &found, |expected, found| {
        // Python's text of a boolean has a capital letter; whether that is needed is not known.
        let any_case = |query: &Value| {
            let mut query = query.clone();
            for value in query.as_array_mut().unwrap().iter_mut().map(|pair| &mut pair[1]) {
                if let Some(lower) = value.as_str().filter(|text| matches!(*text, "True" | "False")) {
                    *value = lower.to_lowercase().into();
                }
            }
            query
        };
        same_url(&expected["url"], &found["url"])
            .or_else(|| difference(&any_case(&expected["query"]), &any_case(&found["query"])))
    })
}

/// The URL of a call with query arguments. A list stands for several of one name, null for none.
fn url_of_call(base: &str, path: &str, query: &serde_json::Map<String, Value>) -> Value {
    let client = BaseClient::builder().base_url(base).transport(Nowhere).build().unwrap();
    let mut call = client.request(Method::GET, path);
    for (name, value) in query {
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        for value in values {
            call = match value {
                Value::Null => call,
                Value::Bool(flag) => call.query(name, flag),
                Value::String(text) => call.query(name, text),
                number => call.query(name, number),
            };
        }
    }
    match call.url() {
        Ok(url) => json!({"ok": url}),
        Err(error) if error.is_usage() => json!({"error": "ConfigError"}),
        Err(error) => panic!("{error}"),
    }
}

/// Nothing is sent in these cases.
#[derive(Debug)]
struct Nowhere;

impl Transport for Nowhere {
    async fn send(&self, _request: Request) -> Result<Response, TransportError> {
        Err(TransportError::new(TransportErrorKind::InvalidRequest))
    }
}

fn default_path(case: &Case) -> Result<PathBuf, ConfigError> {
    let platform = if case.input["platform"] == "win32" { Platform::Windows } else { Platform::Unix };
    let file = if case.input["storage"] == "sqlite" { TokenFile::Sqlite } else { TokenFile::Json };
    default_token_path(
        case.input["client_id"].as_str().unwrap(),
        case.input["app_name"].as_str().unwrap(),
        &Environment::named(case.input["environment"].as_str().unwrap()),
        file,
        &variables(case),
        platform,
    )
}
