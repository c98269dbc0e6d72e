//! Databases of the Python SDK and CLI.

use globus_sdk::storage::import::FoundClient;
use rusqlite::Connection;

use super::*;

#[test]
fn a_database_of_the_token_storage_package_is_read() {
    let found = found("s0.db");
    assert_eq!(found.kind, FoundKind::PackageSqlite);
    assert_eq!(
        tokens(found.namespace("DEFAULT").unwrap()),
        [
            (AUTH, "AgGoldenS0AuthAccess", None),
            (TRANSFER, "AgGoldenS0TransferAccess", Some("AgGoldenS0TransferRefresh"))
        ]
    );
}

#[test]
fn databases_of_the_sdk_are_read() {
    let legacy = found("s1.db");
    assert_eq!(legacy.kind, FoundKind::LegacySqlite);
    assert_eq!(tokens(legacy.namespace("DEFAULT").unwrap())[0], (AUTH, "AgGoldenS1AuthAccess", None));

    let found = found("s2.db");
    assert_eq!(found.kind, FoundKind::Sqlite);
    assert_eq!(
        tokens(found.namespace("work").unwrap()),
        [(TRANSFER, "AgGoldenS2WorkTransferAccess", Some("AgGoldenS2WorkTransferRefresh"))]
    );
    let token = &found.namespace("DEFAULT").unwrap().tokens[AUTH];
    assert_eq!(
        (token.identity_id.as_deref(), token.scope.as_str()),
        (Some(IDENTITY), "openid profile email")
    );
}

#[test]
fn the_database_of_the_cli_is_read_with_its_clients() {
    let found = found("cli.db");
    assert_eq!((found.kind, found.namespaces.len()), (FoundKind::Cli, 3));
    let secret =
        |client: &FoundClient| client.client_secret.as_ref().map(|secret| secret.expose().to_owned());

    let production = found.namespace("userprofile/production").unwrap();
    assert_eq!(
        tokens(production),
        [
            (AUTH, "AgGoldenCliAuthAccess", None),
            (TRANSFER, "AgGoldenCliTransferAccess", Some("AgGoldenCliTransferRefresh"))
        ]
    );
    let client = production.client.as_ref().unwrap();
    assert_eq!(client.client_id, "5d5b4a3c-1111-4222-8333-444455556666");
    assert_eq!(secret(client).as_deref(), Some("GoldenCliSecret"));
    assert_eq!((production.environment.as_deref(), &production.profile), (Some("production"), &None));
    assert_eq!(production.tokens[TRANSFER].identity_id.as_deref(), Some(IDENTITY));

    let lab = found.namespace("userprofile/preview/lab").unwrap();
    assert_eq!((lab.environment.as_deref(), lab.profile.as_deref()), (Some("preview"), Some("lab")));
    assert_eq!(secret(lab.client.as_ref().unwrap()).as_deref(), Some("GoldenCliPreviewSecret"));

    let client_id = "926cc9c6-b481-4a5e-9ccd-b497f04c643b";
    let client = found.namespace(&format!("clientprofile/production/{client_id}")).unwrap();
    assert_eq!((client.environment.as_deref(), &client.profile), (Some("production"), &None));
    let client = client.client.as_ref().unwrap();
    assert_eq!((client.client_id.as_str(), secret(client)), (client_id, None));
    assert_eq!(found.warnings, [Warning::SharedRefreshTokens]);
}

#[tokio::test]
async fn tokens_of_the_cli_are_imported_into_the_callers_namespace() {
    let found = found("cli.db");
    let storage = Storage::from(MemoryTokenStorage::new());
    let imported = found.namespace("userprofile/production").unwrap().import_into(&storage).await.unwrap();
    assert_eq!(imported.stored, [AUTH, TRANSFER]);
    let stored = storage.get(TRANSFER).await.unwrap().unwrap();
    assert_eq!(stored.refresh_token.unwrap().expose(), "AgGoldenCliTransferRefresh");
}

#[test]
fn the_places_of_databases_are_looked_into() {
    let home = tempfile::tempdir().unwrap();
    let variables = Variables::from_iter([("HOME", home.path().to_str().unwrap())]);
    let app = home.path().join(".globus/app").join(CLIENT).join("my-app");
    let cli = home.path().join(".globus/cli");
    for directory in [&app, &cli] {
        std::fs::create_dir_all(directory).unwrap();
    }
    put("s2.db", &app, "sandbox-tokens.db");
    put("cli.db", &cli, "storage.db");
    let kinds =
        || -> Vec<_> { find_all_with(&variables).unwrap().found.iter().map(|found| found.kind).collect() };
    assert_eq!(kinds(), [FoundKind::Sqlite, FoundKind::Cli]);
}

/// A copy of a golden database and an open connection to it.
fn open(name: &str) -> (tempfile::TempDir, PathBuf, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let path = put(name, directory.path(), "tokens.db");
    let connection = Connection::open(&path).unwrap();
    (directory, path, connection)
}

#[test]
fn odd_characters_in_a_path_lead_nowhere_else() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a?mode=rwc.db", "a#b.db", "a%20b.db", "ü ☃.db", "-wal"] {
        assert_eq!(detect(put("s2.db", directory.path(), name)).unwrap().kind, FoundKind::Sqlite, "{name}");
    }
}

