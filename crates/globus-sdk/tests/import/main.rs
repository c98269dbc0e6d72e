//! Importing from stores of the Python packages, which `make_golden.py` has made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[cfg(feature = "sqlite")]
mod databases;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globus_sdk::config::{Environment, Variables};
use globus_sdk::storage::import::{
    Found, FoundKind, FoundNamespace, Warning, detect, detect_flat, find_all_with,
};
use globus_sdk::storage::{
    JsonTokenStorage, MemoryTokenStorage, Storage, StorageErrorKind, StoreKind, TokenStorage,
};
use globus_sdk::{RefreshToken, TokenData};

const AUTH: &str = "auth.globus.org";
const TRANSFER: &str = "transfer.api.globus.org";
const IDENTITY: &str = "4f1c2b9e-0000-4000-8000-0123456789ab";
const CLIENT: &str = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";

/// A private copy of a golden file under some name.
fn put(name: &str, directory: &Path, as_name: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/golden").join(name);
    let path = directory.join(as_name);
    std::fs::write(&path, std::fs::read(golden).unwrap()).unwrap();
    make_private(&path);
    path
}

#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn make_private(_: &Path) {}

/// Every file of a directory with its content.
fn all(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
    });
    files.collect()
}

/// Looks at a golden file, and at that nothing was written.
fn found(name: &str) -> Found {
    let directory = tempfile::tempdir().unwrap();
    let path = put(name, directory.path(), name);
    let before = all(directory.path());
    let found = detect(&path).unwrap();
    assert_eq!(all(directory.path()), before, "reading has changed something");
    assert_eq!((&found.path, &found.app), (&path, &None));
    let shown = format!("{found:?}");
    assert!(!shown.contains("AgGolden") && !shown.contains("Secret\""), "{shown}");
    found
}

/// Server, access and refresh token of every record.
fn tokens(namespace: &FoundNamespace) -> Vec<(&str, &str, Option<&str>)> {
    assert!(namespace.damaged.is_empty());
    let token = |token: &TokenData| {
        assert_eq!((token.expires_at_seconds, token.token_type.as_deref()), (1_700_172_800, Some("Bearer")));
    };
    namespace.tokens.values().for_each(token);
    let shown = |(name, token): (&'_ _, &'_ TokenData)| {
        assert_eq!(token.resource_server, *name);
    };
    namespace.tokens.iter().for_each(shown);
    namespace
        .tokens
        .values()
        .map(|token| {
            let refresh = token.refresh_token.as_ref().map(RefreshToken::expose);
            (token.resource_server.as_str(), token.access_token.expose(), refresh)
        })
        .collect()
}

fn unknown_client(namespace: &str) -> impl Fn(&Warning) -> bool + '_ {
    move |warning| matches!(warning, Warning::UnknownClient { namespace: name, .. } if *name == namespace)
}

#[test]
fn a_flat_file_is_read() {
    let found = found("flat.json");
    assert_eq!(found.kind, FoundKind::FlatJson);
    assert_eq!(
        tokens(found.namespace("DEFAULT").unwrap()),
        [(TRANSFER, "AgGoldenFlatTransferAccess", Some("AgGoldenFlatTransferRefresh"))]
    );
    assert!(found.warnings.contains(&Warning::SharedRefreshTokens));
    assert!(found.warnings.iter().any(unknown_client("DEFAULT")), "{:?}", found.warnings);
}

#[test]
fn a_flat_file_that_does_not_say_whose_it_is_needs_to_be_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flat.json");
    std::fs::write(&path, r#"{"access_token": "Ag", "globus-sdk-tokenstorage.version": "0.1.0"}"#).unwrap();
    let error = detect(&path).unwrap_err();
    assert!(
        matches!(error.kind(), StorageErrorKind::MissingField { field, .. } if field == "resource_server")
    );
    let found = detect_flat(&path, "rs").unwrap();
    assert_eq!(found.namespaces[0].tokens["rs"].access_token.expose(), "Ag");
    assert!(!found.warnings.contains(&Warning::SharedRefreshTokens));
}

#[test]
fn a_file_of_format_1_is_read() {
    let found = found("v1.json");
    assert_eq!(found.kind, FoundKind::LegacyJson);
    assert_eq!(
        tokens(found.namespace("DEFAULT").unwrap()),
        [
            (AUTH, "AgGoldenV1AuthAccess", None),
            (TRANSFER, "AgGoldenV1TransferAccess", Some("AgGoldenV1TransferRefresh"))
        ]
    );
}

#[test]
fn a_file_of_format_2_is_read_with_its_namespaces() {
    let found = found("v2.json");
    assert_eq!(found.kind, FoundKind::Json);
    assert_eq!(
        tokens(found.namespace("DEFAULT").unwrap()),
        [
            (AUTH, "AgGoldenV2AuthAccess", None),
            (TRANSFER, "AgGoldenV2TransferAccess", Some("AgGoldenV2TransferRefresh"))
        ]
    );
    assert_eq!(
        tokens(found.namespace("work").unwrap()),
        [(TRANSFER, "AgGoldenV2WorkTransferAccess", Some("AgGoldenV2WorkTransferRefresh"))]
    );
    let identity = |name: &str| found.namespace(name).unwrap().tokens[TRANSFER].identity_id.clone();
    assert_eq!(
        (identity("DEFAULT").as_deref(), identity("work").as_deref()),
        (Some(IDENTITY), Some(IDENTITY))
    );
}

