//! A recorded program: an app, its clients, and the calls that are made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use globus_sdk::api_error::Service;
use globus_sdk::login::{LoginRequest, LoginUi, StartedLogin};
use globus_sdk::scopes::{
    ComputeScopes, FlowsScopes, GroupsScopes, SearchScopes, SpecificFlowScopes, TimersScopes, TransferScopes,
};
use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, BaseClient, ClientApp, ClientBuilder, EndpointId, Error, GlobusApp,
    GlobusAuthorizationParameters, LoginError, MemoryTokenStorage, Result, Scopes, TokenResponse,
    TransferClient, UserApp,
};
use serde_json::{Value, json};
use url::Url;

use crate::compare::{comma_lists, recorded_pairs};
use crate::flows::{Login, authorize_difference};
use crate::playback::{Playback, text_of};
use crate::requests::ACCESS_TOKEN;

/// A person who answers each address with a code, and the addresses shown.
#[derive(Clone, Debug)]
struct Person {
    code: String,
    shown: Arc<Mutex<Vec<(LoginRequest, StartedLoginShared)>>>,
}

type StartedLoginShared = Arc<StartedLogin>;

impl LoginUi for Person {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        let login = Arc::new(request.start()?);
        self.shown.lock().unwrap().push((request.clone(), Arc::clone(&login)));
        login.finish(&self.code).await
    }
}

enum Client {
    Transfer(TransferClient),
    Auth(AuthClient),
    /// A service that has no client of its own yet, with its resource server.
    Untyped(BaseClient, String),
}

pub(crate) struct Program {
    pub(crate) app: GlobusApp,
    pub(crate) playback: Playback,
    setup: Value,
    person: Person,
    clients: HashMap<String, Client>,
}

impl Program {
    pub(crate) fn new(setup: &Value, playback: Playback) -> Self {
        let (described, config) = (&setup["app"], &setup["app"]["config"]);
        let person = Person {
            code: config["login_flow"]["code"].as_str().unwrap_or_default().to_owned(),
            shown: Arc::default(),
        };
        let name = described["app_name"].as_str().unwrap();
        let redrive = config["auto_redrive_gares"] == true;
        macro_rules! with_requirements {
            ($builder:expr) => {{
                let mut builder = $builder
                    .token_storage(MemoryTokenStorage::new())
                    .transport(playback.clone())
                    .auto_redrive_gares(redrive);
                for (server, needed) in described["scope_requirements"].as_object().into_iter().flatten() {
                    builder = builder.scope_requirements(server.as_str(), scopes(needed));
                }
                builder
            }};
        }
        let app = if described["kind"] == "ClientApp" {
            let (id, secret) = (&described["client_id"], &described["client_secret"]);
            let builder = ClientApp::builder(name).client(text_of(id), text_of(secret).as_str());
            GlobusApp::from(&with_requirements!(builder).build().unwrap())
        } else {
            let login = &described["login_client"];
            let builder = UserApp::builder(name)
                .login_ui(person.clone())
                .request_refresh_tokens(config["request_refresh_tokens"] == true);
            let mut builder = match Login::new(&login["client"], &login["client_args"], &playback) {
                Login::Native(client) => builder.login_client(client),
                Login::Confidential(client) => builder.login_client(client),
            };
            if let Some(uri) = config["login_flow"]["redirect_uri"].as_str() {
                builder = builder.redirect_uri(uri);
            }
            if let Some(grant) = config["login_flow"]["prefill_named_grant"].as_str() {
                builder = builder.prefill_named_grant(grant);
            }
            GlobusApp::from(&with_requirements!(builder).build().unwrap())
        };
        let mut program = Self { app, playback, setup: setup.clone(), person, clients: HashMap::new() };
        for described in setup["clients"].as_array().unwrap() {
            let client = program.client(described);
            program.clients.insert(text_of(&described["id"]), client);
        }
        program
    }

