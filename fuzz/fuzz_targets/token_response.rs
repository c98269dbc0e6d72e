//! Any answer of the token endpoint, to each grant: tokens are found by what they are good for, or the error says where
//! the answer is odd.

#![no_main]

use globus_core::token::{Grant, TokenResponse};
use jiff::Timestamp;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for grant in
        [Grant::AuthorizationCode, Grant::RefreshToken, Grant::ClientCredentials, Grant::DependentToken]
    {
        match TokenResponse::parse(grant, body, Timestamp::UNIX_EPOCH) {
            Ok(response) => check(&response),
            Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
        }
    }
});

fn check(response: &TokenResponse) {
    let tokens = response.by_resource_server();
    assert_eq!(tokens.iter().count(), tokens.len());
    for token in tokens.iter() {
        assert!(!token.access_token.expose().is_empty());
        let found = tokens.get(token.resource_server.as_str()).expect("found by its resource server");
        assert_eq!(found.access_token.expose(), token.access_token.expose());
        for scope in token.scope.split_whitespace().take(8) {
            let found = response.by_scopes().get(scope).map(|found| found.scope.clone());
            // Texts with brackets are scopes with dependencies, which no token carries.
            assert!(scope.contains(['[', ']']) || found.is_ok_and(|found| found.contains(scope)), "{scope}");
        }
    }
}
