//! Any text as scopes: what was read is written and read back the same, and merging with itself changes nothing.

#![no_main]

use globus_core::Scopes;
use globus_core::scope::MAX_TEXT;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let scopes = Scopes::from(text);
    match scopes.parse() {
        Ok(trees) => {
            let written = Scopes::from(&trees);
            // Blanks and controls other than the blank between scopes belong to names, but are cut off the end of a text.
            let is_plain = !text.contains(|c: char| (c.is_whitespace() || c.is_control()) && c != ' ');
            if is_plain && written.as_str().len() <= MAX_TEXT {
                assert_eq!(written.parse().as_ref(), Ok(&trees));
                let twice = written.merge(&written).expect("what could be read can be merged");
                assert_eq!(twice.parse().as_ref(), Ok(&trees));
            }
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
});
