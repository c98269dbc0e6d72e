//! The rows of tokens.

use std::collections::BTreeMap;

use globus_core::storage::{Loaded, StoreKind};
use globus_core::{Namespace, ResourceServer, StorageError, TokenData};
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Transaction};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::database::reach;
use crate::error::Failure;
use crate::schema::Form;

/// All records of a namespace.
pub(crate) fn load_all(transaction: &Transaction<'_>, namespace: &Namespace) -> Result<Loaded, Failure> {
    let mut statement = transaction
        .prepare_cached("SELECT resource_server, token_data_json FROM token_storage WHERE namespace = ?1")?;
    let mut rows = statement.query([namespace.as_str()])?;
    let mut loaded = Loaded::new(BTreeMap::new());
    while let Some(row) = rows.next()? {
        let name = ResourceServer::from(text(row.get_ref(0)?));
        match parse(namespace, &name, bytes(row.get_ref(1)?)) {
            Ok(token) => drop(loaded.tokens.insert(name, token)),
            Err(error) => loaded.damaged.push(error),
        }
    }
    Ok(loaded)
}

/// The record of one resource server.
pub(crate) fn load(
    transaction: &Transaction<'_>,
    namespace: &Namespace,
    resource_server: &ResourceServer,
) -> Result<Option<TokenData>, Failure> {
    match with_row(transaction, namespace, resource_server, |record| {
        parse(namespace, resource_server, record)
    })? {
        None => Ok(None),
        Some(parsed) => Ok(Some(parsed?)),
    }
}

/// Joins tokens with the stored ones and puts them in their place.
pub(crate) fn store(
    transaction: &Transaction<'_>,
    namespace: &Namespace,
    tokens: Vec<TokenData>,
    kind: StoreKind,
    form: Form,
) -> Result<(), Failure> {
    for token in tokens {
        let name = token.resource_server.clone();
        let previous = with_row(transaction, namespace, &name, |record| {
            // A damaged record counts as none.
            (TokenData::from_record(record).ok(), has_nulls(record))
        })?;
        let (previous, had_nulls) = previous.unwrap_or_default();
        let merged = kind.merge(previous.as_ref(), token)?;
        let record = if form == Form::Legacy || had_nulls {
            merged.to_legacy_record_with_identity()
        } else {
            merged.to_record()
        };
        reach("sqlite.insert")?;
        transaction
            .prepare_cached(
                "REPLACE INTO token_storage (namespace, resource_server, token_data_json) VALUES (?1, ?2, ?3)",
            )?
            .execute([namespace.as_str(), name.as_str(), record.as_str()])?;
    }
    Ok(())
}

/// Whether there is a record of this resource server, be it damaged.
pub(crate) fn exists(
    transaction: &Transaction<'_>,
    namespace: &Namespace,
    resource_server: &ResourceServer,
) -> Result<bool, Failure> {
    Ok(with_row(transaction, namespace, resource_server, |_| ())?.is_some())
}

/// Removes a record and says whether there was one.
pub(crate) fn remove(
    transaction: &Transaction<'_>,
    namespace: &Namespace,
    resource_server: &ResourceServer,
) -> Result<bool, Failure> {
    let removed = transaction
        .prepare_cached("DELETE FROM token_storage WHERE namespace = ?1 AND resource_server = ?2")?
        .execute([namespace.as_str(), resource_server.as_str()])?;
    Ok(removed > 0)
}

/// The names that this query answers, in order.
pub(crate) fn namespaces(transaction: &Transaction<'_>, query: &str) -> Result<Vec<Namespace>, Failure> {
    let mut statement = transaction.prepare_cached(query)?;
    let names = statement.query_map([], |row| Ok(Namespace::from(text(row.get_ref(0)?))))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn with_row<T>(
    transaction: &Transaction<'_>,
    namespace: &Namespace,
    resource_server: &ResourceServer,
    look: impl FnOnce(&[u8]) -> T,
) -> Result<Option<T>, Failure> {
    let mut statement = transaction.prepare_cached(
        "SELECT token_data_json FROM token_storage WHERE namespace = ?1 AND resource_server = ?2",
    )?;
    let found = statement
        .query_row([namespace.as_str(), resource_server.as_str()], |row| Ok(look(bytes(row.get_ref(0)?))))
        .optional()?;
    Ok(found)
}

/// The text, as it is; what is no text is none of ours, and so no record.
pub(crate) fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => &[],
    }
}

/// The text of a name, which is what nobody looks for where it is no text.
pub(crate) fn text(value: ValueRef<'_>) -> String {
    String::from_utf8_lossy(bytes(value)).into_owned()
}

fn parse(
    namespace: &Namespace,
    resource_server: &ResourceServer,
    record: &[u8],
) -> Result<TokenData, StorageError> {
    TokenData::from_record(record)
        .map_err(|error| StorageError::invalid_record(Some(namespace), Some(resource_server), error))
}

/// Whether the record says null where there is nothing. Then a program reads it that may miss a member that is left
/// out, and the new record says null as well.
fn has_nulls(record: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Members {
        #[serde(default = "absent")]
        refresh_token: Option<IgnoredAny>,
        #[serde(default = "absent")]
        token_type: Option<IgnoredAny>,
    }
    /// Not null, that is.
    #[expect(clippy::unnecessary_wraps, reason = "a default has the type of its member")]
    fn absent() -> Option<IgnoredAny> {
        Some(IgnoredAny)
    }
    serde_json::from_slice::<Members>(record)
        .is_ok_and(|members| members.refresh_token.is_none() || members.token_type.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_told_from_absent() {
        assert!(has_nulls(br#"{"refresh_token": null, "token_type": "Bearer"}"#));
        assert!(has_nulls(br#"{"token_type": null}"#));
        assert!(!has_nulls(br#"{"refresh_token": "r", "x": null}"#));
        assert!(!has_nulls(b"null") && !has_nulls(b"{"));
    }
}
