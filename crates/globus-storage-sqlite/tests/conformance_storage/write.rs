//! One storage, taken through steps.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use globus_core::storage::Storage;
use globus_core::{Namespace, TokenData, TokenResponse};
use globus_storage_sqlite::{LegacySqliteTokenStorage, SqliteTokenStorage};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::conformance::{Case, Outcome as Verdict};
use crate::outcome::{self, Outcome};
use crate::{all, difference, legacy_shape, make, one, wait};

struct Subject {
    storage: Storage,
    legacy: Option<LegacySqliteTokenStorage>,
    shape: fn(&TokenData) -> Value,
}

impl Subject {
    fn open(input: &Value, path: &Path, namespace: &str) -> Option<Self> {
        let legacy = LegacySqliteTokenStorage::new(path);
        let (storage, legacy, shape): (Storage, _, fn(&TokenData) -> Value) =
            match input["storage"].as_str()? {
                "sqlite" => (SqliteTokenStorage::new(path).into(), None, outcome::record_shape),
                "legacy_sqlite" => (legacy.clone().into(), Some(legacy), legacy_shape),
                _ => return None,
            };
        Some(Self { storage: storage.with_namespace(namespace), legacy, shape })
    }
}

pub(crate) fn check(case: &Case) -> Verdict {
    let input = &case.input;
    let directory = tempfile::tempdir().unwrap();
    let name = input["filepath"].as_str().unwrap_or("./store/tokens");
    let path = if name == ":memory:" { PathBuf::from(name) } else { directory.path().join(name) };
    let namespace = input["namespace"].as_str().unwrap_or("DEFAULT");
    let Some(mut subject) = Subject::open(input, &path, namespace) else { return Verdict::Elsewhere };
    if input["parent"] != false && path.is_absolute() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    if !make(&path, &input["file"]) {
        return Verdict::Failed("an unknown kind of file".into());
    }
    // A database is opened when it is used, so what is wrong with its name is told then.
    let opened = wait(subject.storage.get("nobody")).map(|_| Value::Null);
    let mut outcomes: Vec<(&Value, Outcome)> = Vec::new();
    for step in input["steps"].as_array().unwrap() {
        if step["op"] == "reopen" {
            let namespace = step["namespace"].as_str().unwrap_or(namespace);
            subject = Subject::open(input, &path, namespace).unwrap();
            outcomes.push((step, Ok(Value::Null)));
        } else {
            outcomes.push((step, take(&subject, step, input, &path)));
        }
    }
    case.expect_by(|expected| {
        let steps = expected["steps"].as_array().unwrap();
        assert_eq!(steps.len(), outcomes.len());
        difference(&expected["open"], &opened)
            .or_else(|| {
                steps.iter().zip(&outcomes).find_map(|(recorded, (step, actual))| {
                    Some(format!("{}: {}", step["op"], difference(recorded, actual)?))
                })
            })
            .or_else(|| file_difference(expected, &path))
    })
}

fn take(subject: &Subject, step: &Value, input: &Value, path: &Path) -> Outcome {
    let server = step["resource_server"].as_str().unwrap_or_default();
    let name = step["name"].as_str().unwrap_or_default();
    let namespace = subject.storage.namespace();
    let legacy = || subject.legacy.as_ref().expect("only the older storage has configurations");
    let names = |names: Vec<Namespace>| names.iter().map(Namespace::as_str).collect::<Value>();
    match step["op"].as_str().unwrap() {
        "store" => {
            let response = response(step, input, subject.legacy.is_some());
            wait(subject.storage.store_response(&response)).map(|()| Value::Null)
        }
        "file_exists" => Ok(path.exists().into()),
        "get_all" => all(wait(subject.storage.get_all()), subject.shape, &Value::Null),
        "get" => one(wait(subject.storage.get(server)), subject.shape),
        "remove" => wait(subject.storage.remove(server)).map(Value::from),
        "iter_namespaces" if step["with_config"] == true => wait(legacy().iter_namespaces(true)).map(names),
        "iter_namespaces" => wait(subject.storage.list()).map(names),
        "store_config" => {
            let config = step["value"].as_object().unwrap();
            wait(legacy().store_config(namespace, name, config)).map(|()| Value::Null)
        }
        "read_config" => {
            let config = wait(legacy().read_config(namespace, name));
            config.map(|config| config.map_or(Value::Null, Value::Object))
        }
        "remove_config" => wait(legacy().remove_config(namespace, name)).map(Value::from),
        other => panic!("an unknown step {other}"),
    }
}

/// The answer of the step. What its id token says is known to the case; the older storages do not ask for it.
fn response(step: &Value, input: &Value, is_legacy: bool) -> TokenResponse {
    let grant = outcome::grant(step["response"].as_str().unwrap());
    let now = outcome::timestamp(step.get("now").unwrap_or(&input["now"]));
    let response = TokenResponse::parse(grant, step["body"].to_string().as_bytes(), now).unwrap();
    let identity = response.id_token().and_then(|token| input["id_tokens"][token.expose()].as_str());
    match identity {
        Some(identity) if !is_legacy => response.clone().with_identity_id(identity),
        _ => response,
    }
}

fn file_difference(expected: &Value, path: &Path) -> Option<String> {
    let file = expected.get("file")?;
    let actual = if path.exists() { json!({"rows": rows(path)}) } else { json!({"missing": true}) };
    if !outcome::same_value(file, &actual) {
        return Some(format!("expected the file {file}, got {actual}"));
    }
    let mode = expected.get("mode")?.as_str()?;
    let actual = format!("{:o}", std::fs::metadata(path).ok()?.permissions().mode() & 0o777);
    (mode != actual).then(|| format!("expected mode {mode}, got {actual}"))
}

/// All tables with their rows in order, and the JSON in them parsed.
fn rows(path: &Path) -> Value {
    let connection = Connection::open(path).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let rows_of = |table: &str| -> Value {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = statement.query_map([], |row| {
            let cells = columns.iter().enumerate().map(|(index, column)| {
                let text: String = row.get(index)?;
                let is_json = column.ends_with("_json");
                Ok(if is_json { serde_json::from_str(&text).unwrap() } else { Value::String(text) })
            });
            cells.collect::<Result<Value, rusqlite::Error>>()
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    json!(tables.iter().map(|table| (table, rows_of(table))).collect::<BTreeMap<_, _>>())
}
