//! Tokens to store.

use globus_core::TokenData;
use globus_core::storage::Storage;
use serde_json::json;

/// A text that is in every secret of the samples, and in nothing else.
pub const SECRET: &str = "AgKitSecret";

/// A token of this resource server with every member, whose secrets carry the number.
pub fn token(resource_server: &str, number: i64) -> TokenData {
    TokenData::new(
        resource_server,
        format!("scope-of-{resource_server} openid"),
        access(number),
        1_900_000_000 + number,
    )
    .with_refresh_token(format!("{SECRET}Refresh{number}"))
    .with_identity_id("4f1c2b9e-0000-4000-8000-0123456789ab")
    .with_token_type("Bearer")
}

/// A token with what every token has and nothing else.
pub fn bare_token(resource_server: &str, number: i64) -> TokenData {
    TokenData::new(resource_server, "openid", access(number), 1_900_000_000 + number)
}

/// A token with members that no version knows.
pub fn token_with_unknown_members(resource_server: &str, number: i64) -> TokenData {
    let extra = json!({"portal_user": "ümit", "nested": {"list": [1, 2.5, null, true]}, "zero": 0});
    token(resource_server, number).with_extra(extra.as_object().cloned().unwrap_or_default())
}

/// The number that a sample carries.
pub fn number(token: &TokenData) -> i64 {
    token.access_token.expose().trim_start_matches(SECRET).trim_start_matches("Access").parse().unwrap()
}

/// The number of the stored token of this resource server, if there is one.
pub async fn stored_number(storage: &Storage, resource_server: &str) -> Option<i64> {
    storage.get_fresh(resource_server).await.unwrap().as_ref().map(number)
}

fn access(number: i64) -> String {
    format!("{SECRET}Access{number}")
}
