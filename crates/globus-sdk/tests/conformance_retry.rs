//! Calls against scripted answers, as recorded from the Python SDK: what is sent again, after which wait, and
//! how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "conformance_support/compare.rs"]
mod compare;
#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
#[path = "conformance_support/errors.rs"]
mod errors;
mod playback;
#[path = "conformance_support/retry_model.rs"]
mod retry_model;

use std::time::Duration;

use compare::{recorded_pairs, same_pairs};
use conformance::{Case, Outcome, difference};
use errors::error_name;
use globus_sdk::api_error::Service;
use globus_sdk::scopes::{
    AuthScopes, ComputeScopes, FlowsScopes, GroupsScopes, SearchScopes, TimersScopes, TransferScopes,
};
use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, Authorizer, BaseClient, BasicAuthorizer, ClientApp, ClientBuilder,
    ClientCredentialsAuthorizer, ConfidentialAppAuthClient, ManualClock, MemoryTokenStorage,
    NativeAppAuthClient, NullAuthorizer, RefreshTokenAuthorizer, RefreshWindows, Result, RetryPolicy, Scopes,
    TaskId, TransferClient, TransferData,
};
use http::Method;
use playback::{Playback, Sent, Step, wait};
use retry_model::{Observed, START, accepted, is_token_request, rules, script};
use serde_json::{Value, json};

const NATIVE: &str = "00000000-0000-4000-8000-000000000080";
const CONFIDENTIAL: (&str, &str) = ("00000000-0000-4000-8000-000000000081", "s3cr3t");
const SEARCH: &str = "urn:globus:auth:scope:search.api.globus.org:search";

#[test]
fn conformance_of_retries() {
    conformance::run("retry.json", |case| wait(judge(case)));
}

/// The model decides only where a rule applies. Everywhere else it must agree with the record, or its word is
/// worth nothing.
#[test]
fn the_rules_change_nothing_where_none_applies() {
    let untouched = |case: &Case| rules(case).is_empty() && runs_here(case);
    for case in conformance::load("retry.json").unwrap_or_default().iter().filter(|case| untouched(case)) {
        let modelled = retry_model::by_the_rules(case);
        let recorded = Observed::recorded(case);
        assert_eq!(modelled.sleeps, recorded.sleeps, "{}", case.name);
        assert_eq!(modelled.outcome, recorded.outcome, "{}", case.name);
        assert_eq!(modelled.token_requests, recorded.token_requests, "{}", case.name);
        assert_eq!(modelled.requests.len(), recorded.requests.len(), "{}", case.name);
    }
}

