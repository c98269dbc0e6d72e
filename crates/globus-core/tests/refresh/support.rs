//! The two fakes: a token endpoint and a storage adapter, both scripted and both writing one log.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_core::api_error::{ErrorContext, Service};
use globus_core::storage::{Extend, Lease, RefreshLease, Release, StorageErrorKind, StoreKind};
use globus_core::token::{Generation, Grant};
use globus_core::transport::{TransportError, TransportErrorKind};
use globus_core::{
    ApiError, Authorization, Authorizer, Clock, ConfidentialGrants, Error, ManualClock, RefreshToken,
    RefreshTokenAuthorizer, RenewingBuilder, Result, Scopes, StorageAdapter, StorageError, TokenData,
    TokenGrants, TokenResponse,
};
use tokio::sync::Semaphore;

pub(crate) const START: i64 = 1_700_000_000;
pub(crate) const SERVER: &str = "transfer.api.globus.org";
pub(crate) const LIFETIME: i64 = 3600;
pub(crate) const LEASE_TIME: Duration = RefreshLease::TIME;

/// What happened, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, event: impl Into<String>) {
        self.0.lock().unwrap().push(event.into());
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// What the token endpoint does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A token with this name, this refresh token in the answer, and this lifetime.
    Token(String, Option<String>, i64),
    /// This body.
    Body(String),
    /// As `Token` with the number of the request, with the service's clock at this time.
    At(i64),
    InvalidGrant,
    Broken,
    Panic,
}

impl Answer {
    pub(crate) fn token(name: &str) -> Self {
        Self::Token(name.into(), None, LIFETIME)
    }

    pub(crate) fn rotated(name: &str, refresh_token: &str) -> Self {
        Self::Token(name.into(), Some(refresh_token.into()), LIFETIME)
    }

    pub(crate) fn lasting(name: &str, seconds: i64) -> Self {
        Self::Token(name.into(), None, seconds)
    }
}

/// A token endpoint. The `n`th request is answered by the script; beyond its end with the token `AT<n>`,
/// counted from 1, which lives an hour, and no refresh token.
#[derive(Debug, Clone)]
pub(crate) struct Grants(Arc<Endpoint>);

#[derive(Debug)]
struct Endpoint {
    clock: ManualClock,
    log: Log,
    script: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<String>>,
    running: Mutex<(usize, usize)>,
    started: Semaphore,
    gate: Semaphore,
}

impl Grants {
    pub(crate) fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.0.script.lock().unwrap().extend(answers);
    }

    /// From now on every request waits to be let through.
    pub(crate) fn shut(&self) {
        let permits = self.0.gate.available_permits();
        self.0.gate.try_acquire_many(u32::try_from(permits).unwrap()).unwrap().forget();
    }

    /// Lets this many requests through.
    pub(crate) fn let_through(&self, requests: usize) {
        self.0.gate.add_permits(requests);
    }

    /// Waits until another request has begun.
    pub(crate) async fn started(&self) {
        soon(self.0.started.acquire()).await.unwrap().forget();
    }

    /// What was asked with, in order: refresh tokens, or scopes.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.asked().len()
    }

    /// The most requests that ever were under way at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.0.running.lock().unwrap().1
    }

    async fn answer(&self, grant: Grant, with: &str) -> Result<TokenResponse> {
        let number = {
            let mut asked = self.0.asked.lock().unwrap();
            asked.push(with.to_owned());
            asked.len()
        };
        let _running = Running::begin(&self.0);
        self.0.log.add(format!("ask {with}"));
        self.0.started.add_permits(1);
        self.0.gate.acquire().await.unwrap().forget();
        let answer = self.0.script.lock().unwrap().pop_front();
        let now = self.0.clock.now();
        let body = match answer.unwrap_or_else(|| Answer::token(&format!("AT{number}"))) {
            Answer::Token(name, refresh_token, lifetime) => body(&name, refresh_token.as_deref(), lifetime),
            Answer::Body(body) => body,
            Answer::At(service_time) => {
                let time = globus_core::Timestamp::from_second(service_time).unwrap();
                let body = body(&format!("AT{number}"), None, LIFETIME);
                return Ok(TokenResponse::parse(grant, body.as_bytes(), time)?.with_server_time(time));
            }
            Answer::InvalidGrant => return Err(invalid_grant()),
            Answer::Broken => return Err(TransportError::new(TransportErrorKind::Connect).into()),
            Answer::Panic => panic!("the token endpoint's own"),
        };
        Ok(TokenResponse::parse(grant, body.as_bytes(), now)?)
    }
}

