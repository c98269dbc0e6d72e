//! Sessions: who signed in, when and how, and the policies that ask for it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::Duration;

use globus_emulator::{CollectionRules, Decision, LoginError, NewPolicy, NewProject, Person};
use serde_json::{Value, json};
use support::{Setup, TRANSFER, access_token, json, setup, setup_with, text};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const HOME: &str = "mira@home.example.com";
const IDENTITY_SET: &str = "urn:globus:auth:scope:auth.globus.org:view_identity_set";

/// Logs in for the confidential client, and answers what introspection says of the token.
async fn session(setup: &Setup, replaced: &[(&str, &str)]) -> Value {
    let server = setup.emulator.confidential_client().id().to_string();
    let tokens = setup.login_with(&setup.own_scope(), replaced).await;
    setup.introspect(&access_token(&tokens, &server)).await
}

fn auth_time(told: &Value, identity: &str) -> Option<i64> {
    told["session_info"]["authentications"][identity]["auth_time"].as_i64()
}

/// The ids of the emulator's user and of the identity linked to it.
fn ids(setup: &Setup) -> (String, String) {
    let of = |name: &str| setup.emulator.find_user(name).unwrap().id.to_string();
    (of(&setup.emulator.user().username), of(HOME))
}

/// Why a login ended on a page.
async fn page(setup: &Setup, replaced: &[(&str, &str)]) -> String {
    match setup.emulator.login(setup.authorize_url("openid", replaced)).await.unwrap_err() {
        LoginError::Page { status: 400, text } => text,
        other => panic!("{replaced:?}: {other}"),
    }
}

#[tokio::test]
async fn a_plain_login_is_remembered_for_a_day_and_a_prompt_is_not() {
    let setup = setup().await;
    let (user, _) = ids(&setup);
    setup.emulator.clock().freeze();
    let start = setup.now().as_second();
    let first = session(&setup, &[]).await;
    assert_eq!(auth_time(&first, &user), Some(start));
    assert_eq!(first["session_info"]["authentications"][&user]["amr"], Value::Null);

    setup.emulator.advance(23 * HOUR);
    let second = session(&setup, &[]).await;
    assert_eq!(auth_time(&second, &user), Some(start), "the browser still knows the person");
    assert_eq!(second["session_info"]["session_id"], first["session_info"]["session_id"]);
    let third = session(&setup, &[("prompt", "login")]).await;
    assert_eq!(auth_time(&third, &user), Some(setup.now().as_second()));
    setup.emulator.advance(25 * HOUR);
    let fourth = session(&setup, &[]).await;
    assert_eq!(auth_time(&fourth, &user), Some(setup.now().as_second()));
}

#[tokio::test]
async fn linked_identities_join_the_session_and_the_tokens_stay_those_of_the_person() {
    let setup = setup().await;
    setup.emulator.clock().freeze();
    let (user, home) = ids(&setup);
    session(&setup, &[]).await;
    setup.emulator.advance(HOUR);
    let before = setup.now().as_second() - 3600;
    for replaced in [
        ("session_required_single_domain", "nowhere.example,home.example.com"),
        ("session_required_identities", HOME),
        ("session_required_identities", home.as_str()),
    ] {
        setup.emulator.advance(HOUR);
        let told = session(&setup, &[replaced]).await;
        assert_eq!(told["sub"], user);
        assert_eq!(auth_time(&told, &home), Some(setup.now().as_second()), "{replaced:?}");
        assert_eq!(auth_time(&told, &user), Some(before));
        assert_eq!(told["identity_set"], json!([user, home]));
        assert_eq!(told["identity_set_detail"][1]["username"], HOME);
        assert_eq!(told["identity_set_detail"][1]["sub"], home.as_str());
    }
    let both = format!("{user},{home}");
    let told = session(&setup, &[("session_required_identities", &both)]).await;
    assert_eq!(auth_time(&told, &user), auth_time(&told, &home));

    // The scripted human may sign in with another identity than the first.
    setup.emulator.advance(HOUR);
    setup.emulator.script_consent([Decision::approve().with_identity(HOME)]);
    let told = session(&setup, &[("prompt", "login")]).await;
    assert_eq!(auth_time(&told, &home), Some(setup.now().as_second()));
    assert_eq!(auth_time(&told, &user), Some(setup.now().as_second() - 3600));

    let tokens = setup.login(&format!("openid profile {IDENTITY_SET}")).await;
    let info = json(setup.userinfo(&text(&tokens["access_token"])).await, 200).await;
    let set: Vec<_> = info["identity_set"].as_array().unwrap().iter().map(|one| &one["sub"]).collect();
    assert_eq!(set, [&json!(user), &json!(home)]);
}

