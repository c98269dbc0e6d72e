//! Any list of consents, and behind a line break any scopes that are required: the forest stands or is refused, and what
//! is missing is said.

#![no_main]

use globus_core::Scopes;
use globus_sdk::auth::consents::{Consent, ConsentForest};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (documents, required) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(Value::Array(documents)) = serde_json::from_str(documents) else { return };
    // What one odd consent does to a list is the service's business; here the others go on.
    let consents: Vec<Consent> =
        documents.iter().filter_map(|document| Consent::from_json(document).ok()).collect();
    let Ok(forest) = ConsentForest::from_consents(consents) else { return };
    for tree in forest.trees() {
        assert!(tree.max_depth() <= tree.nodes().len());
    }
    assert!(forest.meets(&[]));
    if let Ok(required) = Scopes::from(required).parse() {
        let missing = forest.missing(&required);
        assert_eq!(forest.meets(&required), missing.is_empty());
        for missing in missing {
            assert!(!missing.to_string().contains(char::is_control), "{missing}");
        }
    }
});