#[test]
fn a_newer_schema_is_refused() {
    for (database, attribute, value, shown) in [
        ("s2.db", "globus-sdk.database_schema_version", "3", "3"),
        ("s1.db", "globus-sdk.database_schema_version", "AgSecret", "no number"),
        ("s0.db", "globus-sdk-tokenstorage.database_schema_version", "2", "2"),
    ] {
        let (_directory, path, connection) = open(database);
        let update = "UPDATE sdk_storage_adapter_internal SET value = ?1 WHERE attribute = ?2";
        assert_eq!(connection.execute(update, [value, attribute]).unwrap(), 1);
        drop(connection);
        let error = detect(&path).unwrap_err();
        assert!(
            matches!(error.kind(), StorageErrorKind::UnsupportedSchema { found, .. } if found == shown),
            "{error}"
        );
    }
}

#[test]
fn a_database_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    make_private(&path);
    let kind = detect(&path).unwrap_err().kind().clone();
    assert!(matches!(kind, StorageErrorKind::UnknownFormat { found: None, .. }), "{kind:?}");

    let mut torn = std::fs::read(put("s2.db", directory.path(), "torn.db")).unwrap();
    torn.truncate(5_000);
    torn[200..].fill(0xff);
    std::fs::write(&path, torn).unwrap();
    assert_eq!(*detect(&path).unwrap_err().kind(), StorageErrorKind::Database);
}

#[test]
fn rows_that_are_no_records_do_not_hide_the_others() {
    let (_directory, path, connection) = open("cli.db");
    let insert = "INSERT INTO token_storage VALUES ('userprofile/production', ?1, ?2)";
    for (server, value) in [("list", "[]"), ("torn", "{\"access_token\": \"AgGoldenTorn")] {
        connection.execute(insert, [server, value]).unwrap();
    }
    connection.execute(insert, ("number", 5)).unwrap();
    connection
        .execute_batch(
            "UPDATE config_storage SET config_data_json = '[5' WHERE config_name = 'auth_client_data'",
        )
        .unwrap();
    drop(connection);
    let found = detect(&path).unwrap();
    let production = found.namespace("userprofile/production").unwrap();
    assert_eq!((production.tokens.len(), production.damaged.len()), (2, 3));
    assert!(production.client.is_none());
    assert!(found.warnings.iter().any(unknown_client("userprofile/production")));
    assert!(found.warnings.iter().any(|warning| matches!(warning, Warning::Damaged { records: 3, .. })));
    assert!(!format!("{found:?}").contains("AgGolden"));
}

/// What [`reading_takes_no_lock_away_from_this_process`] starts; on its own it does nothing.
#[test]
fn another_process() {
    let Some(path) = std::env::var_os("GLOBUS_TEST_PATH") else { return };
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
}

/// On Unix a process loses its locks on a file when it closes any handle of that file.
#[test]
fn reading_takes_no_lock_away_from_this_process() {
    for mode in ["DELETE", "WAL"] {
        let (_directory, path, connection) = open("s2.db");
        let another = || {
            let mut command = std::process::Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "databases::another_process"]).env("GLOBUS_TEST_PATH", &path);
            let output = command.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("running 1 test"), "{text}");
            output.status.success()
        };
        connection.execute_batch(&format!("PRAGMA journal_mode = {mode}")).unwrap();
        assert!(another(), "{mode}");
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(detect(&path).unwrap().namespaces.len(), 2, "{mode}");
        assert!(!another(), "{mode}: the lock is still held");
        connection.execute_batch("COMMIT").unwrap();
        assert!(another(), "{mode}");
    }
}

/// Lets a writer begin so much that it has written parts of it into the file.
fn write_a_lot(connection: &Connection) {
    connection.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE").unwrap();
    for number in 0..200 {
        connection
            .execute("INSERT INTO token_storage VALUES ('new', ?1, ?2)", (number, "x".repeat(2_000)))
            .unwrap();
    }
}

#[test]
fn a_database_left_in_the_middle_of_a_write_is_refused_and_not_repaired() {
    let (directory, path, connection) = open("s2.db");
    write_a_lot(&connection);
    // What is on the disk now is what a crash would leave.
    let left = tempfile::tempdir().unwrap();
    for (name, content) in all(directory.path()) {
        std::fs::write(left.path().join(&name), content).unwrap();
        make_private(&left.path().join(&name));
    }
    let before = all(left.path());
    assert!(before["tokens.db-journal"].len() > 512, "the journal is not hot");
    let crashed = left.path().join(path.file_name().unwrap());
    let error = detect(&crashed).unwrap_err();
    assert_eq!(*error.kind(), StorageErrorKind::NeedsRecovery, "{error:?}");
    assert_eq!(error.path(), Some(crashed.as_path()));
    assert_eq!(all(left.path()), before);
}

#[test]
fn who_writes_is_waited_for_but_not_forever() {
    let (_directory, path, connection) = open("s2.db");
    connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM token_storage").unwrap();
    // Nothing of it is in the file yet.
    assert_eq!(detect(&path).unwrap().namespaces.len(), 2);
    connection.execute_batch("ROLLBACK; BEGIN EXCLUSIVE").unwrap();
    assert!(detect(&path).unwrap_err().is_locked());
}

#[test]
fn a_write_ahead_log_is_not_touched() {
    let (directory, path, connection) = open("s2.db");
    connection
        .execute_batch("PRAGMA journal_mode = WAL; DELETE FROM token_storage WHERE namespace = 'work'")
        .unwrap();
    let before = all(directory.path());
    assert!(!before["tokens.db-wal"].is_empty());
    assert_eq!(*detect(&path).unwrap_err().kind(), StorageErrorKind::NeedsRecovery);
    assert_eq!(all(directory.path()), before);

    // The last one to close it puts everything into the file.
    drop(connection);
    let before = all(directory.path());
    assert_eq!(before.len(), 1);
    assert_eq!(detect(&path).unwrap().namespaces.len(), 1);
    assert_eq!(all(directory.path()), before);
}
