//! The tables, and what is said to the server about them.

/// The names of the tables, and the statements on them. Names are validated and quoted.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) schema: Option<String>,
    pub(crate) prefix: String,
    pub(crate) load_all: String,
    pub(crate) load: String,
    pub(crate) lock: String,
    insert: String,
    update: String,
    insert_or_fail: String,
    update_or_fail: String,
    pub(crate) remove: String,
    pub(crate) list: String,
    pub(crate) take_lease: String,
    pub(crate) extend_lease: String,
    pub(crate) release_lease: String,
}

/// A name that no table or schema is given: it is empty or longer than 40 characters, begins with a digit, or has
/// characters other than `a` to `z`, `0` to `9` and `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the name of a schema or the beginning of the name of a table: use at most 40 of the characters a to z, 0 to \
     9 and _, and no digit first"
)]
#[non_exhaustive]
pub struct InvalidName;

/// Whether the name can stand for itself, in quotes or without.
pub(crate) fn check(name: &str) -> Result<(), InvalidName> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let first_is_digit = name.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
    if first_is_digit || name.len() > 40 || !name.bytes().all(is_plain) { Err(InvalidName) } else { Ok(()) }
}

impl Tables {
    pub(crate) fn new(schema: Option<String>, prefix: String) -> Self {
        let tokens = table(schema.as_deref(), &prefix, "tokens");
        let leases = table(schema.as_deref(), &prefix, "leases");
        let this_row = "namespace = $1 AND resource_server = $2";
        let insert = format!(
            "INSERT INTO {tokens} (namespace, resource_server, record, updated_at) \
             VALUES ($1, $2, $3, clock_timestamp())"
        );
        let update =
            format!("UPDATE {tokens} SET record = $3, updated_at = clock_timestamp() WHERE {this_row}");
        Self {
            load_all: format!("SELECT resource_server, record FROM {tokens} WHERE namespace = $1"),
            load: format!("SELECT record FROM {tokens} WHERE {this_row}"),
            // In order, so that two batches do not wait for each other.
            lock: format!(
                "SELECT resource_server, record FROM {tokens} WHERE namespace = $1 AND resource_server = ANY($2) \
                 ORDER BY resource_server FOR UPDATE"
            ),
            insert_or_fail: or_fail(&insert),
            update_or_fail: or_fail(&update),
            insert,
            update,
            remove: format!("DELETE FROM {tokens} WHERE {this_row} RETURNING 1"),
            list: format!("SELECT DISTINCT namespace FROM {tokens} ORDER BY namespace"),
            // While somebody has the lease this only reads, so that those who wait cost the server no write. Whose
            // answer was lost finds its own lease by the nonce.
            take_lease: format!(
                "WITH busy AS MATERIALIZED (
                    SELECT holder, extract(epoch FROM expires_at - clock_timestamp())::float8 AS seconds
                    FROM {leases} WHERE {this_row} AND nonce <> $4 AND expires_at > clock_timestamp()
                ), taken AS (
                    INSERT INTO {leases} AS lease
                        (namespace, resource_server, holder, nonce, fencing, expires_at)
                    SELECT $1, $2, $3, $4, 1, clock_timestamp() + make_interval(secs => $5::float8)
                    WHERE NOT EXISTS (SELECT FROM busy)
                    ON CONFLICT (namespace, resource_server) DO UPDATE SET
                        holder = excluded.holder, nonce = excluded.nonce, fencing = lease.fencing + 1,
                        expires_at = clock_timestamp() + make_interval(secs => $5::float8)
                    WHERE lease.expires_at <= clock_timestamp() OR lease.nonce = excluded.nonce
                    RETURNING fencing
                )
                SELECT taken.fencing, busy.holder, busy.seconds
                FROM (SELECT) AS always LEFT JOIN taken ON true LEFT JOIN busy ON true"
            ),
            extend_lease: format!(
                "UPDATE {leases} SET expires_at = clock_timestamp() + make_interval(secs => $4::float8) \
                 WHERE {this_row} AND nonce = $3 RETURNING 1"
            ),
            // The row stays, so that the fencing value grows.
            release_lease: format!(
                "UPDATE {leases} SET holder = '', nonce = '', expires_at = '-infinity' \
                 WHERE {this_row} AND nonce = $3 RETURNING 1"
            ),
            schema,
            prefix,
        }
    }

    /// Writes a record, in place of an old one or not.
    pub(crate) fn write(&self, is_there: bool) -> &str {
        if is_there { &self.update } else { &self.insert }
    }

    /// The same, and fails with its transaction where that writes no row.
    pub(crate) fn write_or_fail(&self, is_there: bool) -> &str {
        if is_there { &self.update_or_fail } else { &self.insert_or_fail }
    }

    pub(crate) fn table(&self, name: &str) -> String {
        table(self.schema.as_deref(), &self.prefix, name)
    }
}

/// The statement, which fails with its transaction where it writes no row. It takes the server a little longer.
fn or_fail(statement: &str) -> String {
    format!("WITH written AS ({statement} RETURNING 1) SELECT 1 / count(*) FROM written")
}

fn table(schema: Option<&str>, prefix: &str, name: &str) -> String {
    match schema {
        Some(schema) => format!("\"{schema}\".\"{prefix}{name}\""),
        None => format!("\"{prefix}{name}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_more_than_a_name_are_refused() {
        for name in ["globus_", "a", "_0", &"x".repeat(40)] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in ["", "0a", "A", "a-b", "a\"; DROP TABLE x; --", "a.b", "ü", "a b", &"x".repeat(41)] {
            assert_eq!(check(name), Err(InvalidName), "{name}");
        }
    }
}
