//! The recorded cases of token databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "../../../globus-core/tests/conformance/mod.rs"]
mod conformance;
#[path = "../../../globus-core/tests/conformance_storage/outcome.rs"]
mod outcome;
mod read;
mod write;

use std::path::Path;

use globus_core::storage::{Loaded, StorageErrorKind};
use globus_core::{StorageError, TokenData};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use outcome::Outcome;

#[test]
fn conformance_of_databases() {
    // The cases of files are judged with the storages in files.
    conformance::run("storage_files.json", |case| match case.op() {
        "read" => read::check(case),
        "write" => write::check(case),
        _ => conformance::Outcome::Elsewhere,
    });
}

/// Makes the file; false for what is no database and not meant for one either.
fn make(path: &Path, file: &Value) -> bool {
    if let Some(statements) = file["sql"].as_array() {
        let connection = Connection::open(path).unwrap();
        for statement in statements {
            connection.execute_batch(statement.as_str().unwrap()).unwrap();
        }
        return true;
    }
    if file["as"] == "sqlite" {
        std::fs::write(path, file["text"].as_str().unwrap()).unwrap();
        return true;
    }
    file["missing"] == true || file.is_null()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Why the outcome is not the recorded one; `None` if it is.
fn difference(expected: &Value, actual: &Outcome) -> Option<String> {
    use StorageErrorKind as Kind;
    if let Err(error) = actual {
        let same = matches!(
            (expected["error"].as_str().unwrap_or_default(), error.kind()),
            // In a row; the file as a whole is no JSON in any case.
            ("JSONDecodeError", Kind::InvalidRecord { field: None, .. })
                | ("DatabaseError" | "OperationalError", Kind::Database)
                | ("GlobusSDKUsageError", Kind::Unsupported { .. })
        ) || expected["error"] == "ValueError"
            && matches!(expected["kind"].as_str(), Some("not_an_object_row" | "not_an_object_config"))
            && matches!(error.kind(), Kind::InvalidRecord { field: None, .. });
        if same {
            return None;
        }
    }
    outcome::difference(expected, actual)
}

/// The records of a namespace. A record that the types cannot hold, which the older reader hands out as it is, is one
/// that is told as damaged.
fn all(loaded: Result<Loaded, StorageError>, shape: fn(&TokenData) -> Value, expected: &Value) -> Outcome {
    let mut loaded = loaded?;
    let mut records: Map<_, _> =
        loaded.tokens.iter().map(|(name, token)| (name.to_string(), shape(token))).collect();
    loaded.damaged.retain(|error| {
        let name = error.resource_server().unwrap().to_string();
        let untyped = expected["ok"].get(&name).filter(|record| record.is_object());
        let is_told = untyped.is_some_and(|record| {
            let refusal = TokenData::from_record(record.to_string().as_bytes()).unwrap_err();
            let field = refusal.field().map(str::to_owned);
            matches!(error.kind(), StorageErrorKind::InvalidRecord { field: told, .. } if *told == field)
        });
        if is_told {
            records.insert(name, untyped.unwrap().clone());
        }
        !is_told
    });
    if loaded.damaged.is_empty() { Ok(Value::Object(records)) } else { Err(loaded.damaged.remove(0)) }
}

fn one(loaded: Result<Option<TokenData>, StorageError>, shape: fn(&TokenData) -> Value) -> Outcome {
    Ok(loaded?.as_ref().map_or(Value::Null, shape))
}

/// What the older reader hands out: whatever the row has.
fn legacy_shape(token: &TokenData) -> Value {
    let mut shape = outcome::response_shape_with_extra(token);
    shape["identity_id"] = json!(token.identity_id);
    shape
}
