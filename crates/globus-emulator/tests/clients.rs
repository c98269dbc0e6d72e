//! Clients: credentials, dependent tokens, introspection, instances of a template, identities.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use globus_emulator::TokenFilter;
use serde_json::{Value, json};
use support::{Setup, TRANSFER, json, setup, text};

#[tokio::test]
async fn a_confidential_client_acts_as_itself() {
    let setup = setup().await;
    let scope = format!("{TRANSFER} openid profile");
    let tokens = setup.token_as_service(&[("grant_type", "client_credentials"), ("scope", &scope)]).await;
    let tokens = json(tokens, 200).await;
    assert_eq!(tokens["resource_server"], "auth.globus.org");
    assert_eq!(tokens["other_tokens"][0]["resource_server"], "transfer.api.globus.org");
    assert!(tokens.get("refresh_token").is_none() && tokens["id_token"].is_string());
    let info = json(setup.userinfo(&text(&tokens["access_token"])).await, 200).await;
    let id = setup.emulator.confidential_client().id();
    assert_eq!(info["sub"], id.to_string());
    assert_eq!(info["preferred_username"], format!("{id}@clients.auth.globus.org"));
}

#[tokio::test]
async fn clients_that_do_not_prove_themselves_are_refused() {
    let setup = setup().await;
    let client = setup.emulator.confidential_client();
    let id = client.id().to_string();
    let grant = [("grant_type", "client_credentials"), ("scope", TRANSFER)];
    let with = |more: &[(&'static str, String)]| {
        let mut form: Vec<(&str, String)> =
            grant.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        form.extend(more.iter().cloned());
        setup.http.post(setup.auth("v2/oauth2/token")).form(&form)
    };
    for request in [
        with(&[]),
        with(&[("client_id", id.clone())]),
        with(&[("client_id", id.clone()), ("client_secret", "wrong".to_owned())]),
        with(&[]).basic_auth(&id, Some("wrong")),
        with(&[]).basic_auth("unknown", Some("wrong")),
        with(&[]).header("authorization", "Basic !!!"),
    ] {
        let answer = request.send().await.unwrap();
        assert!(answer.headers().contains_key("www-authenticate"));
        assert_eq!(json(answer, 401).await["error"], "invalid_client");
    }
    let in_form = with(&[("client_id", id), ("client_secret", client.secret().to_owned())]);
    json(in_form.send().await.unwrap(), 200).await;
    let public = with(&[("client_id", setup.native())]).send().await.unwrap();
    assert_eq!(json(public, 400).await["error"], "unauthorized_client");
    let unknown = setup.token_as_service(&[("grant_type", "password")]).await;
    assert_eq!(json(unknown, 400).await["error"], "unsupported_grant_type");
    let none = setup.token_as_service(&[("grant_type", "client_credentials")]).await;
    assert_eq!(json(none, 400).await["error"], "invalid_request");
    assert!(!format!("{client:?}").contains(client.secret()));
}

#[tokio::test]
async fn a_service_gets_dependent_tokens_for_what_was_consented() {
    let setup = setup().await;
    let own = format!("https://auth.globus.org/scopes/{}/all", setup.emulator.confidential_client().id());
    let tokens = setup.login(&format!("{own}[{TRANSFER}]")).await;
    let token = text(&tokens["access_token"]);
    let grant = "urn:globus:auth:grant_type:dependent_token";
    let answer =
        setup.token_as_service(&[("grant_type", grant), ("token", &token), ("access_type", "offline")]).await;
    let dependent = json(answer, 200).await;
    let dependent = dependent.as_array().unwrap();
    assert_eq!(dependent.len(), 1);
    assert_eq!(dependent[0]["scope"], TRANSFER);
    assert!(dependent[0]["refresh_token"].is_string());
    // It speaks for the person, at Transfer.
    let list = setup.http.get(setup.transfer("task_list")).bearer_auth(text(&dependent[0]["access_token"]));
    assert_eq!(list.send().await.unwrap().status(), 200);

    let more = [("grant_type", grant), ("token", token.as_str()), ("scope", support::GROUPS)];
    let refused = json(setup.token_as_service(&more).await, 403).await;
    assert_eq!(refused["error"], "dependent_consent_required");
    assert_eq!(refused["errors"][0]["unapproved_scopes"], json!([support::GROUPS]));
    // A token for somebody else's service is none of its business.
    let other = text(&setup.login(TRANSFER).await["access_token"]);
    let refused = setup.token_as_service(&[("grant_type", grant), ("token", &other)]).await;
    assert_eq!(json(refused, 400).await["error"], "invalid_grant");
}

async fn inspect(setup: &Setup, path: &str, form: &[(&str, &str)]) -> Value {
    let client = setup.emulator.confidential_client();
    let request = setup.http.post(setup.auth(path)).basic_auth(client.id(), Some(client.secret())).form(form);
    json(request.send().await.unwrap(), 200).await
}

#[tokio::test]
async fn tokens_are_introspected_and_validated_while_they_live() {
    let setup = setup().await;
    let path = "v2/oauth2/token/introspect";
    let token = setup.service_token().await;
    let include = "session_info,identity_set";
    let body = inspect(&setup, path, &[("token", &token), ("include", include)]).await;
    let id = setup.emulator.confidential_client().id().to_string();
    assert_eq!((&body["active"], &body["sub"], &body["scope"]), (&json!(true), &json!(id), &json!(TRANSFER)));
    assert!(body["session_info"]["authentications"][&id]["auth_time"].is_i64());
    assert_eq!(body["identity_set"], json!([id]));
    let validate = "v2/oauth2/token/validate";
    assert_eq!(inspect(&setup, validate, &[("token", &token)]).await, json!({"active": true}));

    // A stranger's token tells nothing, nor does an expired one.
    let other = text(&setup.login(TRANSFER).await["access_token"]);
    assert_eq!(inspect(&setup, path, &[("token", &other)]).await, json!({"active": false}));
    setup.emulator.expire_tokens(&TokenFilter::access().client(id));
    assert_eq!(inspect(&setup, path, &[("token", &token)]).await, json!({"active": false}));
    assert_eq!(inspect(&setup, validate, &[("token", &token)]).await, json!({"active": false}));
    let unauthenticated = setup.http.post(setup.auth(path)).form(&[("token", &token)]).send().await.unwrap();
    assert_eq!(unauthenticated.status(), 401);
}

#[tokio::test]
async fn an_instance_of_the_template_logs_in_as_a_confidential_client() {
    let setup = setup().await;
    let body =
        json!({"client": {"template_id": "95fdeba8-fac2-42bd-a357-e068d82ff78e", "name": "Globus CLI"}});
    let made = setup.http.post(setup.auth("v2/api/clients")).json(&body).send().await.unwrap();
    let made = json(made, 201).await;
    let credential = &made["included"]["client_credential"];
    let (id, secret) = (text(&credential["client"]), text(&credential["secret"]));
    assert_eq!(made["client"]["id"], credential["client"]);

    let redirect = setup.auth("v2/web/auth-code");
    let replaced = [("client_id", id.as_str()), ("code_challenge", ""), ("redirect_uri", redirect.as_str())];
    let login = setup.emulator.login(setup.authorize_url("openid", &replaced)).await.unwrap();
    let form = [("grant_type", "authorization_code"), ("code", &login.code), ("redirect_uri", &redirect)];
    let request = setup.http.post(setup.auth("v2/oauth2/token")).basic_auth(&id, Some(&secret)).form(&form);
    let tokens = json(request.send().await.unwrap(), 200).await;
    assert!(tokens["refresh_token"].is_string());

    let unknown = json!({"client": {"template_id": "nobody", "name": "x"}});
    let refused = setup.http.post(setup.auth("v2/api/clients")).json(&unknown).send().await.unwrap();
    assert_eq!(refused.status(), 404);
    let anonymous = json!({"client": {"name": "x", "public_client": true}});
    let refused = setup.http.post(setup.auth("v2/api/clients")).json(&anonymous).send().await.unwrap();
    assert_eq!(refused.status(), 401);
}

#[tokio::test]
async fn identities_are_found_by_id_and_name_and_made_on_request() {
    let setup = setup().await;
    let token = text(&setup.login("openid").await["access_token"]);
    let get = async |query: &str| {
        let url = setup.auth(&format!("v2/api/identities?{query}"));
        let answer = setup.http.get(url).bearer_auth(&token).send().await.unwrap();
        json(answer, 200).await["identities"].as_array().unwrap().clone()
    };
    let user = setup.emulator.user();
    let found = get(&format!("ids={},00000000-0000-4000-8000-000000000000", user.id)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["username"], user.username);
    assert_eq!(get("usernames=MIRA@lab.example.org").await[0]["id"], user.id.to_string());
    assert!(get("usernames=new@lab.example.org&provision=false").await.is_empty());
    let made = get("usernames=new@lab.example.org&provision=true").await;
    assert_eq!(made[0]["status"], "provisioned");
    assert_eq!(get("usernames=new@lab.example.org").await[0]["id"], made[0]["id"]);

    let providers = setup.http.get(setup.auth("v2/api/identity_providers?domains=lab.example.org"));
    let providers = json(providers.bearer_auth(&token).send().await.unwrap(), 200).await;
    assert_eq!(providers["identity_providers"].as_array().unwrap().len(), 1);
    assert_eq!(setup.http.get(setup.auth("v2/api/identities?ids=x")).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_refresh_token_is_valid_for_its_client_until_it_is_spent_or_revoked() {
    let setup = setup().await;
    setup.emulator.set_rotation(globus_emulator::Rotation::on());
    let native = setup.native();
    let active = async |token: &Value| {
        let form = [("token", text(token)), ("client_id", native.clone())];
        let answer =
            setup.http.post(setup.auth("v2/oauth2/token/validate")).form(&form).send().await.unwrap();
        let body = json(answer, 200).await;
        assert_eq!(body.as_object().unwrap().len(), 1);
        body["active"].as_bool().unwrap()
    };
    let first = setup.login(TRANSFER).await["refresh_token"].clone();
    assert!(active(&first).await);
    let theirs = inspect(&setup, "v2/oauth2/token/validate", &[("token", &text(&first))]).await;
    assert_eq!(theirs, json!({"active": false}));
    let second = json(setup.refresh(&text(&first)).await, 200).await["refresh_token"].clone();
    assert!(!active(&first).await && active(&second).await);
    let form = [("token", text(&second))];
    setup.http.post(setup.auth("v2/oauth2/token/revoke")).form(&form).send().await.unwrap();
    assert!(!active(&second).await && !active(&json!("nonsense")).await);
}
