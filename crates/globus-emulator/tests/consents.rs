//! Consents: trees that outlive tokens, their withdrawal, and the dependent tokens that rest on them.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use globus_emulator::{Decision, LoginError};
use serde_json::{Value, json};
use support::{Setup, TIMER, TRANSFER, access_token, json, setup, text, token_of};

const VIEW: &str = "urn:globus:auth:scope:auth.globus.org:view_consents";
const TIMERS: &str = "524230d7-ea86-4a52-8312-86065a9e0417";
const DATA: &str = "https://auth.globus.org/scopes/11111111-2222-4333-8444-555555555555/data_access";

/// The consents of the emulator's user, by the token of a login.
async fn consents(setup: &Setup, token: &str, query: &str) -> Vec<Value> {
    let user = setup.emulator.user().id;
    let url = setup.auth(&format!("v2/api/identities/{user}/consents{query}"));
    let body = json(setup.http.get(url).bearer_auth(token).send().await.unwrap(), 200).await;
    body["consents"].as_array().unwrap().clone()
}

fn of<'c>(consents: &'c [Value], scope: &str) -> &'c Value {
    consents.iter().find(|consent| consent["scope_name"] == scope).unwrap()
}

#[tokio::test]
async fn consents_are_listed_as_a_forest_with_every_member() {
    let setup = setup().await;
    let tokens = setup.login(&format!("openid {VIEW} {TIMER}[{TRANSFER}[*{DATA}]]")).await;
    let list = consents(&setup, &access_token(&tokens, "auth.globus.org"), "?all=False").await;
    assert_eq!(list.len(), 5);
    for consent in &list {
        for member in [
            "id",
            "client",
            "scope",
            "scope_name",
            "dependency_path",
            "effective_identity",
            "created",
            "updated",
            "last_used",
            "status",
            "allows_refresh",
            "auto_approved",
            "atomically_revocable",
        ] {
            assert!(!consent[member].is_null(), "{member}");
        }
        assert!(uuid::Uuid::try_parse(consent["scope"].as_str().unwrap()).is_ok());
    }
    let (timer, transfer, data) = (of(&list, TIMER), of(&list, TRANSFER), of(&list, DATA));
    assert_eq!(timer["dependency_path"], json!([timer["id"]]));
    assert_eq!(data["dependency_path"], json!([timer["id"], transfer["id"], data["id"]]));
    assert_eq!((&timer["client"], &transfer["client"]), (&json!(setup.native()), &json!(TIMERS)));
    let revocable = [timer, transfer, data].map(|consent| consent["atomically_revocable"] == true);
    assert_eq!(revocable, [false, false, true]);

    // What becomes necessary is no optional part any more; ids stay.
    let tokens = setup.login(&format!("openid {TIMER}[{TRANSFER}[{DATA}]]")).await;
    let again = consents(&setup, &access_token(&tokens, "auth.globus.org"), "").await;
    assert_eq!(of(&again, DATA)["id"], data["id"]);
    assert_eq!(of(&again, DATA)["atomically_revocable"], false);
}

#[tokio::test]
async fn consents_to_other_clients_need_the_scope_view_consents() {
    let setup = setup().await;
    let without = access_token(&setup.login("openid").await, "auth.globus.org");
    let user = setup.emulator.user().id;
    let url = setup.auth(&format!("v2/api/identities/{user}/consents?all=True"));
    let refused = json(setup.http.get(&url).bearer_auth(&without).send().await.unwrap(), 403).await;
    assert_eq!(
        (&refused["error"], &refused["errors"][0]["code"]),
        (&json!("FORBIDDEN"), &json!("FORBIDDEN"))
    );
    assert_eq!(consents(&setup, &without, "?all=False").await.len(), 1);

    // Another client of the same person.
    let cli = setup.authorize_url(
        TRANSFER,
        &[("client_id", "95fdeba8-fac2-42bd-a357-e068d82ff78e"), ("scope", TRANSFER)],
    );
    setup.emulator.login(cli).await.unwrap();
    let with = access_token(&setup.login(&format!("openid {VIEW}")).await, "auth.globus.org");
    assert_eq!(consents(&setup, &with, "?all=False").await.len(), 2);
    assert_eq!(consents(&setup, &with, "?all=True").await.len(), 3);

    let jon = setup.emulator.find_user("jon@lab.example.org").unwrap().id;
    let url = setup.auth(&format!("v2/api/identities/{jon}/consents?all=False"));
    json(setup.http.get(&url).bearer_auth(&with).send().await.unwrap(), 403).await;
}

#[tokio::test]
async fn a_withdrawal_takes_the_subtree_and_the_tokens_that_need_it() {
    let setup = setup().await;
    let user = setup.emulator.user();
    let tokens = setup.login(&format!("openid {VIEW} {TRANSFER} {TIMER}[{TRANSFER}[*{DATA}]]")).await;
    let access = access_token(&tokens, "auth.globus.org");
    let refresh = |server: &str| text(&token_of(&tokens, server)["refresh_token"]);
    let transfer = access_token(&tokens, "transfer.api.globus.org");

    // An optional part goes alone: the token was asked for without needing it.
    assert_eq!(setup.emulator.withdraw_consent(&user.username, DATA), 1);
    json(setup.refresh(&refresh(TIMERS)).await, 200).await;
    assert_eq!(setup.ls(&transfer, "laptop").await.status(), 200);

    let body = json!({"identity": user.id, "scope": TRANSFER});
    let revoked = setup.control_call("POST", "consents/revoke", body, 200).await;
    assert_eq!(revoked, json!({"revoked": 2}));
    for server in [TIMERS, "transfer.api.globus.org"] {
        assert_eq!(json(setup.refresh(&refresh(server)).await, 400).await["error"], "invalid_grant");
    }
    assert_eq!(setup.ls(&transfer, "laptop").await.status(), 401);
    json(setup.refresh(&refresh("auth.globus.org")).await, 200).await;
    assert_eq!(consents(&setup, &access, "").await.len(), 3);
}

