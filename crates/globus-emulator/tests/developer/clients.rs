//! Clients: in projects, made by other clients, made of a template.

use globus_emulator::{Decision, LoginError, NewClient, NewProject};
use reqwest::Method;
use serde_json::{Value, json};

use crate::developer::{JON, ids, token_of};
use crate::support::{TRANSFER, json, setup, setup_with, text};

const LAB: &str = "a1a96d6f-7cf5-4a6f-9e1c-2f0d6b7b7c11";
const HOME: &str = "b2b07e80-8d06-4b70-8f2d-301e7c8c8d22";

#[tokio::test]
async fn a_client_lives_from_its_making_to_its_end() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let body = json!({"client": {
        "name": "Portal", "project": project, "client_type": "confidential_client", "visibility": "public",
        "redirect_uris": ["https://portal.example.org/callback", "http://localhost:8080/"],
        "links": {"terms_and_conditions": "https://a.example/", "privacy_policy": "https://b.example/"},
        "required_idp": LAB, "preselect_idp": LAB,
    }});
    let made = developer.post("clients", body.clone()).await;
    assert!(made.get("included").is_none(), "its secrets are made by further calls");
    let made = made["client"].clone();
    for (member, value) in body["client"].as_object().unwrap() {
        assert_eq!(made[member], *value, "{member}");
    }
    assert_eq!(made["public_client"], false);
    assert_eq!(made["parent_client"], Value::Null);
    assert_eq!((&made["fqdns"], &made["scopes"]), (&json!([]), &json!([])));
    assert!(made["grant_types"].is_array() && made["prompt_for_named_grant"].is_boolean());
    assert_eq!(made["userinfo_from_effective_identity"], true);
    let path = format!("clients/{}", text(&made["id"]));
    assert_eq!(developer.get(&path).await["client"], made);
    assert_eq!(developer.get("clients").await, json!({"clients": [made]}));

    let change = json!({"client": {
        "name": "Gate", "visibility": "private", "redirect_uris": [], "required_idp": null,
        "links": {"terms_and_conditions": null, "privacy_policy": null},
    }});
    let changed = developer.put(&path, change.clone()).await["client"].clone();
    for (member, value) in change["client"].as_object().unwrap() {
        assert_eq!(changed[member], *value, "{member}");
    }
    assert_eq!(changed["preselect_idp"], LAB);
    assert_eq!(developer.delete(&path).await["client"], changed);
    developer.refused(Method::GET, &path, None, 404).await;
    assert_eq!(developer.get("clients").await, json!({"clients": []}));
}

#[tokio::test]
async fn the_type_follows_from_whether_it_keeps_a_secret() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    for (member, value, client_type, public) in [
        ("public_client", json!(true), "public_installed_client", true),
        ("public_client", json!(false), "hybrid_confidential_client_resource_server", false),
        ("client_type", json!("client_identity"), "client_identity", false),
        ("client_type", json!("public_installed_client"), "public_installed_client", true),
        ("client_type", json!("resource_server"), "resource_server", false),
        ("client_type", json!("globus_connect_server"), "globus_connect_server", false),
    ] {
        let mut client = json!({"name": "x", "project": project});
        client[member] = value;
        let made = developer.post("clients", json!({"client": client})).await;
        assert_eq!(made["client"]["client_type"], client_type);
        assert_eq!(made["client"]["public_client"], public);
        let grants = made["client"]["grant_types"].as_array().unwrap();
        assert_eq!(grants.contains(&json!("client_credentials")), !public);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_client_is_told_all_at_once() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let faults = async |more: Value| {
        let mut client = json!({"name": "x", "project": project, "public_client": true});
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        developer.faults(Method::POST, "clients", json!({"client": client})).await
    };
    assert_eq!(faults(json!({"client_type": "client_identity"})).await, ["client_type"]);
    assert_eq!(faults(json!({"name": ""})).await, ["name"]);
    assert_eq!(faults(json!({"name": "a\nb"})).await, ["name"]);
    for uri in ["http://portal.example.org/", "https://a.example/#b", "javascript:alert(1)", "x", "/y"] {
        assert_eq!(faults(json!({"redirect_uris": [uri]})).await, ["redirect_uris"], "{uri}");
    }
    let links = json!({"terms_and_conditions": "https://a.example/", "privacy_policy": null});
    let several = json!({"visibility": "hidden", "links": links, "required_idp": "x"});
    assert_eq!(faults(several).await, ["visibility", "links", "required_idp"]);
    assert_eq!(faults(json!({"preselect_idp": setup.user_id()})).await, ["preselect_idp"]);
    let untyped = json!({"client": {"name": "x", "project": project, "client_type": "other"}});
    assert_eq!(developer.faults(Method::POST, "clients", untyped).await, ["client_type"]);
    let homeless = json!({"client": {"name": "x", "public_client": true}});
    assert_eq!(developer.faults(Method::POST, "clients", homeless).await, ["project"]);
    let nowhere = json!({"client": {"name": "x", "project": setup.user_id(), "public_client": true}});
    developer.refused(Method::POST, "clients", Some(nowhere), 404).await;

    let client = developer.client(&project).await;
    let change = json!({"client": {"public_client": true, "client_type": "client_identity"}});
    let path = format!("clients/{client}");
    assert_eq!(developer.faults(Method::PUT, &path, change).await, ["public_client", "client_type"]);
    assert_eq!(developer.get(&path).await["client"]["public_client"], false);
}

