//! Any JSON text: requirements are looked for without a panic, and what was found reads back the same.

#![no_main]

#[path = "../../crates/globus-sdk/tests/gare_oracle/mod.rs"]
mod gare_oracle;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(value) = serde_json::from_str(text) {
        gare_oracle::check(&value);
    }
});