#[test]
fn the_path_of_an_app_says_which_client_it_is() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("app").join(CLIENT).join("my-app");
    std::fs::create_dir_all(&directory).unwrap();
    for (name, environment) in [("tokens.json", "production"), ("preview-tokens.json", "preview")] {
        let found = detect(put("v2.json", &directory, name)).unwrap();
        let app = found.app.unwrap();
        assert_eq!((app.client_id.as_str(), app.slug.as_str()), (CLIENT, "my-app"));
        assert_eq!(app.environment, environment);
        let namespace = &found.namespaces[0];
        assert_eq!(namespace.environment.as_deref(), Some(environment));
        let client = namespace.client.as_ref().unwrap();
        assert_eq!((client.client_id.as_str(), &client.client_secret), (CLIENT, &None));
        assert!(!found.warnings.iter().any(unknown_client("DEFAULT")));
    }
    assert!(detect(put("v2.json", &directory, "other.json")).unwrap().app.is_none());
}

#[test]
fn what_is_no_store_is_refused_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    assert!(detect(&path).unwrap_err().is_not_found());
    for (content, kind) in [
        ("", "UnknownFormat"),
        ("AgSecret", "NotJson"),
        ("[\"AgSecret\"]", "NotAnObject"),
        (r#"{"access_token": "AgSecret"}"#, "UnknownFormat"),
        (r#"{"data": {}, "format_version": "9.0"}"#, "UnknownFormat"),
        (
            r#"{"data": {"DEFAULT": "AgSecret"}, "format_version": "2.0", "globus-sdk.version": "1"}"#,
            "InvalidField",
        ),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = detect(&path).unwrap_err();
        assert!(format!("{:?}", error.kind()).starts_with(kind), "{error:?}");
        assert_eq!(error.path(), Some(path.as_path()));
        assert!(!format!("{error} {error:?}").contains("AgSecret"));
    }
    #[cfg(not(feature = "sqlite"))]
    {
        let database = put("s2.db", directory.path(), "tokens.db");
        for _ in 0..2 {
            let error = detect(&database).unwrap_err();
            assert!(error.to_string().contains("feature `sqlite`"), "{error}");
            assert_eq!(error.path(), Some(&*database));
        }
    }
}

#[test]
fn damaged_records_do_not_hide_the_good_ones() {
    let directory = tempfile::tempdir().unwrap();
    let path = put("v2.json", directory.path(), "v2.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replacen("\"expires_at_seconds\": 1700172800", "\"expires_at_seconds\": null", 1),
    )
    .unwrap();
    let found = detect(&path).unwrap();
    let default = found.namespace("DEFAULT").unwrap();
    assert_eq!((default.tokens.len(), default.damaged.len()), (1, 1));
    assert_eq!(
        (default.damaged[0].resource_server().unwrap().as_str(), default.damaged[0].path()),
        (AUTH, Some(&*path))
    );
    assert!(found.warnings.iter().any(|warning| matches!(warning, Warning::Damaged { records: 1, .. })));
}

#[cfg(unix)]
mod access {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    /// A JSON file and a database: how they are read differs, whether they may be does not.
    pub(crate) fn stores(directory: &Path) -> Vec<PathBuf> {
        vec![put("v2.json", directory, "tokens.json"), put("cli.db", directory, "storage.db")]
    }

    fn kinds(paths: &[PathBuf]) -> Vec<StorageErrorKind> {
        paths.iter().map(|path| detect(path).unwrap_err().kind().clone()).collect()
    }

    #[test]
    fn a_link_is_refused_and_one_among_the_directories_is_fine() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("real");
        std::fs::create_dir(&real).unwrap();
        symlink(&real, directory.path().join("linked")).unwrap();
        for store in stores(&real) {
            let link = directory.path().join("link");
            symlink(&store, &link).unwrap();
            assert_eq!(kinds(std::slice::from_ref(&link)), [StorageErrorKind::Symlink]);
            std::fs::remove_file(&link).unwrap();
            let store = directory.path().join("linked").join(store.file_name().unwrap());
            let is_database = store.extension().unwrap() == "db";
            if !is_database || cfg!(feature = "sqlite") {
                assert_eq!(detect(&store).unwrap().path, store);
            }
        }
    }

    #[test]
    fn what_everybody_may_exchange_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let stores = stores(directory.path());
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        for kind in kinds(&stores) {
            assert!(matches!(kind, StorageErrorKind::UnsafeDirectory { mode: 0o777, .. }), "{kind:?}");
        }
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let stores = stores(directory.path());
        for store in &stores {
            if chown(store, Some(12_345), None).is_err() {
                return; // Only root can make a file of somebody else.
            }
        }
        for kind in kinds(&stores) {
            assert!(matches!(kind, StorageErrorKind::ForeignOwner { owner: 12_345, .. }), "{kind:?}");
        }
    }

    #[test]
    fn what_others_may_read_is_warned_about() {
        let directory = tempfile::tempdir().unwrap();
        let store = put("v2.json", directory.path(), "tokens.json");
        std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).unwrap();
        let warnings = detect(&store).unwrap().warnings;
        let warning =
            warnings.iter().find(|warning| matches!(warning, Warning::OpenToOthers { .. })).unwrap();
        assert!(warning.to_string().contains("644"), "{warning}");
        assert_eq!(
            std::fs::metadata(&store).unwrap().permissions().mode() & 0o777,
            0o644,
            "it is not ours to close"
        );
    }
}

