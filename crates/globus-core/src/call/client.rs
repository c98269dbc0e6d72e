use std::fmt;
use std::sync::Arc;

use http::Method;
use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use super::operation::OperationInfo;
use super::request::Call;
use crate::api_error::Service;
use crate::authorizer::Authorizer;
use crate::clock::{Clock, SystemClock};
use crate::config::{
    ClientInfo, ConfigError, Environment, HttpTimeout, TlsVerification, Variables, base_url,
    is_production_host, user_agent,
};
use crate::error::{Error, Result};
use crate::retry::{RetryBudget, RetryPolicy};
use crate::transport::TransportHandle;
#[cfg(feature = "reqwest")]
use crate::transport::{HttpSettings, HttpTransport};

/// The largest body that a call reads into memory, unless the builder says otherwise.
const BODY_LIMIT: usize = 64 << 20;

const CLIENT_INFO: HeaderName = HeaderName::from_static("x-globus-client-info");

/// What every service client stands on: an address, an authorizer, and the way to send calls. Cloning is
/// cheap; clones share everything.
///
/// Programs use it directly for services that have no client of their own:
///
/// ```
/// use globus_core::{AccessTokenAuthorizer, BaseClient};
///
/// # fn example() -> globus_core::Result<()> {
/// let client = BaseClient::builder()
///     .base_url("https://service.example.org/")
///     .authorizer(AccessTokenAuthorizer::new("AgExample"))
///     .build()?;
/// let call = client.request(http::Method::GET, "/v1/things");
/// # let _ = call;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BaseClient(Arc<Parts>);

pub(super) struct Parts {
    pub(super) service: Service,
    pub(super) base_url: Url,
    pub(super) authorizer: Option<Authorizer>,
    pub(super) transport: TransportHandle,
    pub(super) retry: RetryPolicy,
    pub(super) budget: RetryBudget,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) default_headers: HeaderMap,
    pub(super) body_limit: usize,
}

impl BaseClient {
    /// Sets up a client for any service. A base address is needed.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Service::Other, None, |client| client)
    }

    /// A request to this service: the address is the client's, joined with `path`. The path is
    /// percent-encoded, so give it as it reads; a path that starts with `https://` is a full address.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Call {
        Call::new(self.clone(), method, path.into())
    }

    /// A call of an operation, for authors of service clients. `path` is the operation's with its parameters
    /// filled in.
    ///
    /// ```
    /// # use globus_core::{BaseClient, Call, call::OperationInfo, api_error::Service};
    /// const GET_TASK: OperationInfo =
    ///     OperationInfo::new("get_task", Service::Transfer, http::Method::GET, "/v0.10/task/{task_id}");
    ///
    /// fn get_task(client: &BaseClient, task_id: uuid::Uuid) -> Call {
    ///     client.operation(&GET_TASK, format!("/v0.10/task/{task_id}"))
    /// }
    /// ```
    pub fn operation(&self, operation: &OperationInfo, path: impl Into<String>) -> Call {
        Call::of(self.clone(), operation, path.into())
    }

    /// The address that paths are joined to.
    pub fn base_url(&self) -> &Url {
        &self.0.base_url
    }

    /// The authorizer, if the client has one.
    pub fn authorizer(&self) -> Option<&Authorizer> {
        self.0.authorizer.as_ref()
    }

    /// The clock that the client reads and waits by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for BaseClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaseClient")
            .field("base_url", &crate::transport::shown_url(&self.0.base_url))
            .field("authorizer", &self.0.authorizer)
            .finish_non_exhaustive()
    }
}

