//! Scopes that clients register.

use globus_emulator::{Decision, LoginError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::developer::{JON, ids, token_of};
use crate::support::{GROUPS, Setup, TRANSFER, json, setup, text};

/// The id of a scope of the services, as developers find it out.
async fn id_of(developer: &crate::developer::Developer<'_>, scope: &str) -> String {
    text(&developer.get(&format!("scopes?scope_strings={scope}")).await["scopes"][0]["id"])
}

fn dependency(id: &str, optional: bool) -> Value {
    json!({"scope": id, "optional": optional, "requires_refresh_token": false})
}

#[tokio::test]
async fn a_scope_lives_from_its_making_to_its_end() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let transfer = id_of(&developer, TRANSFER).await;
    let body = json!({"scope": {
        "name": "Manage", "description": "Manage things", "scope_suffix": "manage_all_2",
        "dependent_scopes": [dependency(&transfer, false)],
    }});
    let path = format!("clients/{client}/scopes");
    let made = developer.post(&path, body).await;
    assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["scopes"]);
    let made = made["scopes"][0].clone();
    let id = text(&made["id"]);
    assert_eq!(
        made,
        json!({
            "id": id, "client": client, "name": "Manage", "description": "Manage things",
            "scope_string": format!("https://auth.globus.org/scopes/{client}/manage_all_2"),
            "allows_refresh_token": true, "advertised": false, "required_domains": [],
            "dependent_scopes": [dependency(&transfer, false)],
        })
    );
    let one = format!("scopes/{id}");
    assert_eq!(developer.get(&one).await["scope"], made);
    assert_eq!(developer.get("scopes").await, json!({"scopes": [made]}));
    assert_eq!(developer.get(&path).await, json!({"scopes": [made]}));
    assert_eq!(developer.get(&format!("scopes?ids={id},{transfer}")).await["scopes"][0], made);
    let by_string = format!("scopes?scope_strings={}", text(&made["scope_string"]));
    assert_eq!(developer.get(&by_string).await["scopes"], json!([made]));
    assert_eq!(developer.get(&format!("clients/{client}")).await["client"]["scopes"], json!([id]));

    let change = json!({"scope": {
        "name": "Use", "scope_suffix": "use", "advertised": true, "allows_refresh_token": false,
        "required_domains": ["Lab.example.org"], "dependent_scopes": [],
    }});
    let changed = developer.put(&one, change).await["scope"].clone();
    assert_eq!(changed["id"], id);
    assert_eq!(changed["scope_string"], format!("https://auth.globus.org/scopes/{client}/use"));
    assert_eq!(changed["required_domains"], json!(["lab.example.org"]));
    assert_eq!(changed["description"], "Manage things");
    assert_eq!(changed["dependent_scopes"], json!([]));
    // The old suffix is free again.
    let again = developer.scope(&client, "manage_all_2", json!({})).await;
    assert_ne!(again["id"], id);
    assert_eq!(developer.delete(&one).await["scope"], changed);
    developer.refused(Method::GET, &one, None, 404).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_scope_is_told() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let path = format!("clients/{client}/scopes");
    let faults = async |more: Value| {
        let mut scope = json!({"name": "x", "description": "", "scope_suffix": "x"});
        scope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        developer.faults(Method::POST, &path, json!({"scope": scope})).await
    };
    let empty = json!({"scope": {}});
    assert_eq!(developer.faults(Method::POST, &path, empty).await, ["name", "description", "scope_suffix"]);
    for suffix in ["A", "a b", "a-b", "a/b", "é", "a["] {
        assert_eq!(faults(json!({"scope_suffix": suffix})).await, ["scope_suffix"], "{suffix}");
    }
    let unknown = dependency(&setup.user_id(), false);
    assert_eq!(faults(json!({"dependent_scopes": [unknown]})).await, ["dependent_scopes"]);
    let half = json!({"scope": setup.user_id()});
    assert_eq!(faults(json!({"dependent_scopes": [half]})).await, ["dependent_scopes"]);
    assert_eq!(faults(json!({"advertised": "yes"})).await, ["advertised"]);

    let a = text(&developer.scope(&client, "a", json!({})).await["id"]);
    let twice = json!({"scope": {"name": "x", "description": "", "scope_suffix": "a"}});
    assert_eq!(developer.refused(Method::POST, &path, Some(twice), 409).await["error"], "CONFLICT");
    let b = developer.scope(&client, "b", json!({"dependent_scopes": [dependency(&a, false)]})).await;
    let circle = json!({"scope": {"dependent_scopes": [dependency(&text(&b["id"]), true)]}});
    assert_eq!(developer.faults(Method::PUT, &format!("scopes/{a}"), circle).await, ["dependent_scopes"]);
    let taken = json!({"scope": {"scope_suffix": "b"}});
    developer.refused(Method::PUT, &format!("scopes/{a}"), Some(taken), 409).await;
    developer.refused(Method::GET, "scopes?ids=x&scope_strings=y", None, 400).await;
}

