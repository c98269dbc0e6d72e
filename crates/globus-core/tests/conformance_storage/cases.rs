//! Loading a file of cases, and counting.

use std::path::PathBuf;

use serde_json::Value;

pub(crate) enum Verdict {
    Passed,
    Failed(String),
    Pending,
}

fn directory() -> PathBuf {
    std::env::var_os("GLOBUS_CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance")),
        PathBuf::from,
    )
}

/// Runs every case of a file, prints what failed and the counts, and fails if anything did.
pub(crate) fn run(file: &str, check: impl Fn(&Value) -> Verdict) {
    let text = std::fs::read(directory().join(file)).expect("the file of cases can be read");
    let cases: Vec<Value> = serde_json::from_slice(&text).expect("the file holds an array of cases");
    let (mut passed, mut failed, mut pending) = (0, 0, 0);
    for case in &cases {
        match check(case) {
            Verdict::Passed => passed += 1,
            Verdict::Pending => pending += 1,
            Verdict::Failed(why) => {
                failed += 1;
                println!("FAILED {}: {why}", case["name"].as_str().unwrap_or("(no name)"));
            }
        }
    }
    println!("{file}: {passed} passed, {failed} failed, {pending} pending");
    assert!(passed > 0, "no case of {file} was run");
    assert_eq!(failed, 0, "cases of {file} failed");
}

/// The results that a case accepts, each a whole one.
pub(crate) fn accepted(case: &Value) -> Vec<&Value> {
    let first = case.get("rust_expect").unwrap_or(&case["expect"]);
    std::iter::once(first).chain(case.get("also_accept")).collect()
}

/// Passed if any accepted result has no difference.
pub(crate) fn verdict(case: &Value, difference: impl Fn(&Value) -> Option<String>) -> Verdict {
    let mut differences = Vec::new();
    for expected in accepted(case) {
        match difference(expected) {
            None => return Verdict::Passed,
            Some(why) => differences.push(why),
        }
    }
    Verdict::Failed(differences.join("; or: "))
}
