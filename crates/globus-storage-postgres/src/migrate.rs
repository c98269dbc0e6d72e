//! Making the tables, and bringing older ones up to date.

use globus_core::storage::StorageError;

use crate::PostgresTokenStorage;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::tables::Tables;

/// The key of the advisory lock of the server that is held while tables are made: "globus" in ASCII, and 1.
const LOCK: i64 = 0x0067_6c6f_6275_7301;

/// The row of the table `meta` that holds the version: the number of steps that were taken.
const VERSION: &str = "schema_version";

/// What leads from each version to the next. Steps are only ever added.
const STEPS: [fn(&Tables) -> String; 1] = [first];

fn first(tables: &Tables) -> String {
    let (tokens, leases) = (tables.table("tokens"), tables.table("leases"));
    format!(
        "CREATE TABLE {tokens} (
            namespace text COLLATE \"C\" NOT NULL,
            resource_server text COLLATE \"C\" NOT NULL,
            record text NOT NULL,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (namespace, resource_server)
        );
        CREATE TABLE {leases} (
            namespace text COLLATE \"C\" NOT NULL,
            resource_server text COLLATE \"C\" NOT NULL,
            holder text NOT NULL,
            nonce text NOT NULL,
            fencing bigint NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (namespace, resource_server)
        );"
    )
}

impl PostgresTokenStorage {
    /// Makes the tables where they are not there yet, and brings those of an older version up to date. The schema is
    /// made as well, if one [was set](Self::schema).
    ///
    /// Any number of programs may call it at once, at every start: one does the work. When there is nothing to do,
    /// the role needs no right to make tables.
    ///
    /// # Errors
    ///
    /// [`Denied`](globus_core::storage::StorageErrorKind::Denied) when the role may not make tables,
    /// [`UnsupportedSchema`](globus_core::storage::StorageErrorKind::UnsupportedSchema) when they are newer than this
    /// version, [`Unavailable`](globus_core::storage::StorageErrorKind::Unavailable) when the server cannot be
    /// reached. Nothing is changed then.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        let connection = self.connect().await?;
        self.bring_up_to_date(&connection).await?;
        connection.give_back();
        Ok(())
    }

    async fn bring_up_to_date(&self, transaction: &Connection) -> Result<(), Failure> {
        // Each statement sees what was committed before it.
        transaction.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        // Held until the end of the transaction.
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        let found = self.version(transaction).await?;
        if found > STEPS.len() {
            return Err(StorageError::unsupported_schema(found.to_string()).into());
        }
        if found < STEPS.len() {
            self.make_schema(transaction).await?;
            let meta = self.tables.table("meta");
            if found == 0 {
                let sql =
                    format!("CREATE TABLE IF NOT EXISTS {meta} (name text PRIMARY KEY, value text NOT NULL)");
                transaction.batch_execute(&sql).await?;
            }
            for step in &STEPS[found..] {
                transaction.batch_execute(&step(&self.tables)).await?;
            }
            let sql = format!(
                "INSERT INTO {meta} (name, value) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            );
            transaction.execute(&sql, &[&VERSION, &STEPS.len().to_string()]).await?;
        }
        Ok(transaction.batch_execute("COMMIT").await?)
    }

    /// How many steps were taken so far.
    async fn version(&self, transaction: &Connection) -> Result<usize, Failure> {
        let meta = self.tables.table("meta");
        let row = transaction.query_one("SELECT to_regclass($1) IS NOT NULL", &[&meta]).await?;
        if !row.try_get(0)? {
            return Ok(0);
        }
        let sql = format!("SELECT value FROM {meta} WHERE name = $1");
        match transaction.query_opt(&sql, &[&VERSION]).await? {
            None => Ok(0),
            Some(row) => {
                let value: String = row.try_get(0)?;
                value.parse().map_err(|_| StorageError::unsupported_schema(value).into())
            }
        }
    }

    /// Making a schema needs a right even where it is there already, so it is looked for first.
    async fn make_schema(&self, transaction: &Connection) -> Result<(), Failure> {
        let Some(schema) = &self.tables.schema else { return Ok(()) };
        let quoted = format!("\"{schema}\"");
        let row = transaction.query_one("SELECT to_regnamespace($1) IS NULL", &[&quoted]).await?;
        if row.try_get(0)? {
            transaction.batch_execute(&format!("CREATE SCHEMA {quoted}")).await?;
        }
        Ok(())
    }
}
