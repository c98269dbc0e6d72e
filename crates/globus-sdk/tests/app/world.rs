//! A program, its person, and its storage.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_sdk::api_error::Service;
use globus_sdk::app::UserAppBuilder;
use globus_sdk::config::Variables;
use globus_sdk::login::{LoginRequest, LoginUi};
use globus_sdk::storage::{
    Capabilities, Loaded, MemoryTokenStorage, Namespace, RefreshLease, StorageErrorKind, StoreKind,
    TokenStorage,
};
use globus_sdk::{
    AccessToken, BaseClient, ClientBuilder, Error, GlobusApp, GlobusAuthorizationParameters, LoginError,
    ManualClock, ResourceServer, Result, RetryPolicy, Scopes, Storage, StorageError, TokenData,
    TokenResponse, UserApp,
};
use http::Method;
use tokio::sync::Semaphore;

use crate::globus::{CLIENT_ID, Globus, SEARCH, START, TRANSFER};

pub(crate) const TRANSFER_ALL: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";
pub(crate) const SEARCH_SEARCH: &str = "urn:globus:auth:scope:search.api.globus.org:search";

/// A person who logs in when asked, and counts it.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    globus: Globus,
    asked: Arc<Mutex<Vec<GlobusAuthorizationParameters>>>,
    pub(crate) refuses: Arc<AtomicBool>,
    /// Whether a login waits until it may go on.
    thinks: Arc<AtomicBool>,
    may_go_on: Arc<Semaphore>,
    /// How many have come so far that only the code is missing.
    waiting: Arc<AtomicUsize>,
}

impl Person {
    /// How often the person was asked.
    pub(crate) fn logins(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// What the last login was for.
    pub(crate) fn last(&self) -> GlobusAuthorizationParameters {
        self.asked.lock().unwrap().last().unwrap().clone()
    }

    /// The scopes that the last login asked for.
    pub(crate) fn last_scopes(&self) -> Vec<String> {
        let mut scopes = self.last().required_scopes.unwrap();
        scopes.sort();
        scopes
    }

    /// Each login waits from now on until it may go on.
    pub(crate) fn thinks(&self) {
        self.thinks.store(true, SeqCst);
    }

    /// Lets one login that waits go on.
    pub(crate) fn goes_on(&self) {
        self.may_go_on.add_permits(1);
    }

    /// Waits until this many have begun.
    pub(crate) async fn begun(&self, logins: usize) {
        until("the logins have begun", || self.waiting.load(SeqCst) >= logins).await;
    }
}

impl LoginUi for Person {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        self.asked.lock().unwrap().push(request.parameters().clone());
        let login = request.start()?;
        let code = self.globus.approve(login.authorize_url());
        self.waiting.fetch_add(1, SeqCst);
        if self.thinks.load(SeqCst) {
            self.may_go_on.acquire().await.unwrap().forget();
        }
        if self.refuses.load(SeqCst) {
            return Err(LoginError::Refused { error: "access_denied".to_owned(), description: None });
        }
        login.finish(&code).await
    }
}

pub(crate) struct World {
    pub(crate) globus: Globus,
    pub(crate) person: Person,
    pub(crate) storage: MemoryTokenStorage,
    /// The clock of the machine.
    pub(crate) clock: ManualClock,
}

impl World {
    pub(crate) fn new() -> Self {
        let globus = Globus::new();
        let person = Person {
            globus: globus.clone(),
            asked: Arc::default(),
            refuses: Arc::default(),
            thinks: Arc::default(),
            may_go_on: Arc::new(Semaphore::new(0)),
            waiting: Arc::default(),
        };
        Self { globus, person, storage: MemoryTokenStorage::new(), clock: ManualClock::at(START) }
    }

    pub(crate) fn builder(&self) -> UserAppBuilder {
        UserApp::builder("app tests")
            .client_id(CLIENT_ID)
            .variables(Variables::none())
            .transport(self.globus.clone())
            .clock(self.clock.clone())
            .retry(RetryPolicy::default().jitter(|| 0.5))
            .token_storage(self.storage.clone())
            .login_ui(self.person.clone())
    }

    pub(crate) fn app(&self) -> UserApp {
        self.builder().build().unwrap()
    }

    /// Time passes, here and at the services.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.globus.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn stored(&self, server: &str) -> Option<TokenData> {
        stored(&Storage::from(self.storage.clone()), server).await
    }
}

pub(crate) async fn stored(storage: &Storage, server: &str) -> Option<TokenData> {
    storage.get(server).await.unwrap()
}

/// Lets everything else go on until something has happened.
pub(crate) async fn until(what: &str, has_happened: impl Fn() -> bool) {
    for _ in 0..1_000_000 {
        if has_happened() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it did not happen that {what}");
}

/// A client of Transfer.
pub(crate) fn transfer(app: &GlobusApp) -> BaseClient {
    client(app, TRANSFER, TRANSFER_ALL)
}

/// A client of Search.
pub(crate) fn search(app: &GlobusApp) -> BaseClient {
    client(app, SEARCH, SEARCH_SEARCH)
}

/// A client of one of the services.
pub(crate) fn client(app: &GlobusApp, server: &str, scopes: impl Into<Scopes>) -> BaseClient {
    let name = if server == TRANSFER { "transfer" } else { "search" };
    let service = if server == TRANSFER { Service::Transfer } else { Service::Search };
    app.attach(ClientBuilder::new(service, Some(name), |base| base), server, scopes).unwrap().build().unwrap()
}

/// A call. The token that the service saw.
pub(crate) async fn call(client: &BaseClient) -> Result<String> {
    let answer = client.request(Method::GET, "/things").send().await?;
    Ok(answer.into_inner()["token"].as_str().unwrap_or_default().to_owned())
}

/// What an error says, with everything below it.
pub(crate) fn chain(error: &Error) -> String {
    let below = std::iter::successors(std::error::Error::source(error), |cause| (*cause).source());
    let texts: Vec<_> = [error.to_string()].into_iter().chain(below.map(ToString::to_string)).collect();
    texts.join(" / ")
}

/// Everything of a token that must not be shown.
pub(crate) fn secrets(token: &TokenData) -> Vec<String> {
    let refresh = token.refresh_token.iter().map(|token| token.expose().to_owned());
    refresh.chain([AccessToken::expose(&token.access_token).to_owned()]).collect()
}

/// A storage whose writes can fail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failing {
    inner: MemoryTokenStorage,
    /// Whether stores fail.
    pub(crate) stores: Arc<AtomicBool>,
    /// Whether removals of one resource server fail.
    pub(crate) removals_of: Arc<Mutex<Option<ResourceServer>>>,
}

impl TokenStorage for Failing {
    async fn load_all(&self, namespace: &Namespace) -> Result<Loaded, StorageError> {
        self.inner.load_all(namespace).await
    }

    async fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        if self.stores.load(SeqCst) {
            return Err(StorageError::new(StorageErrorKind::NoSpace));
        }
        self.inner.store(namespace, tokens, kind).await
    }

    async fn remove(&self, namespace: &Namespace, server: &ResourceServer) -> Result<bool, StorageError> {
        if self.removals_of.lock().unwrap().as_ref() == Some(server) {
            return Err(StorageError::new(StorageErrorKind::Permissions));
        }
        self.inner.remove(namespace, server).await
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        self.inner.list().await
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        self.inner.lock_refresh(namespace, server).await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}
