//! One storage, taken through steps.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use globus_core::storage::{
    FileAdapter, HasRefreshTokens, JsonTokenStorage, LegacyJsonTokenStorage, MemoryTokenStorage, NotExpired,
    SimpleJsonFileAdapter, Storage, StorageAdapter, UnchangingIdentity, ValidatingTokenStorage,
};
use globus_core::{ManualClock, StorageError, TokenData, TokenResponse};
use serde_json::{Value, json};

use crate::conformance::{Case, Outcome as Verdict};
use crate::outcome::{self, Outcome};
use crate::read::{all, make, one, wait};

enum Subject {
    Flat(SimpleJsonFileAdapter),
    Many(Storage, fn(&TokenData) -> Value),
    Validating(ValidatingTokenStorage, ManualClock),
}

pub(crate) fn check(case: &Case) -> Verdict {
    let input = &case.input;
    if matches!(input["storage"].as_str(), Some("sqlite" | "legacy_sqlite")) {
        // Databases are judged with the storage in databases.
        return Verdict::Elsewhere;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(input["filepath"].as_str().unwrap_or("./store/tokens"));
    if input["parent"] != false {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    let mut subject = match open(input, &path) {
        Open::Ready(subject) => subject,
        Open::Pending => return Verdict::Pending,
        // Neither the one nor the other of two constructors, or both of them: that cannot be written down.
        Open::Inexpressible => {
            return case.expect_by(|expected| {
                (expected["open"]["error"] != "ValueError").then(|| "it cannot be opened".to_owned())
            });
        }
    };
    if !make(&path, &input["file"]) {
        return Verdict::Pending;
    }
    // Python looks at what is stored when it makes the storage.
    let opened = match &subject {
        Subject::Validating(storage, _) => wait(storage.identity(&"DEFAULT".into())).map(|_| Value::Null),
        _ => Ok(Value::Null),
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for step in input["steps"].as_array().unwrap() {
        if step["op"] == "reopen" {
            let mut input = input.clone();
            if let Some(namespace) = step.get("namespace") {
                input["namespace"] = namespace.clone();
            }
            match open(&input, &path) {
                Open::Ready(again) if input["storage"] != "memory" => subject = again,
                _ => return Verdict::Pending,
            }
            outcomes.push(Ok(Value::Null));
        } else if let Some(outcome) = take(&subject, step, input, &path) {
            outcomes.push(outcome);
        } else {
            return Verdict::Pending;
        }
    }
    case.expect_by(|expected| {
        let steps = expected["steps"].as_array().unwrap();
        if let Some(difference) = outcome::difference(&expected["open"], &opened) {
            return Some(format!("open: {difference}"));
        }
        if steps.len() != outcomes.len() {
            return Some(format!("expected {} steps", steps.len()));
        }
        let step = steps.iter().zip(&outcomes).find_map(|(step, actual)| outcome::difference(step, actual));
        step.or_else(|| file_difference(expected, &path))
    })
}

enum Open {
    Ready(Subject),
    Inexpressible,
    Pending,
}

fn open(input: &Value, path: &Path) -> Open {
    let namespace = input["namespace"].as_str().unwrap_or("DEFAULT");
    Open::Ready(match input["storage"].as_str() {
        Some("flat") => {
            let options = &input["options"];
            let server = options["resource_server"].as_str().filter(|text| !text.is_empty());
            let scopes = match &options["scopes"] {
                Value::String(text) => Some(text.clone()),
                Value::Array(items) => {
                    let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                    Some(items.join(" "))
                }
                _ => None,
            };
            match (server, scopes.filter(|text| !text.is_empty())) {
                (Some(server), None) => {
                    Subject::Flat(SimpleJsonFileAdapter::for_resource_server(path, server))
                }
                (None, Some(scopes)) => Subject::Flat(SimpleJsonFileAdapter::for_scopes(path, scopes)),
                _ => return Open::Inexpressible,
            }
        }
        Some("legacy_json") => {
            Subject::Many(LegacyJsonTokenStorage::new(path).into(), outcome::response_shape_with_extra)
        }
        Some("json") => {
            let storage = Storage::from(JsonTokenStorage::new(path).upgrade(true));
            Subject::Many(storage.with_namespace(namespace), outcome::record_shape)
        }
        Some("memory") => {
            let storage = Storage::from(MemoryTokenStorage::new());
            Subject::Many(storage.with_namespace(namespace), outcome::record_shape)
        }
        Some("validating_json") => match validating(input, path) {
            Some(subject) => subject,
            None => return Open::Pending,
        },
        _ => return Open::Pending,
    })
}

/// `None` where a validator is asked for that there is not.
fn validating(input: &Value, path: &Path) -> Option<Subject> {
    let clock = ManualClock::default();
    clock.set(outcome::timestamp(&input["now"]));
    let mut storage = ValidatingTokenStorage::new(JsonTokenStorage::new(path));
    for validator in input["validators"].as_array().unwrap() {
        storage = match validator.as_str().unwrap() {
            "has_refresh_tokens" => storage.validator(HasRefreshTokens),
            "not_expired" => storage.validator(NotExpired::new().clock(clock.clone())),
            "unchanging_identity" => storage.validator(UnchangingIdentity),
            _ => return None,
        };
    }
    Some(Subject::Validating(storage, clock))
}

fn take(subject: &Subject, step: &Value, input: &Value, path: &Path) -> Option<Outcome> {
    let server = step["resource_server"].as_str().unwrap_or_default();
    if let Subject::Validating(storage, clock) = subject {
        clock.set(outcome::timestamp(step.get("now").unwrap_or(&input["now"])));
        if step["op"] == "identity_id" {
            return Some(wait(storage.identity(&"DEFAULT".into())).map(Value::from));
        }
        let subject = Subject::Many(storage.clone().into(), outcome::record_shape);
        return take(&subject, step, input, path);
    }
    Some(match (step["op"].as_str().unwrap(), subject) {
        ("store", subject) => store(subject, &response(step, input)).map(|()| Value::Null),
        ("file_exists", Subject::Flat(adapter)) => Ok(adapter.file_exists().into()),
        ("file_exists", Subject::Many(..)) => Ok(path.exists().into()),
        ("get_all", Subject::Flat(adapter)) => {
            adapter.read().map(|token| outcome::response_shape_with_extra(&token))
        }
        ("get_all", Subject::Many(storage, shape)) => all(wait(storage.get_all()), *shape),
        ("get", Subject::Many(storage, shape)) => one(wait(storage.get(server)), *shape),
        ("remove", Subject::Many(storage, _)) => wait(storage.remove(server)).map(Value::from),
        _ => return None,
    })
}

fn store(subject: &Subject, response: &TokenResponse) -> Result<(), StorageError> {
    match subject {
        Subject::Flat(adapter) if response.grant() == globus_core::token::Grant::RefreshToken => {
            adapter.on_refresh(response)
        }
        Subject::Flat(adapter) => adapter.store(response),
        Subject::Many(storage, _) => wait(storage.store_response(response)),
        Subject::Validating(..) => unreachable!("it is taken as one of many tokens"),
    }
}

/// The answer of the step; what its id token says is known to the case.
fn response(step: &Value, input: &Value) -> TokenResponse {
    let grant = outcome::grant(step["response"].as_str().unwrap());
    let now = outcome::timestamp(step.get("now").unwrap_or(&input["now"]));
    let response = TokenResponse::parse(grant, step["body"].to_string().as_bytes(), now).unwrap();
    let identity = response.id_token().and_then(|token| input["id_tokens"][token.expose()].as_str());
    match identity {
        Some(identity) => response.clone().with_identity_id(identity),
        None => response,
    }
}

fn file_difference(expected: &Value, path: &Path) -> Option<String> {
    let file = expected.get("file")?;
    let actual = if path.is_dir() {
        json!({"directory": true})
    } else {
        match std::fs::read_to_string(path) {
            Err(_) => json!({"missing": true}),
            Ok(text) => match serde_json::from_str::<Value>(&text) {
                Ok(json) => json!({"json": json}),
                Err(_) => json!({"text": text}),
            },
        }
    };
    if !outcome::same_value(file, &actual) {
        return Some(format!("expected the file {file}, got {actual}"));
    }
    let mode = expected.get("mode")?.as_str()?;
    let actual = format!("{:o}", std::fs::metadata(path).ok()?.permissions().mode() & 0o777);
    (mode != actual).then(|| format!("expected mode {mode}, got {actual}"))
}
