//! Credentials: several at the same time, shown once, gone at once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::developer::{JON, ids, token_of};
use crate::support::{TRANSFER, json, setup, text};

#[tokio::test]
async fn secrets_overlap_while_they_are_rotated() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let path = format!("clients/{client}/credentials");
    assert_eq!(developer.get(&path).await, json!({"credentials": []}));
    let (old_id, old) = developer.credential(&client).await;
    let token = text(&json(token_of(&setup, &client, &old, TRANSFER).await, 200).await["access_token"]);
    let (new_id, new) = developer.credential(&client).await;
    assert!(old.len() >= 30 && old != new);
    for secret in [&old, &new] {
        json(token_of(&setup, &client, secret, TRANSFER).await, 200).await;
    }
    let listed = developer.get(&path).await["credentials"].clone();
    assert_eq!(ids(&listed), [old_id.clone(), new_id]);
    for credential in listed.as_array().unwrap() {
        assert_eq!(credential["secret"], Value::Null);
        assert_eq!(credential["client"], client);
        assert_eq!(credential["name"], "a");
        assert!(text(&credential["created"]).ends_with("+00:00"));
    }

    let ended = developer.delete(&format!("{path}/{old_id}")).await["credential"].clone();
    assert_eq!(ended, listed[0]);
    assert_eq!(json(token_of(&setup, &client, &old, TRANSFER).await, 401).await["error"], "invalid_client");
    json(token_of(&setup, &client, &new, TRANSFER).await, 200).await;
    // What was got with it stays good.
    let list = setup.http.get(setup.transfer("task_list")).bearer_auth(token).send().await.unwrap();
    assert_eq!(list.status(), 200);
    developer.refused(Method::DELETE, &format!("{path}/{old_id}"), None, 404).await;
}

#[tokio::test]
async fn credentials_are_for_those_who_manage_the_client() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let body = json!({"client": {
        "name": "Seen by all", "project": project, "public_client": false, "visibility": "public",
    }});
    let client = text(&developer.post("clients", body).await["client"]["id"]);
    let (id, _) = developer.credential(&client).await;
    let path = format!("clients/{client}/credentials");
    let other = setup.developer_as(JON).await;
    other.get(&format!("clients/{client}")).await;
    other.refused(Method::GET, &path, None, 403).await;
    let wanted = json!({"credential": {"name": "theirs"}});
    other.refused(Method::POST, &path, Some(wanted.clone()), 403).await;
    other.refused(Method::DELETE, &format!("{path}/{id}"), None, 403).await;
    let nowhere = format!("clients/{}/credentials", setup.user_id());
    other.refused(Method::POST, &nowhere, Some(wanted), 404).await;
}

#[tokio::test]
async fn a_client_renews_its_own_secret() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let (_, secret) = developer.credential(&client).await;
    let url = setup.auth(&format!("v2/api/clients/{client}/credentials"));
    let body = json!({"credential": {"name": "next"}});
    let request = setup.http.post(url).basic_auth(&client, Some(&secret)).json(&body);
    let next = text(&json(request.send().await.unwrap(), 201).await["credential"]["secret"]);
    json(token_of(&setup, &client, &next, TRANSFER).await, 200).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_credential_is_told_and_no_secret_is_recorded() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let client = developer.client(&project).await;
    let path = format!("clients/{client}/credentials");
    assert_eq!(developer.faults(Method::POST, &path, json!({"credential": {}})).await, ["name"]);
    developer.refused(Method::POST, &path, Some(json!({"name": "x"})), 400).await;
    let public = json!({"client": {"name": "App", "project": project, "public_client": true}});
    let public = text(&developer.post("clients", public).await["client"]["id"]);
    let path = format!("clients/{public}/credentials");
    let wanted = json!({"credential": {"name": "x"}});
    assert_eq!(developer.faults(Method::POST, &path, wanted).await, ["name"]);

    let (_, secret) = developer.credential(&client).await;
    token_of(&setup, &client, &secret, TRANSFER).await;
    let requests = setup.http.get(setup.control("requests")).send().await.unwrap();
    assert!(!requests.text().await.unwrap().contains(&secret));
}