#[tokio::test]
async fn what_nobody_meets_ends_on_a_page() {
    let setup = setup().await;
    let staff = NewPolicy::new("Staff only").domain("staff.example.org").high_assurance();
    let project = setup.emulator.add_project(&NewProject::new("Staff").policy(staff)).unwrap();
    let policy = project.policies[0].id;
    for (replaced, says) in [
        (("session_required_single_domain", "nowhere.example"), "required domain"),
        (("session_required_identities", "jon@lab.example.org"), "jon@lab.example.org"),
        (("session_required_policies", policy.to_string().as_str()), "Staff only"),
        (("session_required_policies", "2b7b8b6e-0000-4000-8000-000000000000"), "no policy"),
    ] {
        let text = page(&setup, &[replaced]).await;
        assert!(text.contains(says), "{replaced:?}: {text}");
    }
    setup.emulator.script_consent([
        Decision::approve().without_mfa(),
        Decision::approve().with_identity("jon@lab.example.org"),
        Decision::approve().with_identity(HOME),
    ]);
    assert!(page(&setup, &[("session_required_mfa", "True")]).await.contains("second factor"));
    assert!(page(&setup, &[]).await.contains("not linked"));
    let user = setup.emulator.user().id.to_string();
    assert!(page(&setup, &[("session_required_identities", &user)]).await.contains("not what was required"));
}

#[tokio::test]
async fn a_second_factor_shows_in_the_session() {
    let setup = setup().await;
    let (user, _) = ids(&setup);
    let told = session(&setup, &[("session_required_mfa", "true")]).await;
    let authentication = &told["session_info"]["authentications"][&user];
    assert_eq!(authentication["amr"], json!(["pwd", "mfa"]));
    assert!(authentication["acr"].is_string() && authentication["idp"].is_string());
    assert_eq!(authentication["custom_claims"], json!({}));
}

/// An emulator whose collection `laptop` is under a policy, and the policy's id.
async fn under(policy: NewPolicy) -> (Setup, String) {
    let setup = setup_with(|builder| builder.project(NewProject::new("Lab").policy(policy))).await;
    setup.emulator.clock().freeze();
    let policy = setup.emulator.project("Lab").unwrap().policies[0].id;
    let laptop = setup.id("laptop").parse().unwrap();
    setup.emulator.set_collection_rules(laptop, CollectionRules::none().policy(policy)).unwrap();
    (setup, policy.to_string())
}

#[tokio::test]
async fn a_policy_asks_for_a_recent_sign_in() {
    let policy =
        NewPolicy::new("Three days").description("Sign in every three days").max_age_seconds(3 * 86_400);
    let (setup, id) = under(policy).await;
    let tokens = setup.login(TRANSFER).await;
    let token = |tokens: &Value| access_token(tokens, "transfer.api.globus.org");
    setup.emulator.advance(DAY);
    assert_eq!(setup.ls(&token(&tokens), "laptop").await.status(), 200);

    setup.emulator.advance(2 * DAY + Duration::from_secs(1));
    let renewed = json(setup.refresh(&text(&tokens["refresh_token"])).await, 200).await;
    let refused = json(setup.ls(&token(&renewed), "laptop").await, 403).await;
    assert_eq!(refused["code"], "AuthorizationRequired");
    assert_eq!(refused["message"], "Sign in every three days");
    assert_eq!(
        refused["authorization_parameters"],
        json!({
            "session_message": "Sign in every three days", "prompt": "login",
            "session_required_policies": [id],
        })
    );
    setup.login_with("openid", &[("session_required_policies", &id)]).await;
    assert_eq!(setup.ls(&token(&renewed), "laptop").await.status(), 200, "the session is the client's");
}

