//! Environments of Globus, and the URLs of the services in them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use url::Url;

use super::error::{ConfigError, quoted};
use super::url::parse_base_url;
use super::variables::Variables;

const ENVIRONMENT: &str = "GLOBUS_SDK_ENVIRONMENT";
const SERVICE_URL: &str = "GLOBUS_SDK_SERVICE_URL_";

const KNOWN: [(&str, &str); 6] = [
    ("production", "globus.org"),
    ("preview", "preview.globus.org"),
    ("sandbox", "sandbox.globuscs.info"),
    ("integration", "integration.globuscs.info"),
    ("test", "test.globuscs.info"),
    ("staging", "staging.globuscs.info"),
];

/// A deployment of the Globus services: production, a test deployment of Globus, or one of your own.
///
/// Most programs never name one: clients take it from `GLOBUS_SDK_ENVIRONMENT`, and without that it is
/// production. An environment of your own (an emulator, a private deployment) needs no registration; the value
/// carries everything.
///
/// ```
/// use globus_core::config::{Environment, Variables, service_url};
/// use url::Url;
///
/// let local = Environment::custom("local", "globus.example.org")
///     .service_url("transfer", Url::parse("http://127.0.0.1:8080/transfer/")?);
///
/// let variables = Variables::none();
/// assert_eq!(service_url("transfer", Some(&local), &variables)?.port(), Some(8080));
/// assert_eq!(service_url("auth", Some(&local), &variables)?.as_str(), "https://auth.globus.example.org/");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    name: Cow<'static, str>,
    /// `None` for a name that is not one of Globus's.
    domain: Option<Cow<'static, str>>,
    services: BTreeMap<String, Url>,
}

