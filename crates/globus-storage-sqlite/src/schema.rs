//! The tables, and which versions of them are known.

use globus_core::StorageError;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Transaction};

use crate::VERSION;
use crate::error::Failure;

/// In which form records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// What is not there is left out; of schema version 2.
    Record,
    /// What is not there is null, as programs of schema version 1 expect it.
    Legacy,
}

/// The tables that are there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) tokens: bool,
    pub(crate) config: bool,
    pub(crate) internal: bool,
}

const NEWEST_VERSION: u32 = 2;

const TOKENS: &str = "CREATE TABLE IF NOT EXISTS token_storage (
    namespace VARCHAR NOT NULL,
    resource_server VARCHAR NOT NULL,
    token_data_json VARCHAR NOT NULL,
    PRIMARY KEY (namespace, resource_server)
)";

const CONFIG: &str = "CREATE TABLE IF NOT EXISTS config_storage (
    namespace VARCHAR NOT NULL,
    config_name VARCHAR NOT NULL,
    config_data_json VARCHAR NOT NULL,
    PRIMARY KEY (namespace, config_name)
)";

const INTERNAL: &str = "CREATE TABLE IF NOT EXISTS sdk_storage_adapter_internal (
    attribute VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (attribute)
)";

/// Says which tables there are, and refuses a schema that is too new.
pub(crate) fn check(transaction: &Transaction<'_>) -> Result<Tables, Failure> {
    let tables = tables(transaction)?;
    if tables.internal {
        check_version(transaction)?;
    }
    Ok(tables)
}

/// Says which tables there are.
pub(crate) fn tables(transaction: &Transaction<'_>) -> Result<Tables, Failure> {
    let mut tables = Tables::default();
    let mut statement = transaction.prepare_cached(
        "SELECT name FROM sqlite_master WHERE type = 'table'
         AND name IN ('token_storage', 'config_storage', 'sdk_storage_adapter_internal')",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match row.get_ref(0)?.as_str() {
            Ok("token_storage") => tables.tokens = true,
            Ok("config_storage") => tables.config = true,
            _ => tables.internal = true,
        }
    }
    Ok(tables)
}

fn check_version(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let versions = versions(transaction)?;
    for found in [versions.sdk, versions.package].into_iter().flatten() {
        if !found.parse::<u32>().is_ok_and(|version| version <= NEWEST_VERSION) {
            return Err(unsupported(&found));
        }
    }
    Ok(())
}

/// The versions that a database says its schema has: to programs with the SDK, and to those with the package
/// globus-sdk-tokenstorage.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub(crate) sdk: Option<String>,
    pub(crate) package: Option<String>,
}

/// What the table that is there for it says.
pub(crate) fn versions(transaction: &Transaction<'_>) -> Result<Versions, Failure> {
    let mut statement = transaction.prepare_cached(
        "SELECT attribute = 'globus-sdk.database_schema_version', value FROM sdk_storage_adapter_internal
         WHERE attribute IN
         ('globus-sdk.database_schema_version', 'globus-sdk-tokenstorage.database_schema_version')",
    )?;
    let mut versions = Versions::default();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let found = match row.get_ref(1)? {
            ValueRef::Integer(version) => version.to_string(),
            other => other.as_str().unwrap_or_default().trim().to_owned(),
        };
        *(if row.get(0)? { &mut versions.sdk } else { &mut versions.package }) = Some(found);
    }
    Ok(versions)
}

/// The error for a schema that is not known.
pub(crate) fn unsupported(found: &str) -> Failure {
    StorageError::unsupported_schema(shortened(found)).into()
}

/// Anything may stand there.
fn shortened(found: &str) -> String {
    let is_version = found.len() <= 16 && found.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_version { found.to_owned() } else { "no number".to_owned() }
}

/// Makes the tables that are missing.
pub(crate) fn prepare(transaction: &Transaction<'_>, form: Form) -> Result<(), Failure> {
    let tables = check(transaction)?;
    if !tables.tokens {
        transaction.execute(TOKENS, [])?;
    }
    if form == Form::Legacy && !tables.config {
        transaction.execute(CONFIG, [])?;
    }
    if !tables.internal {
        transaction.execute(INTERNAL, [])?;
        let version = if form == Form::Legacy { "1" } else { "2" };
        transaction.execute(
            "INSERT INTO sdk_storage_adapter_internal (attribute, value)
             VALUES ('globus-sdk.version', ?1), ('globus-sdk.database_schema_version', ?2)",
            [VERSION, version],
        )?;
    }
    Ok(())
}

/// Whether there is a table of this name.
pub(crate) fn has_table(transaction: &Transaction<'_>, name: &str) -> Result<bool, Failure> {
    let mut statement =
        transaction.prepare_cached("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")?;
    Ok(statement.query_row([name], |_| Ok(())).optional()?.is_some())
}
