//! Recorded cases: where they are, what they hold, how results are compared and counted.
//!
//! A test file says `mod conformance;` and calls [`run`] with a function that judges one case:
//!
//! ```ignore
//! #[test]
//! fn conformance_of_something() {
//!     conformance::run("something.json", |case| match case.op() {
//!         "double" => case.expect(&json!({"ok": 2 * case.input["number"].as_i64().unwrap()})),
//!         _ => Outcome::Pending,
//!     });
//! }
//! ```
//!
//! Cases are told apart by their content, never by `name`, which is a label.

// Each test file that includes this module uses a part of it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One recorded case of a file that follows the layout `name`, `op`, `input`, `expect`.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// A label, for messages only.
    pub(crate) name: String,
    /// What is given to the operation.
    pub(crate) input: Value,
    /// The whole case as it stands in the file, for members that only some files have.
    pub(crate) whole: Value,
    op: String,
    accepted: Vec<Value>,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The result is one of the accepted ones.
    Passed,
    /// It is not; the text says where they differ.
    Failed(String),
    /// The project has no such operation yet.
    Pending,
    /// Another test file judges this case; it is not counted here.
    Elsewhere,
}

impl Outcome {
    /// Passed where nothing differs.
    pub(crate) fn of(difference: Option<String>) -> Self {
        difference.map_or(Self::Passed, Self::Failed)
    }
}

impl Case {
    fn new(whole: Value) -> Self {
        let member = |name: &str| whole.get(name).cloned();
        let text = |value: Option<Value>| value.and_then(|v| v.as_str().map(str::to_owned));
        let input = member("input").unwrap_or(Value::Null);
        let accepted =
            member("rust_expect").or_else(|| member("expect")).into_iter().chain(member("also_accept"));
        Self {
            name: text(member("name")).unwrap_or_default(),
            op: text(member("op")).or_else(|| text(input.get("op").cloned())).unwrap_or_default(),
            accepted: accepted.collect(),
            input,
            whole,
        }
    }

    /// The operation: member `op` of the case, or of its input.
    pub(crate) fn op(&self) -> &str {
        &self.op
    }

    /// The results that pass: `rust_expect` or else `expect`, and `also_accept` if there is one.
    pub(crate) fn accepted(&self) -> &[Value] {
        &self.accepted
    }

    /// Compares a result with those that pass, by value and with the tags of [`difference`].
    pub(crate) fn expect(&self, found: &Value) -> Outcome {
        self.expect_by(|accepted| difference(accepted, found))
    }

    /// Compares with a rule of the caller's own: `differs` answers where an accepted result and the one found
    /// differ, or nothing. The differences from all accepted results are reported.
    pub(crate) fn expect_by(&self, mut differs: impl FnMut(&Value) -> Option<String>) -> Outcome {
        let mut all = Vec::new();
        for accepted in &self.accepted {
            match differs(accepted) {
                None => return Outcome::Passed,
                Some(difference) => all.push(difference),
            }
        }
        Outcome::Failed(all.join("; and also "))
    }
}

/// The folder of the cases: `GLOBUS_CONFORMANCE_DIR`, from the root of the project where it is relative, else
/// `conformance/` there.
pub(crate) fn directory() -> PathBuf {
    let chosen = std::env::var_os("GLOBUS_CONFORMANCE_DIR").unwrap_or_else(|| "conformance".into());
    // Joining an absolute path gives that path.
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(chosen)
}

/// The cases of a file; `None` where the folder has no such file.
///
/// # Panics
///
/// When the file is there but is no list of cases.
pub(crate) fn load(file: &str) -> Option<Vec<Case>> {
    let path = directory().join(file);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        other => other.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    };
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let cases = if document.is_object() { document["cases"].clone() } else { document };
    let Value::Array(cases) = cases else { panic!("{file}: no list of cases") };
    Some(cases.into_iter().map(Case::new).collect())
}