#[tokio::test]
async fn a_policy_asks_for_a_domain_and_a_second_factor() {
    let policy = NewPolicy::new("Home with two factors")
        .domain("*.example.com")
        .forbidden_domain("other.example.com")
        .required_mfa();
    let (setup, id) = under(policy).await;
    let (_, home) = ids(&setup);
    let token = access_token(&setup.login(TRANSFER).await, "transfer.api.globus.org");
    let parameters = json(setup.ls(&token, "laptop").await, 403).await["authorization_parameters"].clone();
    assert_eq!(parameters["session_required_mfa"], true);
    assert_eq!(parameters["session_message"], "Home with two factors");
    let evaluation = |told: &Value| told["policy_evaluations"][&id].clone();
    assert_eq!(evaluation(&session(&setup, &[]).await), json!({"evaluation": false}));

    let told = session(&setup, &[("session_required_policies", &id)]).await;
    assert_eq!(evaluation(&told), json!({"evaluation": true}));
    assert_eq!(told["session_info"]["authentications"][&home]["amr"], json!(["pwd", "mfa"]));
    assert_eq!(setup.ls(&token, "laptop").await.status(), 200);
    // A later sign-in without the second factor is worth less.
    setup.emulator.script_consent([Decision::approve().with_identity(HOME)]);
    session(&setup, &[("prompt", "login")]).await;
    assert_eq!(setup.ls(&token, "laptop").await.status(), 403);
}

#[tokio::test]
async fn a_policy_of_domains_alone_looks_at_who_somebody_is() {
    let (setup, _) = under(NewPolicy::new("Home").domain("home.example.com")).await;
    let token = access_token(&setup.login(TRANSFER).await, "transfer.api.globus.org");
    assert_eq!(setup.ls(&token, "laptop").await.status(), 200, "the linked identity is enough");
    let client = setup.service_token().await;
    assert_eq!(json(setup.ls(&client, "laptop").await, 403).await["code"], "AuthorizationRequired");
}

#[tokio::test]
async fn a_high_assurance_collection_asks_for_a_recent_sign_in_and_a_missing_consent_is_asked_with_it() {
    let setup = setup().await;
    setup.emulator.clock().freeze();
    let (user, _) = ids(&setup);
    let rules = json!({"high_assurance": true, "authentication_timeout_mins": 30});
    setup.control_call("PATCH", "collections/laptop", rules, 200).await;
    setup.emulator.require_data_access(setup.id("cluster").parse().unwrap(), true).unwrap();
    let token = access_token(&setup.login(TRANSFER).await, "transfer.api.globus.org");
    assert_eq!(setup.ls(&token, "laptop").await.status(), 200);
    setup.emulator.advance(HOUR / 2 + Duration::from_secs(1));
    let refused = json(setup.ls(&token, "laptop").await, 403).await;
    assert_eq!(refused["authorization_parameters"]["session_required_identities"], json!([user]));
    assert_eq!(refused["authorization_parameters"]["prompt"], "login");

    let body = json!({
        "DATA_TYPE": "transfer", "submission_id": uuid::Uuid::new_v4(), "source_endpoint": setup.id("laptop"),
        "destination_endpoint": setup.id("cluster"),
        "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/x", "destination_path": "/y"}],
    });
    let submit = async || {
        let request = setup.http.post(setup.transfer("transfer")).bearer_auth(&token).json(&body);
        request.send().await.unwrap()
    };
    let parameters = json(submit().await, 403).await["authorization_parameters"].clone();
    let scope = text(&parameters["required_scopes"][0]);
    assert!(scope.contains(&setup.id("cluster")));
    setup.login_with(&scope, &[("session_required_identities", &user), ("prompt", "login")]).await;
    assert_eq!(submit().await.status(), 202, "one login was enough for both");
}

