//! Any text that a person pastes: a code comes out of an address only if that has the state of this login.

#![no_main]

use std::sync::LazyLock;

use globus_sdk::NativeAppAuthClient;
use globus_sdk::auth::AuthorizationFlow;

const STATE: &str = "s7A7e";

static FLOW: LazyLock<AuthorizationFlow> = LazyLock::new(|| {
    let client = NativeAppAuthClient::new("11111111-2222-3333-4444-555555555555").expect("a client");
    client.oauth2_start_flow("openid").state(STATE).start().expect("a login")
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    match FLOW.code_from(text) {
        Ok(code) => {
            let address = url::Url::parse(text.trim()).expect("an address");
            let state = address.query_pairs().find(|(name, _)| name == "state").expect("a state").1;
            assert_eq!(state, STATE);
            assert!(!code.expose().is_empty());
            let pasted = FLOW.code_from_pasted(text).ok();
            assert!(!text.contains("://") || pasted.is_some_and(|pasted| pasted.expose() == code.expose()));
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    }
    if let Ok(code) = FLOW.code_from_pasted(text) {
        assert!(!code.expose().is_empty());
        assert!(text.contains("://") || text.trim() == code.expose());
    }
});
