//! Globus as apps meet it: a transport with Globus Auth behind it, and services that look at tokens.
//!
//! The id tokens have no `iat`: whether one is too new is judged by the clock of the machine, which some tests set wrong.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globus_sdk::transport::{Body, Request, Response, Transport, TransportError, TransportErrorKind};
use globus_sdk::{Clock, ManualClock};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use url::Url;

pub(crate) const START: i64 = 1_760_000_000;
pub(crate) const CLIENT_ID: &str = "00000000-0000-4000-8000-000000000080";
pub(crate) const AUTH: &str = "auth.globus.org";
pub(crate) const TRANSFER: &str = "transfer.api.globus.org";
pub(crate) const SEARCH: &str = "search.api.globus.org";

static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

/// Who can log in.
pub(crate) const ANA: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const BEN: &str = "22222222-2222-4222-8222-222222222222";

#[derive(Clone, Debug)]
pub(crate) struct Globus {
    state: Arc<Mutex<State>>,
    /// The clock of the services.
    pub(crate) clock: ManualClock,
}

/// Something that was issued for one resource server.
#[derive(Clone, Debug)]
struct Grant {
    server: String,
    scope: String,
    expires_at: i64,
}

#[derive(Debug)]
struct State {
    sent: Vec<Request>,
    count: u32,
    codes: HashMap<String, (String, bool)>,
    access: HashMap<String, Grant>,
    refresh: HashMap<String, Grant>,
    revoked: HashSet<String>,
    /// Prepared answers by host, each given once.
    answers: HashMap<String, VecDeque<(u16, Value)>>,
    settings: Settings,
    /// Numbers that decide how often a request waits before it is answered.
    waits: Option<u64>,
}

/// How Globus behaves from now on.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is switched by itself")]
pub(crate) struct Settings {
    /// Who logs in.
    pub(crate) identity: String,
    pub(crate) id_tokens: bool,
    pub(crate) rotates: bool,
    /// Scopes that people do not agree to.
    pub(crate) declined: Vec<String>,
    pub(crate) lifetime: i64,
    /// Whether answers say what time it is.
    pub(crate) dates: bool,
    pub(crate) consents: Value,
    /// The consents that a login gives.
    pub(crate) consents_of_login: Option<Value>,
    /// Whether revoking is possible.
    pub(crate) revokes: bool,
}

impl Globus {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            identity: ANA.to_owned(),
            id_tokens: true,
            rotates: false,
            declined: Vec::new(),
            lifetime: 172_800,
            dates: true,
            consents: json!([]),
            consents_of_login: None,
            revokes: true,
        };
        let state = State {
            sent: Vec::new(),
            count: 0,
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            revoked: HashSet::new(),
            answers: HashMap::new(),
            settings,
            waits: None,
        };
        Self { state: Arc::new(Mutex::new(state)), clock: ManualClock::at(START) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// Lets every request wait a few times, as these numbers have it.
    pub(crate) fn wait_at_random(&self, seed: u64) {
        self.state().waits = Some(seed);
    }

    /// The next answer of a service, whatever the token.
    pub(crate) fn answer(&self, host: &str, status: u16, document: Value) {
        self.state().answers.entry(host.to_owned()).or_default().push_back((status, document));
    }

    /// The person agrees at this address. The code that comes back.
    pub(crate) fn approve(&self, url: &Url) -> String {
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        let offline = query.get("access_type").is_some_and(|kind| kind == "offline");
        let mut state = self.state();
        state.count += 1;
        let code = format!("CODE{}", state.count);
        state.codes.insert(code.clone(), (query["scope"].clone(), offline));
        code
    }

    /// Every token of this kind that was ever issued is dead from now on, without anybody being told.
    pub(crate) fn kill_access_tokens(&self) {
        self.state().access.clear();
    }

    pub(crate) fn kill_refresh_tokens(&self) {
        self.state().refresh.clear();
    }

    /// All requests so far to paths that end like this.
    pub(crate) fn sent(&self, path: &str) -> Vec<Request> {
        self.state().sent.iter().filter(|request| request.url.path().ends_with(path)).cloned().collect()
    }

    /// How often a grant was asked for.
    pub(crate) fn grants(&self, kind: &str) -> usize {
        let of_kind = |request: &Request| field(request, "grant_type").as_deref() == Some(kind);
        self.sent("/oauth2/token").into_iter().filter(of_kind).count()
    }

    pub(crate) fn is_revoked(&self, token: &str) -> bool {
        self.state().revoked.contains(token)
    }

    /// Whether a service takes this access token, or the token endpoint this refresh token.
    pub(crate) fn is_alive(&self, token: &str) -> bool {
        let state = self.state();
        state.access.contains_key(token) || state.refresh.contains_key(token)
    }

    /// Every token that is alive.
    pub(crate) fn alive(&self) -> Vec<String> {
        let state = self.state();
        state.access.keys().chain(state.refresh.keys()).cloned().collect()
    }

    fn respond(&self, request: &Request) -> (u16, Value) {
        let host = request.url.host_str().unwrap();
        let now = self.clock.now().as_second();
        let mut state = self.state();
        state.sent.push(request.clone());
        if let Some(answer) = state.answers.get_mut(host).and_then(VecDeque::pop_front) {
            return answer;
        }
        match request.url.path() {
            "/.well-known/openid-configuration" => (200, configuration()),
            "/jwk.json" => (200, json!({"keys": [public_key()]})),
            "/v2/oauth2/token" => state.token(request, now),
            "/v2/oauth2/token/revoke" if !state.settings.revokes => (503, json!({})),
            "/v2/oauth2/token/revoke" => {
                let token = field(request, "token").unwrap();
                state.access.remove(&token);
                state.refresh.remove(&token);
                state.revoked.insert(token);
                (200, json!({"active": false}))
            }
            path => {
                let header = request.headers.get("authorization").map(|value| value.to_str().unwrap());
                let token = header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
                match state.access.get(token) {
                    Some(grant) if grant.expires_at > now => {}
                    _ => return (401, json!({"code": "AuthenticationFailed", "message": "no"})),
                }
                if path.ends_with("/consents") {
                    return (200, json!({"consents": state.settings.consents}));
                }
                (200, json!({"token": token, "value": "00000000-0000-4000-8000-000000000001"}))
            }
        }
    }

    /// Waits as the numbers have it.
    async fn dawdle(&self) {
        let times = {
            let mut state = self.state();
            state.waits.as_mut().map_or(0, |numbers| next(numbers) % 4)
        };
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
    }
}