/// Whether the case's client, call and authorizer exist.
fn runs_here(case: &Case) -> bool {
    let is_get = case.whole["observed"]["requests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|request| !is_token_request(case, request))
        .all(|request| request["method"] == "GET");
    let call = match (case.whole["client"].as_str().unwrap(), case.whole["call"]["method"].as_str().unwrap())
    {
        ("TransferClient", "get_task" | "submit_transfer" | "cancel_task" | "update_task")
        | ("AuthClient", "userinfo")
        | ("NativeAppAuthClient" | "ConfidentialAppAuthClient", "oauth2_refresh_token")
        | ("ConfidentialAppAuthClient", "oauth2_client_credentials_tokens") => true,
        (client, _) => service_of(client).is_some() && is_get,
    };
    // There are no clients of Globus Connect Server yet whose apps could be asked.
    call && (case.whole["authorizer"]["kind"] != "client_app" || client_of_app(case).is_some())
}

/// Services whose calls are made without a method of their own: errors, and the name or address.
fn service_of(client: &str) -> Option<(Service, Option<&'static str>)> {
    Some(match client {
        "SearchClient" => (Service::Search, Some("search")),
        "GroupsClient" => (Service::Groups, Some("groups")),
        "FlowsClient" => (Service::Flows, Some("flows")),
        "TimersClient" => (Service::Timers, Some("timer")),
        "ComputeClientV2" | "ComputeClientV3" => (Service::Compute, Some("compute")),
        "GCSClient" => (Service::Gcs, None),
        _ => return None,
    })
}

/// What a client of an app is attached with: the resource server and the scopes by default.
fn client_of_app(case: &Case) -> Option<(&'static str, Scopes)> {
    Some(match case.whole["client"].as_str().unwrap() {
        "AuthClient" => (AuthScopes::RESOURCE_SERVER, AuthScopes::DEFAULTS.into()),
        "TransferClient" => (TransferScopes::RESOURCE_SERVER, TransferScopes::DEFAULTS.into()),
        "SearchClient" => (SearchScopes::RESOURCE_SERVER, SearchScopes::DEFAULTS.into()),
        "GroupsClient" => (GroupsScopes::RESOURCE_SERVER, GroupsScopes::DEFAULTS.into()),
        "FlowsClient" => (FlowsScopes::RESOURCE_SERVER, FlowsScopes::DEFAULTS.into()),
        "TimersClient" => (TimersScopes::RESOURCE_SERVER, TimersScopes::DEFAULTS.into()),
        "ComputeClientV2" | "ComputeClientV3" => {
            (ComputeScopes::RESOURCE_SERVER, ComputeScopes::DEFAULTS.into())
        }
        _ => return None,
    })
}

async fn judge(case: &Case) -> Outcome {
    if !runs_here(case) {
        return Outcome::Pending;
    }
    let play = Play::new(case);
    let (outcome, says_how_long) = play.outcome(case).await;
    let sent = play.playback.sent();
    let sleeps: Vec<f64> = play.clock.sleeps().iter().map(Duration::as_secs_f64).collect();
    if play.playback.unscripted() > 0 {
        return Outcome::Failed(format!("{} requests beyond the script, sleeps {sleeps:?}", sent.len()));
    }
    let mut differences = Vec::new();
    for expected in accepted(case) {
        let how_long = || {
            let missing = expected.says_how_long && !says_how_long;
            missing.then(|| "the error does not say how long to wait".to_owned())
        };
        let differs = difference(&expected.outcome, &outcome)
            .map(|difference| format!("outcome{difference}"))
            .or_else(|| sleeps_difference(&expected.sleeps, &sleeps))
            .or_else(|| requests_difference(case, &expected, &sent))
            .or_else(how_long);
        match differs {
            None => return Outcome::Passed,
            Some(difference) => differences.push(difference),
        }
    }
    Outcome::Failed(format!("{:?}: {}", rules(case), differences.join("; and also ")))
}

fn sleeps_difference(expected: &[f64], found: &[f64]) -> Option<String> {
    let same =
        expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| (a - b).abs() < 0.001);
    (!same).then(|| format!("sleeps: expected {expected:?}, found {found:?}"))
}

fn requests_difference(case: &Case, expected: &Observed, sent: &[Sent]) -> Option<String> {
    if expected.requests.len() != sent.len() {
        return Some(format!("expected {} requests, found {}", expected.requests.len(), sent.len()));
    }
    let token_requests = expected.requests.iter().filter(|request| is_token_request(case, request)).count();
    if token_requests != expected.token_requests {
        return Some(format!("expected {} token requests, found {token_requests}", expected.token_requests));
    }
    expected.requests.iter().zip(sent).find_map(|(expected, sent)| {
        let head = json!({
            "method": expected["method"],
            "host": expected["host"],
            "path": compare::segments(expected["path"].as_str().unwrap()),
            "authorization": expected["authorization"],
        });
        let found = json!({
            "method": sent.request.method.as_str(),
            "host": compare::host(&sent.request.url),
            "path": compare::segments(sent.path()),
            "authorization": sent.authorization(),
        });
        let body = || match (expected.get("form"), expected.get("json")) {
            (Some(form), _) => same_pairs("form", recorded_pairs(form), sent.form(), &[]),
            (None, Some(document)) => {
                let found: Value = serde_json::from_slice(&sent.request.body).unwrap_or(Value::Null);
                difference(document, &found)
            }
            (None, None) => (!sent.request.body.is_empty()).then(|| "a body is not expected".to_owned()),
        };
        difference(&head, &found).or_else(body)
    })
}