/// Runs every case of a file, prints what failed and the counts, and fails the test if any case failed.
///
/// A case whose judging panics has failed. A file that is not there counts as one pending.
///
/// # Panics
///
/// When a case failed, or the file holds no cases.
pub(crate) fn run(file: &str, judge: impl Fn(&Case) -> Outcome) {
    let Some(cases) = load(file) else {
        println!("{file}: 0 passed, 0 failed, 1 pending (no such file)");
        return;
    };
    assert!(!cases.is_empty(), "{file} holds no cases");
    let (mut passed, mut failed, mut pending) = (0, 0, 0);
    for case in &cases {
        let outcome = catch_unwind(AssertUnwindSafe(|| judge(case)))
            .unwrap_or_else(|_| Outcome::Failed("panicked, see above".to_owned()));
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::Pending => pending += 1,
            Outcome::Elsewhere => {}
            Outcome::Failed(difference) => {
                failed += 1;
                println!("FAILED {}: {difference}", case.name);
            }
        }
    }
    println!("{file}: {passed} passed, {failed} failed, {pending} pending");
    assert_eq!(failed, 0, "{file}: {failed} cases failed");
}

/// Where a value found differs from the one expected; `None` if it does not.
///
/// Numbers compare by value, objects without regard to order. Some expected values stand for others:
///
/// | expected | passes for |
/// |---|---|
/// | `{"$float": "nan"}`, `"inf"`, `"-inf"` | the same tag |
/// | `{"$int": digits}` | the same tag, or a number that is as near as 64-bit floats come |
/// | `{"$text": {"chars", "sha256"}}` | a text of so many code points with this digest of its UTF-8 |
/// | `{"$large": true}`, `{"$json_sha256_of_body": …}` | anything but null: the document was read |
pub(crate) fn difference(expected: &Value, found: &Value) -> Option<String> {
    differs("", expected, found)
}

fn differs(at: &str, expected: &Value, found: &Value) -> Option<String> {
    if let Some(same) = tag(expected, found) {
        return if same { None } else { Some(report(at, expected, found)) };
    }
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) if a == b || a.as_f64() == b.as_f64() => None,
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| differs(&format!("{at}[{i}]"), a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let missing =
                a.keys().find(|key| !b.contains_key(*key)).map(|key| format!("{at}.{key} is missing"));
            let extra = || {
                b.keys().find(|key| !a.contains_key(*key)).map(|key| format!("{at}.{key} is not expected"))
            };
            missing
                .or_else(extra)
                .or_else(|| a.iter().find_map(|(key, value)| differs(&format!("{at}.{key}"), value, &b[key])))
        }
        _ if expected == found => None,
        _ => Some(report(at, expected, found)),
    }
}

/// Whether a tagged value passes; `None` if the value expected carries no tag.
fn tag(expected: &Value, found: &Value) -> Option<bool> {
    let object = expected.as_object().filter(|object| object.len() == 1)?;
    let (name, value) = object.iter().next()?;
    match name.as_str() {
        "$float" => Some(expected == found),
        "$int" => {
            let digits: f64 = value.as_str()?.parse().ok()?;
            Some(expected == found || found.as_f64() == Some(digits))
        }
        "$text" => {
            let text = found.as_str().unwrap_or_default();
            let digest = format!("{:x}", Bytes::copy_from_slice(&Sha256::digest(text.as_bytes())));
            Some(value["chars"] == text.chars().count() && value["sha256"] == digest.as_str())
        }
        "$large" | "$json_sha256_of_body" => Some(!found.is_null()),
        _ => None,
    }
}

fn report(at: &str, expected: &Value, found: &Value) -> String {
    let cut = |value: &Value| {
        let text = value.to_string();
        match text.char_indices().nth(300) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    };
    let at = if at.is_empty() { "the result" } else { at };
    format!("{at}: expected {}, found {}", cut(expected), cut(found))
}
