//! Projects that the emulator's owner gives it.

use globus_emulator::{Emulator, NewClient, NewPolicy, NewProject, NewScope, RegisteredProject, StartError};
use serde_json::json;

use crate::developer::{JON, token_of};
use crate::support::{TRANSFER, http, json, setup, setup_with, text};

fn portal() -> NewProject {
    NewProject::new("Portal")
        .client(
            NewClient::confidential("server")
                .redirect_uri("https://portal.example.org/callback")
                .scope(NewScope::new("all").depends_on(TRANSFER)),
        )
        .client(NewClient::public("app"))
        .policy(NewPolicy::new("Staff").domain("lab.example.org").max_age_seconds(60))
}

#[tokio::test]
async fn a_project_of_the_builder_works_at_once() {
    let setup = setup_with(|builder| builder.project(portal())).await;
    let project = setup.emulator.project("Portal").unwrap();
    let server = project.client("server").unwrap();
    let secret = server.secret.clone().unwrap();
    assert!(project.client("app").unwrap().secret.is_none());
    assert!(!format!("{project:?}").contains(&secret));
    let id = server.id.to_string();
    json(token_of(&setup, &id, &secret, TRANSFER).await, 200).await;
    let tokens = setup.login(&server.scopes[0]).await;
    assert_eq!(tokens["resource_server"], id);

    let developer = setup.developer().await;
    assert_eq!(developer.get("projects").await["projects"][0]["id"], project.id.to_string());
    assert_eq!(developer.get("clients").await["clients"].as_array().unwrap().len(), 2);
    let policy = developer.get("policies").await["policies"][0].clone();
    assert_eq!(policy["id"], project.policy("Staff").unwrap().id.to_string());
    assert_eq!(policy["high_assurance"], true);
    assert_eq!(policy["authentication_assurance_timeout"], 60);
    assert_eq!(policy["domain_constraints_include"], json!(["lab.example.org"]));
    let shown = developer.get(&format!("clients/{id}")).await["client"].clone();
    assert_eq!(shown["redirect_uris"], json!(["https://portal.example.org/callback"]));
}

#[tokio::test]
async fn a_reset_brings_it_back_as_it_was_and_removes_the_rest() {
    let setup = setup_with(|builder| builder.project(portal())).await;
    let project = setup.emulator.project("Portal").unwrap().clone();
    let server = project.client("server").unwrap();
    let developer = setup.developer().await;
    developer.delete(&format!("clients/{}", server.id)).await;
    developer.put(&format!("projects/{}", project.id), json!({"project": {"display_name": "X"}})).await;
    developer.client(&developer.project().await).await;
    setup.emulator.add_project(&NewProject::new("Late")).unwrap();
    setup.emulator.reset();

    let developer = setup.developer().await;
    let projects = developer.get("projects").await["projects"].clone();
    assert_eq!(projects.as_array().unwrap().len(), 1);
    assert_eq!(projects[0]["display_name"], "Portal");
    assert_eq!(developer.get("clients").await["clients"].as_array().unwrap().len(), 2);
    assert_eq!(developer.get("policies").await["policies"].as_array().unwrap().len(), 1);
    let secret = server.secret.as_ref().unwrap();
    json(token_of(&setup, &server.id.to_string(), secret, &server.scopes[0]).await, 200).await;
}

#[tokio::test]
async fn it_is_the_same_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let start = || Emulator::builder().project(portal()).data_dir(home.path()).start();
    let first = start().await.unwrap();
    let before: RegisteredProject = first.project("Portal").unwrap().clone();
    first.stop().await;
    let second = start().await.unwrap();
    assert_eq!(*second.project("Portal").unwrap(), before);
    second.stop().await;
    let other = Emulator::builder().project(portal()).start().await.unwrap();
    let other = other.project("Portal").unwrap();
    assert_ne!(other.id, before.id);
    assert_ne!(other.client("server").unwrap().secret, before.client("server").unwrap().secret);
}

#[tokio::test]
async fn a_running_emulator_takes_projects_over_http() {
    let setup = setup().await;
    let id = "11111111-2222-4333-8444-555555555555";
    let wanted = json!({
        "name": "Portal", "admins": [JON], "contact_email": "jon@lab.example.org",
        "clients": [{
            "name": "server", "id": id, "secret": "a-secret-of-my-own-choice-0123456789",
            "redirect_uris": ["https://portal.example.org/"], "scopes": [{"suffix": "all"}],
        }],
        "policies": [{"name": "Staff", "required_mfa": true, "high_assurance": true}],
    });
    let post = async |body: &serde_json::Value| {
        setup.http.post(setup.control("projects")).json(body).send().await.unwrap()
    };
    let made = json(post(&wanted).await, 200).await;
    assert_eq!(made["clients"][0]["id"], id);
    let secret = text(&made["clients"][0]["secret"]);
    let scope = text(&made["clients"][0]["scopes"][0]);
    json(token_of(&setup, id, &secret, &scope).await, 200).await;
    let jon = setup.developer_as(JON).await;
    assert_eq!(jon.get("clients").await["clients"][0]["id"], id);
    assert_eq!(setup.developer().await.get("clients").await, json!({"clients": []}));

    let mut wrong = wanted.clone();
    wrong["admins"] = json!(["nobody@lab.example.org"]);
    let refused = json(post(&wrong).await, 400).await;
    assert!(text(&refused["message"]).contains("nobody@lab.example.org"));
    wrong = wanted.clone();
    wrong["colour"] = json!("red");
    json(post(&wrong).await, 400).await;
}

#[tokio::test]
async fn what_cannot_be_made_is_said_and_nothing_of_it_is_made() {
    let emulator = Emulator::builder().start().await.unwrap();
    for (wanted, reason) in [
        (NewProject::new("P").admin("nobody"), "nobody"),
        (NewProject::new("P").client(NewClient::of_type("x", "odd")), "client_type"),
        (NewProject::new("P").client(NewClient::public("x")).client(NewClient::public("x")), "two clients"),
        (NewProject::new("P").policy(NewPolicy::new("x")).policy(NewPolicy::new("x")), "two policies"),
        (NewProject::new("P").policy(NewPolicy::new("x").max_age_seconds(0)), "0 seconds"),
        (NewProject::new("P").client(NewClient::public("x").scope(NewScope::new("A"))), "\"A\""),
        (
            NewProject::new("P").client(NewClient::public("x").scope(NewScope::new("a").depends_on("b"))),
            "\"b\"",
        ),
    ] {
        let error = emulator.add_project(&wanted).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        let started = Emulator::builder().project(wanted).start().await;
        assert!(matches!(started, Err(StartError::Registration(_))));
    }
    let url = format!("{}v1/state", emulator.control_url());
    let state = json(http().get(url).send().await.unwrap(), 200).await;
    assert_eq!(state["projects"], json!([]));
}
