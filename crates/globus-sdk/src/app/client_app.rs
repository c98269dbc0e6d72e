use std::fmt::Display;
use std::ops::Deref;
use std::sync::Arc;

use globus_core::storage::ValidatingTokenStorage;
use globus_core::{ClientSecret, Error, Result};

use super::GlobusApp;
use super::builder::{Options, Resolved, app_options};
use super::parts::{Kind, Parts};
use crate::auth::{ConfidentialAppAuthClient, LoginClient};

/// An app in which a client acts as itself, with its secret: a service account. Nobody logs in.
///
/// The identity is `<client id>@clients.auth.globus.org`. It has permissions and groups of its own, and no browser: policies
/// that ask for a fresh login, a domain or a second factor cannot be met by it.
///
/// ```no_run
/// use globus_sdk::{ClientApp, TransferClient};
///
/// # async fn example(client_secret: &str) -> globus_sdk::Result<()> {
/// let app = ClientApp::new("beamline", "61338d24-54d5-408f-a10d-66c06b59f6d2", client_secret)?;
/// let transfer_client = TransferClient::with_app(&app)?;
/// let tasks = transfer_client.task_list().send().await?;
/// # let _ = tasks;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientApp(GlobusApp);

impl ClientApp {
    /// An app of this client, with everything else as it is by default.
    ///
    /// # Errors
    ///
    /// As [`ClientAppBuilder::build`].
    pub fn new(
        app_name: impl Into<String>,
        client_id: impl Display,
        client_secret: impl Into<ClientSecret>,
    ) -> Result<Self> {
        Self::builder(app_name).client(client_id, client_secret).build()
    }

    /// Sets up an app. The name stands in the path of its tokens and in the `User-Agent`.
    pub fn builder(app_name: impl Into<String>) -> ClientAppBuilder {
        ClientAppBuilder { options: Options::new(app_name.into()), client_secret: None }
    }
}

impl Deref for ClientApp {
    type Target = GlobusApp;

    fn deref(&self) -> &GlobusApp {
        &self.0
    }
}

impl From<&ClientApp> for GlobusApp {
    fn from(app: &ClientApp) -> Self {
        app.0.clone()
    }
}

/// Sets up a [`ClientApp`]. A client is needed; the rest is optional.
#[must_use = "call build()"]
pub struct ClientAppBuilder {
    options: Options,
    client_secret: Option<ClientSecret>,
}

app_options!(ClientAppBuilder);

impl ClientAppBuilder {
    /// The client's id and secret.
    pub fn client(mut self, id: impl Display, secret: impl Into<ClientSecret>) -> Self {
        self.options.client_id = Some(id.to_string());
        self.client_secret = Some(secret.into());
        self
    }

    /// The app. Nothing is sent or stored.
    ///
    /// # Errors
    ///
    /// A usage error: no client, or both an id and a login client; a login client without secret; scopes that cannot be
    /// read; a name that gives no path; variables that are not usable.
    pub fn build(self) -> Result<ClientApp> {
        let template = self.options.template();
        let client = match (&self.options.login_client, &self.options.client_id) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("give either `client` or `login_client`, not both"));
            }
            (Some(LoginClient::Confidential(client)), None) => client.clone(),
            (Some(_), None) => {
                return Err(Error::usage("a client app acts as itself, which needs a client with a secret"));
            }
            (None, Some(id)) => {
                let secret = self.client_secret.filter(|secret| !secret.is_empty());
                let secret = secret.ok_or_else(|| Error::usage("the client's secret is empty"))?;
                ConfidentialAppAuthClient::builder(id, secret).like(&template).build()?
            }
            (None, None) => return Err(super::handle::no_client_id()),
        };
        let login_client = LoginClient::from(&client);
        let id_token_decoder =
            self.options.id_token_decoder.clone().unwrap_or_else(|| login_client.id_token_decoder());
        let (name, auto_redrive_gares) = (self.options.name.clone(), self.options.auto_redrive_gares);
        let Resolved { template, clock, requirements, storage } =
            self.options.resolve(&login_client, template)?;
        Ok(ClientApp(GlobusApp(Parts::new(
            name,
            Kind::Client(client),
            login_client,
            id_token_decoder,
            template,
            clock,
            requirements,
            auto_redrive_gares,
            storage,
            Arc::new(ValidatingTokenStorage::validator),
        ))))
    }
}
