//! Looking up identities and their providers.

use reqwest::Method;
use serde_json::json;

use crate::developer::ids;
use crate::support::{setup, text};

#[tokio::test]
async fn a_hundred_identities_are_looked_up_at_once_and_no_more() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let some = |count: u32| {
        let ids = (1..count).map(|n| format!("00000000-0000-4000-8000-{n:012}"));
        ids.chain([setup.user_id()]).collect::<Vec<_>>().join(",")
    };
    let found = developer.get(&format!("identities?ids={}", some(100))).await;
    assert_eq!(ids(&found["identities"]), [setup.user_id()]);
    let path = format!("identities?ids={}", some(101));
    assert_eq!(developer.refused(Method::GET, &path, None, 400).await["error"], "BAD_REQUEST");
}

#[tokio::test]
async fn an_identity_that_is_made_on_request_belongs_to_the_provider_of_its_domain() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let path = "identities?usernames=New@LAB.example.org,no-address&provision=true";
    let made = developer.get(path).await["identities"].clone();
    assert_eq!(made.as_array().unwrap().len(), 1);
    assert_eq!(made[0]["status"], "provisioned");
    for member in ["email", "name", "organization"] {
        assert!(made[0][member].is_null(), "{member}");
    }
    let provider = text(&made[0]["identity_provider"]);
    let shown = developer.get(&format!("identity_providers?ids={provider}")).await;
    assert_eq!(shown["identity_providers"][0]["domains"], json!(["lab.example.org"]));
    let made_id = text(&made[0]["id"]);
    developer.project_of(&[&made_id]).await;
}

#[tokio::test]
async fn providers_are_found_by_id_or_domain() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let all = developer.get("identity_providers").await["identity_providers"].clone();
    assert!(all.as_array().unwrap().len() > 1);
    for provider in all.as_array().unwrap() {
        assert!(provider["id"].is_string() && provider["name"].is_string());
        assert!(provider["short_name"].is_string() && provider["alternative_names"].is_array());
        let (id, domain) = (text(&provider["id"]), text(&provider["domains"][0]));
        for query in [format!("ids={},x", id.to_uppercase()), format!("domains={}", domain.to_uppercase())] {
            let found = developer.get(&format!("identity_providers?{query}")).await;
            assert_eq!(found["identity_providers"], json!([provider]), "{query}");
        }
    }
    developer.refused(Method::GET, "identity_providers?ids=a&domains=b", None, 400).await;
}
