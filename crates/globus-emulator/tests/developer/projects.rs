//! Projects, and who may do what with them.

use std::time::Duration;

use globus_emulator::{Decision, TokenFilter};
use reqwest::Method;
use serde_json::{Value, json};

use crate::developer::{JON, JON_ID, LINKED_ID, ids};
use crate::support::{GROUPS, TRANSFER, json, setup, text};

fn body(admins: &Value) -> Value {
    json!({"project": {"display_name": "Portal", "contact_email": "mira@lab.example.org", "admin_ids": admins}})
}

#[tokio::test]
async fn a_project_lives_from_its_making_to_its_end() {
    let setup = setup().await;
    let developer = setup.developer().await;
    assert_eq!(developer.get("projects").await, json!({"projects": []}));
    let made = developer.post("projects", body(&json!([setup.user_id()]))).await["project"].clone();
    let id = text(&made["id"]);
    assert_eq!(made["project_name"], "Portal");
    assert_eq!(made["display_name"], "Portal");
    assert_eq!(made["contact_email"], "mira@lab.example.org");
    assert_eq!(made["admin_ids"], json!([setup.user_id()]));
    assert_eq!(made["admin_group_ids"], Value::Null);
    assert_eq!(made["admins"]["groups"], json!([]));
    let admin = made["admins"]["identities"][0].as_object().unwrap();
    for member in
        ["identity_provider", "identity_type", "organization", "status", "id", "name", "username", "email"]
    {
        assert!(admin[member].is_string(), "{member}");
    }
    let path = format!("projects/{id}");
    assert_eq!(developer.get(&path).await, json!({"project": made}));
    assert_eq!(developer.get("projects").await, json!({"projects": [made]}));

    let group = "11111111-2222-4333-8444-555555555555";
    let change = json!({"project": {"display_name": "Gate", "admin_group_ids": [group, group]}});
    let changed = developer.put(&path, change).await["project"].clone();
    assert_eq!(changed["project_name"], "Gate");
    assert_eq!(changed["contact_email"], made["contact_email"]);
    assert_eq!(changed["admin_group_ids"], json!([group]));
    assert_eq!(changed["admins"]["groups"][0]["id"], group);
    assert_eq!(changed["admin_ids"], made["admin_ids"]);

    assert_eq!(developer.delete(&path).await["project"], changed);
    let gone = developer.refused(Method::GET, &path, None, 404).await;
    assert_eq!(gone["error"], "NOT_FOUND");
    developer.refused(Method::DELETE, &path, None, 404).await;
    developer.refused(Method::GET, "projects/no-uuid", None, 404).await;
}

#[tokio::test]
async fn a_project_with_clients_stays_and_its_policies_go_with_it() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let client = developer.client(&project).await;
    let policy = json!({"policy": {"project_id": project, "display_name": "P", "description": ""}});
    let policy = text(&developer.post("policies", policy).await["policy"]["id"]);
    let path = format!("projects/{project}");
    let refused = developer.refused(Method::DELETE, &path, None, 409).await;
    assert_eq!(refused["error"], "CONFLICT");
    developer.delete(&format!("clients/{client}")).await;
    developer.delete(&path).await;
    developer.refused(Method::GET, &format!("policies/{policy}"), None, 404).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_project_is_told_all_at_once() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let faults =
        async |project: Value| developer.faults(Method::POST, "projects", json!({"project": project})).await;
    assert_eq!(faults(json!({})).await, ["display_name", "contact_email", "admin_ids"]);
    let wrong = json!({"display_name": "a\nb", "contact_email": "nobody", "admin_ids": "x"});
    assert_eq!(faults(wrong).await, ["display_name", "contact_email", "admin_ids", "admin_ids"]);
    let unknown = body(&json!(["00000000-0000-4000-8000-000000000000"]));
    let refusal = developer.refused(Method::POST, "projects", Some(unknown), 422).await;
    assert!(text(&refusal["errors"][0]["detail"]).contains("00000000-0000-4000-8000-000000000000"));
    assert!(text(&refusal["error_description"]).contains("admin_ids"));
    for malformed in [json!({}), json!([]), json!({"project": null}), json!({"Project": {}})] {
        let refusal = developer.refused(Method::POST, "projects", Some(malformed), 400).await;
        assert_eq!(refusal["error"], "BAD_REQUEST");
    }
    let project = developer.project().await;
    let path = format!("projects/{project}");
    let nobody = json!({"project": {"admin_ids": null}});
    assert_eq!(developer.faults(Method::PUT, &path, nobody).await, ["admin_ids"]);
    assert_eq!(developer.get(&path).await["project"]["admin_ids"], json!([setup.user_id()]));
}

