//! What the tests share: an HTTP client that knows nothing of the SDK, and a login.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    missing_docs
)]

use globus_emulator::{Clock as _, Emulator, EmulatorBuilder, RedirectedLogin};
use reqwest::{Client, Response, redirect};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

pub const TRANSFER: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";
pub const GROUPS: &str = "urn:globus:auth:scope:groups.api.globus.org:all";
pub const TIMER: &str = "https://auth.globus.org/scopes/524230d7-ea86-4a52-8312-86065a9e0417/timer";
/// The verifier of RFC 7636 and its challenge.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const REDIRECT: &str = "http://localhost:1/callback";

pub struct Setup {
    pub emulator: Emulator,
    pub http: Client,
    pub a: TempDir,
    pub b: TempDir,
}

pub fn http() -> Client {
    Client::builder().no_proxy().tls_certs_only([]).redirect(redirect::Policy::none()).build().unwrap()
}

pub async fn setup() -> Setup {
    setup_with(|builder| builder).await
}

pub async fn setup_with(adjust: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Setup {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let builder = Emulator::builder().collection("laptop", a.path()).collection("cluster", b.path());
    let emulator = adjust(builder).start().await.unwrap();
    Setup { emulator, http: http(), a, b }
}

impl Setup {
    pub fn auth(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.service_url("auth"))
    }

    pub fn transfer(&self, path: &str) -> String {
        format!("{}v0.10/{path}", self.emulator.service_url("transfer"))
    }

    pub fn control(&self, path: &str) -> String {
        format!("{}v1/{path}", self.emulator.control_url())
    }

    pub fn native(&self) -> String {
        self.emulator.native_client_id().to_string()
    }

    /// The authorize URL of the native client, with some parameters replaced (an empty value removes one).
    pub fn authorize_url(&self, scope: &str, replaced: &[(&str, &str)]) -> String {
        let native = self.native();
        let mut parameters = vec![
            ("client_id", native.as_str()),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
            ("state", "some-state"),
            ("response_type", "code"),
            ("access_type", "offline"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in replaced {
            parameters.retain(|(known, _)| known != name);
            if !value.is_empty() {
                parameters.push((name, value));
            }
        }
        Url::parse_with_params(&self.auth("v2/oauth2/authorize"), parameters).unwrap().into()
    }

    pub async fn token(&self, form: &[(&str, &str)]) -> Response {
        self.http.post(self.auth("v2/oauth2/token")).form(form).send().await.unwrap()
    }

    /// A token request of the confidential client.
    pub async fn token_as_service(&self, form: &[(&str, &str)]) -> Response {
        let client = self.emulator.confidential_client();
        let request = self.http.post(self.auth("v2/oauth2/token")).form(form);
        request.basic_auth(client.id(), Some(client.secret())).send().await.unwrap()
    }

    pub async fn exchange(&self, code: &str) -> Response {
        let native = self.native();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", &native),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub async fn authorize(&self, scope: &str) -> RedirectedLogin {
        self.emulator.login(self.authorize_url(scope, &[])).await.unwrap()
    }

    /// Logs the emulator's user in and answers the token document.
    pub async fn login(&self, scope: &str) -> Value {
        let login = self.authorize(scope).await;
        json(self.exchange(&login.code).await, 200).await
    }

    pub async fn refresh(&self, token: &str) -> Response {
        let native = self.native();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &native)]).await
    }

    pub async fn userinfo(&self, token: &str) -> Response {
        self.http.get(self.auth("v2/oauth2/userinfo")).bearer_auth(token).send().await.unwrap()
    }

    /// An access token of the confidential client for Transfer.
    pub async fn service_token(&self) -> String {
        let answer =
            self.token_as_service(&[("grant_type", "client_credentials"), ("scope", TRANSFER)]).await;
        text(&json(answer, 200).await["access_token"])
    }

    /// What a token stands for, told to the confidential client if the token is its own or meant for it.
    pub async fn introspect(&self, token: &str) -> Value {
        let client = self.emulator.confidential_client();
        let form = [
            ("token", token),
            ("include", "session_info,identity_set,identity_set_detail,policy_evaluations"),
        ];
        let request = self.http.post(self.auth("v2/oauth2/token/introspect")).form(&form);
        json(request.basic_auth(client.id(), Some(client.secret())).send().await.unwrap(), 200).await
    }

    /// A scope of which the confidential client is the resource server.
    pub fn own_scope(&self) -> String {
        format!("https://auth.globus.org/scopes/{}/portal", self.emulator.confidential_client().id())
    }

    /// Logs in with parameters of the authorize request replaced, and answers the token document.
    pub async fn login_with(&self, scope: &str, replaced: &[(&str, &str)]) -> Value {
        let login = self.emulator.login(self.authorize_url(scope, replaced)).await.unwrap();
        json(self.exchange(&login.code).await, 200).await
    }

    /// A call of the control interface that must be answered with this status.
    pub async fn control_call(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let method = method.parse().unwrap();
        json(self.http.request(method, self.control(path)).json(&body).send().await.unwrap(), status).await
    }

    pub async fn ls(&self, token: &str, collection: &str) -> Response {
        let url = self.transfer(&format!("operation/endpoint/{}/ls?path=/", self.id(collection)));
        self.http.get(url).bearer_auth(token).send().await.unwrap()
    }

    /// The emulated time.
    pub fn now(&self) -> jiff::Timestamp {
        self.emulator.clock().now()
    }

    pub fn id(&self, collection: &str) -> String {
        self.emulator.collection(collection).unwrap().id.to_string()
    }
}

/// The access token of a token document for a resource server.
pub fn access_token(tokens: &Value, resource_server: &str) -> String {
    text(&token_of(tokens, resource_server)["access_token"])
}

/// The part of a token document that is about a resource server.
pub fn token_of<'t>(tokens: &'t Value, resource_server: &str) -> &'t Value {
    let others = tokens["other_tokens"].as_array().unwrap();
    let mut all = std::iter::once(tokens).chain(others);
    all.find(|token| token["resource_server"] == resource_server).expect("a token for the resource server")
}

/// The body, after checking the status.
pub async fn json(response: Response, status: u16) -> Value {
    let got = response.status().as_u16();
    let body = response.text().await.unwrap();
    assert_eq!(got, status, "{body}");
    serde_json::from_str(&body).unwrap()
}

pub fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
