//! Starting an emulator.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

use crate::app::App;
use crate::auth::ConsentMode;
use crate::auth::keys::{self, Keys};
use crate::auth::tickets::Tickets;
use crate::clock::EmulatedClock;
use crate::emulator::{Collection, Emulator};
use crate::error::StartError;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::person::Person;
use crate::registration::NewProject;
use crate::routes;
use crate::server;
use crate::store::Store;
use crate::transfer::access::{CollectionRules, Rules};
use crate::transfer::collection::CollectionRecord;
use crate::transfer::record::Status;
use crate::transfer::runner::Runner;
use crate::world::settings::{JwtTime, Rotation, TokenLifetimes};
use crate::world::{Shared, World};

/// The kind of a collection, which decides how clients treat it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntityType {
    /// A Globus Connect Personal collection.
    #[default]
    GcpMappedCollection,
    /// A guest collection on Globus Connect Personal.
    GcpGuestCollection,
    /// A Globus Connect Server endpoint.
    Gcsv5Endpoint,
    /// A mapped collection on Globus Connect Server.
    Gcsv5MappedCollection,
    /// A guest collection on Globus Connect Server.
    Gcsv5GuestCollection,
}

impl EntityType {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::GcpMappedCollection,
        Self::GcpGuestCollection,
        Self::Gcsv5Endpoint,
        Self::Gcsv5MappedCollection,
        Self::Gcsv5GuestCollection,
    ];

    /// The `entity_type` in documents of Transfer: `GCP_mapped_collection`, `GCP_guest_collection`,
    /// `GCSv5_endpoint`, `GCSv5_mapped_collection` or `GCSv5_guest_collection`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GcpMappedCollection => "GCP_mapped_collection",
            Self::GcpGuestCollection => "GCP_guest_collection",
            Self::Gcsv5Endpoint => "GCSv5_endpoint",
            Self::Gcsv5MappedCollection => "GCSv5_mapped_collection",
            Self::Gcsv5GuestCollection => "GCSv5_guest_collection",
        }
    }
}

/// Sets up an emulator; made by [`Emulator::builder`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct EmulatorBuilder {
    collections: Vec<WantedCollection>,
    people: Vec<Person>,
    data_dir: Option<PathBuf>,
    port: u16,
    open: bool,
    lifetimes: Option<TokenLifetimes>,
    rotation: Option<Rotation>,
    jwt_time: Option<JwtTime>,
    projects: Vec<NewProject>,
    consent_mode: Option<ConsentMode>,
}

#[derive(Debug)]
struct WantedCollection {
    name: String,
    directory: PathBuf,
    kind: EntityType,
    /// Those that it has already when absent.
    rules: Option<CollectionRules>,
}

impl EmulatorBuilder {
    /// Adds a collection on an existing directory of this machine, under a name of your choice.
    pub fn collection(self, name: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        self.collection_of_type(name, directory, EntityType::default())
    }

    /// Adds a collection of another kind.
    pub fn collection_of_type(
        mut self,
        name: impl Into<String>,
        directory: impl Into<PathBuf>,
        kind: EntityType,
    ) -> Self {
        let wanted = WantedCollection { name: name.into(), directory: directory.into(), kind, rules: None };
        self.collections.push(wanted);
        self
    }

    /// Adds a collection that asks something of those who use it.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use globus_emulator::{CollectionRules, Emulator, EntityType};
    ///
    /// let mapped = EntityType::Gcsv5MappedCollection;
    /// let rules = CollectionRules::none().require_data_access();
    /// let emulator = Emulator::builder().collection_with_rules("lab", "./lab", mapped, rules).start().await?;
    /// # let _ = emulator;
    /// # Ok(()) }
    /// ```
    pub fn collection_with_rules(
        mut self,
        name: impl Into<String>,
        directory: impl Into<PathBuf>,
        kind: EntityType,
        rules: CollectionRules,
    ) -> Self {
        let (name, directory) = (name.into(), directory.into());
        self.collections.push(WantedCollection { name, directory, kind, rules: Some(rules) });
        self
    }

    /// Adds a person who can log in.
    pub fn person(mut self, person: Person) -> Self {
        self.people.push(person);
        self
    }

    /// Who decides on consent.
    pub fn consent(mut self, mode: ConsentMode) -> Self {
        self.consent_mode = Some(mode);
        self
    }

