//! One database, given to both readers.

use std::path::Path;

use globus_core::storage::TokenStorage;
use globus_core::{Namespace, ResourceServer};
use globus_storage_sqlite::{LegacySqliteTokenStorage, SqliteTokenStorage};
use serde_json::Value;

use crate::conformance::{Case, Outcome as Verdict};
use crate::outcome::{self, Outcome};
use crate::{all, difference, legacy_shape, make, one, wait};

pub(crate) fn check(case: &Case) -> Verdict {
    let input = &case.input;
    let operations = case.whole["expect"].as_object().unwrap();
    let operations: Vec<_> = operations.keys().filter(|name| name.contains("sqlite.")).collect();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    if operations.is_empty() || !make(&path, &input["file"]) {
        return Verdict::Elsewhere;
    }
    let before = std::fs::read(&path).ok();
    let verdict = case.expect_by(|expected| {
        let differences: Vec<String> = operations
            .iter()
            .filter_map(|operation| {
                let expected = &expected[operation.as_str()];
                let why = difference(expected, &read(operation, &path, input, expected))?;
                Some(format!("{operation}: {why}"))
            })
            .collect();
        (!differences.is_empty()).then(|| differences.join(", "))
    });
    assert_eq!(std::fs::read(&path).ok(), before, "reading changes nothing");
    verdict
}

fn read(operation: &str, path: &Path, input: &Value, expected: &Value) -> Outcome {
    let server = ResourceServer::from(input["resource_server"].as_str().unwrap());
    let namespace = Namespace::from(input["namespace"].as_str().unwrap());
    let today = SqliteTokenStorage::new(path);
    let legacy = LegacySqliteTokenStorage::new(path);
    let names = |names: Vec<Namespace>| names.iter().map(Namespace::as_str).collect::<Value>();
    match operation {
        "sqlite.get_token_data_by_resource_server" => {
            all(wait(today.load_all(&namespace)), outcome::record_shape, expected)
        }
        "sqlite.get_token_data" => one(wait(today.load_fresh(&namespace, &server)), outcome::record_shape),
        "sqlite.iter_namespaces" => wait(today.list()).map(names),
        "legacy_sqlite.get_by_resource_server" => {
            all(wait(legacy.load_all(&namespace)), legacy_shape, expected)
        }
        "legacy_sqlite.get_token_data" => one(wait(legacy.load_fresh(&namespace, &server)), legacy_shape),
        "legacy_sqlite.iter_namespaces" => wait(legacy.iter_namespaces(false)).map(names),
        "legacy_sqlite.iter_namespaces_with_config" => wait(legacy.iter_namespaces(true)).map(names),
        "legacy_sqlite.read_config" => {
            let config = wait(legacy.read_config(&namespace, input["config_name"].as_str().unwrap()));
            config.map(|config| config.map_or(Value::Null, Value::Object))
        }
        other => panic!("an unknown operation {other}"),
    }
}
