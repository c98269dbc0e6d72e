//! Policies.

use reqwest::Method;
use serde_json::{Value, json};

use crate::developer::{JON, ids};
use crate::support::{setup, text};

#[tokio::test]
async fn a_policy_lives_from_its_making_to_its_end() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let body = json!({"policy": {
        "project_id": project, "display_name": "Staff", "description": "Staff\nonly", "high_assurance": true,
        "authentication_assurance_timeout": 35, "required_mfa": true,
        "domain_constraints_include": ["Lab.Example.org", "*.edu"], "domain_constraints_exclude": null,
    }});
    let made = developer.post("policies", body.clone()).await["policy"].clone();
    let path = format!("policies/{}", text(&made["id"]));
    let mut expected = body["policy"].clone();
    expected["id"] = made["id"].clone();
    expected["domain_constraints_include"][0] = json!("lab.example.org");
    assert_eq!(made, expected);
    assert_eq!(developer.get(&path).await["policy"], made);
    assert_eq!(developer.get("policies").await, json!({"policies": [made]}));

    let change = json!({"policy": {
        "authentication_assurance_timeout": 90, "required_mfa": false, "domain_constraints_include": null,
        "domain_constraints_exclude": [],
    }});
    let changed = developer.put(&path, change).await["policy"].clone();
    assert_eq!(changed["authentication_assurance_timeout"], 90);
    assert_eq!(changed["required_mfa"], false);
    assert_eq!(changed["domain_constraints_include"], Value::Null);
    assert_eq!(changed["domain_constraints_exclude"], json!([]));
    assert_eq!(changed["display_name"], "Staff");
    assert_eq!(developer.delete(&path).await["policy"], changed);
    developer.refused(Method::GET, &path, None, 404).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_is_told() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let faults =
        async |policy: Value| developer.faults(Method::POST, "policies", json!({"policy": policy})).await;
    assert_eq!(faults(json!({})).await, ["project_id", "display_name", "description"]);
    let with = |more: Value| {
        let mut policy = json!({"project_id": project, "display_name": "P", "description": ""});
        policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        policy
    };
    assert_eq!(faults(with(json!({"required_mfa": true}))).await, ["required_mfa"]);
    for seconds in [json!(0), json!(-1), json!("1"), json!(1.5)] {
        let timeout = with(json!({"authentication_assurance_timeout": seconds}));
        assert_eq!(faults(timeout).await, ["authentication_assurance_timeout"]);
    }
    let domains = with(json!({"domain_constraints_include": ["a@b"], "domain_constraints_exclude": "x"}));
    assert_eq!(faults(domains).await, ["domain_constraints_include", "domain_constraints_exclude"]);
    let made = developer.post("policies", json!({"policy": with(json!({}))})).await;
    let path = format!("policies/{}", text(&made["policy"]["id"]));
    let change = json!({"policy": {"high_assurance": true}});
    assert_eq!(developer.faults(Method::PUT, &path, change).await, ["high_assurance"]);
    developer.put(&path, json!({"policy": {"high_assurance": false}})).await;
}

#[tokio::test]
async fn a_policy_belongs_to_the_administrators_of_its_project() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let body = json!({"policy": {"project_id": project, "display_name": "P", "description": ""}});
    let policy = text(&developer.post("policies", body.clone()).await["policy"]["id"]);
    let path = format!("policies/{policy}");
    let other = setup.developer_as(JON).await;
    other.refused(Method::POST, "policies", Some(body), 403).await;
    assert_eq!(other.get("policies").await, json!({"policies": []}));
    for (method, body) in
        [(Method::GET, None), (Method::PUT, Some(json!({"policy": {}}))), (Method::DELETE, None)]
    {
        other.refused(method, &path, body, 403).await;
    }
    // It can be moved only to a project of one's own.
    let foreign = other.project_of(&[crate::developer::JON_ID]).await;
    let change = json!({"policy": {"project_id": foreign}});
    developer.refused(Method::PUT, &path, Some(change), 403).await;
    let own = developer.project().await;
    let moved = developer.put(&path, json!({"policy": {"project_id": own}})).await;
    assert_eq!(moved["policy"]["project_id"], own);
    assert_eq!(ids(&developer.get("policies").await["policies"]), [policy]);
    let nowhere = json!({"policy": {"project_id": setup.user_id(), "display_name": "P", "description": ""}});
    developer.refused(Method::POST, "policies", Some(nowhere), 404).await;
}
