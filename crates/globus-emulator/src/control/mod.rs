//! The control interface over HTTP: the same as the methods of [`Emulator`](crate::Emulator).

mod people;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use globus_core::Clock as _;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use jiff::Timestamp;
use regex::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::call::Params;
use crate::clock;
use crate::emulator;
use crate::faults::Fault;
use crate::registration::NewProject;
use crate::service::Service;
use crate::token_filter::TokenFilter;
use crate::world::accounts::Identity;
use crate::world::developer::{Policy, RegisteredScope};
use crate::world::settings::{Rotation, TokenLifetimes, TransferLimits};

/// Answers a request to the control interface.
pub(crate) fn answer(app: &Arc<App>, parts: &Parts, path: &str, body: &Bytes) -> Response<Body> {
    let request = ControlRequest { app, query: parts.uri.query().unwrap_or_default(), body };
    // A page can send forms to anywhere without asking, but not JSON.
    if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) && !is_json(parts) {
        let refusal = Refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "control takes JSON only: send Content-Type: application/json".to_owned(),
        );
        return refusal.into_response();
    }
    match request.route(&parts.method, path) {
        Ok(body) => axum::Json(body).into_response(),
        Err(refused) => refused.into_response(),
    }
}

fn is_json(parts: &Parts) -> bool {
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

struct Refused(StatusCode, String);

impl Refused {
    fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn into_response(self) -> Response<Body> {
        (self.0, axum::Json(json!({"code": "CONTROL_ERROR", "message": self.1}))).into_response()
    }
}

struct ControlRequest<'r> {
    app: &'r Arc<App>,
    query: &'r str,
    body: &'r Bytes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ClockChange {
    advance_seconds: Option<f64>,
    set: Option<Timestamp>,
    freeze: Option<bool>,
}

/// Which half of an exchange a cut leaves undone.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CutAt {
    Before,
    After,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FaultDocument {
    service: Option<Service>,
    method: Option<String>,
    path: Option<String>,
    client: Option<String>,
    grant_type: Option<String>,
    count: Option<u64>,
    after: u64,
    probability: Option<f64>,
    seed: Option<u64>,
    status: Option<u16>,
    headers: std::collections::BTreeMap<String, String>,
    body: Option<Value>,
    content_type: Option<String>,
    latency_ms: u64,
    drop: bool,
    cut: Option<CutAt>,
    truncate_body: Option<usize>,
    drop_after_bytes: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(items) => items,
            Self::One(item) => vec![item],
        }
    }
}

