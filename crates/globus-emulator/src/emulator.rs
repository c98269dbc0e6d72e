//! A running emulator.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use globus_core::Environment;
use tokio::sync::watch;
use uuid::Uuid;

use crate::app::App;
use crate::builder::EmulatorBuilder;
use crate::clock::EmulatedClock;
use crate::faults::Faults;
use crate::journal::Requests;
use crate::registration::{NewProject, RegisteredProject, RegistrationError};
use crate::service::Service;
use crate::token_filter::TokenFilter;
use crate::world::seed;
use crate::world::settings::{Rotation, TokenLifetimes, TransferLimits};

/// A collection of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collection {
    /// The id that clients use.
    pub id: Uuid,
    /// The name that was given to the builder; also its display name.
    pub name: String,
    /// The directory behind it, without links.
    pub dir: PathBuf,
}

/// A person of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The identity's id.
    pub id: Uuid,
    /// The identity's username.
    pub username: String,
}

/// The emulator's confidential client.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfidentialClient {
    id: Uuid,
    secret: String,
}

impl ConfidentialClient {
    /// The client's id, which is also the id of its identity.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The client's secret.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl std::fmt::Debug for ConfidentialClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfidentialClient").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A running emulator. Dropping it stops it; [`stop`](Self::stop) also waits until it has stopped.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use globus_emulator::{Emulator, TokenFilter};
///
/// let files = tempfile::tempdir()?;
/// let emulator = Emulator::builder().collection("laptop", files.path()).start().await?;
/// let laptop = emulator.collection("laptop").map(|collection| collection.id);
/// assert!(laptop.is_some());
/// // … let a client log in, then see how it copes:
/// emulator.expire_tokens(&TokenFilter::access());
/// emulator.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Emulator {
    pub(crate) app: Arc<App>,
    stop: watch::Sender<bool>,
    server: Option<tokio::task::JoinHandle<()>>,
    key: Option<JoinHandle<()>>,
    collections: Vec<Collection>,
    projects: Vec<RegisteredProject>,
    base_url: String,
}