#[tokio::test]
async fn clients_belong_to_the_administrators_of_their_project() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let client = developer.client(&project).await;
    let path = format!("clients/{client}");
    let other = setup.developer_as(JON).await;
    let body = json!({"client": {"name": "x", "project": project, "public_client": true}});
    other.refused(Method::POST, "clients", Some(body), 403).await;
    assert_eq!(other.get("clients").await, json!({"clients": []}));
    let nothing = Some(json!({"client": {}}));
    for (method, body) in [(Method::GET, None), (Method::PUT, nothing.clone()), (Method::DELETE, None)] {
        other.refused(method, &path, body, 403).await;
    }
    developer.put(&path, json!({"client": {"visibility": "public"}})).await;
    other.get(&path).await;
    other.refused(Method::PUT, &path, nothing, 403).await;
}

#[tokio::test]
async fn the_end_of_a_client_is_the_end_of_its_tokens_and_consents() {
    let setup = setup().await;
    let developer = setup.developer().await;
    let project = developer.project().await;
    let body = json!({"client": {"name": "App", "project": project, "public_client": true}});
    let app = text(&developer.post("clients", body).await["client"]["id"]);
    let service = developer.client(&project).await;
    let scope = text(&developer.scope(&service, "all", json!({})).await["scope_string"]);

    let asked = format!("{TRANSFER} {scope}");
    let url = setup.authorize_url(&asked, &[("client_id", &app)]);
    let code = setup.emulator.login(url).await.unwrap().code;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &app),
        ("code", &code),
        ("redirect_uri", crate::support::REDIRECT),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let tokens = json(setup.token(&form).await, 200).await;
    let (transfer, own) = (&tokens, &tokens["other_tokens"][0]);
    let works = async || {
        let token = text(&transfer["access_token"]);
        setup.http.get(setup.transfer("task_list")).bearer_auth(token).send().await.unwrap().status()
    };
    let refresh = async |token: &Value| {
        let token = text(&token["refresh_token"]);
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &app)];
        setup.token(&form).await
    };
    assert_eq!(works().await, 200);

    // The service goes: the scope with it, and the token for it.
    developer.delete(&format!("clients/{service}")).await;
    assert_eq!(json(refresh(own).await, 400).await["error"], "invalid_grant");
    let state = async || json(setup.http.get(setup.control("state")).send().await.unwrap(), 200).await;
    assert_eq!(state().await["scopes"], json!([]));
    let held = |state: &Value, client: &str| {
        let consents = state["consents"].as_array().unwrap();
        consents.iter().filter(|consent| consent["client"] == client).count()
    };
    assert_eq!(held(&state().await, &app), 1);

    // The app goes, and all of its tokens.
    developer.delete(&format!("clients/{app}")).await;
    assert_eq!(works().await, 401);
    assert_eq!(refresh(transfer).await.status(), 401, "the client itself is unknown");
    assert_eq!(held(&state().await, &app), 0);
    let found = developer.get(&format!("identities?ids={app}")).await;
    assert_eq!(found["identities"], json!([]));
}