async fn ask(setup: &Setup, scope: &str) -> Result<Value, LoginError> {
    let login = setup.emulator.login(setup.authorize_url(scope, &[])).await?;
    Ok(json(setup.exchange(&login.code).await, 200).await)
}

#[tokio::test]
async fn a_client_of_a_project_has_the_scopes_that_it_registered() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let string = format!("https://auth.globus.org/scopes/{client}/all");
    let unknown = |answer: Result<Value, LoginError>| match answer {
        Err(LoginError::Refused { error, description, .. }) => {
            assert_eq!(error, "invalid_scope");
            assert!(description.contains(&string));
        }
        other => panic!("{other:?}"),
    };
    unknown(ask(&setup, &string).await);
    unknown(ask(&setup, &format!("{TRANSFER}[*{string}]")).await);
    let scope = developer.scope(&client, "all", json!({})).await;
    let tokens = ask(&setup, &string).await.unwrap();
    assert_eq!(tokens["resource_server"], client);
    assert_eq!(tokens["scope"], string);
    assert!(tokens["refresh_token"].is_string());
    // The client learns whose token it was called with.
    let (_, secret) = developer.credential(&client).await;
    let introspect = async || {
        let form = [("token", text(&tokens["access_token"]))];
        let url = setup.auth("v2/oauth2/token/introspect");
        let request = setup.http.post(url).basic_auth(&client, Some(&secret)).form(&form);
        json(request.send().await.unwrap(), 200).await["active"].clone()
    };
    assert_eq!(introspect().await, true);
    developer.delete(&format!("scopes/{}", text(&scope["id"]))).await;
    assert_eq!(introspect().await, false);
    unknown(ask(&setup, &string).await);
    let refused = json(token_of(&setup, &client, &secret, &string).await, 400).await;
    assert_eq!(refused["error"], "invalid_scope");
}

#[tokio::test]
async fn who_consents_to_a_scope_consents_to_what_it_depends_on() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let (transfer, groups) = (id_of(&developer, TRANSFER).await, id_of(&developer, GROUPS).await);
    let inner = json!({"dependent_scopes": [dependency(&transfer, false), dependency(&groups, true)]});
    let inner = developer.scope(&client, "inner", inner).await;
    let outer = json!({"dependent_scopes": [dependency(&text(&inner["id"]), false)]});
    let outer = developer.scope(&client, "outer", outer).await;

    let tokens = ask(&setup, &text(&inner["scope_string"])).await.unwrap();
    let (_, secret) = developer.credential(&client).await;
    let form = [
        ("grant_type", "urn:globus:auth:grant_type:dependent_token"),
        ("token", &text(&tokens["access_token"])),
    ];
    let request =
        setup.http.post(setup.auth("v2/oauth2/token")).basic_auth(&client, Some(&secret)).form(&form);
    let dependent = json(request.send().await.unwrap(), 200).await;
    let scopes: Vec<String> = dependent.as_array().unwrap().iter().map(|t| text(&t["scope"])).collect();
    assert_eq!(scopes, [TRANSFER], "what is optional has to be asked for");

    ask(&setup, &text(&outer["scope_string"])).await.unwrap();
    let state = json(setup.http.get(setup.control("state")).send().await.unwrap(), 200).await;
    let depth = |scope: &str| {
        let consents = state["consents"].as_array().unwrap();
        let of_scope = consents.iter().filter(|consent| consent["scope_name"] == scope);
        of_scope.map(|consent| consent["dependency_path"].as_array().unwrap().len()).max().unwrap()
    };
    assert_eq!(depth(TRANSFER), 3);
}

