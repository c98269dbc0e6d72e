//! The recorded cases of tokens and token storage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod cases;
mod outcome;
mod parse;
mod read;
mod write;

#[test]
fn conformance_of_token_responses() {
    cases::run("token_responses.json", |case| match case["op"].as_str() {
        Some("parse") => parse::check(case),
        _ => cases::Verdict::Pending,
    });
}

#[test]
fn conformance_of_storage_files() {
    cases::run("storage_files.json", |case| match case["op"].as_str() {
        Some("read") => read::check(case),
        Some("write") => write::check(case),
        _ => cases::Verdict::Pending,
    });
}