#[tokio::test]
async fn people_are_added_with_their_linked_identities() {
    let ada = Person::new("ada@lab.example.org").name("Ada Example").linked("ada@home.example.com");
    let setup = setup_with(|builder| builder.person(ada)).await;
    let tokens = setup
        .login_with(&format!("openid profile {IDENTITY_SET}"), &[("emulator_user", "ada@lab.example.org")])
        .await;
    let info = json(setup.userinfo(&text(&tokens["access_token"])).await, 200).await;
    assert_eq!(info["name"], "Ada Example");
    assert_eq!(info["identity_set"].as_array().unwrap().len(), 2);

    let person = json!({"username": "bob@lab.example.org", "linked": ["bob@home.example.com"]});
    let added = setup.control_call("POST", "people", person, 200).await;
    let bob = text(&added["people"][0][0]["id"]);
    assert_eq!(added["people"][0].as_array().unwrap().len(), 2);
    setup.control_call("POST", "people", json!({"username": "nobody"}), 400).await;
    let told = session(&setup, &[("emulator_user", &bob)]).await;
    assert_eq!(told["username"], "bob@lab.example.org");
    let sessions = json(setup.http.get(setup.control("sessions")).send().await.unwrap(), 200).await;
    assert!(sessions["sessions"].as_array().unwrap().iter().any(|session| session["account"] == bob));

    setup.emulator.reset();
    assert!(setup.emulator.find_user("bob@lab.example.org").is_none());
    assert!(setup.emulator.find_user("ada@home.example.com").is_some());
}

#[tokio::test]
async fn policies_are_attached_over_http() {
    let setup = setup().await;
    let project = json!({"name": "Lab", "policies": [{"name": "Fresh", "max_age_seconds": 60}]});
    let id = text(&setup.control_call("POST", "projects", project, 200).await["policies"][0]["id"]);
    setup.control_call("PATCH", "collections/laptop", json!({"policy": id}), 200).await;
    let token = access_token(&setup.login(TRANSFER).await, "transfer.api.globus.org");
    let url = setup.transfer(&format!("endpoint/{}", setup.id("laptop")));
    let body = json(setup.http.get(url).bearer_auth(&token).send().await.unwrap(), 200).await;
    assert_eq!(
        (&body["authentication_policy_id"], &body["authentication_timeout_mins"]),
        (&json!(id), &json!(1))
    );
    setup.emulator.advance(HOUR);
    assert_eq!(setup.ls(&token, "laptop").await.status(), 403);
    setup.control_call("PATCH", "collections/laptop", json!({"policy": null}), 200).await;
    assert_eq!(setup.ls(&token, "laptop").await.status(), 200);
}

#[tokio::test]
async fn a_whole_login_by_pasting_is_played() {
    let setup = setup().await;
    let page = setup.auth("v2/web/auth-code");
    let code = setup.emulator.paste_login(setup.authorize_url("openid", &[("redirect_uri", &page)])).await;
    assert!(code.unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let address = setup.emulator.paste_login(setup.authorize_url("openid", &[])).await.unwrap();
    assert!(address.starts_with(support::REDIRECT) && address.contains("state=some-state"));
}

#[tokio::test]
async fn sessions_consents_and_rules_outlive_the_emulator() {
    let (home, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = home.path().join("data");
    let start = async || {
        setup_with(|builder| builder.data_dir(&data).collection("kept", files.path()).open(true)).await
    };
    let first = start().await;
    let told = session(&first, &[("session_required_mfa", "true")]).await;
    let token = access_token(&first.login(TRANSFER).await, "transfer.api.globus.org");
    let kept = first.id("kept");
    first
        .control_call(
            "POST",
            "collections/require_data_access",
            json!({"collection": "kept", "required": true}),
            200,
        )
        .await;
    first.emulator.stop().await;

    let second = start().await;
    assert_eq!(second.id("kept"), kept);
    assert_eq!(json(second.ls(&token, "kept").await, 403).await["code"], "ConsentRequired");
    let scope = format!("{TRANSFER}[*https://auth.globus.org/scopes/{kept}/data_access]");
    second.login(&scope).await;
    assert_eq!(second.ls(&token, "kept").await.status(), 200);
    let again = session(&second, &[]).await;
    assert_eq!(again["session_info"], told["session_info"]);
    second.emulator.stop().await;
}