/// Shows the port and the collections. The rest of the address is left out: whoever knows it may use the
/// emulator.
impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Emulator");
        shown.field("port", &self.app.port).field("collections", &self.collections).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Sets up a new emulator.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    pub(crate) fn running(
        app: Arc<App>,
        stop: watch::Sender<bool>,
        server: tokio::task::JoinHandle<()>,
        key: JoinHandle<()>,
        collections: Vec<Collection>,
        projects: Vec<RegisteredProject>,
    ) -> Self {
        let base_url = app.base_url();
        Self { app, stop, server: Some(server), key: Some(key), collections, projects, base_url }
    }

    /// The address of everything, with a slash at the end: `http://127.0.0.1:PORT/<32 hex digits>/`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address of a service, with a slash at the end: `auth`, `transfer`, `groups`, `search`, `flows`,
    /// `timers`, `compute` or `app`. What the emulator does not serve is answered with 404 there.
    pub fn service_url(&self, service: &str) -> String {
        format!("{}{service}/", self.base_url)
    }

    /// The address of the control interface, with a slash at the end.
    pub fn control_url(&self) -> String {
        format!("{}_emulator/", self.base_url)
    }

    /// The environment variables that point the SDKs and the Globus CLI here, as name and value.
    pub fn variables(&self) -> Vec<(String, String)> {
        variables(&self.base_url)
    }

    /// The environment that points clients of the Rust SDK here: give it to their builders.
    pub fn environment(&self) -> Environment {
        // The domain is never asked: every service has its address.
        let mut environment = Environment::custom("emulator", "emulator.invalid");
        for service in Service::ALL {
            // The variables end in the names under which environments know the services.
            let name = service.variable().trim_start_matches("GLOBUS_SDK_SERVICE_URL_").to_lowercase();
            if let Ok(url) = url::Url::parse(&self.service_url(service.as_str())) {
                environment = environment.service_url(name, url);
            }
        }
        environment
    }

    /// A public client of this emulator, for native apps.
    pub fn native_client_id(&self) -> Uuid {
        self.app.world.read(|world| world.settings.native_client)
    }

    /// A confidential client of this emulator. It owns the collections.
    pub fn confidential_client(&self) -> ConfidentialClient {
        self.app.world.read(|world| ConfidentialClient {
            id: world.settings.confidential_client,
            secret: world.settings.confidential_secret.clone(),
        })
    }

    /// The person whom automatic consent logs in. They may use the collections too.
    pub fn user(&self) -> User {
        let id = self.app.world.read(|world| world.settings.user);
        User { id, username: seed::USERNAME.to_owned() }
    }

    /// A collection by the name that was given to the builder.
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.name == name)
    }

    /// Every collection that was given to the builder.
    pub fn collections(&self) -> &[Collection] {
        &self.collections
    }

    /// The directory behind a collection.
    pub fn collection_dir(&self, name: &str) -> Option<&Path> {
        self.collection(name).map(|collection| collection.dir.as_path())
    }

    /// A project by the name that was given to the builder: the ids in it, and the secrets of its clients.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use globus_emulator::{Emulator, NewClient, NewProject};
    ///
    /// let portal = NewProject::new("Portal").client(NewClient::confidential("server"));
    /// let emulator = Emulator::builder().project(portal).start().await?;
    /// let server = emulator.project("Portal").and_then(|portal| portal.client("server"));
    /// assert!(server.is_some_and(|server| server.secret.is_some()));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn project(&self, name: &str) -> Option<&RegisteredProject> {
        self.projects.iter().find(|project| project.name == name)
    }

    /// Adds a project of developers with its clients and policies, until the next [reset](Self::reset). What is
    /// there already under the same id stays as it is.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`] when something that it names does not exist, or two things in it have the same name:
    /// nothing of it is made then.
    pub fn add_project(&self, project: &NewProject) -> Result<RegisteredProject, RegistrationError> {
        self.app.world.change_anyway(|world| world.plant_project(project, true))
    }

    /// The emulated clock. Clones of it share the time.
    pub fn clock(&self) -> EmulatedClock {
        self.app.clock.clone()
    }

    /// Moves the emulated clock forward.
    pub fn advance(&self, duration: Duration) {
        self.app.clock.advance(duration);
        self.app.keep_clock();
    }

    /// Makes tokens expire now; answers how many.
    pub fn expire_tokens(&self, filter: &TokenFilter) -> usize {
        self.app.world.change_anyway(|world| filter.expire(world))
    }

    /// Sets how long tokens live that are given from now on.
    pub fn set_token_lifetimes(&self, lifetimes: TokenLifetimes) {
        self.app.world.change_anyway(|world| world.settings.lifetimes = lifetimes);
    }

    /// Sets whether refresh tokens rotate.
    pub fn set_rotation(&self, rotation: Rotation) {
        self.app.world.change_anyway(|world| world.settings.rotation = rotation);
    }

    /// Sets limits for transfers. Tasks that run follow them from now on.
    pub fn set_transfer_limits(&self, limits: TransferLimits) {
        self.app.world.change_anyway(|world| world.settings.limits = limits);
        self.app.runner.limits_changed(&self.app.clock);
    }

    /// The faults that requests meet.
    pub fn faults(&self) -> &Faults {
        &self.app.faults
    }

    /// Every request so far, without those to the control interface.
    pub fn requests(&self) -> Requests {
        self.app.journal.all()
    }

    /// Back to the start: no tokens, tasks, faults, journal or moved clock. Ids, secrets, addresses,
    /// collections and their files stay.
    pub fn reset(&self) {
        self.app.reset();
    }

    /// Stops, and waits until every connection, task and thread has ended.
    pub async fn stop(mut self) {
        let mut threads = self.tell_to_stop();
        threads.extend(self.key.take());
        if let Some(server) = self.server.take()
            && server.await.is_err()
        {
            tracing::error!("the emulator's listener ended unexpectedly");
        }
        // Threads look at their flags after every piece of work, so this wait is short.
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count()
        });
        if !matches!(joined.await, Ok(0)) {
            tracing::error!("a thread of the emulator ended unexpectedly");
        }
    }

    fn tell_to_stop(&self) -> Vec<JoinHandle<()>> {
        self.stop.send_replace(true);
        // It may have been moved through a clone.
        self.app.keep_clock();
        self.app.runner.stop(&self.app.clock)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.tell_to_stop());
    }
}

pub(crate) fn variables(base_url: &str) -> Vec<(String, String)> {
    let environment = ("GLOBUS_SDK_ENVIRONMENT".to_owned(), "emulator".to_owned());
    let services =
        Service::ALL.map(|service| (service.variable().to_owned(), format!("{base_url}{service}/")));
    std::iter::once(environment).chain(services).collect()
}
