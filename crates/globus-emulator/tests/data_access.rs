//! Collections that ask for consent to their `data_access`, and those that cannot.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::Duration;

use globus_emulator::{CollectionRules, Emulator, EntityType, LoginError, RulesError, StartError};
use serde_json::{Value, json};
use support::{Setup, TRANSFER, access_token, json, setup_with};
use tempfile::TempDir;

/// An emulator with a mapped collection that asks for consent, a high-assurance one and a guest one.
async fn kinds() -> (Setup, TempDir) {
    let files = tempfile::tempdir().unwrap();
    let setup = setup_with(|builder| {
        builder
            .collection_with_rules(
                "mapped",
                files.path(),
                EntityType::Gcsv5MappedCollection,
                CollectionRules::none().require_data_access(),
            )
            .collection_with_rules(
                "protected",
                files.path(),
                EntityType::Gcsv5MappedCollection,
                CollectionRules::none().high_assurance(Duration::from_secs(1800)),
            )
            .collection_of_type("guest", files.path(), EntityType::Gcsv5GuestCollection)
    })
    .await;
    (setup, files)
}

fn data_access(setup: &Setup, collection: &str) -> String {
    format!("https://auth.globus.org/scopes/{}/data_access", setup.id(collection))
}

async fn transfer_token(setup: &Setup, scope: &str) -> String {
    access_token(&setup.login(scope).await, "transfer.api.globus.org")
}

fn assert_consent_required(body: &Value, scopes: &[String]) {
    assert_eq!(body["code"], "ConsentRequired");
    assert_eq!(body["message"], "Missing required data_access consent");
    assert_eq!(body["required_scopes"], json!(scopes));
    assert!(body["request_id"].is_string() && body["resource"].is_string());
}

#[tokio::test]
async fn every_operation_waits_for_the_consent_and_no_other_collection_does() {
    let (setup, _files) = kinds().await;
    let token = transfer_token(&setup, TRANSFER).await;
    let scope = format!("{TRANSFER}[*{}]", data_access(&setup, "mapped"));
    let mapped = setup.id("mapped");
    assert_consent_required(&json(setup.ls(&token, "mapped").await, 403).await, std::slice::from_ref(&scope));
    for collection in ["guest", "protected", "laptop"] {
        assert_eq!(setup.ls(&token, collection).await.status(), 200, "{collection}");
    }
    let stat = setup.transfer(&format!("operation/endpoint/{mapped}/stat?path=/"));
    let stat = setup.http.get(stat).bearer_auth(&token).send().await.unwrap();
    assert_consent_required(&json(stat, 403).await, std::slice::from_ref(&scope));
    for (path, body) in [
        (format!("operation/endpoint/{mapped}/mkdir"), json!({"path": "/x"})),
        (format!("operation/endpoint/{mapped}/rename"), json!({"old_path": "/x", "new_path": "/y"})),
        ("transfer".to_owned(), submission(&mapped, &setup.id("laptop"))),
        ("transfer".to_owned(), submission(&setup.id("guest"), &mapped)),
        (
            "delete".to_owned(),
            json!({
                "DATA_TYPE": "delete", "submission_id": uuid::Uuid::new_v4(), "endpoint": mapped,
                "DATA": [{"DATA_TYPE": "delete_item", "path": "/x"}],
            }),
        ),
    ] {
        let answer = setup.http.post(setup.transfer(&path)).bearer_auth(&token).json(&body).send();
        assert_consent_required(&json(answer.await.unwrap(), 403).await, std::slice::from_ref(&scope));
    }
    // Consents are what counts, not the token: the next login also helps the token of the one before.
    setup.login(&scope).await;
    assert_eq!(setup.ls(&token, "mapped").await.status(), 200);
    setup.emulator.withdraw_consent(&setup.emulator.user().username, &data_access(&setup, "mapped"));
    assert_consent_required(&json(setup.ls(&token, "mapped").await, 403).await, &[scope]);
}

fn submission(source: &str, destination: &str) -> Value {
    json!({
        "DATA_TYPE": "transfer", "submission_id": uuid::Uuid::new_v4(), "source_endpoint": source,
        "destination_endpoint": destination,
        "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/x", "destination_path": "/y"}],
    })
}

#[tokio::test]
async fn one_refusal_names_the_consents_of_both_sides() {
    let (setup, _files) = kinds().await;
    setup.emulator.require_data_access(setup.id("laptop").parse().unwrap(), true).unwrap();
    let token = transfer_token(&setup, TRANSFER).await;
    let body = submission(&setup.id("mapped"), &setup.id("laptop"));
    let answer = setup.http.post(setup.transfer("transfer")).bearer_auth(&token).json(&body).send();
    let scopes = ["mapped", "laptop"].map(|name| format!("{TRANSFER}[*{}]", data_access(&setup, name)));
    assert_consent_required(&json(answer.await.unwrap(), 403).await, &scopes);
    transfer_token(&setup, &scopes.join(" ")).await;
    let answer = setup.http.post(setup.transfer("transfer")).bearer_auth(&token).json(&body).send();
    assert_eq!(answer.await.unwrap().status(), 202);
}