/// One case being played.
struct Play {
    playback: Playback,
    clock: ManualClock,
    random: f64,
}

impl Play {
    fn new(case: &Case) -> Self {
        Self {
            playback: Playback::new(script(case).iter().map(Step::recorded)),
            clock: ManualClock::at(START),
            random: case.whole["random"].as_f64().unwrap(),
        }
    }

    fn policy(&self, config: &Value) -> RetryPolicy {
        let random = self.random;
        let mut policy = RetryPolicy::default().jitter(move || random);
        for (name, value) in config.as_object().into_iter().flatten() {
            let duration = || Duration::from_secs_f64(value.as_f64().unwrap());
            let statuses = || -> Vec<u16> {
                let statuses = value.as_array().unwrap().iter();
                statuses.map(|status| u16::try_from(status.as_u64().unwrap()).unwrap()).collect()
            };
            policy = match name.as_str() {
                "max_retries" => policy.max_retries(u32::try_from(value.as_u64().unwrap()).unwrap()),
                "max_sleep" => policy.max_sleep(duration()),
                "constant_backoff" => policy.constant_backoff(duration()),
                "transient_error_status_codes" => policy.transient_statuses(&statuses()),
                "retry_after_status_codes" => policy.retry_after_statuses(&statuses()),
                "expired_authorization_status_codes" => policy.expired_authorization_statuses(&statuses()),
                other => panic!("no such setting: {other}"),
            };
        }
        policy
    }

    fn client<C>(&self, case: &Case, builder: ClientBuilder<C>) -> C {
        let policy = self.policy(&case.whole["retry_config"]);
        builder.transport(self.playback.clone()).clock(self.clock.clone()).retry(policy).build().unwrap()
    }

    /// A login client for an authorizer: its retries are its own.
    fn login_client<C>(&self, builder: ClientBuilder<C>) -> C {
        let policy = self.policy(&Value::Null);
        builder.transport(self.playback.clone()).clock(self.clock.clone()).retry(policy).build().unwrap()
    }

    async fn authorizer(&self, case: &Case) -> Result<Option<Authorizer>> {
        let input = &case.whole["authorizer"];
        // The times of the Python SDK; ours come earlier.
        let windows = RefreshWindows::fixed(Duration::from_secs(60));
        macro_rules! renewing {
            ($builder:expr) => {{
                let mut builder = $builder.clock(self.clock.clone()).windows(windows);
                if let (Some(token), Some(expiry)) =
                    (input["access_token"].as_str(), input["expires_at"].as_i64())
                {
                    builder = builder.access_token(token, expiry);
                }
                Some(builder.fetch().await?.into())
            }};
        }
        let native = || self.login_client(NativeAppAuthClient::builder(NATIVE));
        let confidential =
            || self.login_client(ConfidentialAppAuthClient::builder(CONFIDENTIAL.0, CONFIDENTIAL.1));
        Ok(match input["kind"].as_str().unwrap() {
            "none" => None,
            "null" => Some(NullAuthorizer.into()),
            "access_token" => {
                Some(AccessTokenAuthorizer::new(input["access_token"].as_str().unwrap_or("AT_OLD")).into())
            }
            "basic" => Some(BasicAuthorizer::new("user", "pw").into()),
            "refresh_token" => renewing!(RefreshTokenAuthorizer::builder("RT_OLD", &native())),
            "refresh_token_confidential" => {
                renewing!(RefreshTokenAuthorizer::builder("RT_OLD", &confidential()))
            }
            "client_app" => {
                let (server, scopes) = client_of_app(case).unwrap();
                let app = ClientApp::builder("retries")
                    .login_client(confidential())
                    .token_storage(MemoryTokenStorage::new())
                    .transport(self.playback.clone())
                    .clock(self.clock.clone())
                    .retry(self.policy(&Value::Null))
                    .auto_redrive_gares(input["auto_redrive_gares"] == true)
                    .build()?;
                app.add_scope_requirements(server, scopes)?;
                Some(app.authorizer(server))
            }
            "client_credentials" => renewing!(ClientCredentialsAuthorizer::builder(&confidential(), SEARCH)),
            other => panic!("no such authorizer: {other}"),
        })
    }