impl ControlRequest<'_> {
    fn route(&self, method: &Method, path: &str) -> Result<Value, Refused> {
        let app = self.app;
        let path = path.trim_end_matches('/');
        if let Some(answer) = self.route_people(method, path) {
            return answer;
        }
        match (method.as_str(), path) {
            ("GET", "/v1/health") => Ok(json!({"status": "ready"})),
            ("GET", "/v1/env") => Ok(self.environment()),
            ("GET", "/v1/state") => Ok(self.state()),
            ("POST", "/v1/reset") => {
                app.reset();
                Ok(json!({"status": "reset"}))
            }
            ("GET", "/v1/clock") => Ok(self.clock()),
            ("POST", "/v1/clock") => self.change_clock(),
            ("POST", "/v1/tokens/expire") => {
                let filter: TokenFilter = self.json()?;
                Ok(json!({"expired": app.world.change_anyway(|world| filter.expire(world))}))
            }
            ("PUT", "/v1/tokens/lifetime") => {
                let lifetimes: TokenLifetimes = self.json()?;
                app.world.change_anyway(|world| world.settings.lifetimes = lifetimes);
                Ok(json!(lifetimes))
            }
            ("PUT", "/v1/tokens/rotation") => {
                let rotation: Rotation = self.json()?;
                app.world.change_anyway(|world| world.settings.rotation = rotation);
                Ok(json!(rotation))
            }
            ("POST", "/v1/projects") => {
                let project: NewProject = self.json()?;
                let planted = app.world.change_anyway(|world| world.plant_project(&project, true));
                planted.map(|project| json!(project)).map_err(|error| Refused::bad(error.to_string()))
            }
            ("PUT", "/v1/transfer/limits") => {
                let limits: TransferLimits = self.json()?;
                app.world.change_anyway(|world| world.settings.limits = limits);
                app.runner.limits_changed(&app.clock);
                Ok(json!(limits))
            }
            ("GET", "/v1/requests") => self.requests(),
            ("GET", "/v1/faults") => {
                let list = app.faults.list();
                Ok(list.into_iter().map(|(id, left)| json!({"id": id, "left": left})).collect())
            }
            ("POST", "/v1/faults") => self.add_faults(),
            ("DELETE", path) if path.starts_with("/v1/faults") => self.remove_faults(path),
            _ => Err(Refused(StatusCode::NOT_FOUND, format!("control has no {method} {path}"))),
        }
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        serde_json::from_slice(self.body)
            .map_err(|error| Refused::bad(format!("the body is refused: {error}")))
    }

    fn environment(&self) -> Value {
        let base = self.app.base_url();
        let variables: serde_json::Map<String, Value> =
            emulator::variables(&base).into_iter().map(|(name, value)| (name, json!(value))).collect();
        json!({"variables": variables, "base_url": base, "control_url": format!("{base}_emulator/")})
    }

    fn state(&self) -> Value {
        let mut state = self.app.world.read(|world| {
            let settings = &world.settings;
            let collections = world.collections.values().map(|collection| {
                json!({
                    "id": collection.id, "name": collection.name, "directory": collection.directory,
                    "entity_type": collection.entity_type, "rules": collection.rules.now,
                })
            });
            json!({
                "native_client": settings.native_client, "confidential_client": settings.confidential_client,
                "user": settings.user, "consent_mode": settings.consent_mode, "lifetimes": settings.lifetimes, "rotation": settings.rotation,
                "transfer_limits": settings.limits, "collections": collections.collect::<Vec<_>>(),
                "identities": world.identities.values().map(Identity::document).collect::<Vec<_>>(),
                "clients": world.clients.values().map(|client| world.client_document(client)).collect::<Vec<_>>(),
                "projects": world.projects.values().map(|project| world.project_document(project)).collect::<Vec<_>>(),
                "policies": world.policies.values().map(Policy::document).collect::<Vec<_>>(),
                "scopes": world.scopes.values().map(RegisteredScope::document).collect::<Vec<_>>(),
                "consents": world.consents.values().map(|consent| world.consent_document(consent)).collect::<Vec<_>>(),
                "access_tokens": world.access_tokens.iter().count(),
                "refresh_tokens": world.refresh_tokens.iter().count(),
                "tasks": world.tasks.iter().map(|(id, _)| id).collect::<Vec<_>>(),
                "scripted_decisions": world.script.len(),
            })
        });
        state["clock"] = self.clock();
        state["faults"] = json!(self.app.faults.len());
        state
    }

    fn clock(&self) -> Value {
        let clock = &self.app.clock;
        json!({"now": clock::text(clock.now()), "frozen": clock.is_frozen()})
    }

    fn change_clock(&self) -> Result<Value, Refused> {
        let change: ClockChange = self.json()?;
        let clock = &self.app.clock;
        let advance = change.advance_seconds.map(Duration::try_from_secs_f64).transpose();
        let advance = advance.map_err(|_| Refused::bad("advance_seconds must not be negative"))?;
        if change.freeze == Some(true) {
            clock.freeze();
        }
        if let Some(time) = change.set {
            clock.set(time);
        }
        if let Some(duration) = advance {
            clock.advance(duration);
        }
        if change.freeze == Some(false) {
            clock.unfreeze();
        }
        self.app.keep_clock();
        Ok(self.clock())
    }

    fn requests(&self) -> Result<Value, Refused> {
        let query = Params::parse(self.query.as_bytes());
        let pattern = query.get("path").map(Regex::new).transpose();
        let pattern = pattern.map_err(|_| Refused::bad("path is no regular expression"))?;
        let since = query.number("since").and_then(|since| u64::try_from(since).ok()).unwrap_or(0);
        let requests = self.app.journal.all().filter(|request| {
            query.get("service").is_none_or(|service| request.service.as_str() == service)
                && query.get("method").is_none_or(|method| request.method.eq_ignore_ascii_case(method))
                && query.get("client").is_none_or(|client| request.client.as_deref() == Some(client))
                && query.get("grant_type").is_none_or(|grant| request.form_value("grant_type") == Some(grant))
                && pattern.as_ref().is_none_or(|pattern| pattern.is_match(&request.path))
                && request.number > since
        });
        Ok(json!({"requests": requests.iter().collect::<Vec<_>>()}))
    }

    fn add_faults(&self) -> Result<Value, Refused> {
        let documents: OneOrMany<FaultDocument> = self.json()?;
        let mut faults = Vec::new();
        for document in documents.into_vec() {
            if let Some(seed) = document.seed {
                self.app.faults.seed(seed);
            }
            faults.push(document.into_fault()?);
        }
        let ids: Vec<u64> = faults.into_iter().map(|fault| self.app.faults.add(fault)).collect();
        Ok(json!({"ids": ids}))
    }

    fn remove_faults(&self, path: &str) -> Result<Value, Refused> {
        let unknown = || Refused(StatusCode::NOT_FOUND, "there is no such fault".to_owned());
        match path.strip_prefix("/v1/faults") {
            Some("") => self.app.faults.clear(),
            Some(id) => {
                let id = id.strip_prefix('/').and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
                if !self.app.faults.remove(id) {
                    return Err(unknown());
                }
            }
            None => return Err(unknown()),
        }
        Ok(json!({"left": self.app.faults.len()}))
    }
}

impl FaultDocument {
    fn into_fault(self) -> Result<Fault, Refused> {
        let mut fault = match (self.status, self.cut, self.truncate_body.or(self.drop_after_bytes)) {
            (Some(status), None, None) => Fault::status(status),
            (None, Some(CutAt::Before), None) => Fault::cut_before(),
            (None, Some(CutAt::After), None) => Fault::cut_after(),
            (None, None, Some(bytes)) => Fault::truncate(bytes),
            (None, None, None) if self.drop => Fault::cut_before(),
            (None, None, None) => Fault::latency(Duration::ZERO),
            _ => return Err(Refused::bad("a fault has one of status, cut, drop and truncate_body")),
        };
        fault = fault.delayed(Duration::from_millis(self.latency_ms)).after(self.after);
        if let Some(service) = self.service {
            fault = fault.service(service);
        }
        if let Some(method) = self.method {
            fault = fault.method(method);
        }
        if let Some(path) = self.path {
            fault = fault
                .with_path(Regex::new(&path).map_err(|_| Refused::bad("path is no regular expression"))?);
        }
        if let Some(client) = self.client {
            fault = fault.client(client);
        }
        if let Some(grant_type) = self.grant_type {
            fault = fault.grant_type(grant_type);
        }
        if let Some(count) = self.count {
            fault = fault.times(count);
        }
        if let Some(probability) = self.probability {
            fault = fault.probability(probability);
        }
        if let Some(body) = self.body {
            fault = fault.body(body);
        }
        if let Some(content_type) = self.content_type {
            fault = fault.set_content_type(content_type);
        }
        for (name, value) in self.headers {
            fault = fault.header(name, value);
        }
        Ok(fault)
    }
}