#[tokio::test]
async fn a_client_gets_the_consent_by_asking_for_it() {
    let (setup, _files) = kinds().await;
    let token = setup.service_token().await;
    let refused = json(setup.ls(&token, "mapped").await, 403).await;
    let scope = refused["required_scopes"][0].as_str().unwrap();
    let answer = setup.token_as_service(&[("grant_type", "client_credentials"), ("scope", scope)]).await;
    let token = access_token(&json(answer, 200).await, "transfer.api.globus.org");
    assert_eq!(setup.ls(&token, "mapped").await.status(), 200);
}

#[tokio::test]
async fn a_collection_without_data_access_makes_the_scope_unknown() {
    let (setup, _files) = kinds().await;
    for collection in ["guest", "protected", "laptop"] {
        let scope = data_access(&setup, collection);
        for asked in [scope.clone(), format!("{TRANSFER}[*{scope}]")] {
            let error = setup.emulator.login(setup.authorize_url(&asked, &[])).await.unwrap_err();
            let LoginError::Refused { error, description, .. } = error else { panic!("{error}") };
            assert_eq!((error.as_str(), description), ("invalid_scope", format!("unknown scope: {scope}")));
            let form = [("grant_type", "client_credentials"), ("scope", asked.as_str())];
            let refused = json(setup.token_as_service(&form).await, 400).await;
            assert_eq!(refused["error"], "invalid_scope");
            assert_eq!(refused["errors"][0]["detail"], "invalid_scope");
        }
    }
    setup.login(&data_access(&setup, "mapped")).await;
}

#[tokio::test]
async fn documents_say_what_a_collection_asks_for() {
    let (setup, _files) = kinds().await;
    let token = transfer_token(&setup, TRANSFER).await;
    for (collection, entity_type, high_assurance, timeout) in [
        ("mapped", "GCSv5_mapped_collection", false, Value::Null),
        ("protected", "GCSv5_mapped_collection", true, json!(30)),
        ("guest", "GCSv5_guest_collection", false, Value::Null),
        ("laptop", "GCP_mapped_collection", false, Value::Null),
    ] {
        let url = setup.transfer(&format!("endpoint/{}", setup.id(collection)));
        let body = json(setup.http.get(url).bearer_auth(&token).send().await.unwrap(), 200).await;
        assert_eq!(body["entity_type"], entity_type);
        assert_eq!(body["high_assurance"], high_assurance);
        assert_eq!(body["authentication_timeout_mins"], timeout);
    }
}

#[tokio::test]
async fn the_requirement_can_be_switched_and_ends_with_a_reset() {
    let (setup, _files) = kinds().await;
    let token = setup.service_token().await;
    for collection in [setup.id("laptop"), "cluster".to_owned()] {
        let body = json!({"collection": collection, "required": true});
        let rules = setup.control_call("POST", "collections/require_data_access", body, 200).await;
        assert_eq!(rules["require_data_access"], true);
    }
    assert_eq!(setup.ls(&token, "laptop").await.status(), 403);
    let body = json!({"collection": "mapped", "required": false});
    setup.control_call("POST", "collections/require_data_access", body, 200).await;
    assert_eq!(setup.ls(&token, "mapped").await.status(), 200);
    for (collection, status) in [("guest", 400), ("protected", 400), ("nowhere", 404)] {
        let body = json!({"collection": collection, "required": true});
        setup.control_call("POST", "collections/require_data_access", body, status).await;
    }
    let changed = json!({"high_assurance": true, "authentication_timeout_mins": 5});
    let rules = setup.control_call("PATCH", "collections/laptop", changed.clone(), 400).await;
    assert!(rules["message"].as_str().unwrap().contains("data_access"));
    setup.control_call("PATCH", "collections/guest", changed, 200).await;
    setup.control_call("PATCH", "collections/guest", json!({"colour": "red"}), 400).await;

    setup.emulator.reset();
    let token = setup.service_token().await;
    assert_eq!(setup.ls(&token, "laptop").await.status(), 200);
    assert_eq!(setup.ls(&token, "mapped").await.status(), 403);
}

#[tokio::test]
async fn impossible_rules_are_refused() {
    let files = tempfile::tempdir().unwrap();
    let rules = CollectionRules::none().require_data_access();
    let guest = EntityType::GcpGuestCollection;
    let error = Emulator::builder()
        .collection_with_rules("guest", files.path(), guest, rules.clone())
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::Rules { source: RulesError::NoDataAccess, .. }), "{error}");
    let emulator = Emulator::builder().start().await.unwrap();
    let error = emulator.set_collection_rules(uuid::Uuid::new_v4(), rules).unwrap_err();
    assert_eq!(error, RulesError::NoCollection);
}
