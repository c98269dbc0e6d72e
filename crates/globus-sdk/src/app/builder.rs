//! What the builders of both apps share.

use std::sync::Arc;

use globus_core::api_error::Service;
use globus_core::config::{Environment, Variables, base_url};
use globus_core::transport::TransportHandle;
use globus_core::{
    ClientBuilder, Clock, Error, JsonTokenStorage, Namespace, ResourceServer, Result, RetryPolicy, Scopes,
    Storage, SystemClock,
};

use super::requirements::Requirements;
use super::service_clock::ServiceClock;
use crate::auth::{IdTokenDecoder, LoginClient};
use crate::scopes::AuthScopes;

/// What is said about an app, of whichever kind.
pub(super) struct Options {
    pub(super) name: String,
    pub(super) client_id: Option<String>,
    pub(super) login_client: Option<LoginClient>,
    pub(super) environment: Option<Environment>,
    pub(super) variables: Variables,
    pub(super) transport: Option<TransportHandle>,
    pub(super) retry: RetryPolicy,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) token_storage: Option<Storage>,
    pub(super) profile: Option<Namespace>,
    pub(super) never_plain_text: bool,
    pub(super) auto_redrive_gares: bool,
    pub(super) id_token_decoder: Option<IdTokenDecoder>,
    pub(super) scope_requirements: Vec<(ResourceServer, Scopes)>,
}

/// An app's options after they were looked at.
pub(super) struct Resolved {
    pub(super) template: ClientBuilder<()>,
    pub(super) clock: ServiceClock,
    pub(super) requirements: Arc<Requirements>,
    pub(super) storage: Storage,
}

impl Options {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            client_id: None,
            login_client: None,
            environment: None,
            variables: Variables::process(),
            transport: None,
            retry: RetryPolicy::default().sharing_budget(),
            clock: Arc::new(SystemClock::default()),
            token_storage: None,
            profile: None,
            never_plain_text: false,
            auto_redrive_gares: false,
            id_token_decoder: None,
            scope_requirements: Vec::new(),
        }
    }

    /// What clients of the app are set up like.
    pub(super) fn template(&self) -> ClientBuilder<()> {
        let mut template = ClientBuilder::new(Service::Other, None, |_| ())
            .variables(self.variables.clone())
            .retry(self.retry.clone())
            .clock(Arc::clone(&self.clock))
            .app_name(&self.name);
        if let Some(environment) = &self.environment {
            template = template.environment(environment.clone());
        }
        if let Some(transport) = &self.transport {
            template = template.transport(transport.clone());
        }
        template
    }

    pub(super) fn resolve(self, login_client: &LoginClient, template: ClientBuilder<()>) -> Result<Resolved> {
        if login_client.client_id().is_empty() {
            return Err(super::handle::no_client_id());
        }
        // One that brings its own login client may have built it for somewhere else.
        let auth = base_url(None, "auth", self.environment.as_ref(), &self.variables)?;
        if *login_client.login().base.base_url() != auth {
            return Err(Error::usage(format!(
                "the login client is one of {}, but the environment of the app has Globus Auth at {auth}; give the \
                 app the same `environment` or `variables`",
                login_client.login().base.base_url()
            )));
        }
        let requirements = Requirements::default();
        requirements.add(&AuthScopes::RESOURCE_SERVER.into(), vec![AuthScopes::OPENID]);
        for (server, scopes) in &self.scope_requirements {
            requirements.add(server, scopes.parse()?);
        }
        let storage = match self.token_storage {
            Some(storage) => storage,
            None if self.never_plain_text => {
                return Err(Error::usage(
                    "tokens may not be kept in plain text, and no other storage is named: give `token_storage` a \
                     KeyringTokenStorage (feature `keyring`), an EncryptedTokenStorage (feature `encrypted`), a \
                     SealedTokenStorage (feature `seal`), or a MemoryTokenStorage",
                ));
            }
            None => {
                let environment =
                    self.environment.unwrap_or_else(|| Environment::from_variables(&self.variables));
                let client_id = login_client.client_id();
                JsonTokenStorage::for_app_with(client_id, &self.name, &environment, &self.variables)?.into()
            }
        };
        if self.never_plain_text && !storage.capabilities().confidential {
            return Err(Error::usage(
                "tokens may not be kept in plain text, which the storage that is named does; use a \
                 KeyringTokenStorage (feature `keyring`), an EncryptedTokenStorage (feature `encrypted`), a \
                 SealedTokenStorage (feature `seal`), or a MemoryTokenStorage",
            ));
        }
        let storage = match self.profile {
            Some(profile) => storage.with_namespace(profile),
            None => storage,
        };
        let clock = ServiceClock::new(self.clock);
        Ok(Resolved { template, clock, requirements: Arc::new(requirements), storage })
    }
}

