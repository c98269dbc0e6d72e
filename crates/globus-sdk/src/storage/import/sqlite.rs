//! Databases of tokens, read and never written.

use std::collections::BTreeMap;
use std::path::Path;

use globus_core::secret::ClientSecret;
use globus_core::storage::{Namespace, StorageError};
use globus_storage_sqlite::{DatabaseSchema, read_token_database};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{FoundClient, FoundKind, FoundNamespace};

/// What [`detect`](super::detect) answers for a database; `None` for what is none.
pub(super) fn read(path: &Path) -> Result<Option<(FoundKind, Vec<FoundNamespace>)>, StorageError> {
    let Some(contents) = read_token_database(path)? else { return Ok(None) };
    let is_cli = contents.namespaces.keys().any(|name| CliNamespace::parse(name).is_some());
    let kind = match contents.schema {
        _ if is_cli => FoundKind::Cli,
        DatabaseSchema::Package => FoundKind::PackageSqlite,
        DatabaseSchema::Version1 => FoundKind::LegacySqlite,
        _ => FoundKind::Sqlite,
    };
    let namespaces = contents.namespaces.into_iter().map(|(name, loaded)| {
        let mut found = FoundNamespace::new(name);
        (found.tokens, found.damaged) = (loaded.tokens, loaded.damaged);
        complete(&mut found, &contents.configs);
        found
    });
    Ok(Some((kind, namespaces.collect())))
}

/// The names that the CLI gives its namespaces: `userprofile/<environment>[/<profile>]` for people,
/// `clientprofile/<environment>/<client id>` for a client that it logs in as.
struct CliNamespace<'a> {
    environment: &'a str,
    profile: Option<&'a str>,
    client_id: Option<&'a str>,
}

impl<'a> CliNamespace<'a> {
    fn parse(name: &'a Namespace) -> Option<Self> {
        let (kind, rest) = name.as_str().split_once('/')?;
        let (environment, last) = rest.split_once('/').map_or((rest, None), |(one, two)| (one, Some(two)));
        match kind {
            "userprofile" => Some(Self { environment, profile: last, client_id: None }),
            "clientprofile" => Some(Self { environment, profile: None, client_id: last }),
            _ => None,
        }
    }
}

/// What the CLI keeps of the client that it has registered for a profile.
#[derive(Deserialize)]
struct ClientData {
    client_id: String,
    client_secret: String,
}

/// What it keeps of the person.
#[derive(Deserialize)]
struct UserData {
    sub: String,
}

/// The configurations of a database, by namespace and name.
type Configs = BTreeMap<Namespace, BTreeMap<String, Map<String, Value>>>;

/// Adds what the CLI knows of a namespace besides its tokens.
fn complete(found: &mut FoundNamespace, configs: &Configs) {
    let Some(cli) = CliNamespace::parse(&found.name) else { return };
    found.environment = Some(cli.environment.to_owned());
    found.profile = cli.profile.map(str::to_owned);
    found.client = match config::<ClientData>(configs, &found.name, "auth_client_data") {
        Some(data) => Some(FoundClient::new(data.client_id, Some(ClientSecret::new(data.client_secret)))),
        None => cli.client_id.map(|id| FoundClient::new(id, None)),
    };
    if let Some(UserData { sub }) = config(configs, &found.name, "auth_user_data") {
        for token in found.tokens.values_mut() {
            token.identity_id.get_or_insert_with(|| sub.clone());
        }
    }
}

/// A row of the CLI's configuration; one that is not as it should be counts as missing.
fn config<T: DeserializeOwned>(configs: &Configs, namespace: &Namespace, name: &str) -> Option<T> {
    let config = configs.get(namespace)?.get(name)?;
    serde_json::from_value(Value::Object(config.clone())).ok()
}