#[tokio::test]
async fn a_confidential_client_has_children() {
    let setup = setup().await;
    let own = setup.emulator.confidential_client();
    let (id, secret) = (own.id().to_string(), own.secret().to_owned());
    let call = async |method: Method, path: &str, body: Value| {
        let url = setup.auth(&format!("v2/api/{path}"));
        setup.http.request(method, url).basic_auth(&id, Some(&secret)).json(&body).send().await.unwrap()
    };
    let wanted = json!({"client": {"name": "Child", "client_type": "client_identity"}});
    let made = json(call(Method::POST, "clients", wanted).await, 201).await;
    let child = text(&made["client"]["id"]);
    assert_eq!(made["client"]["parent_client"], id);
    assert_eq!(made["client"]["client_type"], "client_identity");
    let child_secret = text(&made["included"]["client_credential"]["secret"]);
    json(token_of(&setup, &child, &child_secret, TRANSFER).await, 200).await;
    let none = json!({"client": {"name": "Child"}});
    assert_eq!(json(call(Method::POST, "clients", none).await, 422).await["error"], "UNPROCESSABLE_ENTITY");

    let listed = json(call(Method::GET, "clients", json!({})).await, 200).await;
    let mut expected = [id.clone(), child.clone()];
    expected.sort();
    assert_eq!(ids(&listed["clients"]), expected);
    let path = format!("clients/{child}");
    json(call(Method::PUT, &path, json!({"client": {"name": "Renamed"}})).await, 200).await;
    json(call(Method::DELETE, &path, json!({})).await, 200).await;
    assert_eq!(json(call(Method::GET, &path, json!({})).await, 404).await["error"], "NOT_FOUND");
}

#[tokio::test]
async fn an_instance_of_a_template_removes_itself() {
    let setup = setup().await;
    let template = "95fdeba8-fac2-42bd-a357-e068d82ff78e";
    let body = json!({"client": {"template_id": template, "name": "Globus CLI"}});
    let made = setup.http.post(setup.auth("v2/api/clients")).json(&body).send().await.unwrap();
    let made = json(made, 201).await;
    assert_eq!(made["client"]["parent_client"], template);
    assert_eq!(made["client"]["client_type"], "confidential_client");
    let id = text(&made["client"]["id"]);
    let secret = text(&made["included"]["client_credential"]["secret"]);
    let url = setup.auth(&format!("v2/api/clients/{id}"));
    let delete = || setup.http.delete(&url).basic_auth(&id, Some(&secret)).send();
    json(delete().await.unwrap(), 200).await;
    json(delete().await.unwrap(), 401).await;
}

#[tokio::test]
async fn a_client_is_found_by_the_name_of_its_host() {
    let portal = NewProject::new("Portal")
        .client(NewClient::confidential("server").fqdn("portal.example.org"))
        .client(NewClient::confidential("seen").fqdn("seen.example.org").visible());
    let setup = setup_with(|builder| builder.project(portal)).await;
    let developer = setup.developer().await;
    let found = developer.get("clients?fqdn=Portal.example.org").await["client"].clone();
    assert_eq!(found["name"], "server");
    assert_eq!(found["fqdns"], json!(["portal.example.org"]));
    developer.refused(Method::GET, "clients?fqdn=nobody.example.org", None, 404).await;
    let other = setup.developer_as(JON).await;
    other.refused(Method::GET, "clients?fqdn=portal.example.org", None, 403).await;
    assert_eq!(other.get("clients?fqdn=seen.example.org").await["client"]["name"], "seen");
}

#[tokio::test]
async fn logins_follow_what_the_client_says() {
    let redirect = "https://portal.example.org/callback";
    let project = |provider: &str| {
        let client = NewClient::public("app").redirect_uri(redirect).required_idp(provider.parse().unwrap());
        NewProject::new(provider).client(client)
    };
    let setup = setup_with(|builder| builder.project(project(LAB)).project(project(HOME))).await;
    let login = async |provider: &str, user: &str| {
        let app = setup.emulator.project(provider).unwrap().client("app").unwrap().id.to_string();
        let url = setup.authorize_url("openid", &[("client_id", &app), ("redirect_uri", redirect)]);
        setup.emulator.script_consent([Decision::approve().as_user(user)]);
        setup.emulator.login(url).await
    };
    login(LAB, JON).await.unwrap();
    // A linked identity of the provider is enough; Jon has none.
    login(HOME, "mira@lab.example.org").await.unwrap();
    assert!(matches!(login(HOME, JON).await, Err(LoginError::Page { .. })));
}