#[tokio::test]
async fn consents_name_a_scope_by_its_id_and_end_with_its_string() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let scope = developer.scope(&client, "before", json!({})).await;
    let held = async || {
        let state = json(setup.http.get(setup.control("state")).send().await.unwrap(), 200).await;
        let consents = state["consents"].as_array().unwrap();
        consents.iter().filter(|consent| consent["scope"] == scope["id"]).count()
    };
    ask(&setup, &text(&scope["scope_string"])).await.unwrap();
    assert_eq!(held().await, 1);
    let change = json!({"scope": {"scope_suffix": "after"}});
    let changed = developer.put(&format!("scopes/{}", text(&scope["id"])), change).await;
    assert_eq!(held().await, 0);
    ask(&setup, &text(&changed["scope"]["scope_string"])).await.unwrap();
    assert_eq!(held().await, 1);
}

#[tokio::test]
async fn scopes_that_stand_for_too_many_are_refused_at_login() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let bottom = developer.scope(&client, "bottom", json!({})).await;
    let mut top = text(&bottom["id"]);
    let mut string = text(&bottom["scope_string"]);
    for level in 0..12 {
        let below = json!({"dependent_scopes": [dependency(&top, false)]});
        let left = text(&developer.scope(&client, &format!("left_{level}"), below.clone()).await["id"]);
        let right = text(&developer.scope(&client, &format!("right_{level}"), below).await["id"]);
        let both = json!({"dependent_scopes": [dependency(&left, false), dependency(&right, false)]});
        let made = developer.scope(&client, &format!("top_{level}"), both).await;
        (top, string) = (text(&made["id"]), text(&made["scope_string"]));
        if level == 2 {
            ask(&setup, &string).await.unwrap();
        }
    }
    let refused = ask(&setup, &string).await;
    assert!(matches!(refused, Err(LoginError::Refused { error, .. }) if error == "invalid_scope"));
}

#[tokio::test]
async fn a_scope_says_who_may_use_it_and_whether_its_tokens_are_refreshed() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let home = developer
        .scope(
            &client,
            "home",
            json!({"required_domains": ["home.example.com"], "allows_refresh_token": false}),
        )
        .await;
    let home = text(&home["scope_string"]);
    let tokens = ask(&setup, &format!("{home} {TRANSFER}")).await.unwrap();
    assert!(tokens.get("refresh_token").is_none());
    assert!(tokens["other_tokens"][0]["refresh_token"].is_string());
    setup.emulator.script_consent([Decision::approve().as_user(JON)]);
    assert!(matches!(ask(&setup, &home).await, Err(LoginError::Page { .. })));
}

#[tokio::test]
async fn scopes_are_seen_by_administrators_or_when_they_are_advertised() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let client = developer.client(&developer.project().await).await;
    let hidden = developer.scope(&client, "hidden", json!({})).await;
    let shown = developer.scope(&client, "shown", json!({"advertised": true})).await;
    let (hidden_id, shown_id) = (text(&hidden["id"]), text(&shown["id"]));
    let other = setup.developer_as(JON).await;
    assert_eq!(other.get("scopes").await, json!({"scopes": []}));
    let found = other.get(&format!("scopes?ids={hidden_id},{shown_id}")).await;
    assert_eq!(ids(&found["scopes"]), std::slice::from_ref(&shown_id));
    other.get(&format!("scopes/{shown_id}")).await;
    other.refused(Method::GET, &format!("scopes/{hidden_id}"), None, 403).await;
    for (method, body) in [(Method::PUT, Some(json!({"scope": {}}))), (Method::DELETE, None)] {
        other.refused(method, &format!("scopes/{shown_id}"), body, 403).await;
    }
    let wanted = json!({"scope": {"name": "x", "description": "", "scope_suffix": "x"}});
    other.refused(Method::POST, &format!("clients/{client}/scopes"), Some(wanted), 403).await;
    // Those of the services are for everybody to see and for nobody to change.
    let transfer = id_of(&other, TRANSFER).await;
    let document = other.get(&format!("scopes/{transfer}")).await["scope"].clone();
    assert_eq!(document["scope_string"], TRANSFER);
    other.refused(Method::DELETE, &format!("scopes/{transfer}"), None, 403).await;
    let found = other.get("scopes?scope_strings=no-scope").await;
    assert_eq!(found["scopes"], json!([]));
}