    /// How the call ends, and whether its error says how long to wait.
    async fn outcome(&self, case: &Case) -> (Value, bool) {
        match self.call(case).await {
            Ok(status) => (json!({"ok": true, "http_status": status}), false),
            Err(error) => {
                let mut outcome = json!({"ok": false, "error": error_name(&error)});
                if let Some(status) = error.status() {
                    outcome["http_status"] = status.as_u16().into();
                }
                (outcome, error.retry_after().is_some())
            }
        }
    }

    /// The status of the answer.
    async fn call(&self, case: &Case) -> Result<u16> {
        let (client, method) =
            (case.whole["client"].as_str().unwrap(), case.whole["call"]["method"].as_str().unwrap());
        let args = &case.whole["call"]["args"];
        let text = |name: &str| args[name].as_str().unwrap();
        match (client, method) {
            ("NativeAppAuthClient", "oauth2_refresh_token") => {
                let client = self.client(case, NativeAppAuthClient::builder(NATIVE));
                client.oauth2_refresh_token(text("refresh_token")).send().await.map(|_| 200)
            }
            ("ConfidentialAppAuthClient", _) => {
                let builder = ConfidentialAppAuthClient::builder(CONFIDENTIAL.0, CONFIDENTIAL.1);
                let client = self.client(case, builder);
                let request = match method {
                    "oauth2_refresh_token" => client.oauth2_refresh_token(text("refresh_token")),
                    _ => client.oauth2_client_credentials_tokens(text("requested_scopes")),
                };
                request.send().await.map(|_| 200)
            }
            ("AuthClient", "userinfo") => {
                let client = self.client(case, self.authorized(case, AuthClient::builder()).await?);
                client.userinfo().send().await.map(|answer| answer.status().as_u16())
            }
            ("TransferClient", "get_task") => {
                let client = self.client(case, self.authorized(case, TransferClient::builder()).await?);
                let task: TaskId = text("task_id").parse().unwrap();
                client.get_task(task).send().await.map(|answer| answer.status().as_u16())
            }
            ("TransferClient", "cancel_task") => {
                let client = self.client(case, self.authorized(case, TransferClient::builder()).await?);
                let task: TaskId = text("task_id").parse().unwrap();
                client.cancel_task(task).send().await.map(|answer| answer.status().as_u16())
            }
            ("TransferClient", "update_task") => {
                let client = self.client(case, self.authorized(case, TransferClient::builder()).await?);
                let document = args["data"].as_object().unwrap().clone();
                let request =
                    client.update_task(text("task_id").parse::<TaskId>().unwrap()).document(document);
                request.send().await.map(|answer| answer.status().as_u16())
            }
            ("TransferClient", "submit_transfer") => {
                let client = self.client(case, self.authorized(case, TransferClient::builder()).await?);
                let data = TransferData::from_document(args["data"].as_object().unwrap().clone());
                client.submit_transfer(data).send().await.map(|answer| answer.status().as_u16())
            }
            _ => self.plain_get(case, client).await,
        }
    }

    async fn authorized<C>(&self, case: &Case, builder: ClientBuilder<C>) -> Result<ClientBuilder<C>> {
        Ok(match self.authorizer(case).await? {
            Some(authorizer) => builder.authorizer(authorizer),
            None => builder,
        })
    }

    /// A GET of a service whose client does not exist yet.
    async fn plain_get(&self, case: &Case, client: &str) -> Result<u16> {
        let (service, name) = service_of(client).unwrap();
        let mut builder: ClientBuilder<BaseClient> = ClientBuilder::new(service, name, |base| base);
        if service == Service::Gcs {
            builder = builder.base_url("https://gcs.example.org/");
        }
        let client = self.client(case, self.authorized(case, builder).await?);
        let requests = case.whole["observed"]["requests"].as_array().unwrap();
        let request = requests.iter().find(|request| !is_token_request(case, request)).unwrap();
        let answer = client.request(Method::GET, request["path"].as_str().unwrap()).send().await?;
        Ok(answer.status().as_u16())
    }
}
