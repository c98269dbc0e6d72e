//! One file, given to every reader.

use std::path::Path;

use base64::Engine as _;
use globus_core::storage::{
    FileAdapter, JsonTokenStorage, LegacyJsonTokenStorage, Loaded, Namespace, SimpleJsonFileAdapter,
    TokenStorage,
};
use globus_core::{ResourceServer, StorageError, TokenData};
use serde_json::{Map, Value};

use crate::conformance::{Case, Outcome as Verdict};
use crate::outcome::{self, Outcome};

pub(crate) fn check(case: &Case) -> Verdict {
    let input = &case.input;
    let Some(operations) = case.whole["expect"].as_object() else { return Verdict::Pending };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    if !make(&path, &input["file"]) {
        // Databases are judged with the storage in databases.
        return Verdict::Elsewhere;
    }
    let outcomes: Vec<(&String, Outcome)> =
        operations.keys().filter_map(|operation| Some((operation, read(operation, &path, input)?))).collect();
    if outcomes.is_empty() {
        return Verdict::Pending;
    }
    case.expect_by(|expected| {
        let differences: Vec<String> = outcomes
            .iter()
            .filter_map(|(operation, actual)| {
                let why =
                    outcome::difference(&without_defaults(&expected[operation.as_str()], operation), actual)?;
                Some(format!("{operation}: {why}"))
            })
            .collect();
        (!differences.is_empty()).then(|| differences.join(", "))
    })
}

/// Makes the file; false for what only databases are.
pub(crate) fn make(path: &Path, file: &Value) -> bool {
    if file.get("sql").is_some() || file.get("as").is_some() {
        return false;
    }
    if let Some(text) = file["text"].as_str() {
        std::fs::write(path, text).unwrap();
    } else if let Some(text) = file["base64"].as_str() {
        std::fs::write(path, base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap();
    } else if file["directory"] == true {
        std::fs::create_dir(path).unwrap();
    } else {
        assert!(file["missing"] == true || file.is_null(), "an unknown kind of file: {file}");
    }
    true
}

fn read(operation: &str, path: &Path, input: &Value) -> Option<Outcome> {
    let server = ResourceServer::from(input["resource_server"].as_str().unwrap());
    let namespace = Namespace::from(input["namespace"].as_str().unwrap());
    let json = JsonTokenStorage::new(path);
    let legacy = LegacyJsonTokenStorage::new(path);
    let everywhere = Namespace::default();
    Some(match operation {
        "flat.read_as_dict" => {
            let adapter = SimpleJsonFileAdapter::for_resource_server(path, server);
            adapter.read().map(|token| outcome::response_shape_with_extra(&token))
        }
        "legacy_json.get_by_resource_server" => {
            all(wait(legacy.load_all(&everywhere)), outcome::response_shape_with_extra)
        }
        "legacy_json.get_token_data" => {
            one(wait(legacy.load_fresh(&everywhere, &server)), outcome::response_shape_with_extra)
        }
        "json.get_token_data_by_resource_server" => {
            all(wait(json.load_all(&namespace)), outcome::record_shape)
        }
        "json.get_token_data" => one(wait(json.load_fresh(&namespace, &server)), outcome::record_shape),
        _ => return None,
    })
}

/// A record of the flat file always has a scope, an end and a resource server here, be they empty.
fn without_defaults(expected: &Value, operation: &str) -> Value {
    let mut expected = expected.clone();
    if operation == "flat.read_as_dict"
        && let Some(record) = expected.get_mut("ok").and_then(Value::as_object_mut)
    {
        record.entry("scope").or_insert_with(|| "".into());
        record.entry("expires_at_seconds").or_insert_with(|| 0.into());
        record.entry("resource_server").or_insert_with(|| "transfer.api.globus.org".into());
    }
    expected
}

pub(crate) fn all(loaded: Result<Loaded, StorageError>, shape: fn(&TokenData) -> Value) -> Outcome {
    let mut loaded = loaded?;
    if !loaded.damaged.is_empty() {
        return Err(loaded.damaged.remove(0));
    }
    let records: Map<_, _> =
        loaded.tokens.iter().map(|(name, token)| (name.to_string(), shape(token))).collect();
    Ok(Value::Object(records))
}

pub(crate) fn one(
    loaded: Result<Option<TokenData>, StorageError>,
    shape: fn(&TokenData) -> Value,
) -> Outcome {
    Ok(loaded?.as_ref().map_or(Value::Null, shape))
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