    /// Keeps the state in this directory, which is made if it is missing and gets mode 0700 in any case: ids, secrets, tokens, tasks and the
    /// signing key outlive the emulator. Without it everything lives in memory.
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(directory.into());
        self
    }

    /// Listens on this port; a free one is taken by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Leaves the random part out of the addresses, so that they can be typed. Whoever can reach the port can
    /// then use the emulator.
    pub fn open(mut self, open: bool) -> Self {
        self.open = open;
        self
    }

    /// How long tokens live.
    pub fn token_lifetimes(mut self, lifetimes: TokenLifetimes) -> Self {
        self.lifetimes = Some(lifetimes);
        self
    }

    /// Whether refresh tokens rotate.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = Some(rotation);
        self
    }

    /// Which time stands in id tokens: the machine's by default, which is what clients check them against.
    pub fn jwt_time(mut self, time: JwtTime) -> Self {
        self.jwt_time = Some(time);
        self
    }

    /// Adds a project of developers, with its clients and policies: as administrators they find it in the
    /// emulator's Auth, and its clients can log in at once.
    pub fn project(mut self, project: NewProject) -> Self {
        self.projects.push(project);
        self
    }

    /// Starts the emulator on `127.0.0.1`.
    ///
    /// It is ready when this returns. The signing key is made in the background; a call that needs it waits.
    ///
    /// # Errors
    ///
    /// [`StartError`] when there is no tokio runtime, the port is taken, a collection's directory is missing, two
    /// collections have the same name, a project cannot be made as it was given, or the data directory cannot be used.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let mut world = match self.data_dir.clone() {
            None => World::load(Store::in_memory())?,
            // Not on this thread: an emulator that was just dropped may need it to let go of the directory.
            Some(directory) => {
                let load = move || Store::open(&directory).and_then(World::load);
                runtime.spawn_blocking(load).await.map_err(|_| StartError::NoRuntime)??
            }
        };
        self.apply_settings(&mut world);
        let collections = self.add_collections(&mut world)?;
        let mut projects = Vec::new();
        for project in &self.projects {
            projects.push(world.plant_project(project, false)?);
        }
        let listen = |source| StartError::Listen { port: self.port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        let base_path = if self.open { "/".to_owned() } else { format!("/{}/", world.settings.base) };
        let unfinished: Vec<String> = world
            .tasks
            .values()
            .filter(|task| task.status == Status::Active)
            .map(|task| task.id.clone())
            .collect();
        let app = Arc::new(App {
            clock: EmulatedClock::new(world.settings.clock()),
            world: Shared::new(world),
            journal: Journal::default(),
            faults: Faults::default(),
            keys: Keys::pending(),
            tickets: Tickets::default(),
            runner: Runner::default(),
            projects: self.projects,
            port,
            base_path,
        });
        app.world.change(|_| Ok::<_, StartError>(()))?;
        let key = std::thread::spawn({
            let app = app.clone();
            move || keys::prepare(&app)
        });
        for task in unfinished {
            app.runner.start(&app, &task);
        }
        let (stop, stopped) = watch::channel(false);
        let server = runtime.spawn(server::serve(listener, app.clone(), routes::all(), stopped));
        Ok(Emulator::running(app, stop, server, key, collections, projects))
    }

    fn apply_settings(&self, world: &mut World) {
        let settings = &mut world.settings;
        settings.lifetimes = self.lifetimes.unwrap_or(settings.lifetimes);
        settings.rotation = self.rotation.unwrap_or(settings.rotation);
        settings.jwt_time = self.jwt_time.unwrap_or(settings.jwt_time);
        settings.consent_mode = self.consent_mode.unwrap_or(settings.consent_mode);
        for person in &self.people {
            world.add_person(person, false);
        }
    }

    /// Adds the collections; one that was there before under the same name keeps its id.
    fn add_collections(&self, world: &mut World) -> Result<Vec<Collection>, StartError> {
        let mut added: Vec<Collection> = Vec::new();
        for WantedCollection { name, directory, kind, rules } in &self.collections {
            if added.iter().any(|other| other.name == *name) {
                return Err(StartError::SameName { name: name.clone() });
            }
            let directory = real_directory(directory).map_err(|source| StartError::Collection {
                name: name.clone(),
                directory: directory.clone(),
                source,
            })?;
            let known = world.collections.values().find(|known| known.name == *name);
            let id = known.and_then(|known| known.id.parse().ok()).unwrap_or_else(Uuid::new_v4);
            let rules = match rules {
                Some(rules) => Rules::seed(rules.clone()),
                None => known.map(|known| known.rules.clone()).unwrap_or_default(),
            };
            rules
                .now
                .check(kind.as_str())
                .map_err(|source| StartError::Rules { name: name.clone(), source })?;
            let record = CollectionRecord {
                id: id.to_string(),
                name: name.clone(),
                directory: directory.clone(),
                entity_type: kind.as_str().to_owned(),
                owner: world.settings.confidential_client.to_string(),
                rules,
            };
            world.collections.insert(id.to_string(), record);
            added.push(Collection { id, name: name.clone(), dir: directory });
        }
        Ok(added)
    }
}

fn real_directory(directory: &Path) -> io::Result<PathBuf> {
    use io::{Error, ErrorKind};

    let real = fs::canonicalize(directory)?;
    if !real.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    // Documents show it, and they are JSON.
    if real.to_str().is_none() {
        return Err(Error::new(ErrorKind::InvalidData, "its path is not UTF-8"));
    }
    Ok(real)
}