    fn client(&self, described: &Value) -> Client {
        let own_scopes = (!described["app_scopes"].is_null()).then(|| scopes(&described["app_scopes"]));
        let kind = described["client"].as_str().unwrap();
        let attached = described["authorizer"] == "app";
        macro_rules! typed {
            ($client:ident) => {
                match own_scopes {
                    _ if !attached => $client::builder()
                        .authorizer(AccessTokenAuthorizer::new(ACCESS_TOKEN))
                        .transport(self.playback.clone())
                        .build(),
                    Some(scopes) => $client::with_app_scopes(&self.app, scopes),
                    None => $client::with_app(&self.app),
                }
                .unwrap()
            };
        }
        let untyped = |service, name, server: &str, defaults: Scopes| {
            let builder = ClientBuilder::new(service, Some(name), |base| base);
            let client = self.app.attach(builder, server, own_scopes.clone().unwrap_or(defaults)).unwrap();
            Client::Untyped(client.build().unwrap(), server.to_owned())
        };
        macro_rules! of {
            ($service:ident, $name:literal, $scopes:ident) => {
                untyped(Service::$service, $name, $scopes::RESOURCE_SERVER, $scopes::DEFAULTS.into())
            };
        }
        match kind {
            "TransferClient" => Client::Transfer(typed!(TransferClient)),
            "AuthClient" => Client::Auth(typed!(AuthClient)),
            "GroupsClient" => of!(Groups, "groups", GroupsScopes),
            "SearchClient" => of!(Search, "search", SearchScopes),
            "FlowsClient" => of!(Flows, "flows", FlowsScopes),
            "TimersClient" => of!(Timers, "timer", TimersScopes),
            "ComputeClientV2" | "ComputeClientV3" => of!(Compute, "compute", ComputeScopes),
            "SpecificFlowClient" => {
                let scopes = SpecificFlowScopes::new(text_of(&described["client_args"]["flow_id"]));
                untyped(Service::Flows, "flows", scopes.resource_server(), scopes.user().into())
            }
            other => panic!("no client {other}"),
        }
    }

    pub(crate) async fn run(&mut self) -> Result<Value> {
        let (mut returned, calls) = (Value::Null, self.setup["calls"].as_array().unwrap().clone());
        for (index, call) in calls.iter().enumerate() {
            let (method, args) = (call["method"].as_str().unwrap(), &call["args"]);
            let value = match call["on"].as_str().unwrap() {
                "app" => self.call_app(method, args).await?,
                client => self.call_client(&self.clients[client], method, args).await?,
            };
            if self.setup["returns_of"] == index {
                returned = value;
            }
        }
        Ok(returned)
    }

    async fn call_app(&self, method: &str, args: &Value) -> Result<Value> {
        match method {
            "login" => {
                let mut login = self.app.login();
                if args["force"] == true {
                    login = login.force();
                }
                if !args["auth_params"].is_null() {
                    login = login.parameters(parameters(&args["auth_params"]));
                }
                login.await?;
            }
            "logout" if args["sweep"] == true => drop(self.app.logout().sweep().await?),
            "logout" => drop(self.app.logout().await?),
            "login_required" => return Ok(json!(self.app.login_required().await?)),
            other => panic!("no method {other}"),
        }
        Ok(Value::Null)
    }

    async fn call_client(&self, client: &Client, method: &str, args: &Value) -> Result<Value> {
        let ids = |name: &str| comma_lists(&args[name]);
        let collections =
            || ids("collection_ids").iter().map(|id| id.parse::<EndpointId>().unwrap()).collect::<Vec<_>>();
        match (client, method) {
            (Client::Transfer(client), "add_app_data_access_scope") => {
                client.add_app_scope(TransferScopes::with_data_access(collections()))?;
                Ok(Value::Null)
            }
            (Client::Transfer(client), "add_app_scope") => {
                client.add_app_scope(scopes(&args["scopes"]))?;
                Ok(Value::Null)
            }
            (Client::Transfer(client), "get_task") => {
                let task: uuid::Uuid = text_of(&args["task_id"]).parse().unwrap();
                client.get_task(task).send().await?.raw_json()
            }
            (Client::Auth(client), "userinfo") => client.userinfo().send().await?.raw_json(),
            (Client::Untyped(_, server), "add_app_transfer_data_access_scope") if is_timers(server) => {
                let scope = TimersScopes::with_transfer_data_access(collections());
                self.app.add_scope_requirements(server.as_str(), scope).map(|()| Value::Null)
            }
            (Client::Untyped(_, server), "add_app_transfer_data_access_scope") => {
                let scope = SpecificFlowScopes::new(server).with_transfer_data_access(collections());
                self.app.add_scope_requirements(server.as_str(), scope).map(|()| Value::Null)
            }
            (Client::Untyped(_, server), "add_app_flow_user_scope") => {
                let scope = TimersScopes::with_flow_user(ids("flow_ids"));
                self.app.add_scope_requirements(server.as_str(), scope).map(|()| Value::Null)
            }
            (Client::Untyped(client, _), method) => {
                let path = untyped_path(method, args, &self.setup);
                let verb = if method == "resume_run" { http::Method::POST } else { http::Method::GET };
                Ok(client.request(verb, path).send_raw().await?.value().into_inner())
            }
            (_, other) => panic!("no method {other}"),
        }
    }

