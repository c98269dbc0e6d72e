//! Databases of tokens, read and never written.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use globus_core::secret::ClientSecret;
use globus_core::storage::{Namespace, StorageError, StorageErrorKind};
use globus_core::token::{ResourceServer, TokenData};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use serde::Deserialize;
use url::Url;

use super::{FoundClient, FoundKind, FoundNamespace};

/// How long to wait for a program that writes.
const WAIT: Duration = Duration::from_secs(2);

/// Where the header says how the database is written, and what stands there for a write-ahead log.
const WRITE_VERSION: usize = 18;
const WRITE_AHEAD: u8 = 2;

const PACKAGE_SCHEMA: &str = "globus-sdk-tokenstorage.database_schema_version";
const SDK_SCHEMA: &str = "globus-sdk.database_schema_version";

/// What [`detect`](super::detect) answers for a database.
pub(super) fn read(path: &Path, header: &[u8]) -> Result<(FoundKind, Vec<FoundNamespace>), StorageError> {
    let connection = open(path, header)?;
    // One state of the database, whoever writes meanwhile.
    connection.execute_batch("BEGIN").map_err(failed)?;
    let kind = kind(&connection)?;
    let mut namespaces = tokens(&connection)?;
    let is_cli = namespaces.keys().any(|name| CliNamespace::parse(name).is_some());
    if is_cli {
        for (name, found) in &mut namespaces {
            complete(&connection, name, found)?;
        }
    }
    Ok((if is_cli { FoundKind::Cli } else { kind }, namespaces.into_values().collect()))
}

/// Opens the database so that nothing can be written to it or made beside it.
fn open(path: &Path, header: &[u8]) -> Result<Connection, StorageError> {
    // Directories may be links, the file may not, and the library tells them apart only without the former.
    let refused = |error| StorageError::from_io(error, "open");
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file_name = path.file_name().ok_or_else(|| refused(std::io::ErrorKind::InvalidInput.into()))?;
    let path = directory.canonicalize().map_err(refused)?.join(file_name);

    let mut address =
        Url::from_file_path(&path).map_err(|()| refused(std::io::ErrorKind::InvalidInput.into()))?;
    address.set_query(Some("mode=ro"));
    if header.get(WRITE_VERSION) == Some(&WRITE_AHEAD) {
        // To look into a write-ahead log a reader has to write beside it. Without one the file is all there is.
        let mut log = path.into_os_string();
        log.push("-wal");
        if std::fs::symlink_metadata(log).is_ok_and(|facts| facts.len() > 0) {
            return Err(StorageError::new(StorageErrorKind::NeedsRecovery));
        }
        address.set_query(Some("mode=ro&immutable=1"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(address.as_str(), flags).map_err(failed)?;
    connection.busy_timeout(WAIT).map_err(failed)?;
    Ok(connection)
}

fn kind(connection: &Connection) -> Result<FoundKind, StorageError> {
    let has_table = |name: &str| {
        let count = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
        connection.query_row(count, [name], |row| Ok(row.get::<_, i64>(0)? > 0)).map_err(failed)
    };
    if !has_table("token_storage")? {
        return Err(StorageError::unknown_format_unnamed());
    }
    let mut attributes = BTreeMap::new();
    if has_table("sdk_storage_adapter_internal")? {
        let mut query = connection
            .prepare("SELECT attribute, value FROM sdk_storage_adapter_internal")
            .map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if let (Some(attribute), Some(value)) = (text(row, 0), text(row, 1)) {
                attributes.insert(attribute, value);
            }
        }
    }
    let schema = |attribute| attributes.get(attribute).map(|value| value.trim());
    match (schema(SDK_SCHEMA), schema(PACKAGE_SCHEMA)) {
        (Some("2"), _) => Ok(FoundKind::Sqlite),
        // The rows that say so are never read by the Python packages and may be missing.
        (Some("1") | None, None) => Ok(FoundKind::LegacySqlite),
        (Some("1") | None, Some("1")) => Ok(FoundKind::PackageSqlite),
        (Some(found), None) | (_, Some(found)) => Err(StorageError::unsupported_schema(shown(found))),
    }
}

/// A version as an error may show it: anything may stand there.
fn shown(version: &str) -> String {
    version.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).take(16).collect()
}

fn tokens(connection: &Connection) -> Result<BTreeMap<Namespace, FoundNamespace>, StorageError> {
    let mut namespaces = BTreeMap::new();
    let mut query = connection
        .prepare("SELECT namespace, resource_server, token_data_json FROM token_storage")
        .map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let namespace = Namespace::from(text(row, 0).unwrap_or_default());
        let server = ResourceServer::from(text(row, 1).unwrap_or_default());
        let found =
            namespaces.entry(namespace.clone()).or_insert_with(|| FoundNamespace::new(namespace.clone()));
        match TokenData::from_record(bytes(row, 2)) {
            Ok(token) => drop(found.tokens.insert(server, token)),
            Err(error) => {
                found.damaged.push(StorageError::invalid_record(Some(&namespace), Some(&server), error));
            }
        }
    }
    Ok(namespaces)
}

fn bytes<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> &'a [u8] {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => bytes,
        _ => &[],
    }
}

fn text(row: &rusqlite::Row<'_>, column: usize) -> Option<String> {
    String::from_utf8(bytes(row, column).to_owned()).ok()
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

/// Adds what the CLI knows of a namespace besides its tokens.
fn complete(
    connection: &Connection,
    name: &Namespace,
    found: &mut FoundNamespace,
) -> Result<(), StorageError> {
    let Some(cli) = CliNamespace::parse(name) else { return Ok(()) };
    found.environment = Some(cli.environment.to_owned());
    found.profile = cli.profile.map(str::to_owned);
    found.client = match config::<ClientData>(connection, name, "auth_client_data")? {
        Some(data) => Some(FoundClient::new(data.client_id, Some(ClientSecret::new(data.client_secret)))),
        None => cli.client_id.map(|id| FoundClient::new(id, None)),
    };
    if let Some(UserData { sub }) = config(connection, name, "auth_user_data")? {
        for token in found.tokens.values_mut() {
            token.identity_id.get_or_insert_with(|| sub.clone());
        }
    }
    Ok(())
}

/// A row of the CLI's configuration; one that is not as it should be counts as missing.
fn config<T: for<'de> Deserialize<'de>>(
    connection: &Connection,
    namespace: &Namespace,
    name: &str,
) -> Result<Option<T>, StorageError> {
    let row = "SELECT config_data_json FROM config_storage WHERE namespace = ?1 AND config_name = ?2";
    let mut query = match connection.prepare(row) {
        Ok(query) => query,
        // A database of schema 2 has no such table.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::Unknown => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut rows = query.query([namespace.as_str(), name]).map_err(failed)?;
    let row = rows.next().map_err(failed)?;
    Ok(row.and_then(|row| serde_json::from_slice(bytes(row, 0)).ok()))
}

/// The library's errors name tables, columns and types, never what is in a row.
fn failed(error: rusqlite::Error) -> StorageError {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StorageError::locked(None, WAIT).with_source(error)
        }
        _ if matches!(extended, Some(ffi::SQLITE_READONLY_ROLLBACK | ffi::SQLITE_READONLY_RECOVERY)) => {
            StorageError::new(StorageErrorKind::NeedsRecovery).with_source(error)
        }
        _ => StorageError::new(StorageErrorKind::Database).with_source(error),
    }
}