struct Running<'a>(&'a Endpoint);

impl<'a> Running<'a> {
    fn begin(endpoint: &'a Endpoint) -> Self {
        let mut running = endpoint.running.lock().unwrap();
        running.0 += 1;
        running.1 = running.1.max(running.0);
        Self(endpoint)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.lock().unwrap().0 -= 1;
    }
}

impl TokenGrants for Grants {
    async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenResponse> {
        self.answer(Grant::RefreshToken, refresh_token.expose()).await
    }

    async fn client_credentials(&self, scopes: &Scopes) -> Result<TokenResponse> {
        self.answer(Grant::ClientCredentials, scopes.as_str()).await
    }
}

impl ConfidentialGrants for Grants {}

/// The body of a token response.
pub(crate) fn body(name: &str, refresh_token: Option<&str>, lifetime: i64) -> String {
    let mut body = serde_json::json!({
        "access_token": name, "scope": "all", "resource_server": SERVER, "expires_in": lifetime,
        "token_type": "Bearer", "other_tokens": [],
    });
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = refresh_token.into();
    }
    body.to_string()
}

pub(crate) fn invalid_grant() -> Error {
    let context = ErrorContext {
        service: Service::Auth,
        method: http::Method::POST,
        url: "https://auth.globus.org/v2/oauth2/token".parse().unwrap(),
        authorization_scheme: None,
    };
    let headers = http::HeaderMap::from_iter([(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    )]);
    let body = r#"{"error": "invalid_grant", "error_description": "it is spent"}"#;
    ApiError::from_response(context, http::StatusCode::BAD_REQUEST, headers, body.into()).into()
}

/// A storage of one token.
#[derive(Debug)]
pub(crate) struct Adapter {
    log: Log,
    inner: Mutex<Inner>,
    started: Semaphore,
    gate: (Mutex<bool>, std::sync::Condvar),
    releases: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Inner {
    stored: Option<TokenData>,
    stores: VecDeque<Step>,
    lock: VecDeque<Step>,
    latest: VecDeque<Step>,
    coordinates: bool,
}

/// What a storage operation does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Fail,
    /// As where another process has the lease.
    Busy,
    /// As where the service that keeps the tokens does not run.
    Away,
    Panic,
}

impl Adapter {
    pub(crate) fn put(&self, token: Option<TokenData>) {
        self.inner.lock().unwrap().stored = token;
    }

    pub(crate) fn stored(&self) -> Option<TokenData> {
        self.inner.lock().unwrap().stored.clone()
    }

    pub(crate) fn next_stores(&self, steps: impl IntoIterator<Item = Step>) {
        self.inner.lock().unwrap().stores.extend(steps);
    }

    pub(crate) fn next_locks(&self, steps: impl IntoIterator<Item = Step>) {
        self.inner.lock().unwrap().lock.extend(steps);
    }

    pub(crate) fn next_reads(&self, steps: impl IntoIterator<Item = Step>) {
        self.inner.lock().unwrap().latest.extend(steps);
    }

    /// Grants leases from now on.
    pub(crate) fn coordinate(&self) {
        self.inner.lock().unwrap().coordinates = true;
    }

    /// From now on, storing waits for [`open`](Self::open).
    pub(crate) fn shut(&self) {
        *self.gate.0.lock().unwrap() = true;
    }

    pub(crate) fn open(&self) {
        *self.gate.0.lock().unwrap() = false;
        self.gate.1.notify_all();
    }

    /// From now on, giving a lease back takes until [`release`](Self::release).
    pub(crate) fn hold_leases(&self) {
        self.releases.try_acquire().unwrap().forget();
    }

    pub(crate) fn release(&self) {
        self.releases.add_permits(1);
    }

    /// Waits until another store has begun.
    pub(crate) async fn started(&self) {
        soon(self.started.acquire()).await.unwrap().forget();
    }

    fn step(&self, what: &str, step: Option<Step>) -> std::result::Result<(), StorageError> {
        match step {
            None => Ok(()),
            Some(Step::Fail) => {
                self.log.add(format!("{what} fails"));
                Err(StorageError::from_io(std::io::ErrorKind::StorageFull.into(), "write"))
            }
            Some(Step::Busy) => {
                self.log.add(format!("{what} is busy"));
                Err(StorageError::locked(Some("another".into()), Duration::from_secs(40)))
            }
            Some(Step::Away) => {
                self.log.add(format!("{what} is away"));
                Err(StorageError::new(StorageErrorKind::Unavailable))
            }
            Some(Step::Panic) => panic!("the adapter's own"),
        }
    }

