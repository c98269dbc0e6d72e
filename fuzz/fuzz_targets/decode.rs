//! Any bytes: the reader and `serde_json` agree on whether they are a document, and on which.

#![no_main]

#[path = "../../crates/globus-core/tests/decode_oracle/mod.rs"]
mod decode_oracle;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    decode_oracle::compare(body);
});
