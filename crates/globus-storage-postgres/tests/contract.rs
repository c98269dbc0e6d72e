//! The contract of token storages, on a real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::OnceLock;

use globus_core::storage::{Capabilities, Storage};
use globus_storage_postgres::PostgresTokenStorage;
use globus_storage_testkit::{Backend, Options};

use crate::support::{Schema, pool};

/// A schema; described by how to connect, and its name.
#[derive(Debug, Default)]
struct Postgres {
    /// Holds the server as long as the case runs.
    schema: OnceLock<Schema>,
}

fn storage(place: &str) -> PostgresTokenStorage {
    let (connection, schema) = place.split_once('|').unwrap();
    PostgresTokenStorage::new(pool(connection.parse().unwrap(), 4)).schema(schema).unwrap()
}

impl Backend for Postgres {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_durable()
    }

    async fn make_place(&self) -> String {
        let schema = self.schema.get_or_init(Schema::new);
        schema.storage().await;
        format!("{}|{}", schema.connection(), schema.name)
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        storage(place).lease_time(options.lease_time).lock_wait(options.lock_wait).into()
    }

    async fn remove_place(&self, place: &str) {
        let (_, schema) = place.split_once('|').unwrap();
        let client = self.schema.get().unwrap().client().await;
        client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
    }

    fn steps(&self) -> &'static [&'static str] {
        &["postgres.begin", "postgres.read", "postgres.write", "postgres.commit", "postgres.committed"]
    }

    async fn damage(&self, _place: &str, text: &str) -> bool {
        let schema = self.schema.get().unwrap();
        let sql = format!("UPDATE {}.globus_tokens SET record = $1", schema.name);
        schema.client().await.execute(&sql, &[&format!("{{{text:?}")]).await.unwrap() > 0
    }

    async fn lock_out(&self, _place: &str) -> Option<Box<dyn Send>> {
        let schema = self.schema.get().unwrap();
        let client = schema.client().await;
        let sql = format!("BEGIN; LOCK TABLE {}.globus_tokens IN EXCLUSIVE MODE", schema.name);
        client.batch_execute(&sql).await.unwrap();
        // Its transaction ends with the connection.
        Some(Box::new(client))
    }
}

globus_storage_testkit::storage_contract!(Postgres::default());