    fn store_as(&self, response: &TokenResponse, kind: StoreKind) -> std::result::Result<(), StorageError> {
        self.started.add_permits(1);
        let mut shut = self.gate.0.lock().unwrap();
        while *shut {
            shut = self.gate.1.wait(shut).unwrap();
        }
        drop(shut);
        let step = self.inner.lock().unwrap().stores.pop_front();
        self.step("store", step)?;
        let token = response.by_resource_server()[SERVER].clone();
        let mut inner = self.inner.lock().unwrap();
        let merged = kind.merge(inner.stored.as_ref(), token)?;
        self.log.add(format!("store {}", merged.access_token.expose()));
        inner.stored = Some(merged);
        Ok(())
    }
}

impl StorageAdapter for Adapter {
    fn store(&self, response: &TokenResponse) -> std::result::Result<(), StorageError> {
        self.store_as(response, response.into())
    }

    fn on_refresh_of(
        &self,
        response: &TokenResponse,
        replaced: Generation,
    ) -> std::result::Result<(), StorageError> {
        self.store_as(response, StoreKind::RefreshOf(replaced))
    }

    fn latest(&self) -> std::result::Result<Option<TokenData>, StorageError> {
        let step = self.inner.lock().unwrap().latest.pop_front();
        self.log.add("look");
        self.step("look", step)?;
        Ok(self.stored())
    }

    fn lock_refresh(&self) -> std::result::Result<Option<RefreshLease>, StorageError> {
        let step = self.inner.lock().unwrap().lock.pop_front();
        self.step("lock", step)?;
        if !self.inner.lock().unwrap().coordinates {
            return Ok(None);
        }
        self.log.add("lock");
        let lease = FakeLease(self.log.clone(), self.releases.clone());
        Ok(Some(RefreshLease::new(1, LEASE_TIME, lease)))
    }
}

#[derive(Debug)]
struct FakeLease(Log, Arc<Semaphore>);

impl Lease for FakeLease {
    fn extend(&mut self) -> Extend<'_> {
        self.0.add("extend");
        Box::pin(std::future::ready(Ok(true)))
    }

    fn release(self: Box<Self>) -> Release {
        Box::pin(async move {
            let _may = self.1.acquire().await.unwrap();
            self.0.add("release");
            Ok(())
        })
    }
}

/// Everything that an authorizer stands on.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) log: Log,
    pub(crate) grants: Grants,
    pub(crate) adapter: Arc<Adapter>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (clock, log) = (ManualClock::at(START), Log::default());
        let grants = Grants(Arc::new(Endpoint {
            clock: clock.clone(),
            log: log.clone(),
            script: Mutex::default(),
            asked: Mutex::default(),
            running: Mutex::default(),
            started: Semaphore::new(0),
            gate: Semaphore::new(10_000),
        }));
        let adapter = Arc::new(Adapter {
            log: log.clone(),
            inner: Mutex::default(),
            started: Semaphore::new(0),
            gate: (Mutex::new(false), std::sync::Condvar::new()),
            releases: Arc::new(Semaphore::new(1)),
        });
        Self { clock, log, grants, adapter }
    }

    /// A builder with the refresh token `RT0`, the adapter and the clock.
    pub(crate) fn builder(&self) -> RenewingBuilder<RefreshTokenAuthorizer> {
        RefreshTokenAuthorizer::builder("RT0", &self.grants)
            .on_refresh(Arc::clone(&self.adapter))
            .clock(self.clock.clone())
    }

    /// An authorizer with the access token `AT0`, which ends in this many seconds, and the refresh token
    /// `RT0`.
    pub(crate) fn authorizer(&self, left: i64) -> RefreshTokenAuthorizer {
        self.builder().access_token("AT0", self.now() + left).build().unwrap()
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A stored token of this resource server that ends in this many seconds.
    pub(crate) fn record(&self, access_token: &str, refresh_token: &str, left: i64) -> TokenData {
        TokenData::new(SERVER, "all", access_token, self.now() + left).with_refresh_token(refresh_token)
    }
}

/// The token in the next header.
pub(crate) async fn token(authorizer: impl Into<Authorizer>) -> Result<String> {
    Ok(text(&soon(authorizer.into().authorization()).await?))
}

pub(crate) fn text(header: &Authorization) -> String {
    header.header().unwrap().to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

/// Waits for something that is certain to happen; the limit only turns a hang into a failure.
pub(crate) async fn soon<F: Future>(event: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), event).await.expect("it happens")
}

/// Lets every other task of a current-thread runtime run until none has anything to do.
pub(crate) async fn idle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
