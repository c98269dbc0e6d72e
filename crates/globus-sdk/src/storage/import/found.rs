//! What was found in a store of another tool, and taking it over.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use globus_core::secret::ClientSecret;
use globus_core::storage::{Namespace, Storage, StorageError, StoreKind};
use globus_core::token::{ResourceServer, TokenData};

/// The kinds of stores that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FoundKind {
    /// A flat file with one token, of the Python package globus-sdk-tokenstorage.
    FlatJson,
    /// A JSON file of format 1.0, of the Python SDK's "legacy" adapters.
    LegacyJson,
    /// A JSON file of format 2.0, of the Python SDK, or of this one.
    Json,
    /// A database of the Python package globus-sdk-tokenstorage.
    PackageSqlite,
    /// A database of schema 1, of the Python SDK's "legacy" adapters.
    LegacySqlite,
    /// A database of schema 2, of the Python SDK.
    Sqlite,
    /// The database of the Python CLI.
    Cli,
}

impl fmt::Display for FoundKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FlatJson => "flat JSON file of globus-sdk-tokenstorage",
            Self::LegacyJson => "JSON file of format 1.0",
            Self::Json => "JSON file of format 2.0",
            Self::PackageSqlite => "database of globus-sdk-tokenstorage",
            Self::LegacySqlite => "database of schema 1",
            Self::Sqlite => "database of schema 2",
            Self::Cli => "database of the Globus CLI",
        })
    }
}

/// A store of another tool, as it was when it was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: FoundKind,
    /// The app that it belongs to, where the path says so.
    pub app: Option<FoundApp>,
    /// What it holds.
    pub namespaces: Vec<FoundNamespace>,
    /// What to know before importing it, to be shown to the user.
    pub warnings: Vec<Warning>,
}

/// An app of the SDK, as the path of its tokens names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundApp {
    /// The client id.
    pub client_id: String,
    /// The app's name, as a directory name.
    pub slug: String,
    /// The environment, such as `production`.
    pub environment: String,
}

/// One namespace of a store: the tokens of one account or profile.
#[derive(Debug)]
#[non_exhaustive]
pub struct FoundNamespace {
    /// Its name in the store.
    pub name: Namespace,
    /// The environment that its tokens are of, where the store says so.
    pub environment: Option<String>,
    /// The CLI's profile (`GLOBUS_PROFILE`), where it is one.
    pub profile: Option<String>,
    /// The client that the tokens were issued to, where the store says so. Refreshing needs it.
    pub client: Option<FoundClient>,
    /// The tokens, by the name that they are stored by.
    pub tokens: BTreeMap<ResourceServer, TokenData>,
    /// What is damaged in it, and is not imported.
    pub damaged: Vec<StorageError>,
}

/// The client that tokens were issued to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundClient {
    /// Its id.
    pub client_id: String,
    /// Its secret. The CLI registers a client for every profile and keeps its secret; a native app has none.
    pub client_secret: Option<ClientSecret>,
}

impl FoundClient {
    pub(super) fn new(client_id: impl Into<String>, client_secret: Option<ClientSecret>) -> Self {
        Self { client_id: client_id.into(), client_secret }
    }
}

/// Something to know before importing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// There are refresh tokens, which both tools will have.
    SharedRefreshTokens,
    /// Other users may read the store.
    #[non_exhaustive]
    OpenToOthers {
        /// The mode of the file, such as `0o644`.
        mode: u32,
    },
    /// It is not known which client got the refresh tokens of this namespace, without which they are of no use.
    #[non_exhaustive]
    UnknownClient {
        /// The namespace.
        namespace: Namespace,
    },
    /// This many records cannot be read.
    #[non_exhaustive]
    Damaged {
        /// How many.
        records: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedRefreshTokens => f.write_str(
                "after the import both tools have the same refresh tokens; where the service replaces them, the \
                 tool that refreshes second must log in again: go on with one tool, or log in anew in the other",
            ),
            Self::OpenToOthers { mode } => write!(
                f,
                "other users of this computer may read the store (mode {mode:o}); consider to log in anew, and \
                 close it with `chmod 600`"
            ),
            Self::UnknownClient { namespace } => write!(
                f,
                "the store does not say which client got the refresh tokens in {namespace:?}; they are of use only \
                 to the app with that client id"
            ),
            Self::Damaged { records } => write!(f, "{records} of the records cannot be read and are left out"),
        }
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Whose tokens are stored now.
    pub stored: Vec<ResourceServer>,
    /// Whose tokens were left out, because the storage has some of its own.
    pub left_out: Vec<ResourceServer>,
}