/// The setters that the builders of both apps have.
macro_rules! app_options {
    ($name:ident) => {
        impl $name {
            /// A login client that is set up already, in place of one made from the id.
            pub fn login_client(mut self, client: impl Into<$crate::auth::LoginClient>) -> Self {
                self.options.login_client = Some(client.into());
                self
            }

            /// Needs these scopes of a resource server. Clients that are attached say by themselves what they need.
            pub fn scope_requirements(
                mut self,
                resource_server: impl Into<globus_core::ResourceServer>,
                scopes: impl Into<globus_core::Scopes>,
            ) -> Self {
                self.options.scope_requirements.push((resource_server.into(), scopes.into()));
                self
            }

            /// Keeps tokens here, in place of a JSON file by the names of client and app. Apps can share a storage.
            pub fn token_storage(mut self, storage: impl Into<globus_core::Storage>) -> Self {
                self.options.token_storage = Some(storage.into());
                self
            }

            /// Keeps tokens in this namespace of the storage, so that several accounts can be logged in beside each other.
            /// `DEFAULT` unless set.
            #[doc(alias = "namespace")]
            pub fn profile(mut self, name: impl Into<globus_core::Namespace>) -> Self {
                self.options.profile = Some(name.into());
                self
            }

            /// Refuses to keep tokens where whoever reads the disk or the database could use them. Then a storage must be
            /// named that is [confidential](globus_core::storage::Capabilities::confidential).
            pub fn never_plain_text(mut self) -> Self {
                self.options.never_plain_text = true;
                self
            }

            /// Logs in as the service says when it refuses a call (403) with a [`Gare`](crate::Gare), and sends the call
            /// once more. False by default.
            pub fn auto_redrive_gares(mut self, redrive: bool) -> Self {
                self.options.auto_redrive_gares = redrive;
                self
            }

            /// The environment, in place of `GLOBUS_SDK_ENVIRONMENT` or production.
            pub fn environment(mut self, environment: globus_core::Environment) -> Self {
                self.options.environment = Some(environment);
                self
            }

            /// Where the `GLOBUS_SDK_*` variables and the home directory are read, in place of the process's environment.
            pub fn variables(mut self, variables: globus_core::config::Variables) -> Self {
                self.options.variables = variables;
                self
            }

            /// Sends through this, in place of the HTTP transport that the process shares.
            pub fn transport(
                mut self,
                transport: impl Into<globus_core::transport::TransportHandle>,
            ) -> Self {
                self.options.transport = Some(transport.into());
                self
            }

            /// When and how often failed attempts are made again, by all clients of the app together.
            pub fn retry(mut self, policy: globus_core::RetryPolicy) -> Self {
                self.options.retry = policy.sharing_budget();
                self
            }

            /// Uses another clock than the machine's.
            pub fn clock(mut self, clock: impl globus_core::Clock) -> Self {
                self.options.clock = std::sync::Arc::new(clock);
                self
            }

            /// Verifies id tokens with this, in place of a decoder made for the login client.
            pub fn id_token_decoder(mut self, decoder: $crate::auth::IdTokenDecoder) -> Self {
                self.options.id_token_decoder = Some(decoder);
                self
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("app_name", &self.options.name)
                    .field("client_id", &self.options.client_id)
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(super) use app_options;
