//! The recorded cases of tokens and token storage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "../conformance/mod.rs"]
mod conformance;
mod outcome;
mod parse;
mod read;
mod write;

#[test]
fn conformance_of_token_responses() {
    // The other operations of this file are the login clients', and judged with them.
    conformance::run("token_responses.json", |case| match case.op() {
        "parse" => parse::check(case),
        _ => conformance::Outcome::Elsewhere,
    });
}

#[test]
fn conformance_of_storage_files() {
    conformance::run("storage_files.json", |case| match case.op() {
        "read" => read::check(case),
        "write" => write::check(case),
        _ => conformance::Outcome::Pending,
    });
}