impl Found {
    pub(super) fn new(
        path: &Path,
        kind: FoundKind,
        mut namespaces: Vec<FoundNamespace>,
        mode: Option<u32>,
    ) -> Self {
        let app = FoundApp::of(path);
        if let Some(app) = &app {
            for namespace in &mut namespaces {
                namespace.environment.get_or_insert_with(|| app.environment.clone());
                namespace.client.get_or_insert_with(|| FoundClient::new(&app.client_id, None));
            }
        }
        let mut warnings = Vec::new();
        let refreshable = |namespace: &&FoundNamespace| {
            namespace.tokens.values().any(|token| token.refresh_token.is_some())
        };
        if namespaces.iter().any(|namespace| refreshable(&namespace)) {
            warnings.push(Warning::SharedRefreshTokens);
        }
        if let Some(mode) = mode {
            warnings.push(Warning::OpenToOthers { mode });
        }
        let without_client = namespaces.iter().filter(refreshable).filter(|found| found.client.is_none());
        warnings.extend(without_client.map(|found| Warning::UnknownClient { namespace: found.name.clone() }));
        let damaged = namespaces.iter().map(|namespace| namespace.damaged.len()).sum();
        if damaged > 0 {
            warnings.push(Warning::Damaged { records: damaged });
        }
        Self { path: path.to_owned(), kind, app, namespaces, warnings }
    }

    /// The namespace of this name.
    pub fn namespace(&self, name: &str) -> Option<&FoundNamespace> {
        self.namespaces.iter().find(|namespace| namespace.name.as_str() == name)
    }

    /// Stores the tokens of every namespace, each under its own name. To store one of them in the namespace of the
    /// handle, use [`FoundNamespace::import_into`].
    ///
    /// Tokens that the storage has already stay, and those here are left out; see there for what is not promised.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read or written. The namespaces before the one that failed are then stored.
    pub async fn import_into(
        &self,
        storage: &Storage,
    ) -> Result<BTreeMap<Namespace, Imported>, StorageError> {
        let mut imported = BTreeMap::new();
        for namespace in &self.namespaces {
            let storage = storage.with_namespace(namespace.name.clone());
            imported.insert(namespace.name.clone(), namespace.import_into(&storage).await?);
        }
        Ok(imported)
    }
}

impl FoundNamespace {
    pub(super) fn new(name: Namespace) -> Self {
        Self {
            name,
            environment: None,
            profile: None,
            client: None,
            tokens: BTreeMap::new(),
            damaged: Vec::new(),
        }
    }

    /// Leaves out all tokens but those of these resource servers.
    pub fn retain<S: AsRef<str>>(&mut self, resource_servers: &[S]) {
        self.tokens.retain(|name, _| resource_servers.iter().any(|kept| kept.as_ref() == name.as_str()));
    }

    /// Stores the tokens in the namespace that the handle works in. Those that the storage has already stay, and
    /// those here are left out; remove them first to replace them.
    ///
    /// What the storage has is looked at first, and then is stored. A login of another program between the two, into
    /// the same namespace, is overwritten, as by another login. Import while nobody logs in there.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read or written. Nothing is stored then.
    pub async fn import_into(&self, storage: &Storage) -> Result<Imported, StorageError> {
        let existing = storage.get_all().await?;
        let is_there = |token: &TokenData| {
            let damaged = existing.damaged.iter().filter_map(StorageError::resource_server);
            existing.tokens.keys().chain(damaged).any(|name| *name == token.resource_server)
        };
        let (left_out, new): (Vec<_>, Vec<_>) = self.tokens.values().cloned().partition(is_there);
        let names = |tokens: &[TokenData]| tokens.iter().map(|token| token.resource_server.clone()).collect();
        let imported = Imported { stored: names(&new), left_out: names(&left_out) };
        if !new.is_empty() {
            storage.store(new, StoreKind::Login).await?;
        }
        Ok(imported)
    }
}

impl FoundApp {
    /// Reads `…/app/<client id>/<slug>/[<environment>-]tokens.<json or db>`.
    fn of(path: &Path) -> Option<Self> {
        let stem = path.file_stem()?.to_str()?;
        let environment = match stem.strip_suffix("tokens")? {
            "" => "production",
            prefix => prefix.strip_suffix('-')?,
        };
        let slug = path.parent()?;
        let client_id = slug.parent()?;
        let name = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
        if name(client_id.parent()?)? != "app" || uuid::Uuid::try_parse(&name(client_id)?).is_err() {
            return None;
        }
        Some(Self { client_id: name(client_id)?, slug: name(slug)?, environment: environment.to_owned() })
    }
}
