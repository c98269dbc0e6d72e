//! Operations of Globus Auth beyond what was recorded: what is null and what is not there, answers in their envelopes,
//! secrets that are told once, identities that are looked up together.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod playback;

use globus_sdk::auth::{ClientKind, ClientType, DependentScope, IdentityMap};
use globus_sdk::{AccessTokenAuthorizer, AuthClient, ConfidentialAppAuthClient, IdentityId, RetryPolicy};
use playback::{Playback, Sent, Step, text_of};
use serde_json::{Value, json};
use uuid::Uuid;

const ONE: Uuid = Uuid::from_u128(1);
const TWO: Uuid = Uuid::from_u128(2);

fn client(playback: &Playback) -> AuthClient {
    AuthClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AT"))
        .transport(playback.clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// A client whose service answers these documents.
fn answering(documents: &[Value]) -> (AuthClient, Playback) {
    let playback = Playback::new(documents.iter().map(|document| Step::json(200, document)));
    (client(&playback), playback)
}

fn body(sent: &Sent) -> Value {
    serde_json::from_slice(&sent.request.body).unwrap()
}

// Bodies

#[tokio::test]
async fn null_is_sent_where_the_caller_says_so_and_nothing_where_not() {
    let policy = json!({"policy": {"id": ONE}});
    let (client, playback) = answering(&[policy.clone(), policy.clone(), policy]);
    client.update_policy(ONE).send().await.unwrap();
    client.update_policy(ONE).clear_domain_constraints_include().send().await.unwrap();
    let none: [&str; 0] = [];
    client.update_policy(ONE).domain_constraints_include(none).display_name("n").send().await.unwrap();
    let sent: Vec<Value> = playback.sent().iter().map(body).collect();
    assert_eq!(
        sent,
        [
            json!({"policy": {}}),
            json!({"policy": {"domain_constraints_include": null}}),
            json!({"policy": {"domain_constraints_include": [], "display_name": "n"}}),
        ]
    );
}

#[tokio::test]
async fn the_last_word_on_a_member_counts() {
    let (client, playback) = answering(&[json!({"client": {}}), json!({"client": {}})]);
    client
        .create_client("n", ONE, ClientType::ConfidentialClient)
        .links("t", "p")
        .field("links", Value::Null)
        .field("name", "m")
        .send()
        .await
        .unwrap();
    client.update_client(ONE).links("t", "p").clear_links().required_idp(TWO).send().await.unwrap();
    let sent: Vec<Value> = playback.sent().iter().map(body).collect();
    assert_eq!(
        sent[0],
        json!({"client": {"name": "m", "project": ONE, "client_type": "confidential_client", "links": null}})
    );
    assert_eq!(
        sent[1],
        json!({"client": {"links": {"terms_and_conditions": null, "privacy_policy": null}, "required_idp": TWO}})
    );
}

#[tokio::test]
async fn parameters_that_exclude_each_other_are_refused_before_anything_is_sent() {
    let (client, playback) = answering(&[]);
    let error = client.get_scopes().ids(ONE).scope_strings("openid").send().await.unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("`ids`"), "{error}");
    let error = client.get_identity_providers().domains(["a"]).with_query("ids", ONE).send().await;
    assert!(error.unwrap_err().is_usage());
    assert!(playback.sent().is_empty());
}

#[tokio::test]
async fn a_client_is_found_by_its_host_name() {
    let (client, playback) = answering(&[json!({"client": {"id": ONE, "fqdns": ["gcs.example.org"]}})]);
    let found = client.get_client_by_fqdn("gcs.example.org").send().await.unwrap();
    assert_eq!(found.id, ONE);
    let url = &playback.sent()[0].request.url;
    assert_eq!((url.path(), url.query()), ("/v2/api/clients", Some("fqdn=gcs.example.org")));
}

#[tokio::test]
async fn creations_are_not_repeated_after_an_answer_was_lost() {
    let lost = || Step::recorded(&json!({"exception": "ReadTimeout"}));
    let playback = Playback::new([lost(), lost(), lost()]);
    let user = AuthClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AT"))
        .transport(playback.clone())
        .clock(playback::clock_at(1000.0))
        .build()
        .unwrap();
    let app = ConfidentialAppAuthClient::builder("cid", "s3cr3t")
        .transport(playback.clone())
        .clock(playback::clock_at(1000.0))
        .build()
        .unwrap();
    assert!(user.create_project("n", "a@example.org").send().await.unwrap_err().is_timeout());
    assert!(user.create_client_credential(ONE, "n").send().await.unwrap_err().is_timeout());
    assert!(app.create_child_client("n", ClientKind::Public).send().await.unwrap_err().is_timeout());
    assert_eq!(playback.sent().len(), 3);
}

// Answers

#[tokio::test]
async fn answers_come_out_of_their_envelope() {
    let dependent = json!({"scope": TWO, "optional": true, "requires_refresh_token": false, "new": 1});
    let scope = json!({"id": ONE, "scope_string": "s", "dependent_scopes": [dependent], "later": true});
    let (client, _) = answering(&[
        json!({"scope": scope, "warnings": ["w"]}),
        // A creation may be answered with a list of one.
        json!({"scopes": [scope]}),
        json!({"project": {"id": ONE, "admin_ids": [TWO], "admin_group_ids": null, "admins": {"groups": []}}}),
        json!({"policy": {"id": ONE, "domain_constraints_include": null, "domain_constraints_exclude": []}}),
    ]);
    let read = client.get_scope(ONE).send().await.unwrap();
    assert_eq!((read.id.into(), read.scope_string.as_str(), &read.extra["later"]), (ONE, "s", &json!(true)));
    let raw: Value = serde_json::from_slice(read.raw()).unwrap();
    assert_eq!(raw["warnings"], json!(["w"]));
    let needed = read.dependent_scopes[0].clone();
    let created =
        client.create_scope(ONE, "n", "d", "x").dependent_scopes([needed.clone()]).send().await.unwrap();
    assert_eq!(created.into_inner(), read.into_inner());
    assert_eq!(Value::from(needed), dependent);
    let project = client.get_project(ONE).send().await.unwrap();
    assert_eq!((project.admin_ids[0].into(), project.admin_group_ids.len()), (TWO, 0));
    let policy = client.get_policy(ONE).send().await.unwrap();
    assert_eq!(policy.domain_constraints_include, None);
    assert_eq!(policy.domain_constraints_exclude, Some(vec![]));
}

#[tokio::test]
async fn an_answer_without_what_was_asked_for_is_an_error() {
    for answer in
        [json!({}), json!({"project": null}), json!({"project": "p"}), json!({"projects": []}), json!([])]
    {
        let (client, _) = answering(std::slice::from_ref(&answer));
        let error = client.get_project(ONE).send().await.unwrap_err();
        assert!(error.is_decode(), "{answer}: {error:?}");
        assert!(error.to_string().contains("/v2/api/projects/"), "{error}");
    }
}

#[tokio::test]
async fn the_secret_of_a_credential_is_told_once() {
    let answer = |secret: Value| json!({"credential": {"id": TWO, "client": ONE, "name": "n", "created": "2025-02-03T04:05:06Z", "secret": secret}});
    let (client, _) = answering(&[answer("AgSecret".into()), answer(Value::Null), answer("".into())]);
    let made = client.create_client_credential(ONE, "n").send().await.unwrap();
    assert_eq!(made.secret.expose(), "AgSecret");
    assert_eq!((made.credential.id.into(), made.credential.client.into()), (TWO, ONE));
    assert!(made.credential.extra.is_empty());
    for _ in 0..2 {
        let error = client.create_client_credential(ONE, "n").send().await.unwrap_err();
        // The credential is there, so the caller must learn which one to delete.
        assert!(error.to_string().contains(&TWO.to_string()), "{error}");
    }
}

#[tokio::test]
async fn userinfo_tells_of_linked_identities() {
    let (client, _) = answering(&[json!({
        "sub": ONE, "preferred_username": "ana@example.org", "last_authentication": 5,
        "identity_set": [{"sub": ONE, "username": "ana@example.org", "status": "used"}, {"sub": TWO}],
    })]);
    let me = client.userinfo().send().await.unwrap();
    assert_eq!(me.sub, ONE);
    let linked: Vec<IdentityId> = me.identity_set.iter().map(|identity| identity.sub).collect();
    assert_eq!(linked, [IdentityId::from(ONE), IdentityId::from(TWO)]);
}

#[test]
fn a_dependent_scope_says_what_was_said() {
    assert_eq!(
        Value::from(DependentScope::new(ONE).optional(true)),
        json!({"scope": ONE, "optional": true, "requires_refresh_token": false})
    );
}

#[tokio::test]
async fn a_field_set_by_hand_wins_over_refresh_tokens() {
    let playback = Playback::new([Step::json(200, &json!([])), Step::json(200, &json!([]))]);
    let client =
        ConfidentialAppAuthClient::builder("cid", "s3cr3t").transport(playback.clone()).build().unwrap();
    let ask = || client.oauth2_get_dependent_tokens("T").scope(["a", "b"]);
    ask().body_param("access_type", "raw").refresh_tokens(true).send().await.unwrap();
    ask().refresh_tokens(true).refresh_tokens(false).send().await.unwrap();
    let sent = playback.sent();
    assert_eq!(sent[0].form_field("access_type").as_deref(), Some("raw"));
    assert_eq!(sent[1].form_field("access_type"), None);
    assert_eq!(sent[1].form_field("scope").as_deref(), Some("a b"));
}

// Identities that are looked up together

fn identity(id: Uuid, username: &str) -> Value {
    json!({"id": id, "username": username})
}

fn found(identities: &[Value]) -> Value {
    json!({"identities": identities})
}

/// What was asked for, request by request.
fn asked(playback: &Playback) -> Vec<(String, String)> {
    let lists = |sent: &Sent| {
        let mut pairs = sent.request.url.query_pairs().into_owned();
        pairs.find(|(name, _)| name != "provision").unwrap()
    };
    playback.sent().iter().map(lists).collect()
}

fn usernames(list: &str) -> (String, String) {
    ("usernames".to_owned(), list.to_owned())
}

#[tokio::test]
async fn the_first_one_asked_for_takes_others_along_in_order() {
    let (client, playback) = answering(&[
        found(&[identity(ONE, "c@x"), identity(TWO, "a@x")]),
        found(&[identity(Uuid::from_u128(4), "d@x")]),
    ]);
    let mut map = IdentityMap::new(&client).with_batch_size(3);
    map.extend(["a@x", "b@x", "c@x", "d@x"]);
    map.add(Uuid::from_u128(9).to_string());
    assert_eq!(map.get("c@x").await.unwrap().unwrap().id, ONE);
    assert_eq!(map.get("a@x").await.unwrap().unwrap().id, TWO);
    // Nobody has this name, and that was learnt with the others.
    assert!(map.get("b@x").await.unwrap().is_none());
    assert_eq!(map.get(&TWO.to_string()).await.unwrap().unwrap().username, "a@x");
    assert_eq!(map.get("d@x").await.unwrap().unwrap().id, Uuid::from_u128(4));
    assert_eq!(asked(&playback), [usernames("c@x,a@x,b@x"), usernames("d@x")]);
}

#[tokio::test]
async fn the_case_of_letters_makes_no_other_key() {
    let id = Uuid::from_u128(0xabc);
    let (client, playback) = answering(&[found(&[identity(id, "Ana@Example.org")])]);
    let mut map = IdentityMap::new(&client);
    assert!(map.add("ANA@example.org"));
    assert!(!map.add("ana@EXAMPLE.org"));
    for key in
        ["ana@example.org", "ANA@EXAMPLE.ORG", &id.to_string().to_uppercase(), &id.simple().to_string()]
    {
        assert_eq!(map.get(key).await.unwrap().unwrap().id, id, "{key}");
    }
    assert!(!map.add(id.to_string().to_uppercase()));
    assert_eq!(playback.sent().len(), 1);
}

#[tokio::test]
async fn a_miss_is_remembered_until_it_is_added_again() {
    let (client, playback) = answering(&[found(&[]), found(&[identity(ONE, "a@x")])]);
    let mut map = IdentityMap::new(&client);
    assert!(map.get("a@x").await.unwrap().is_none());
    assert!(map.get("A@x").await.unwrap().is_none());
    assert_eq!(playback.sent().len(), 1);
    assert!(map.add("a@x"));
    assert_eq!(map.get("a@x").await.unwrap().unwrap().id, ONE);
    assert!(!map.add("a@x"));
}

#[tokio::test]
async fn a_failure_loses_nothing() {
    let playback = Playback::new([
        Step::json(500, &json!({})),
        Step::json(200, &found(&[identity(ONE, "a@x"), identity(TWO, "b@x")])),
    ]);
    let mut map = IdentityMap::new(&client(&playback));
    map.extend(["a@x", "b@x"]);
    assert_eq!(map.get("a@x").await.unwrap_err().status().unwrap(), 500);
    assert_eq!(map.get("b@x").await.unwrap().unwrap().id, TWO);
    assert_eq!(map.get("a@x").await.unwrap().unwrap().id, ONE);
    assert_eq!(asked(&playback), [usernames("a@x,b@x"), usernames("b@x,a@x")]);
}

#[tokio::test]
async fn what_is_removed_is_looked_up_again_and_what_is_inserted_is_not() {
    let (client, playback) = answering(&[found(&[identity(ONE, "a@x")]), found(&[identity(ONE, "a@x")])]);
    let mut map = IdentityMap::new(&client);
    let known = client.get_identities().usernames("a@x").send().await.unwrap().into_inner();
    map.insert(known.identities[0].clone());
    assert_eq!(map.get("a@x").await.unwrap().unwrap().id, ONE);
    assert_eq!(playback.sent().len(), 1);
    assert!(map.remove("A@X") && !map.remove("a@x"));
    // The other key stays.
    assert_eq!(map.get(&ONE.to_string()).await.unwrap().unwrap().username, "a@x");
    assert_eq!(playback.sent().len(), 1);
    assert!(map.get("a@x").await.unwrap().is_some());
    assert_eq!(playback.sent().len(), 2);
}

#[tokio::test]
async fn one_found_by_its_other_key_is_not_asked_for_again() {
    let (client, playback) = answering(&[found(&[identity(ONE, "a@x")]), found(&[identity(TWO, "b@x")])]);
    let mut map = IdentityMap::new(&client);
    map.extend([ONE.to_string(), TWO.to_string()]);
    assert!(map.get("a@x").await.unwrap().is_some());
    assert!(map.get(TWO.to_string()).await.unwrap().is_some());
    assert_eq!(asked(&playback)[1], ("ids".to_owned(), text_of(&json!(TWO))));
}