#[tokio::test]
async fn consents_outlive_tokens_and_grow_with_each_login() {
    let setup = setup().await;
    let first = setup.login(&format!("openid {TRANSFER}")).await;
    let refresh = text(&token_of(&first, "transfer.api.globus.org")["refresh_token"]);
    setup.http.post(setup.auth("v2/oauth2/token/revoke")).form(&[("token", refresh)]).send().await.unwrap();
    let second = setup.login(&format!("openid {TRANSFER}[*{DATA}]")).await;
    let list = consents(&setup, &access_token(&second, "auth.globus.org"), "").await;
    assert_eq!(list.len(), 3);
    assert_eq!(of(&list, DATA)["dependency_path"][0], of(&list, TRANSFER)["id"]);
}

#[tokio::test]
async fn a_code_whose_consent_was_withdrawn_gives_nothing() {
    let setup = setup().await;
    let user = setup.emulator.user().username;
    let login = setup.authorize(&format!("openid {TRANSFER}")).await;
    assert_eq!(setup.emulator.withdraw_consent(&user, TRANSFER), 1);
    assert_eq!(json(setup.exchange(&login.code).await, 400).await["error"], "invalid_grant");
}

#[tokio::test]
async fn a_client_consents_for_itself_to_what_stands_in_brackets() {
    let setup = setup().await;
    let scope = format!("openid {VIEW} {TIMER}[{TRANSFER}[*{DATA}]]");
    let answer =
        setup.token_as_service(&[("grant_type", "client_credentials"), ("scope", scope.as_str())]).await;
    let token = access_token(&json(answer, 200).await, "auth.globus.org");
    let own = setup.emulator.confidential_client().id();
    let url = setup.auth(&format!("v2/api/identities/{own}/consents?all=False"));
    let body = json(setup.http.get(url).bearer_auth(token).send().await.unwrap(), 200).await;
    let list = body["consents"].as_array().unwrap();
    assert_eq!(of(list, DATA)["dependency_path"].as_array().unwrap().len(), 3);
    assert_eq!(of(list, DATA)["effective_identity"], own.to_string());
}

/// Asks for dependent tokens as the confidential client.
async fn dependent(setup: &Setup, token: &str, scope: Option<&str>, status: u16) -> Value {
    let mut form = vec![("grant_type", "urn:globus:auth:grant_type:dependent_token"), ("token", token)];
    form.extend(scope.map(|scope| ("scope", scope)));
    json(setup.token_as_service(&form).await, status).await
}

#[tokio::test]
async fn dependent_tokens_rest_on_the_consents_below_the_token() {
    let setup = setup().await;
    let own = setup.own_scope();
    let server = setup.emulator.confidential_client().id().to_string();
    let tokens = setup.login(&format!("openid {own}[{TRANSFER}[*{DATA}] *{TIMER}]")).await;
    let token = access_token(&tokens, &server);

    let all = dependent(&setup, &token, None, 200).await;
    let servers: Vec<&Value> =
        all.as_array().unwrap().iter().map(|token| &token["resource_server"]).collect();
    assert_eq!(servers, ["transfer.api.globus.org", TIMERS]);
    let transfer = text(&all[0]["access_token"]);
    assert_eq!(setup.ls(&transfer, "laptop").await.status(), 200);
    let told = setup.introspect(&transfer).await;
    assert_eq!((&told["client_id"], &told["sub"]), (&json!(server), &json!(setup.emulator.user().id)));

    dependent(&setup, &token, Some(&format!("{TRANSFER}[{DATA}]")), 200).await;
    let groups = "urn:globus:auth:scope:groups.api.globus.org:all";
    let asked = format!("{TRANSFER}[{groups} {DATA}] {groups}");
    let refused = dependent(&setup, &token, Some(&asked), 403).await;
    assert_eq!(refused["error"], "dependent_consent_required");
    assert_eq!(refused["errors"][0]["unapproved_scopes"], json!([format!("{TRANSFER}[{groups}]"), groups]));
    assert!(refused["errors"][0]["id"].is_string());
    // What is optional need not be there.
    dependent(&setup, &token, Some(&format!("{TRANSFER} *{groups}")), 200).await;

    // The dependent token ends with its consent; so does the one that was asked for with it.
    setup.emulator.withdraw_consent(&setup.emulator.user().username, &own);
    assert_eq!(setup.ls(&transfer, "laptop").await.status(), 401);
    let refused = dependent(&setup, &token, None, 400).await;
    assert_eq!(refused["error"], "invalid_grant");
}

#[tokio::test]
async fn dropped_optional_parts_are_no_consents() {
    let setup = setup().await;
    setup.emulator.script_consent([
        Decision::approve().without_optional_scopes(),
        Decision::never_return(),
        Decision::fail("temporarily_unavailable"),
    ]);
    let tokens = setup.login(&format!("openid *email {TRANSFER}[*{DATA}]")).await;
    assert_eq!(tokens["scope"], "openid");
    let list = consents(&setup, &access_token(&tokens, "auth.globus.org"), "").await;
    assert_eq!(list.len(), 2);

    let gone = setup.emulator.login(setup.authorize_url("openid", &[])).await.unwrap_err();
    assert!(matches!(gone, LoginError::Page { status: 200, .. }), "{gone}");
    let failed = setup.emulator.login(setup.authorize_url("openid", &[])).await.unwrap_err();
    assert!(matches!(failed, LoginError::Refused { error, .. } if error == "temporarily_unavailable"));
}