#[tokio::test]
async fn what_the_caller_chose_is_stored_and_nothing_is_replaced() {
    let found = found("v2.json");
    let storage = Storage::from(MemoryTokenStorage::new());
    let mine = TokenData::new(AUTH, "s", "AgMine", 1);
    storage.store(vec![mine], StoreKind::Login).await.unwrap();

    let imported = found.namespace("DEFAULT").unwrap().import_into(&storage).await.unwrap();
    assert_eq!(imported.stored, [TRANSFER]);
    assert_eq!(imported.left_out, [AUTH]);
    assert_eq!(storage.get(AUTH).await.unwrap().unwrap().access_token.expose(), "AgMine");
    let stored = storage.get(TRANSFER).await.unwrap().unwrap();
    assert_eq!(stored.refresh_token.unwrap().expose(), "AgGoldenV2TransferRefresh");
    assert_eq!(storage.list().await.unwrap(), ["DEFAULT"]);

    let again = found.import_into(&storage).await.unwrap();
    assert!(again["DEFAULT"].stored.is_empty());
    assert_eq!(again["work"].stored, [TRANSFER]);
    let work = storage.with_namespace("work").get(TRANSFER).await.unwrap().unwrap();
    assert_eq!(work.access_token.expose(), "AgGoldenV2WorkTransferAccess");
}

#[tokio::test]
async fn the_caller_chooses_among_the_resource_servers() {
    let mut found = found("v1.json");
    let namespace = &mut found.namespaces[0];
    namespace.retain(&[AUTH]);
    let storage = Storage::from(MemoryTokenStorage::new());
    assert_eq!(namespace.import_into(&storage).await.unwrap().stored, [AUTH]);
    assert!(storage.get(TRANSFER).await.unwrap().is_none());
}

#[tokio::test]
async fn a_damaged_record_of_the_target_is_not_replaced_either() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    let content = format!(
        r#"{{"data": {{"DEFAULT": {{"{AUTH}": 5}}}}, "format_version": "2.0", "globus-sdk.version": "1"}}"#
    );
    std::fs::write(&path, content).unwrap();
    let storage = Storage::from(JsonTokenStorage::new(&path));
    let imported = found("v1.json").namespaces[0].import_into(&storage).await.unwrap();
    assert_eq!((imported.left_out.len(), imported.stored.len()), (1, 1));
    assert_eq!(storage.get_all().await.unwrap().damaged.len(), 1);
}

#[tokio::test]
async fn the_usual_places_are_looked_into() {
    let home = tempfile::tempdir().unwrap();
    let variables = Variables::from_iter([("HOME", home.path().to_str().unwrap())]);
    let nothing = find_all_with(&variables).unwrap();
    assert!(nothing.found.is_empty() && nothing.unreadable.is_empty());
    assert!(find_all_with(&Variables::none()).is_err());

    let ours =
        JsonTokenStorage::for_app_with(CLIENT, "My App", &Environment::production(), &variables).unwrap();
    let token = TokenData::new(TRANSFER, "s", "AgOurs", 1);
    for access in ["AgOlder", "AgOld"] {
        let token = TokenData::new(TRANSFER, "s", access, 1);
        ours.store(&"DEFAULT".into(), vec![token], StoreKind::Login).await.unwrap();
    }
    ours.store(&"DEFAULT".into(), vec![token], StoreKind::Login).await.unwrap();
    let app = ours.path().parent().unwrap();
    put("v1.json", app, "preview-tokens.json");
    put("v1.json", app, "notes.json");
    put("v1.json", app, "mytokens.json");
    std::fs::write(app.join("sandbox-tokens.json"), "torn").unwrap();
    std::fs::write(home.path().join(".globus/app/a-file"), "").unwrap();

    let all = find_all_with(&variables).unwrap();
    let names: Vec<_> =
        all.found.iter().map(|found| found.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["preview-tokens.json", "tokens.json"]);
    assert_eq!(all.found[1].namespaces[0].tokens[TRANSFER].access_token.expose(), "AgOurs");
    assert_eq!(all.unreadable.len(), 1);
    assert!(
        all.unreadable[0].is_damaged() && all.unreadable[0].path().unwrap().ends_with("sandbox-tokens.json")
    );
}