#[tokio::test]
async fn only_a_token_for_managing_projects_opens_them() {
    let setup = setup().await;
    for scope in ["openid", TRANSFER, GROUPS] {
        let token = text(&setup.login(scope).await["access_token"]);
        let answer = setup.http.get(setup.auth("v2/api/projects")).bearer_auth(token).send().await.unwrap();
        if scope == "openid" {
            let refused = json(answer, 403).await;
            assert_eq!(refused["error"], "FORBIDDEN");
            let wanted = &refused["authorization_parameters"]["required_scopes"];
            assert_eq!(*wanted, json!([crate::developer::MANAGE]));
        } else {
            assert_eq!(json(answer, 401).await["errors"][0]["code"], "UNAUTHORIZED");
        }
    }
    let answer = setup.http.get(setup.auth("v2/api/projects")).send().await.unwrap();
    assert_eq!(json(answer, 401).await["error"], "UNAUTHORIZED");
    let developer = setup.developer().await;
    setup.emulator.expire_tokens(&TokenFilter::access());
    developer.refused(Method::GET, "projects", None, 401).await;
}

#[tokio::test]
async fn only_administrators_see_and_change_a_project() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let path = format!("projects/{project}");
    let other = setup.developer_as(JON).await;
    assert_eq!(other.get("projects").await, json!({"projects": []}));
    for (method, body) in
        [(Method::GET, None), (Method::PUT, Some(json!({"project": {}}))), (Method::DELETE, None)]
    {
        assert_eq!(other.refused(method, &path, body, 403).await["error"], "FORBIDDEN");
    }
    developer.put(&path, json!({"project": {"admin_ids": [JON_ID]}})).await;
    other.put(&path, json!({"project": {"display_name": "Jon's"}})).await;
    developer.refused(Method::GET, &path, None, 403).await;
}

#[tokio::test]
async fn a_client_administers_projects_as_long_as_its_token_lives() {
    let setup = setup().await;
    let own = setup.emulator.confidential_client().id().to_string();
    let developer = setup.client_developer().await;
    let project = developer.project_of(&[&own]).await;
    setup.emulator.advance(Duration::from_secs(3600));
    developer.put(&format!("projects/{project}"), json!({"project": {"display_name": "New"}})).await;
    developer.client(&project).await;
    assert_eq!(ids(&developer.get("projects").await["projects"]), [project]);
}

#[tokio::test]
async fn changes_want_a_login_of_the_last_half_hour() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let client = developer.client(&project).await;
    let path = format!("projects/{project}");
    setup.emulator.advance(Duration::from_secs(1799));
    developer.put(&path, json!({"project": {"display_name": "In time"}})).await;
    setup.emulator.advance(Duration::from_secs(60));
    developer.get(&path).await;
    for (method, path, body) in [
        (Method::DELETE, path.clone(), None),
        (Method::PUT, path.clone(), Some(json!({"project": {}}))),
        (Method::DELETE, format!("clients/{client}"), None),
        (Method::POST, format!("clients/{client}/credentials"), Some(json!({"credential": {"name": "a"}}))),
    ] {
        let refused = developer.refused(method, &path, body, 403).await;
        let parameters = &refused["authorization_parameters"];
        assert_eq!(parameters["session_required_policies"].as_array().unwrap().len(), 1);
        assert!(text(&parameters["session_message"]).contains("30 minutes"));
    }
    // What is asked for can be met.
    let refused = developer.refused(Method::DELETE, &path, None, 403).await;
    let policy = text(&refused["authorization_parameters"]["session_required_policies"][0]);
    let url = setup.authorize_url(crate::developer::MANAGE, &[("session_required_policies", &policy)]);
    let code = setup.emulator.login(url).await.unwrap().code;
    let token = text(&json(setup.exchange(&code).await, 200).await["access_token"]);
    let delete = setup.http.delete(setup.auth(&format!("v2/api/clients/{client}"))).bearer_auth(token);
    json(delete.send().await.unwrap(), 200).await;
}

#[tokio::test]
async fn a_linked_identity_sees_and_the_administrator_must_log_in_to_change() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project_of(&[LINKED_ID]).await;
    let path = format!("projects/{project}");
    developer.get(&path).await;
    let refused = developer.refused(Method::DELETE, &path, None, 403).await;
    let parameters = &refused["authorization_parameters"];
    assert_eq!(parameters["session_required_identities"], json!([LINKED_ID]));
    setup.emulator.script_consent([Decision::approve().as_user(LINKED_ID)]);
    setup.developer().await.delete(&path).await;
}
