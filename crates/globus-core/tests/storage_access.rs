//! Who else may get at a file of tokens, and what is done about it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use globus_core::config::{Environment, Variables};
use globus_core::storage::{
    JsonTokenStorage, SimpleJsonFileAdapter, Storage, StorageAdapter, StorageErrorKind, StoreKind,
    open_checked,
};
use globus_core::token::Grant;
use globus_core::{StorageError, Timestamp, TokenData, TokenResponse};

const CLIENT: &str = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";

fn login() -> TokenResponse {
    let body = br#"{"access_token": "AgNew", "scope": "s", "expires_in": 10, "resource_server": "rs"}"#;
    TokenResponse::parse(Grant::AuthorizationCode, body, Timestamp::UNIX_EPOCH).unwrap()
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: impl AsRef<Path>, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A directory `tokens` with a token in it, inside of a temporary one.
fn here() -> (tempfile::TempDir, PathBuf, SimpleJsonFileAdapter) {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("tokens");
    std::fs::create_dir(&inner).unwrap();
    chmod(&inner, 0o755);
    let adapter = SimpleJsonFileAdapter::for_resource_server(inner.join("rs.json"), "rs");
    adapter.store(&login()).unwrap();
    (directory, inner, adapter)
}

/// Whatever would read or write the file.
fn errors(adapter: &SimpleJsonFileAdapter) -> [StorageError; 6] {
    [
        adapter.latest().unwrap_err(),
        adapter.store(&login()).unwrap_err(),
        adapter.lock_refresh().unwrap_err(),
        adapter.inspect().unwrap_err(),
        adapter.restore_last_good().unwrap_err(),
        adapter.remove().unwrap_err(),
    ]
}

#[test]
fn a_directory_in_which_everybody_may_exchange_files_is_refused() {
    let (_directory, inner, adapter) = here();
    chmod(&inner, 0o777);
    for error in errors(&adapter) {
        assert!(matches!(error.kind(), StorageErrorKind::UnsafeDirectory { mode: 0o777, .. }), "{error}");
        assert_eq!(error.path(), Some(inner.as_path()));
        assert!(error.to_string().contains("chmod o-w"), "{error}");
    }
    assert!(matches!(
        open_checked(&inner.join("rs.json")).unwrap_err().kind(),
        StorageErrorKind::UnsafeDirectory { .. }
    ));
    // A sticky one is fine, and one for a group of trusted people.
    for fine in [0o1777, 0o775, 0o711] {
        chmod(&inner, fine);
        adapter.store(&login()).unwrap();
        adapter.latest().unwrap().unwrap();
        assert_eq!(mode(&inner), fine, "a directory that is not the app's own is left alone");
    }
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    let (_directory, inner, adapter) = here();
    if chown(&inner, Some(12_345), None).is_err() {
        return; // Only root can make a directory of somebody else.
    }
    for error in errors(&adapter) {
        assert!(matches!(error.kind(), StorageErrorKind::ForeignOwner { owner: 12_345, .. }), "{error}");
        assert_eq!(error.path(), Some(inner.as_path()));
    }
}

#[test]
fn what_belongs_to_root_is_fine() {
    let (directory, inner, adapter) = here();
    if !rustix::process::geteuid().is_root() {
        return; // Root's own files are made by root.
    }
    chmod(directory.path(), 0o755);
    chmod(inner.join("rs.json"), 0o644);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(65_534)).unwrap();
            assert!(adapter.latest().unwrap().is_some());
        });
        thread.join().unwrap();
    });
}

#[test]
fn a_link_is_followed_only_into_a_safe_directory_and_out_of_one() {
    let (directory, inner, _) = here();
    let link = directory.path().join("link.json");
    symlink(inner.join("rs.json"), &link).unwrap();
    assert_eq!(*open_checked(&link).unwrap_err().kind(), StorageErrorKind::Symlink);
    let adapter = SimpleJsonFileAdapter::for_resource_server(&link, "rs").follow_symlinks(true);
    for unsafe_one in [directory.path(), &inner] {
        let before = mode(unsafe_one);
        chmod(unsafe_one, 0o777);
        let error = adapter.latest().unwrap_err();
        assert!(matches!(error.kind(), StorageErrorKind::UnsafeDirectory { .. }), "{error}");
        chmod(unsafe_one, before);
    }
    assert!(adapter.latest().unwrap().is_some());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Blocks without a runtime, so that the work is done on this very thread.
fn wait<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).unwrap()
}

#[test]
fn the_directory_of_an_app_is_closed_by_the_next_write_and_no_other_is() {
    let home = tempfile::tempdir().unwrap();
    chmod(home.path(), 0o755);
    let variables = Variables::from_iter([("HOME", home.path().to_str().unwrap())]);
    let new =
        || JsonTokenStorage::for_app_with(CLIENT, "My App", &Environment::production(), &variables).unwrap();
    let app = home.path().join(".globus/app").join(CLIENT).join("my-app");
    assert_eq!(new().path(), app.join("tokens.json"));

    // As the Python SDK makes it.
    std::fs::create_dir_all(&app).unwrap();
    chmod(&app, 0o755);
    let storage = Storage::from(new());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || wait(storage.get("rs")).unwrap());
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("WARN") && text.contains(app.to_str().unwrap()), "{text}");
    assert_eq!(mode(&app), 0o755);

    wait(storage.store(vec![TokenData::new("rs", "s", "AgNew", 1)], StoreKind::Login)).unwrap();
    assert_eq!(mode(&app), 0o700);
    for other in [home.path(), &home.path().join(".globus"), &home.path().join(".globus/app")] {
        assert_eq!(mode(other) & 0o700, 0o700);
        assert_eq!(mode(other) & 0o055, 0o055, "{} was not made by this", other.display());
    }

    // A directory elsewhere, to which a link leads, is not the app's own.
    let elsewhere = home.path().join("elsewhere");
    std::fs::rename(&app, &elsewhere).unwrap();
    chmod(&elsewhere, 0o755);
    symlink(&elsewhere, &app).unwrap();
    wait(Storage::from(new()).store(vec![TokenData::new("rs", "s", "AgNewer", 1)], StoreKind::Login))
        .unwrap();
    assert_eq!(mode(&elsewhere), 0o755);
}

#[test]
fn the_storage_of_an_app_is_found_by_its_ids() {
    let variables = Variables::from_iter([("HOME", "/home/ada")]);
    let path = |client: &str, name: &str, environment: &Environment, variables: &Variables| {
        JsonTokenStorage::for_app_with(client, name, environment, variables)
            .map(|storage| storage.path().to_owned())
            .map_err(|error| error.setting().to_owned())
    };
    assert_eq!(
        path(CLIENT, "My App", &Environment::preview(), &variables).unwrap(),
        Path::new("/home/ada/.globus/app").join(CLIENT).join("my-app/preview-tokens.json")
    );
    let production = Environment::production();
    for client in ["", "../x", "my-client", "4fb58e00-839d-4e54-8047"] {
        assert_eq!(path(client, "My App", &production, &variables).unwrap_err(), "client id", "{client}");
    }
    assert_eq!(path(CLIENT, "", &production, &variables).unwrap_err(), "app name");
    assert_eq!(path(CLIENT, "My App", &production, &Variables::none()).unwrap_err(), "home directory");
    let ours = JsonTokenStorage::for_app(CLIENT, "My App", &production).unwrap();
    assert!(ours.path().starts_with(std::env::home_dir().unwrap()));
}