    /// The addresses that were shown to the person.
    pub(crate) fn shown(&self) -> Vec<Url> {
        self.person.shown.lock().unwrap().iter().map(|(_, login)| login.authorize_url().clone()).collect()
    }

    /// Where the addresses differ from those recorded.
    pub(crate) fn urls_difference(&self, expected: &Value) -> Option<String> {
        let expected = expected.as_array().cloned().unwrap_or_default();
        let shown = self.person.shown.lock().unwrap();
        if expected.len() != shown.len() {
            return Some(format!("expected {} logins, found {}", expected.len(), shown.len()));
        }
        expected.iter().zip(shown.iter()).find_map(|(expected, (request, login))| {
            let again = request.start().unwrap();
            let query = recorded_pairs(&expected["query"]);
            let mut url = login.authorize_url().clone();
            if self.setup["app"]["config"]["login_flow"]["prefill_named_grant"].is_null() {
                // The names of program and machine, which records leave out.
                let others = |(name, _): &(_, _)| name != "prefill_named_grant";
                let kept: Vec<_> = url.query_pairs().into_owned().filter(others).collect();
                url.query_pairs_mut().clear().extend_pairs(kept);
            }
            authorize_difference(query, &json!({}), login.flow(), again.flow(), &url)
        })
    }
}

fn is_timers(server: &str) -> bool {
    server == TimersScopes::RESOURCE_SERVER
}

/// The paths of the few calls that are recorded with apps, of services that have no client yet.
fn untyped_path(method: &str, args: &Value, setup: &Value) -> String {
    let arg = |name: &str| text_of(&args[name]);
    match method {
        "get_group" => format!("/v2/groups/{}", arg("group_id")),
        "get_index" => format!("/v1/index/{}", arg("index_id")),
        "get_run" => format!("/runs/{}", arg("run_id")),
        "get_job" => format!("/jobs/{}", arg("job_id")),
        "get_version" => "/v2/version".to_owned(),
        "get_endpoint_allowlist" => format!("/v3/endpoints/{}/allowed_functions", arg("endpoint_id")),
        "resume_run" => format!("/runs/{}/resume", arg("run_id")),
        other => panic!("no method {other} in {setup}"),
    }
}

/// Scopes in any form in which they are recorded.
pub(crate) fn scopes(value: &Value) -> Scopes {
    match value {
        Value::Array(list) => list.iter().map(scopes).collect::<Vec<_>>().into(),
        Value::Object(object) => text_of(&object["$scope"]).into(),
        text => text.as_str().unwrap().into(),
    }
}

fn parameters(value: &Value) -> GlobusAuthorizationParameters {
    let list = |name: &str| value[name].as_array().map(|list| list.iter().map(text_of).collect::<Vec<_>>());
    let mut parameters = GlobusAuthorizationParameters::default();
    parameters.session_required_identities = list("session_required_identities");
    parameters.session_required_policies = list("session_required_policies");
    parameters.session_required_single_domain = list("session_required_single_domain");
    parameters.required_scopes = list("required_scopes");
    parameters.session_required_mfa = value["session_required_mfa"].as_bool();
    parameters.session_message = value["session_message"].as_str().map(str::to_owned);
    parameters.prompt = value["prompt"].as_str().map(str::to_owned);
    parameters
}

trait RawJson {
    fn raw_json(self) -> Result<Value>;
}

impl<T> RawJson for globus_sdk::Response<T> {
    fn raw_json(self) -> Result<Value> {
        serde_json::from_slice(self.raw()).map_err(|error| Error::other(error.to_string(), None))
    }
}