impl State {
    fn token(&mut self, request: &Request, now: i64) -> (u16, Value) {
        let scope = field(request, "scope").unwrap_or_default();
        match field(request, "grant_type").unwrap().as_str() {
            "authorization_code" => match self.codes.remove(&field(request, "code").unwrap()) {
                Some((scope, offline)) => {
                    if let Some(consents) = self.settings.consents_of_login.take() {
                        self.settings.consents = consents;
                    }
                    (200, self.issue(&scope, offline, now, true))
                }
                None => (400, json!({"error": "invalid_grant"})),
            },
            "client_credentials" => (200, self.issue(&scope, false, now, false)),
            "refresh_token" => {
                let old = field(request, "refresh_token").unwrap();
                let Some(grant) = self.refresh.get(&old).cloned() else {
                    return (400, json!({"error": "invalid_grant"}));
                };
                let mut answer = self.issue(&grant.scope, self.settings.rotates, now, false);
                if self.settings.rotates {
                    self.refresh.remove(&old);
                }
                answer["other_tokens"] = json!([]);
                (200, answer)
            }
            other => panic!("no grant {other}"),
        }
    }

    /// A token response for these scopes.
    fn issue(&mut self, scope: &str, offline: bool, now: i64, login: bool) -> Value {
        let mut by_server: Vec<(String, Vec<String>)> = Vec::new();
        for scope in globus_sdk::Scopes::from(scope).parse().unwrap() {
            if self.settings.declined.iter().any(|declined| declined == scope.name()) {
                continue;
            }
            let server = server_of(scope.name());
            match by_server.iter_mut().find(|(name, _)| *name == server) {
                Some((_, scopes)) => scopes.push(scope.name().to_owned()),
                None => by_server.push((server, vec![scope.name().to_owned()])),
            }
        }
        let mut tokens: Vec<Value> = Vec::new();
        for (server, scopes) in by_server {
            self.count += 1;
            let grant = Grant { server, scope: scopes.join(" "), expires_at: now + self.settings.lifetime };
            let access = format!("AgAccess{}", self.count);
            let mut token = json!({
                "access_token": access, "scope": grant.scope, "expires_in": self.settings.lifetime,
                "token_type": "Bearer", "resource_server": grant.server,
            });
            if offline {
                let refresh = format!("AgRefresh{}", self.count);
                token["refresh_token"] = refresh.clone().into();
                self.refresh.insert(refresh, grant.clone());
            }
            self.access.insert(access, grant);
            tokens.push(token);
        }
        let mut first = tokens.remove(0);
        first["other_tokens"] = tokens.into();
        if login && self.settings.id_tokens {
            first["id_token"] = id_token(&self.settings.identity, now).into();
        }
        first
    }
}

impl Transport for Globus {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.dawdle().await;
        let (status, document) = self.respond(&request);
        self.dawdle().await;
        if status == 0 {
            return Err(TransportError::new(TransportErrorKind::Connect));
        }
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if self.state().settings.dates {
            let date =
                jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.clock.now());
            headers.insert("date", HeaderValue::try_from(date.unwrap()).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Response::new(status, headers, Body::full(document.to_string())))
    }
}

/// A field of the form in a request's body.
pub(crate) fn field(request: &Request, name: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(&request.body).into_owned();
    fields.find(|(other, _)| other == name).map(|(_, value)| value)
}

/// Simple numbers that look random and are the same for the same seed.
pub(crate) fn next(numbers: &mut u64) -> u64 {
    *numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *numbers >> 33
}

fn server_of(scope: &str) -> String {
    match scope.strip_prefix("urn:globus:auth:scope:") {
        Some(rest) => rest.split(':').next().unwrap().to_owned(),
        None => AUTH.to_owned(),
    }
}

fn configuration() -> Value {
    json!({
        "issuer": "https://auth.globus.org", "jwks_uri": "https://auth.globus.org/jwk.json",
        "id_token_signing_alg_values_supported": ["RS512"],
    })
}

fn public_key() -> Value {
    // The DER form of a key of 2048 bits: head, length and a zero take 9 bytes, then comes the modulus.
    let der = KEY.public_key().as_ref();
    json!({"kty": "RSA", "use": "sig", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(&der[9..265])})
}

fn id_token(identity: &str, now: i64) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://auth.globus.org", "sub": identity, "aud": CLIENT_ID,
        "exp": now + 172_800,
    });
    let message = format!("{}.{}", part(&json!({"alg": "RS512"})), part(&claims));
    let mut signature = vec![0; KEY.public_modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