macro_rules! known_environments {
    ($($(#[$doc:meta])* $constructor:ident)*) => {
        $(
            $(#[$doc])*
            pub fn $constructor() -> Self {
                Self::named(stringify!($constructor))
            }
        )*
    };
}

impl Environment {
    known_environments! {
        /// The environment everybody uses, `globus.org`. The default.
        production
        /// Upcoming features with real data, `preview.globus.org`.
        preview
        /// `sandbox.globuscs.info`, of the Globus team.
        sandbox
        /// `integration.globuscs.info`, of the Globus team.
        integration
        /// `test.globuscs.info`, of the Globus team.
        test
        /// `staging.globuscs.info`, of the Globus team.
        staging
    }

    /// An environment of Globus by its exact, lower-case name.
    ///
    /// A name that is not known is kept; asking for the URL of a service then fails, unless a
    /// `GLOBUS_SDK_SERVICE_URL_<SERVICE>` variable gives it. [`is_known`](Self::is_known) tells beforehand.
    pub fn named(name: &str) -> Self {
        let known = KNOWN.iter().find(|(known, _)| *known == name);
        Self {
            name: known.map_or_else(|| Cow::Owned(name.to_owned()), |(known, _)| Cow::Borrowed(*known)),
            domain: known.map(|(_, domain)| Cow::Borrowed(*domain)),
            services: BTreeMap::new(),
        }
    }

    /// An environment of your own. Services are looked for under `domain` as Globus lays them out
    /// (`https://transfer.api.<domain>/`), except those given with [`service_url`](Self::service_url).
    ///
    /// The name is part of the default name of token files, so that tokens of two environments never mix.
    #[doc(alias = "EnvConfig")]
    pub fn custom(name: impl Into<String>, domain: impl Into<String>) -> Self {
        Self {
            name: Cow::Owned(name.into()),
            domain: Some(Cow::Owned(domain.into())),
            services: BTreeMap::new(),
        }
    }

    /// Sets the base URL of one service (`auth`, `transfer`, `groups`, `search`, `flows`, `timer`, `compute`,
    /// `app`, …) in this environment.
    #[must_use]
    pub fn service_url(mut self, service: impl Into<String>, url: Url) -> Self {
        self.services.insert(service.into(), url);
        self
    }

    /// The environment that `GLOBUS_SDK_ENVIRONMENT` names, else production.
    ///
    /// A variable that is set but empty names the environment `""`, which is not known: asking for a URL then
    /// fails instead of falling back to production.
    pub fn from_variables(variables: &Variables) -> Self {
        variables.get(ENVIRONMENT).map_or_else(Self::production, |name| Self::named(&name))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the services of this environment can be found: it is one of Globus's or one of your own.
    pub fn is_known(&self) -> bool {
        self.domain.is_some()
    }

    /// Whether this is the production environment of Globus.
    pub fn is_production(&self) -> bool {
        self.name == KNOWN[0].0 && self.domain.as_deref() == Some(KNOWN[0].1)
    }

    /// The base URL of a service here, environment variables left aside.
    ///
    /// # Errors
    ///
    /// When the environment is not known, or the service name cannot be part of a host name.
    pub fn url_of(&self, service: &str) -> Result<Url, ConfigError> {
        if let Some(url) = self.services.get(service) {
            return Ok(url.clone());
        }
        let Some(domain) = &self.domain else {
            return Err(self.unknown());
        };
        let text = match service {
            "nexus" if self.is_production() => "https://nexus.api.globusonline.org/".to_owned(),
            "app" | "auth" => format!("https://{service}.{domain}/"),
            "actions" | "flows" | "timer" if self.is_production() => {
                format!("https://{service}.automate.globus.org/")
            }
            "actions" | "flows" | "timer" => format!("https://{}.{service}.automate.globus.org/", self.name),
            _ => format!("https://{service}.api.{domain}/"),
        };
        Url::parse(&text).map_err(|error| {
            ConfigError::new(
                "service",
                format!(
                    "no URL can be made for {} in environment {} ({error})",
                    quoted(service),
                    quoted(&self.name)
                ),
                "use a service name of letters, or give the URL of the service",
            )
        })
    }

    fn unknown(&self) -> ConfigError {
        let names: Vec<_> = KNOWN.iter().map(|(name, _)| *name).collect();
        ConfigError::new(
            "environment",
            format!("{} is not an environment of Globus", quoted(&self.name)),
            format!(
                "write one of {} (as argument or in {ENVIRONMENT}), or use an environment of your own",
                names.join(", ")
            ),
        )
    }
}

impl Default for Environment {
    /// [`Environment::production`].
    fn default() -> Self {
        Self::production()
    }
}

/// The base URL of a service: the variable `GLOBUS_SDK_SERVICE_URL_<SERVICE>` if it is set and not empty, else
/// its place in the environment given, else in the one that `GLOBUS_SDK_ENVIRONMENT` names, else in production.
///
/// The variable is looked at before the environment, so it also helps where the environment is not known. An
/// environment whose name is empty counts as not given.
///
/// ```
/// use globus_core::config::{Variables, service_url};
///
/// let url = service_url("search", None, &Variables::none())?;
/// assert_eq!(url.as_str(), "https://search.api.globus.org/");
/// # Ok::<(), globus_core::config::ConfigError>(())
/// ```
///
/// # Errors
///
/// When the variable holds no `http` or `https` URL, or the environment is not known.
#[doc(alias = "get_service_url")]
pub fn service_url(
    service: &str,
    environment: Option<&Environment>,
    variables: &Variables,
) -> Result<Url, ConfigError> {
    let name = format!("{SERVICE_URL}{}", service.to_uppercase());
    if let Some(text) = variables.get(&name).filter(|text| !text.is_empty()) {
        return parse_base_url(name, &text);
    }
    match environment.filter(|environment| !environment.name().is_empty()) {
        Some(environment) => environment.url_of(service),
        None => Environment::from_variables(variables).url_of(service),
    }
}

/// The URL of the Globus web app, chosen as [`service_url()`] chooses it for the service `app`.
///
/// # Errors
///
/// As for [`service_url()`].
#[doc(alias = "get_webapp_url")]
pub fn webapp_url(environment: Option<&Environment>, variables: &Variables) -> Result<Url, ConfigError> {
    service_url("app", environment, variables)
}

/// The base URL of a client: the one given, else that of its service as [`service_url()`] finds it.
///
/// # Errors
///
/// When the URL given is no `http` or `https` URL; else as for [`service_url()`].
pub fn base_url(
    given: Option<&str>,
    service: &str,
    environment: Option<&Environment>,
    variables: &Variables,
) -> Result<Url, ConfigError> {
    match given {
        Some(text) => parse_base_url("base URL", text),
        None => service_url(service, environment, variables),
    }
}

/// Whether a host belongs to the production environment of Globus, collections under `data.globus.org`
/// included. Checking of certificates is not switched off for these hosts.
pub fn is_production_host(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let under =
        |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (under("globus.org") || under("globusonline.org"))
        && !under("preview.globus.org")
        && !is_test_automation(&host)
}

/// Services such as `preview.flows.automate.globus.org`, which share the production domain.
fn is_test_automation(host: &str) -> bool {
    host.strip_suffix(".automate.globus.org")
        .and_then(|rest| rest.split('.').next())
        .is_some_and(|first| KNOWN.iter().skip(1).any(|(name, _)| *name == first))
}
