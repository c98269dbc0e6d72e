//! How requests compare: what is free, what is a placeholder, what must be the same.

// Each test file that includes this module uses a part of it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::conformance::difference;
use crate::playback::{Sent, text_of};

/// The production hosts of the services, under the names that records use for them.
pub(crate) const PRODUCTION: [(&str, &str); 7] = [
    ("auth", "auth.globus.org"),
    ("transfer", "transfer.api.globus.org"),
    ("groups", "groups.api.globus.org"),
    ("search", "search.api.globus.org"),
    ("flows", "flows.automate.globus.org"),
    ("timer", "timer.automate.globus.org"),
    ("compute", "compute.api.globus.org"),
];

/// A value that Python joins with commas: a list, or a single value.
pub(crate) fn comma_lists(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(text_of).collect(),
        single => vec![text_of(single)],
    }
}

/// Recorded pairs, `[[name, value], …]`.
pub(crate) fn recorded_pairs(pairs: &Value) -> Vec<(String, String)> {
    pairs.as_array().into_iter().flatten().map(|pair| (text_of(&pair[0]), text_of(&pair[1]))).collect()
}

/// Where pairs differ as multisets. Scope texts compare as merged sets, Python's `True` and `False` without
/// regard to case, the lists named in `unordered` as sets; placeholders stand for values made up by the SDK.
pub(crate) fn same_pairs(
    what: &str,
    expected: Vec<(String, String)>,
    found: Vec<(String, String)>,
    unordered: &[String],
) -> Option<String> {
    let python_booleans: Vec<String> = expected
        .iter()
        .filter(|(_, value)| value == "True" || value == "False")
        .map(|(name, _)| name.clone())
        .collect();
    let placeholders: BTreeMap<String, String> =
        expected.iter().filter(|(_, value)| value.starts_with("$GENERATED_")).cloned().collect();
    let canonical = |pairs: Vec<(String, String)>| {
        let mut pairs: Vec<_> = pairs
            .into_iter()
            .map(|(name, value)| {
                let value = match placeholders.get(&name) {
                    Some(placeholder) if fits(placeholder, &value) => placeholder.clone(),
                    _ if name == "scope" || name == "required_scopes" => canonical_scopes(&value),
                    _ if python_booleans.contains(&name) => value.to_lowercase(),
                    _ if unordered.contains(&name) => {
                        let mut items: Vec<_> = value.split(',').collect();
                        items.sort_unstable();
                        items.join(",")
                    }
                    _ => value,
                };
                (name, value)
            })
            .collect();
        pairs.sort();
        json!(pairs)
    };
    difference(&canonical(expected), &canonical(found)).map(|difference| format!("{what}: {difference}"))
}

/// Whether a value that the SDK made up has the form that the placeholder stands for.
fn fits(placeholder: &str, value: &str) -> bool {
    match placeholder {
        "$GENERATED_UUID" => uuid::Uuid::parse_str(value).is_ok(),
        "$GENERATED_VERIFIER" => {
            (43..=128).contains(&value.len())
                && value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
        }
        "$GENERATED_CHALLENGE" => URL_SAFE_NO_PAD.decode(value).is_ok_and(|digest| digest.len() == 32),
        _ => value == placeholder,
    }
}

/// Where a request differs from the one recorded in `requests/*.json`.
pub(crate) fn request_difference(expected: &Value, sent: &Sent, unordered: &[String]) -> Option<String> {
    let request = &sent.request;
    let media_type = request.headers.get("content-type").map(|value| value.to_str().unwrap());
    let found = json!({
        "method": request.method.as_str(),
        "host": host(&request.url),
        "path": segments(request.url.path()),
        "content_type": media_type,
        "has_body": !request.body.is_empty(),
        "auth": sent.authorization().is_some(),
        "auth_scheme": sent.authorization().and_then(|value| value.split(' ').next()),
    });
    let head = json!({
        "method": expected["method"],
        "host": expected["host"],
        "path": segments(expected["path"].as_str().unwrap()),
        "content_type": expected["content_type"],
        "has_body": expected["has_body"],
        "auth": expected["auth"],
        "auth_scheme": expected["auth_scheme"],
    });
    let query = || {
        let found = request.url.query_pairs().into_owned().collect();
        same_pairs("query", recorded_pairs(&expected["query"]), found, unordered)
    };
    let body = || match (expected.get("json"), expected.get("form"), expected["text"].as_str()) {
        (Some(document), _, _) => {
            let found: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
            difference(document, &found).map(|difference| format!("json{difference}"))
        }
        (None, Some(form), _) => same_pairs("form", recorded_pairs(form), sent.form(), unordered),
        (None, None, Some(text)) => (request.body != text).then(|| "the text of the body differs".to_owned()),
        (None, None, None) => None,
    };
    let headers = || {
        expected["extra_headers"].as_object().into_iter().flatten().find_map(|(name, value)| {
            let found = request.headers.get(name.as_str()).map(|value| value.to_str().unwrap());
            (found != value.as_str()).then(|| format!("header {name}: expected {value}, found {found:?}"))
        })
    };
    difference(&head, &found).or_else(query).or_else(body).or_else(headers)
}

/// The name that records use for the host of an address.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match (PRODUCTION.iter().find(|(_, production)| *production == host), url.port()) {
        (Some((service, _)), None) => (*service).to_owned(),
        (_, Some(port)) => format!("{host}:{port}"),
        (None, None) => host.to_owned(),
    }
}

/// The segments of a path, decoded: encoding more or fewer characters is no difference.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .map(|segment| {
            // `+` is a plus sign in a path, and what separates pairs in a query does not separate here.
            let escaped = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
            form_urlencoded::parse(escaped.as_bytes()).next().map_or(String::new(), |(text, _)| text.into())
        })
        .collect()
}

/// A scope text in one form: parsed, merged at every level, sorted.
fn canonical_scopes(text: &str) -> String {
    let mut rest = text;
    Scopes::parse(&mut rest).show()
}

/// Scopes of one level: name → whether it is optional, and what it depends on.
#[derive(Debug, Default)]
struct Scopes(BTreeMap<String, (bool, Self)>);

impl Scopes {
    /// Reads up to the end of the text or of this level.
    fn parse(rest: &mut &str) -> Self {
        let mut level = Self::default();
        loop {
            *rest = rest.trim_start();
            if rest.is_empty() {
                return level;
            }
            if let Some(after) = rest.strip_prefix(']') {
                *rest = after;
                return level;
            }
            let optional = rest.starts_with('*');
            *rest = rest.trim_start_matches('*');
            let end = rest.find(|c: char| c.is_whitespace() || "[]".contains(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            *rest = after;
            let dependencies = match rest.strip_prefix('[') {
                Some(inner) => {
                    *rest = inner;
                    Self::parse(rest)
                }
                None => Self::default(),
            };
            level.add(name.to_owned(), optional, dependencies);
        }
    }

    fn add(&mut self, name: String, optional: bool, dependencies: Self) {
        let scope = self.0.entry(name).or_insert_with(|| (optional, Self::default()));
        scope.0 &= optional;
        for (name, (optional, dependencies)) in dependencies.0 {
            scope.1.add(name, optional, dependencies);
        }
    }

    fn show(&self) -> String {
        let scopes: Vec<_> = self
            .0
            .iter()
            .map(|(name, (optional, dependencies))| {
                let star = if *optional { "*" } else { "" };
                let inner = if dependencies.0.is_empty() {
                    String::new()
                } else {
                    format!("[{}]", dependencies.show())
                };
                format!("{star}{name}{inner}")
            })
            .collect();
        scopes.join(" ")
    }
}
