//! Somebody with a token for Auth, and what they ask there.

use globus_emulator::Decision;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{self, Setup, text};

pub const MANAGE: &str = "urn:globus:auth:scope:auth.globus.org:manage_projects";
pub const JON: &str = "jon@lab.example.org";
pub const JON_ID: &str = "7c4d8e1a-2b3c-4d5e-8f60-718293a4b5c3";
pub const LINKED_ID: &str = "5e0b6f2c-1f1a-4b7e-9a3e-6f3c2d1b0a02";

pub struct Developer<'s> {
    setup: &'s Setup,
    token: String,
}

impl Setup {
    /// The emulator's user, fresh from a login.
    pub async fn developer(&self) -> Developer<'_> {
        Developer { setup: self, token: text(&self.login(MANAGE).await["access_token"]) }
    }

    /// Somebody else.
    pub async fn developer_as(&self, user: &str) -> Developer<'_> {
        self.emulator.script_consent([Decision::approve().as_user(user)]);
        self.developer().await
    }

    /// The emulator's confidential client, which acts as itself.
    pub async fn client_developer(&self) -> Developer<'_> {
        let answer = self.token_as_service(&[("grant_type", "client_credentials"), ("scope", MANAGE)]).await;
        Developer { setup: self, token: text(&support::json(answer, 200).await["access_token"]) }
    }

    pub fn user_id(&self) -> String {
        self.emulator.user().id.to_string()
    }
}

impl Developer<'_> {
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let url = self.setup.auth(&format!("v2/api/{path}"));
        let mut request = self.setup.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        support::json(self.send(Method::GET, path, None).await, 200).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        support::json(self.send(Method::POST, path, Some(&body)).await, 201).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        support::json(self.send(Method::PUT, path, Some(&body)).await, 200).await
    }

    pub async fn delete(&self, path: &str) -> Value {
        support::json(self.send(Method::DELETE, path, None).await, 200).await
    }

    /// A call that is refused, in the shape of Auth.
    pub async fn refused(&self, method: Method, path: &str, body: Option<Value>, status: u16) -> Value {
        let refusal = support::json(self.send(method, path, body.as_ref()).await, status).await;
        let first = &refusal["errors"][0];
        assert_eq!(first["status"], status.to_string(), "{refusal}");
        assert_eq!(refusal["error"], first["code"], "{refusal}");
        assert!(first["detail"].is_string() && first["title"].is_string() && first["id"].is_string());
        assert!(refusal["error_description"].is_string());
        refusal
    }

    /// What is wrong with a document, by member.
    pub async fn faults(&self, method: Method, path: &str, body: Value) -> Vec<String> {
        let refusal = self.refused(method, path, Some(body), 422).await;
        assert_eq!(refusal["error"], "UNPROCESSABLE_ENTITY");
        let errors = refusal["errors"].as_array().unwrap();
        let pointer = |error: &Value| text(&error["source"]["pointer"]);
        errors.iter().map(|error| pointer(error).rsplit('/').next().unwrap().to_owned()).collect()
    }

    pub async fn project(&self) -> String {
        let admin = self.setup.user_id();
        self.project_of(&[&admin]).await
    }

    pub async fn project_of(&self, admins: &[&str]) -> String {
        let project = json!({"display_name": "Portal", "contact_email": "a@b.example", "admin_ids": admins});
        text(&self.post("projects", json!({"project": project})).await["project"]["id"])
    }

    /// A client that may do everything, in a project.
    pub async fn client(&self, project: &str) -> String {
        let client = json!({"name": "Portal", "project": project, "public_client": false});
        text(&self.post("clients", json!({"client": client})).await["client"]["id"])
    }

    pub async fn credential(&self, client: &str) -> (String, String) {
        let made =
            self.post(&format!("clients/{client}/credentials"), json!({"credential": {"name": "a"}})).await;
        (text(&made["credential"]["id"]), text(&made["credential"]["secret"]))
    }

    /// A scope of a client; the answer's document.
    pub async fn scope(&self, client: &str, suffix: &str, more: Value) -> Value {
        let mut scope = json!({"name": suffix, "description": "", "scope_suffix": suffix});
        scope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("clients/{client}/scopes"), json!({"scope": scope})).await["scopes"][0].clone()
    }
}

/// A token request of a client with its secret.
pub async fn token_of(setup: &Setup, client: &str, secret: &str, scope: &str) -> Response {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let request = setup.http.post(setup.auth("v2/oauth2/token")).basic_auth(client, Some(secret)).form(&form);
    request.send().await.unwrap()
}

pub fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| text(&item["id"])).collect()
}