/// Sets up a client. Everything is optional: what is not said comes from the `GLOBUS_SDK_*` variables, then
/// from the defaults.
#[must_use = "call build()"]
pub struct ClientBuilder<C> {
    service: Service,
    service_name: Option<&'static str>,
    finish: Arc<dyn Fn(BaseClient) -> C + Send + Sync>,
    own_authorizer: bool,
    base_url: Option<String>,
    environment: Option<Environment>,
    variables: Variables,
    authorizer: Option<Authorizer>,
    transport: Option<TransportHandle>,
    timeout: Option<HttpTimeout>,
    tls: Option<TlsVerification>,
    allow_tls_off: bool,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
    app_name: Option<String>,
    client_info: ClientInfo,
    body_limit: usize,
    wrong: Option<Error>,
}

impl<C> Clone for ClientBuilder<C> {
    fn clone(&self) -> Self {
        Self {
            service: self.service,
            service_name: self.service_name,
            finish: Arc::clone(&self.finish),
            own_authorizer: self.own_authorizer,
            base_url: self.base_url.clone(),
            environment: self.environment.clone(),
            variables: self.variables.clone(),
            authorizer: self.authorizer.clone(),
            transport: self.transport.clone(),
            timeout: self.timeout,
            tls: self.tls.clone(),
            allow_tls_off: self.allow_tls_off,
            retry: self.retry.clone(),
            clock: Arc::clone(&self.clock),
            app_name: self.app_name.clone(),
            client_info: self.client_info.clone(),
            body_limit: self.body_limit,
            wrong: self.wrong.clone(),
        }
    }
}

impl<C> ClientBuilder<C> {
    /// A builder with nothing said, for authors of service clients: whose errors to expect, the name under
    /// which the environments know the service's address (`transfer`; `None` where there is none), and how
    /// the typed client is made from its base.
    pub fn new(
        service: Service,
        service_name: Option<&'static str>,
        finish: impl Fn(BaseClient) -> C + Send + Sync + 'static,
    ) -> Self {
        Self {
            service,
            service_name,
            finish: Arc::new(finish),
            own_authorizer: false,
            base_url: None,
            environment: None,
            variables: Variables::process(),
            authorizer: None,
            transport: None,
            timeout: None,
            tls: None,
            allow_tls_off: false,
            retry: RetryPolicy::default(),
            clock: Arc::new(SystemClock),
            app_name: None,
            client_info: ClientInfo::new(),
            body_limit: BODY_LIMIT,
            wrong: None,
        }
    }

    /// Takes over what another builder was told about everything but the service: environment and variables, transport
    /// and its limits, retries, clock, and the program's name. For programs that set up several clients alike.
    pub fn like<T>(mut self, other: &ClientBuilder<T>) -> Self {
        self.environment.clone_from(&other.environment);
        self.variables = other.variables.clone();
        self.transport.clone_from(&other.transport);
        self.timeout = other.timeout;
        self.tls.clone_from(&other.tls);
        self.allow_tls_off = other.allow_tls_off;
        self.retry = other.retry.clone();
        self.clock = Arc::clone(&other.clock);
        self.app_name.clone_from(&other.app_name);
        self.client_info = other.client_info.clone();
        self.body_limit = other.body_limit;
        self
    }

    /// Where `Authorization` headers come from. Without it none is sent.
    pub fn authorizer(mut self, authorizer: impl Into<Authorizer>) -> Self {
        if self.own_authorizer {
            self.wrong = Some(Error::usage("this client brings its own authorizer; do not set another"));
        }
        self.authorizer = Some(authorizer.into());
        self
    }

    /// Fixes the authorizer, for clients that bring their own: a caller who sets another gets a usage error.
    pub fn with_own_authorizer(mut self, authorizer: Option<Authorizer>) -> Self {
        self.own_authorizer = true;
        self.authorizer = authorizer;
        self
    }

    /// The address of the service, in place of the environment's.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The environment, in place of `GLOBUS_SDK_ENVIRONMENT` or production.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Where the `GLOBUS_SDK_*` variables are read, in place of the process's environment.
    pub fn variables(mut self, variables: Variables) -> Self {
        self.variables = variables;
        self
    }

    /// Sends through this, in place of the HTTP transport that the process shares.
    pub fn transport(mut self, transport: impl Into<TransportHandle>) -> Self {
        self.transport = Some(transport.into());
        self
    }

    /// How long connecting may take, and how long the service may stay silent, each; in place of
    /// `GLOBUS_SDK_HTTP_TIMEOUT` or 60 seconds.
    pub fn http_timeout(mut self, timeout: HttpTimeout) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Which certificates are accepted, in place of `GLOBUS_SDK_VERIFY_SSL` or the system's.
    pub fn tls(mut self, tls: TlsVerification) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Allows to switch the check of certificates off for production services too. Whoever sits between the
    /// program and the service can then read and change everything.
    pub fn danger_allow_unverified_production(mut self) -> Self {
        self.allow_tls_off = true;
        self
    }

    /// When and how often failed attempts are made again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Uses another clock than the machine's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The program's name and version, added to the `User-Agent`.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.app_name = Some(name.into());
        self
    }

    /// What is said in `X-Globus-Client-Info`. With [`ClientInfo::none`] the header is not sent.
    pub fn client_info(mut self, info: ClientInfo) -> Self {
        self.client_info = info;
        self
    }

    /// The largest body, in bytes after decompression, that a call reads into memory. 64 MiB by default.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The client. Nothing is sent and no connection is made.
    ///
    /// # Errors
    ///
    /// A usage error when an address, environment, variable or name is not usable; it says which.
    pub fn build(self) -> Result<C> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let base_url = base_url(
            // A client without a service name has no address but the one given.
            self.base_url.as_deref().or(self.service_name.is_none().then_some("")),
            self.service_name.unwrap_or_default(),
            self.environment.as_ref(),
            &self.variables,
        )?;
        let mut default_headers = HeaderMap::new();
        default_headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        default_headers.insert(USER_AGENT, user_agent(self.app_name.as_deref())?);
        if let Some(info) = self.client_info.header_value() {
            default_headers.insert(CLIENT_INFO, info);
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => http_transport(
                self.timeout,
                self.tls,
                &self.variables,
                self.allow_tls_off || !base_url.host_str().is_some_and(is_production_host),
            )?,
        };
        Ok((self.finish)(BaseClient(Arc::new(Parts {
            service: self.service,
            base_url,
            authorizer: self.authorizer,
            transport,
            budget: self.retry.budget.clone().unwrap_or_default(),
            retry: self.retry,
            clock: self.clock,
            default_headers,
            body_limit: self.body_limit,
        }))))
    }
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("environment", &self.environment)
            .field("authorizer", &self.authorizer)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "reqwest")]
fn http_transport(
    timeout: Option<HttpTimeout>,
    tls: Option<TlsVerification>,
    variables: &Variables,
    may_switch_off: bool,
) -> Result<TransportHandle, ConfigError> {
    let timeout = HttpTimeout::resolve(timeout, variables)?;
    let tls = TlsVerification::resolve(tls, variables)?;
    if tls == TlsVerification::Off {
        if !may_switch_off {
            return Err(ConfigError::new(
                "GLOBUS_SDK_VERIFY_SSL",
                "switching the check of certificates off is refused for production services",
                "name a file of certificates instead, or allow it on the client's builder",
            ));
        }
        tracing::warn!("the check of certificates is off: connections can be read and changed on the way");
    }
    Ok(HttpTransport::shared(&HttpSettings::new(timeout, tls)).into())
}

#[cfg(not(feature = "reqwest"))]
fn http_transport(
    _timeout: Option<HttpTimeout>,
    _tls: Option<TlsVerification>,
    _variables: &Variables,
    _may_switch_off: bool,
) -> Result<TransportHandle, ConfigError> {
    Err(ConfigError::new(
        "transport",
        "the crate is built without its HTTP transport",
        "give the builder a transport, or switch the feature `reqwest` on",
    ))
}
